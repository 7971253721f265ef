"""A bus with simulated meters, and what its master said of them."""

from gateway.drivers.dlt645.spec import build
from tests.adapters.dlt645_slaves import Line

A = "000000000161"

B = "000000000162"

ITEMS = {"00010000": "00123456", "02030000": "002512", "02010100": "2301", "02020100": "001500"}

POLL_MS = 60_000


def master(*addresses: str, **config):
    meters = [{"address": address} for address in addresses]
    return build({"poll_s": POLL_MS // 1000, "meters": meters, **config})


def powers(line: Line, device: str = f"dlt645-{A}") -> list:
    return [m for m in line.measured() if m.kind == "power" and m.device == device]


def faults(line: Line) -> list[tuple[str, dict]]:
    return [(m.device, dict(m.attrs)) for m in line.measured() if m.kind == "device_health"]
