"""DL/T 645 electricity meters: frame, items, meaning, requests, meter, master, spec."""

from gateway.drivers.dlt645.spec import SPEC

__all__ = ["SPEC"]
