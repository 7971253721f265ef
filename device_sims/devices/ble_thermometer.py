"""A Bluetooth thermometer: Temperature Measurement (0x2A1C), as its bridge forwards it.

    flags(1) temperature(FLOAT, 4) [time(7)] [type(1)]

Flags: bit 0 Fahrenheit, 1 time, 2 type.
"""

from typing import Final

from device_sims.ble_format import float32, local_time
from device_sims.body import Vitals

CHARACTERISTIC: Final = "2A1C"
_FAHRENHEIT, _TIME, _TYPE = 0x01, 0x02, 0x04
_ARMPIT, _EAR = 1, 3


def measurement(
    at_ms: int, celsius: float, *, fahrenheit: bool = False, stamps_time: bool = True, site: int = 0
) -> bytes:
    """Tenths of a degree; `site` 0: it doesn't say where it was held."""
    flags = (_FAHRENHEIT if fahrenheit else 0) | (_TIME if stamps_time else 0)
    body = float32(celsius * 1.8 + 32 if fahrenheit else celsius, -1)
    if stamps_time:
        body += local_time(at_ms)
    if site:
        flags |= _TYPE
        body += bytes([site])
    return bytes([flags]) + body


def payload(at_ms: int, seen: Vitals, make: int) -> bytes:
    """One make in four shows Fahrenheit, another has no clock, another is held to the ear."""
    return measurement(
        at_ms,
        seen.temperature_c,
        fahrenheit=make % 4 == 1,
        stamps_time=make % 4 != 2,
        site=_EAR if make % 4 == 3 else _ARMPIT,
    )
