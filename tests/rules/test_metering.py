"""Registers and watts to quarter-hours: intervals, gaps, roll-overs, exchanged meters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.metering import SLOT_MS, Gap, Meter, Slot

# On a slot's edge.
BASE_MS = 1_767_225_600_000
MINUTE_MS = 60_000


def run(rows, attrs=None):
    meter = Meter()
    parts = []
    for at_ms, values in rows:
        parts += meter.read(at_ms, values, attrs or {}) or []
    return meter, parts


def steady(watts, every_ms, hours, *, start_ms=BASE_MS, kwh=100.0):
    return [
        (start_ms + t, {"energy_kwh": kwh + watts * t / 3.6e9})
        for t in range(0, int(hours * 3_600_000) + 1, every_ms)
    ]


@pytest.mark.parametrize("every_s", [1, 7, 60, 300, 600, 900, 1300, 1800, 3600])
@pytest.mark.parametrize("offset_s", [0, 13, 449, 451, 899])
def test_every_interval_gives_every_slot_once(every_s, offset_s) -> None:
    rows = steady(240.0, every_s * 1000, 6, start_ms=BASE_MS + offset_s * 1000)
    _, parts = run(rows)
    assert all(isinstance(part, Slot) for part in parts)
    numbers = [part.number for part in parts]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) >= 6 * 4 - 2 - every_s // 900
    assert all(part.watts == pytest.approx(240, abs=0.1) for part in parts)


@given(st.lists(st.integers(1, 3_900_000), min_size=5, max_size=60))
def test_any_jitter_gives_slots_in_order_without_holes(passed) -> None:
    at_ms, rows = BASE_MS, []
    for step_ms in passed:
        rows.append((at_ms, {"energy_kwh": 5.0 + (at_ms - BASE_MS) / 3.6e7}))
        at_ms += step_ms
    _, parts = run(rows)
    numbers = [part.number for part in parts if isinstance(part, Slot)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
    assert all(part.watts == pytest.approx(100, abs=0.5) for part in parts)


def test_the_highest_five_minutes_of_a_slot_count() -> None:
    kwh, rows = 0.0, []
    for minute in range(31):
        rows.append((BASE_MS + minute * MINUTE_MS, {"energy_kwh": kwh}))
        kwh += 2.0 / 60 if 5 <= minute < 10 else 0.05 / 60
    _, parts = run(rows)
    assert [round(part.watts) for part in parts] == [2000, 50]


def test_a_kettle_on_an_edge_is_in_one_slot() -> None:
    rows = [(BASE_MS + t * 600_000, {"energy_kwh": e}) for t, e in enumerate([0, 0, 0.2, 0.2, 0.2])]
    _, parts = run(rows)
    assert sum(part.watts > 1000 for part in parts) == 1


def test_a_gap_is_unknown_and_tells_its_mean_power() -> None:
    rows = steady(100, 900_000, 2)
    rows += [(at + 10 * 3_600_000, {"energy_kwh": v["energy_kwh"] + 3.0}) for at, v in rows]
    _, parts = run(rows)
    gaps = [part for part in parts if isinstance(part, Gap)]
    assert len(gaps) == 1
    assert gaps[0].end_ms - gaps[0].start_ms == 8 * 3_600_000
    assert gaps[0].watts == pytest.approx(3000 / 8 - 25, abs=1)
    numbers = {part.number for part in parts if isinstance(part, Slot)}
    gap_slots = set(range(gaps[0].start_ms // SLOT_MS, gaps[0].end_ms // SLOT_MS))
    assert not numbers & gap_slots


def test_hourly_meters_may_miss_one_report() -> None:
    rows = steady(100, 3_600_000, 24)
    del rows[12]
    _, parts = run(rows)
    assert not [part for part in parts if isinstance(part, Gap)]


@pytest.mark.parametrize("top_kwh", [1e4, 1e5, 1e6])
def test_a_register_rolls_over(top_kwh) -> None:
    rows = []
    for n in range(12):
        rows.append((BASE_MS + n * 900_000, {"energy_kwh": (top_kwh - 0.1 + n * 0.025) % top_kwh}))
    _, parts = run(rows)
    assert len(parts) == 11
    assert all(part.watts == pytest.approx(100, abs=1) for part in parts)


@pytest.mark.parametrize("after_kwh", [0.0, 3.0, 50_000.0])
def test_another_meter_is_not_consumption(after_kwh) -> None:
    rows = steady(100, 900_000, 2, kwh=4321.0)
    rows += steady(100, 900_000, 2, start_ms=BASE_MS + 2 * 3_600_000 + 900_000, kwh=after_kwh)
    _, parts = run(rows)
    gap = next(part for part in parts if isinstance(part, Gap))
    assert gap.watts is None
    assert max(part.watts for part in parts if isinstance(part, Slot)) == pytest.approx(100, abs=1)


def test_old_and_repeated_readings_say_nothing() -> None:
    rows = steady(100, 900_000, 3)
    _, straight = run(rows)
    mixed = [row for pair in zip(rows, rows, strict=True) for row in pair]
    for place in range(3, len(mixed), 5):
        mixed.insert(place, mixed[0])
    assert run(mixed)[1] == straight


def test_watts_serve_where_there_is_no_register() -> None:
    rows = [(BASE_MS + n * 60_000, {"power_w": 150.0}) for n in range(61)]
    _, parts = run(rows)
    assert [round(part.watts) for part in parts] == [150] * 4


def test_watts_beside_a_register_say_nothing_until_it_is_quiet() -> None:
    rows = []
    for at_ms, values in steady(100, 900_000, 3):
        rows += [(at_ms, {"power_w": 5000.0}), (at_ms, values), (at_ms + 1000, {"power_w": 9e3})]
    _, parts = run(rows)
    slots = [part for part in parts if isinstance(part, Slot)]
    assert slots
    assert all(slot.watts == pytest.approx(100, abs=1) for slot in slots)
    last_ms = rows[-1][0]
    rows += [(last_ms + n * 900_000, {"power_w": 70.0}) for n in range(1, 20)]
    _, parts = run(rows)
    assert parts[-1].watts == pytest.approx(70)


def test_interval_energy() -> None:
    rows = [(BASE_MS + n * 900_000, {"energy_interval_wh": 50.0}) for n in range(5)]
    _, parts = run(rows, {"interval_s": 900})
    assert [round(part.watts) for part in parts] == [200] * 4


def test_grain_of_a_coarse_register() -> None:
    coarse = [(BASE_MS + n * 900_000, {"energy_kwh": 7.0 + n * 0.03}) for n in range(5)]
    fine = [(BASE_MS + n * 900_000, {"energy_kwh": 7.0 + n * 0.031}) for n in range(5)]
    assert {round(slot.grain_w, 6) for slot in run(coarse)[1]} == {40.0}
    assert {slot.grain_w for slot in run(fine)[1][1:]} == {0.0}


def test_impossible_power_is_another_register() -> None:
    rows = [(BASE_MS, {"energy_kwh": 1.0}), (BASE_MS + 60_000, {"energy_kwh": 10.0})]
    meter, parts = run(rows)
    assert [type(part) for part in parts] == [Gap]
    assert meter.last_ms == BASE_MS + 60_000


@given(st.integers(0, 40))
def test_restart_at_any_reading(cut) -> None:
    rows = steady(123.0, 400_000, 5)
    _, straight = run(rows)
    meter, parts = run(rows[:cut])
    meter = Meter.load(meter.dump())
    for at_ms, values in rows[cut:]:
        parts += meter.read(at_ms, values, {}) or []
    assert parts == straight
