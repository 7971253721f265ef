"""A Bluetooth blood pressure cuff: Blood Pressure Measurement (0x2A35), as its bridge forwards it.

    flags(1) systolic(2) diastolic(2) mean(2) [time(7)] [pulse(2)] [user(1)] [status(2)]

Flags: bit 0 kPa, 1 time stamp, 2 pulse, 3 user, 4 status. Values are SFLOAT: four bits of signed
exponent, twelve of signed mantissa, little endian.
"""

import struct
from dataclasses import dataclass
from typing import Final

from device_sims.ble_format import local_time, sfloat
from device_sims.body import Vitals

CHARACTERISTIC: Final = "2A35"
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
# Status: the pulse was not regular.
_IRREGULAR: Final = 0x04


def cuff_model(make: int) -> CuffModel:
    """Makes differ: one in five tells kPa, another keeps no time, another knows its users."""
    if make % 5 == 1:
        return CuffModel(kpa=True)
    if make % 5 == 2:
        return CuffModel(stamps_time=False)
    return CuffModel(user=1) if make % 5 == 3 else PLAIN


def payload(at_ms: int, seen: Vitals, make: int) -> bytes:
    """What a cuff of this make says when it has measured."""
    return measurement(
        at_ms,
        seen.systolic_mmhg,
        seen.diastolic_mmhg,
        seen.pulse_bpm,
        model=cuff_model(make),
        status=_IRREGULAR if seen.irregular else 0,
    )


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
        body += local_time(at_ms)
    if pulse is not None:
        flags |= _FLAG_PULSE
        body += sfloat(pulse)
    if model.user is not None:
        flags |= _FLAG_USER
        body += bytes([model.user])
    return bytes([flags]) + body + struct.pack("<H", status)
