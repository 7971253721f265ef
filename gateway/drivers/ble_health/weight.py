"""0x2A9D Weight Measurement (Weight Scale Service 1.0).

    flags(1) weight(2) [time(7)] [user(1)] [BMI(2) height(2)]

Flags: bit 0 imperial, 1 time, 2 user, 3 BMI and height. Weight in 0.005 kg or 0.01 lb, 0xFFFF: not
measured; BMI in 0.1, height in 0.001 m or 0.1 inch.
"""

from typing import Any, Final

from gateway.drivers.ble_health.value import Cursor, Explained, Reading, text, user_attr

KG_PER_LB: Final = 0.45359237
UNSUCCESSFUL: Final = 0xFFFF
_KNOWN_FLAGS: Final = 0x0F


def explain(data: bytes) -> Explained:
    b = Cursor(data)
    flags = b.u8()
    imperial = bool(flags & 0x01)
    raw = b.u16()
    # Dividing keeps 14000 steps at 70 kg.
    value = None if raw == UNSUCCESSFUL else raw / (100 if imperial else 200)
    moment = b.moment() if flags & 0x02 else None
    user = b.u8() if flags & 0x04 else None
    fields: dict[str, Any] = {"weight": value, "unit": "lb" if imperial else "kg"}
    fields["time"], fields["user"] = text(moment), user
    if flags & 0x08:
        fields["bmi"] = b.u16() / 10
        fields["height"] = b.u16() / (10 if imperial else 1000)
        fields["height_unit"] = "in" if imperial else "m"
    fields.update(b.rest(flags, _KNOWN_FLAGS))
    if value is None:
        return Explained(fields=fields)
    kg = round(value * KG_PER_LB if imperial else value, 3)
    reading = Reading(kind="weight", values={"weight_kg": kg}, attrs=user_attr(user), moment=moment)
    return Explained(fields=fields, reading=reading)
