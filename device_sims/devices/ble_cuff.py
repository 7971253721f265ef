"""A Bluetooth blood pressure cuff: Blood Pressure Measurement (0x2A35), as its bridge forwards it.

Flags: bit 0 kPa, 1 time stamp, 2 pulse, 3 user, 4 status. Values are SFLOAT: four bits of signed
exponent, twelve of signed mantissa, little endian.
"""

import struct
from datetime import UTC, datetime, timedelta
from typing import Final

_ZONE: Final = timedelta(hours=8)
_FLAG_TIME: Final = 0x02
_FLAG_PULSE: Final = 0x04
_FLAG_STATUS: Final = 0x10


def sfloat(value: float, exponent: int = 0) -> bytes:
    mantissa = round(value / 10**exponent)
    return struct.pack("<H", (exponent & 0xF) << 12 | mantissa & 0xFFF)


def measurement(at_ms: int, systolic: float, diastolic: float, pulse: float) -> bytes:
    """One measurement with the cuff's local time."""
    local = datetime.fromtimestamp(at_ms / 1000, tz=UTC) + _ZONE
    mean = diastolic + (systolic - diastolic) / 3
    return (
        bytes([_FLAG_TIME | _FLAG_PULSE | _FLAG_STATUS])
        + sfloat(systolic)
        + sfloat(diastolic)
        + sfloat(mean, -1)
        + struct.pack("<H", local.year)
        + bytes([local.month, local.day, local.hour, local.minute, local.second])
        + sfloat(pulse)
        + struct.pack("<H", 0)
    )
