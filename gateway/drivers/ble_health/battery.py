"""0x2A19 Battery Level (Battery Service 1.1): one byte, per cent; above 100 reserved."""

from typing import Final

from gateway.drivers.ble_health.value import Cursor, Explained, OutOfRange, Reading

PERCENT_MAX: Final = 100


def explain(data: bytes) -> Explained:
    b = Cursor(data)
    level = b.u8()
    if level > PERCENT_MAX:
        raise OutOfRange(f"battery level {level}, at most {PERCENT_MAX}")
    reading = Reading(kind="device_health", values={"battery_pct": float(level)})
    return Explained(fields={"battery_level": level, **b.rest()}, reading=reading)
