"""0x2A1C Temperature Measurement (Health Thermometer Service 1.0).

    flags(1) temperature(FLOAT, 4) [time(7)] [type(1)]

Flags: bit 0 Fahrenheit, 1 time, 2 type. 0x2A1E Intermediate Temperature has the same layout while
the thermometer still warms up; it is not read here.
"""

from typing import Final

from contract.item import Scalar
from gateway.drivers.ble_health.value import (
    INFINITY,
    Cursor,
    Explained,
    Reading,
    finite,
    shown,
    text,
)

_KNOWN_FLAGS: Final = 0x07
# 0x2A1D Temperature Type; other numbers are reserved.
TYPES: Final = {
    1: "armpit",
    2: "body",
    3: "ear",
    4: "finger",
    5: "gastrointestinal",
    6: "mouth",
    7: "rectum",
    8: "toe",
    9: "tympanum",
}


def explain(data: bytes) -> Explained:
    b = Cursor(data)
    flags = b.u8()
    value = b.float32()
    moment = b.moment() if flags & 0x02 else None
    site = b.u8() if flags & 0x04 else None
    fields = {
        "temperature": shown(value),
        "unit": "F" if flags & 0x01 else "C",
        "time": text(moment),
        "type": site,
        **b.rest(flags, _KNOWN_FLAGS),
    }
    attrs: dict[str, Scalar] = {}
    if site in TYPES:
        attrs["site"] = TYPES[site]
    values = finite(temperature_c=_celsius(value) if flags & 0x01 else value)
    reading = Reading(kind="temperature", values=values, attrs=attrs, moment=moment)
    return Explained(fields=fields, reading=reading)


def _celsius(value: float | None) -> float | None:
    return value if value is None or abs(value) == INFINITY else round((value - 32) / 1.8, 2)
