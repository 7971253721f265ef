"""0x2A35 Blood Pressure Measurement (Blood Pressure Service 1.1.1).

    flags(1) systolic(2) diastolic(2) mean(2) [time(7)] [pulse(2)] [user(1)] [status(2)]

Flags: bit 0 kPa, 1 time, 2 pulse, 3 user, 4 status. Status: bit 0 body moved, 1 cuff too loose,
2 irregular pulse, 3-4 pulse above (1) or below (2) the cuff's range, 5 improper position.
"""

from typing import Any, Final

from contract.item import Scalar
from gateway.drivers.ble_health.value import (
    Cursor,
    Explained,
    Reading,
    finite,
    scaled,
    shown,
    text,
    user_attr,
)

MMHG_PER_KPA: Final = 7.50061683
_KNOWN_FLAGS: Final = 0x1F
_PULSE_RANGES: Final = {1: "above", 2: "below"}


def explain(data: bytes) -> Explained:
    b = Cursor(data)
    flags = b.u8()
    factor = MMHG_PER_KPA if flags & 0x01 else 1.0
    systolic, diastolic, mean = b.sfloat(), b.sfloat(), b.sfloat()
    moment = b.moment() if flags & 0x02 else None
    pulse = b.sfloat() if flags & 0x04 else None
    user = b.u8() if flags & 0x08 else None
    status = b.u16() if flags & 0x10 else None
    fields: dict[str, Any] = {
        "systolic": shown(systolic),
        "diastolic": shown(diastolic),
        "mean": shown(mean),
        "unit": "kPa" if flags & 0x01 else "mmHg",
        "time": text(moment),
        "pulse_rate": shown(pulse),
        "user": user,
        "status": status,
        **b.rest(flags, _KNOWN_FLAGS),
    }
    values = finite(
        systolic_mmhg=scaled(systolic, factor, 1),
        diastolic_mmhg=scaled(diastolic, factor, 1),
        mean_mmhg=scaled(mean, factor, 1),
        pulse_bpm=pulse,
    )
    attrs = {**user_attr(user), **_status(status)}
    reading = Reading(kind="blood_pressure", values=values, attrs=attrs, moment=moment)
    return Explained(fields=fields, reading=reading)


def _status(status: int | None) -> dict[str, Scalar]:
    if status is None:
        return {}
    attrs: dict[str, Scalar] = {
        "body_movement": bool(status & 1),
        "cuff_fit": "loose" if status & 2 else "ok",
        "irregular_pulse": bool(status & 4),
    }
    if status & 0x20:
        attrs["position"] = "improper"
    pulse_range = _PULSE_RANGES.get(status >> 3 & 3)
    if pulse_range is not None:
        attrs["pulse_range"] = pulse_range
    return attrs
