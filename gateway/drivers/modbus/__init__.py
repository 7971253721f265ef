"""Modbus RTU electricity meters: frame, register maps, rounds of a meter, master, spec."""

from gateway.drivers.modbus.spec import SPEC

__all__ = ["SPEC"]
