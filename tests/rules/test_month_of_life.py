"""A month of life: quarter-hours from whatever a meter says, and the level of each hour."""

from itertools import pairwise

import numpy as np
import pytest

from rules.lived_days import SLOTS_PER_DAY, Alone, hour_of
from rules.metering import SLOT_MS
from rules.month_of_life import hours_stirred, level_of, month_of, quarter_watts

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
# A midnight.
FROM_MS = 1_764_000_000_000 // HOUR_MS * HOUR_MS


def used_w(minute: int) -> float:
    """A refrigerator, and by day a kettle for half of every other hour."""
    hour, within = minute // 60 % 24, minute % 60
    fridge = 90.0 if minute % 45 < 15 else 10.0
    return fridge + (900.0 if 7 <= hour < 20 and hour % 2 and within < 30 else 0.0)


def register(days: int, step_min: int = 1) -> list[tuple[int, float]]:
    points, kwh = [], 100.0
    for minute in range(days * 24 * 60 + 1):
        if minute % step_min == 0:
            points.append((FROM_MS + minute * MINUTE_MS, kwh))
        kwh += used_w(minute) / 60_000
    return points


@pytest.mark.parametrize("step_min", [1, 5, 15])
def test_quarters_add_up_to_what_the_register_says(step_min: int) -> None:
    points = register(2, step_min)
    watts = quarter_watts(points, "energy_kwh", FROM_MS, 2 * SLOTS_PER_DAY)
    assert watts.sum() / 4 == pytest.approx((points[-1][1] - points[0][1]) * 1000)
    assert watts[0] == pytest.approx(90.0)


def test_three_kinds_of_meters_agree() -> None:
    points = register(1)
    slots = SLOTS_PER_DAY
    by_register = quarter_watts(points, "energy_kwh", FROM_MS, slots)
    parts = [(points[0][0], 0.0)]
    parts += [(b[0], (b[1] - a[1]) * 1000) for a, b in pairwise(points)]
    power = [(at, used_w((at - FROM_MS) // MINUTE_MS)) for at, _kwh in points]
    by_part = quarter_watts(parts, "energy_interval_wh", FROM_MS, slots)
    by_power = quarter_watts(power, "power_w", FROM_MS, slots)
    assert by_part == pytest.approx(by_register)
    # Half a minute of the next or last step is in each.
    assert by_power == pytest.approx(by_register, abs=40.0)


def test_a_gap_is_no_quiet_time() -> None:
    points = [p for p in register(2) if not 9 <= (p[0] - FROM_MS) // HOUR_MS < 12]
    watts = quarter_watts(points, "energy_kwh", FROM_MS, 2 * SLOTS_PER_DAY)
    # The register tells how much was used meanwhile, but not when.
    assert np.isnan(watts[9 * 4 : 12 * 4]).all()
    assert not np.isnan(watts[: 9 * 4]).any()
    month = month_of(watts, 2 * SLOTS_PER_DAY)
    assert month.hours[0][9:12] == "---"


@pytest.mark.parametrize("broken", [0.0, 9_999_999.0])
def test_another_meters_register_is_neither_life_nor_silence(broken: float) -> None:
    points = [(at, kwh if at < FROM_MS + HOUR_MS else broken + kwh) for at, kwh in register(1)]
    if broken == 0.0:
        points = [(at, kwh if at < FROM_MS + HOUR_MS else kwh - 50) for at, kwh in register(1)]
    watts = quarter_watts(points, "energy_kwh", FROM_MS, SLOTS_PER_DAY)
    assert np.nanmax(watts) < 1100.0
    assert np.nanmin(watts) >= 0.0


@pytest.mark.parametrize("points", [[], [(FROM_MS, 1.0)]])
def test_nothing_was_heard(points: list[tuple[int, float]]) -> None:
    month = month_of(quarter_watts(points, "energy_kwh", FROM_MS, 96), 40)
    assert month.hours == ["-" * 10 + "." * 14]
    assert not month.learned


def test_nights_are_quiet_and_cooking_is_lively() -> None:
    watts = quarter_watts(register(7), "energy_kwh", FROM_MS, 7 * SLOTS_PER_DAY)
    month = month_of(watts, 7 * SLOTS_PER_DAY)
    assert month.learned
    for hours in month.hours:
        assert set(hours[:7] + hours[20:]) == {"0"}
        assert set(hours[7:20:2]) <= {"3", "4"}
        assert set(hours[8:20:2]) == {"0"}


def test_what_was_left_on_makes_nothing_lively() -> None:
    plain = quarter_watts(register(7), "energy_kwh", FROM_MS, 7 * SLOTS_PER_DAY)
    assert month_of(plain + 400.0, 672).hours == month_of(plain, 672).hours


def test_few_days_are_measured_by_a_plain_home() -> None:
    watts = quarter_watts(register(2), "energy_kwh", FROM_MS, 2 * SLOTS_PER_DAY)
    month = month_of(watts, 2 * SLOTS_PER_DAY)
    assert not month.learned
    assert set(month.hours[0][:7]) == {"0"}


def test_what_is_to_come_is_not_unheard() -> None:
    watts = quarter_watts(register(1), "energy_kwh", FROM_MS, 2 * SLOTS_PER_DAY)
    hours = month_of(watts, SLOTS_PER_DAY + 5 * 4 + 1).hours[1]
    assert hours == "-" * 6 + "." * 18


def test_levels_rise_with_what_is_used() -> None:
    alone = Alone(spread_w=30.0, peak_w=90.0, quiet_from=0)
    levels = [level_of(hour_of([10, 10, 10, peak]), 10.0, alone) for peak in range(10, 3000, 10)]
    assert levels == sorted(levels)
    assert set(levels) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("kind", "rows", "hours"),
    [
        ("motion", [(0, 0, 0, 0), (1, 0, 0.1, 1)], {1}),
        ("contact", [(0, 0, 0, 0), (1, 0, 0.5, 1), (2, 1, 1, 1)], {1}),
        # Changed between two hours.
        ("bed", [(0, 1, 1, 1), (1, 0, 0, 0), (2, 0, 0, 0)], {1}),
        ("presence", [(0, 1, 1, 1), (1, 1, 1, 1)], set()),
        ("blood_pressure", [(3, 140, 140, 140), (99, 1, 1, 1)], {3}),
    ],
)
def test_sensors_show_somebody(kind: str, rows: list[tuple[float, ...]], hours: set[int]) -> None:
    points = [(FROM_MS + at * HOUR_MS, *rest) for at, *rest in rows]
    assert hours_stirred(points, kind, FROM_MS, 24) == hours
    assert SLOT_MS * 4 == HOUR_MS
