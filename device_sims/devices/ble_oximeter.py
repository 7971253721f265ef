"""A Bluetooth pulse oximeter: PLX Spot-Check Measurement (0x2A5E), as its bridge forwards it.

    flags(1) SpO2(2) pulse(2) [time(7)] [measurement status(2)] [sensor status(3)] [amplitude(2)]

Flags: bit 0 time, 1 measurement status, 2 sensor status, 3 amplitude. Values are SFLOAT.
"""

import struct
from typing import Final

from device_sims.ble_format import local_time, sfloat
from device_sims.body import Vitals

CHARACTERISTIC: Final = "2A5E"
_TIME, _STATUS, _AMPLITUDE = 0x01, 0x02, 0x08
_FULLY_QUALIFIED: Final = 1 << 8


def measurement(
    at_ms: int,
    spo2_pct: float,
    pulse_bpm: float,
    *,
    stamps_time: bool = True,
    status: int | None = _FULLY_QUALIFIED,
    amplitude_pct: float | None = None,
) -> bytes:
    flags = 0
    body = sfloat(spo2_pct) + sfloat(pulse_bpm)
    if stamps_time:
        flags |= _TIME
        body += local_time(at_ms)
    if status is not None:
        flags |= _STATUS
        body += struct.pack("<H", status)
    if amplitude_pct is not None:
        flags |= _AMPLITUDE
        body += sfloat(amplitude_pct, -1)
    return bytes([flags]) + body


def payload(at_ms: int, seen: Vitals, make: int) -> bytes:
    """Some makes have no clock, some tell how strong the pulse is."""
    return measurement(
        at_ms,
        seen.spo2_pct,
        seen.pulse_bpm,
        stamps_time=make % 3 != 1,
        status=None if make % 3 == 2 else _FULLY_QUALIFIED,
        amplitude_pct=2.4 if make % 3 == 2 else None,
    )
