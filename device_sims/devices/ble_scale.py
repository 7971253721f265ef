"""A Bluetooth scale: Weight Measurement (0x2A9D), as its bridge forwards it.

    flags(1) weight(2) [time(7)] [user(1)]

Flags: bit 0 imperial, 1 time, 2 user. Weight in steps of 0.005 kg or 0.01 lb.
"""

import struct
from typing import Final

from device_sims.ble_format import local_time
from device_sims.body import Vitals

CHARACTERISTIC: Final = "2A9D"
_IMPERIAL, _TIME, _USER = 0x01, 0x02, 0x04
_KG_PER_LB: Final = 0.45359237


def measurement(
    at_ms: int,
    kg: float,
    *,
    imperial: bool = False,
    stamps_time: bool = True,
    user: int | None = None,
) -> bytes:
    flags = (_IMPERIAL if imperial else 0) | (_TIME if stamps_time else 0)
    steps = kg / _KG_PER_LB / 0.01 if imperial else kg / 0.005
    body = struct.pack("<H", round(steps))
    if stamps_time:
        body += local_time(at_ms)
    if user is not None:
        flags |= _USER
        body += bytes([user])
    return bytes([flags]) + body


def payload(at_ms: int, seen: Vitals, make: int) -> bytes:
    """One make in five shows pounds, some know their user, some have no clock."""
    return measurement(
        at_ms,
        seen.weight_kg,
        imperial=make % 5 == 1,
        stamps_time=make % 5 != 2,
        user=1 if make % 5 == 3 else None,
    )
