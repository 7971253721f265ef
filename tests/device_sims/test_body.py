"""Bodies: a norm of their own, a course of the day, illnesses that come and go."""

import pytest

from device_sims.body import (
    DIABETES,
    DIASTOLIC_MAX,
    HEART,
    HYPERTENSION,
    ILLNESSES,
    LUNGS,
    SYSTOLIC_MAX,
    Body,
    Vitals,
)
from device_sims.habits import DAY_MS, HOUR_MS, MINUTE_MS

# 2026-01-01T00:00:00Z
T0 = 1_767_225_600_000
ALL = (HYPERTENSION, DIABETES, LUNGS, HEART)
# Local midnight before T0.
MIDNIGHT_MS = T0 - 8 * HOUR_MS


@pytest.mark.parametrize("conditions", [(), ALL], ids=["well", "chronic"])
def test_a_routine_day_never_calls_for_help(conditions: tuple[str, ...]) -> None:
    """Below every urgent limit of the rules' figures; chronic lungs have limits of their own."""
    for seed in range(60):
        body = Body(seed=seed, conditions=conditions)
        for step in range(48):
            seen = body.vitals(T0 + step * 30 * MINUTE_MS)
            assert 90 < seen.systolic_mmhg <= SYSTOLIC_MAX < 180
            assert 50 < seen.diastolic_mmhg <= DIASTOLIC_MAX < 110
            assert seen.systolic_mmhg - seen.diastolic_mmhg >= 20
            assert 50 < seen.pulse_bpm < 111
            assert seen.spo2_pct > (87 if conditions else 95)
            assert 36.1 < seen.temperature_c < 38.0
            assert 3.9 < seen.glucose_mmol_l < 11.1
            assert 35 < seen.weight_kg < 85
            assert not seen.irregular


def mean(name: str, hour: float, conditions: tuple[str, ...] = ()) -> float:
    at_ms = MIDNIGHT_MS + int(hour * HOUR_MS)
    values = [getattr(Body(seed=s, conditions=conditions).vitals(at_ms), name) for s in range(200)]
    return float(sum(values) / len(values))


def test_the_day_has_its_course_and_a_condition_its_norm() -> None:
    assert mean("systolic_mmhg", 9) > mean("systolic_mmhg", 3) + 5
    assert mean("systolic_mmhg", 9, (HYPERTENSION,)) > mean("systolic_mmhg", 9) + 5
    assert mean("temperature_c", 18) > mean("temperature_c", 6) + 0.2
    assert mean("glucose_mmol_l", 8.0) > mean("glucose_mmol_l", 6.5) + 1.0, "after breakfast"
    assert mean("glucose_mmol_l", 6.5, (DIABETES,)) > mean("glucose_mmol_l", 6.5) + 1.0
    assert mean("spo2_pct", 12, (LUNGS,)) < mean("spo2_pct", 12) - 4


@pytest.mark.parametrize("illness", ILLNESSES)
def test_an_illness_comes_is_there_and_goes(illness: str) -> None:
    body, well = Body(seed=4, conditions=ALL), Body(seed=4, conditions=ALL)
    body.fall_ill(illness, T0, 48)
    name, more = next(iter(ILLNESSES[illness].adds.items()))

    def shift(at_ms: int) -> float:
        def around(one: Body) -> float:
            values = [getattr(one.vitals(at_ms + n * MINUTE_MS), name) for n in range(20)]
            return float(sum(values) / len(values))

        return around(body) - around(well)

    assert shift(T0 - HOUR_MS) == shift(T0 + 49 * HOUR_MS) == 0.0
    height = shift(T0 + 24 * HOUR_MS)
    assert height / more > 0.4
    assert abs(shift(T0 + 3 * HOUR_MS)) < abs(height)
    assert body.ill_with(T0 + HOUR_MS)
    assert not body.ill_with(T0 + 49 * HOUR_MS)


def worst(illness: str) -> Vitals:
    body = Body(seed=4, conditions=ALL)
    body.fall_ill(illness, T0, 24)
    return body.vitals(T0 + 12 * HOUR_MS)


def test_what_is_urgent_can_be_reached() -> None:
    assert worst("fever").temperature_c >= 38.5
    assert worst("exacerbation").spo2_pct <= 83
    assert worst("hypoglycaemia").glucose_mmol_l < 3.0
    assert worst("hyperglycaemia").glucose_mmol_l >= 16.7
    assert worst("high_pressure").systolic_mmhg >= 180
    assert worst("arrhythmia").irregular
    assert worst("arrhythmia").pulse_bpm > 100


def test_who_recovers_is_well() -> None:
    body = Body(seed=4)
    body.fall_ill("fever", T0, 48)
    body.fall_ill("fever", T0 + 30 * HOUR_MS, 48)
    body.recover(T0 + 20 * HOUR_MS)
    assert body.ill_with(T0 + 10 * HOUR_MS), "the past stays"
    assert not body.ill_with(T0 + 21 * HOUR_MS)
    assert not body.ill_with(T0 + 40 * HOUR_MS)


def test_the_seed_brings_illnesses_only_to_who_can_have_them() -> None:
    times = [T0 + n * HOUR_MS for n in range(24 * 90)]
    found = set()
    for seed in range(120):
        body = Body(seed=seed, conditions=(DIABETES,), ails=True)
        found |= {e.illness for t in times[::24] for e in body.spells_around(t)}
        assert not Body(seed=seed, conditions=(DIABETES,)).ill_with(times[seed])
    assert found == {"fever", "hypoglycaemia", "hyperglycaemia"}
    assert Body(seed=9, ails=True).vitals(T0) == Body(seed=9, ails=True).vitals(T0)
    assert list(Body(seed=9, ails=True).spells_around(T0 + DAY_MS)) == list(
        Body(seed=9, ails=True).spells_around(T0 + DAY_MS)
    )
