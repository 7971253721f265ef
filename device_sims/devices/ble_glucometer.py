"""A Bluetooth glucose meter: Glucose Measurement (0x2A18), as its bridge forwards it.

    flags(1) sequence(2) base time(7) [time offset(2)] [concentration(2) type and location(1)]

Flags: bit 0 time offset, 1 concentration, 2 mol/L (else kg/L), 3 status. A meter keeps its base
time as it was bought and writes by how many minutes its user has corrected it.
"""

import struct
from typing import Final

from device_sims.ble_format import local_time, sfloat
from device_sims.body import Vitals
from device_sims.habits import MINUTE_MS

CHARACTERISTIC: Final = "2A18"
_OFFSET, _CONCENTRATION, _MOLAR = 0x01, 0x02, 0x04
_G_PER_MOL: Final = 180.156
# Capillary whole blood from a finger.
_FINGER: Final = 0x11
_BEGIN_MS: Final = 1_767_225_600_000


def measurement(
    at_ms: int,
    mmol_l: float,
    sequence: int,
    *,
    molar: bool = True,
    offset_min: int | None = None,
) -> bytes:
    flags = _CONCENTRATION | (_MOLAR if molar else 0) | (0 if offset_min is None else _OFFSET)
    body = struct.pack("<H", sequence & 0xFFFF) + local_time(at_ms - (offset_min or 0) * MINUTE_MS)
    if offset_min is not None:
        body += struct.pack("<h", offset_min)
    if molar:
        body += sfloat(mmol_l * 1e-3, -4)
    else:
        body += sfloat(mmol_l * _G_PER_MOL * 1e-6, -5)
    return bytes([flags]) + body + bytes([_FINGER])


def payload(at_ms: int, seen: Vitals, make: int) -> bytes:
    """Half of the makes tell mg/dL (as kg/L), one in three has a corrected clock."""
    return measurement(
        at_ms,
        seen.glucose_mmol_l,
        # Numbered as measured: a meter that is used once in ten minutes counts so.
        (at_ms - _BEGIN_MS) // (10 * MINUTE_MS),
        molar=make % 2 == 0,
        offset_min=-480 if make % 3 == 1 else None,
    )
