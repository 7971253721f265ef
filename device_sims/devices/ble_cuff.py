"""A Bluetooth blood pressure cuff: Blood Pressure Measurement (0x2A35), as its bridge forwards it.

    flags(1) systolic(2) diastolic(2) mean(2) [time(7)] [pulse(2)] [user(1)] [status(2)]

Flags: bit 0 kPa, 1 time stamp, 2 pulse, 3 user, 4 status. Values are SFLOAT: four bits of signed
exponent, twelve of signed mantissa, little endian.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_ZONE: Final = timedelta(hours=8)
_KPA_PER_MMHG: Final = 0.133322387
_FLAG_KPA: Final = 0x01
_FLAG_TIME: Final = 0x02
_FLAG_PULSE: Final = 0x04
_FLAG_USER: Final = 0x08
_FLAG_STATUS: Final = 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class CuffModel:
    """What a make of cuff tells; `user` None: it knows no users."""

    kpa: bool = False
    stamps_time: bool = True
    user: int | None = None


PLAIN: Final = CuffModel()


def sfloat(value: float, exponent: int = 0) -> bytes:
    mantissa = round(value / 10**exponent)
    return struct.pack("<H", (exponent & 0xF) << 12 | mantissa & 0xFFF)


def measurement(
    at_ms: int,
    systolic: float,
    diastolic: float,
    pulse: float | None,
    *,
    model: CuffModel = PLAIN,
    status: int = 0,
) -> bytes:
    """One measurement, given in mmHg, with the cuff's local time."""
    flags = _FLAG_STATUS
    body = b""
    for value in (systolic, diastolic, diastolic + (systolic - diastolic) / 3):
        body += sfloat(value * _KPA_PER_MMHG, -1) if model.kpa else sfloat(value)
    if model.kpa:
        flags |= _FLAG_KPA
    if model.stamps_time:
        flags |= _FLAG_TIME
        local = datetime.fromtimestamp(at_ms / 1000, tz=UTC) + _ZONE
        body += struct.pack("<H", local.year)
        body += bytes([local.month, local.day, local.hour, local.minute, local.second])
    if pulse is not None:
        flags |= _FLAG_PULSE
        body += sfloat(pulse)
    if model.user is not None:
        flags |= _FLAG_USER
        body += bytes([model.user])
    return bytes([flags]) + body + struct.pack("<H", status)
