"""Numbers and times as Bluetooth health devices write them, in an encoding of our own. Pure.

SFLOAT has four bits of signed exponent and twelve of signed mantissa, FLOAT eight and twenty-four,
both little endian; a time is year(2) month day hour minute second of the device's own clock.
"""

import struct
from datetime import UTC, datetime, timedelta
from typing import Final

_ZONE: Final = timedelta(hours=8)


def sfloat(value: float, exponent: int = 0) -> bytes:
    mantissa = round(value / 10**exponent)
    return struct.pack("<H", (exponent & 0xF) << 12 | mantissa & 0xFFF)


def float32(value: float, exponent: int = 0) -> bytes:
    mantissa: int = round(value / 10**exponent)
    return (mantissa & 0xFFFFFF).to_bytes(3, "little") + struct.pack("<b", exponent)


def local_time(at_ms: int) -> bytes:
    local = datetime.fromtimestamp(at_ms / 1000, tz=UTC) + _ZONE
    date = bytes([local.month, local.day, local.hour, local.minute, local.second])
    return struct.pack("<H", local.year) + date
