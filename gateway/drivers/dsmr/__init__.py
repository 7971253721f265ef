"""DSMR P1 ports of electricity meters: telegram, quantities, spec."""

from gateway.drivers.dsmr.spec import SPEC

__all__ = ["SPEC"]
