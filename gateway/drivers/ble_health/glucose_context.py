"""0x2A34 Glucose Measurement Context (Glucose Service 1.0.1).

    flags(1) sequence(2) [extended flags(1)] [carbohydrate(1) kg(2)] [meal(1)]
    [tester and health(1)] [exercise s(2) intensity %(1)] [medication(1) amount(2)] [HbA1c %(2)]

Flags: bit 0 carbohydrate, 1 meal, 2 tester and health, 3 exercise, 4 medication, 5 its amount in
litres (else kilograms), 6 HbA1c, 7 extended flags. It belongs to the measurement of its sequence
number and is no reading.
"""

from typing import Any, Final

from gateway.drivers.ble_health.value import Cursor, Explained, shown

CARBOHYDRATES: Final = {
    1: "breakfast",
    2: "lunch",
    3: "dinner",
    4: "snack",
    5: "drink",
    6: "supper",
    7: "brunch",
}
MEALS: Final = {1: "before_meal", 2: "after_meal", 3: "fasting", 4: "casual", 5: "bedtime"}
TESTERS: Final = {1: "self", 2: "health_care_professional", 3: "laboratory"}
HEALTH: Final = {
    1: "minor_issues",
    2: "major_issues",
    3: "during_menses",
    4: "under_stress",
    5: "no_issues",
}
MEDICATIONS: Final = {
    1: "rapid_insulin",
    2: "short_insulin",
    3: "intermediate_insulin",
    4: "long_insulin",
    5: "premixed_insulin",
}
# An exercise longer than it can say.
EXERCISE_OVERRUN: Final = 0xFFFF


def explain(data: bytes) -> Explained:
    b = Cursor(data)
    flags = b.u8()
    fields: dict[str, Any] = {"sequence": b.u16()}
    if flags & 0x80:
        fields["extended_flags"] = b.u8()
    if flags & 0x01:
        fields["carbohydrate"] = _name(CARBOHYDRATES, b.u8())
        fields["carbohydrate_kg"] = shown(b.sfloat())
    if flags & 0x02:
        fields["meal"] = _name(MEALS, b.u8())
    if flags & 0x04:
        both = b.u8()
        fields["tester"] = _name(TESTERS, both & 0x0F)
        fields["health"] = _name(HEALTH, both >> 4)
    if flags & 0x08:
        duration_s = b.u16()
        fields["exercise_s"] = None if duration_s == EXERCISE_OVERRUN else duration_s
        fields["exercise_intensity_pct"] = b.u8()
    if flags & 0x10:
        fields["medication"] = _name(MEDICATIONS, b.u8())
        fields["medication_amount"] = shown(b.sfloat())
        fields["medication_unit"] = "L" if flags & 0x20 else "kg"
    if flags & 0x40:
        fields["hba1c_pct"] = shown(b.sfloat())
    fields.update(b.rest())
    return Explained(fields=fields)


def _name(names: dict[int, str], number: int) -> str | int:
    """Reserved numbers stay numbers."""
    return names.get(number, number)
