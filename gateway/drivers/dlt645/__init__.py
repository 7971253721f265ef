"""DL/T 645 electricity meters: frame, items, meaning, requests, meter, master, search, spec."""

from gateway.drivers.dlt645.search import AddressSearch
from gateway.drivers.dlt645.spec import SPEC

__all__ = ["SPEC", "AddressSearch"]
