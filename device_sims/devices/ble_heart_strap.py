"""A Bluetooth chest strap: Heart Rate Measurement (0x2A37), as its bridge forwards it.

    flags(1) rate(1 or 2) [energy(2)] [interval(2, 1/1024 s)]...

Flags: bit 0 rate in two bytes, 1 contact found, 2 contact is known, 4 intervals between beats.
"""

import random
import struct
from collections.abc import Sequence
from typing import Final

from device_sims.body import Vitals

CHARACTERISTIC: Final = "2A37"
_WIDE, _CONTACT, _KNOWS_CONTACT, _INTERVALS = 0x01, 0x02, 0x04, 0x10


def measurement(
    pulse_bpm: float,
    *,
    wide: bool = False,
    contact: bool | None = True,
    intervals_s: Sequence[float] = (),
) -> bytes:
    """`contact` None: the strap can't tell whether it is worn."""
    flags = (_WIDE if wide else 0) | (0 if contact is None else _KNOWS_CONTACT)
    flags |= (_CONTACT if contact else 0) | (_INTERVALS if intervals_s else 0)
    body = struct.pack("<H" if wide else "<B", round(pulse_bpm))
    for interval_s in intervals_s:
        body += struct.pack("<H", round(interval_s * 1024))
    return bytes([flags]) + body


def payload(at_ms: int, seen: Vitals, make: int) -> bytes:
    """Intervals between beats scatter by 3 per cent, or by 25 when the heart is irregular."""
    r = random.Random(at_ms * 31 + make)
    scatter = 0.25 if seen.irregular else 0.03
    beat_s = 60 / seen.pulse_bpm
    intervals_s = [beat_s * max(0.4, r.gauss(1, scatter)) for _ in range(1 + (beat_s < 0.8))]
    return measurement(
        seen.pulse_bpm,
        wide=make % 3 == 1,
        contact=None if make % 3 == 2 else True,
        intervals_s=intervals_s if make % 2 else (),
    )
