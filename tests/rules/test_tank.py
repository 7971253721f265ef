"""A tank that keeps itself warm is told from somebody who draws hot water."""

import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.lived_days import SLOTS_PER_DAY, Alone
from rules.metering import Slot
from rules.tank import NIGHTS_MAX, NIGHTS_MIN, STRONG_SLOTS_MAX, Tank

USUAL_W = 80
HEATING = (500.0, 1400.0)
SIZE_WH = 435.0  # of it above the usual
EVERY = 32  # slots: eight hours
ALONE = Alone(120.0, 700.0, 22)
DAY = 1000 * SLOTS_PER_DAY


def heats(tank: Tank, days: range, *, alone: Alone | None = ALONE, heating=HEATING) -> dict:
    """Each night and day of a home where nobody draws; what was told, by number."""
    told = {}
    for number in range(DAY + days.start * SLOTS_PER_DAY, DAY + days.stop * SLOTS_PER_DAY):
        if number % SLOTS_PER_DAY == 0:
            turned(tank)
        at = number % EVERY
        watts = heating[at] if at < len(heating) else 80.0 + number % 5
        told |= {slot.number: slot for slot in tank.told(Slot(number, watts, 0.0), USUAL_W, alone)}
    return told


def turned(tank: Tank) -> None:
    if tank.wanted != tank.on:
        tank.turn()


def known() -> Tank:
    tank = Tank()
    heats(tank, range(20))
    assert tank.on
    tank.release()
    return tank


def hours(tank: Tank, watts: list[float], start: int = DAY + 20 * SLOTS_PER_DAY) -> list[float]:
    """What is told of these quarter-hours, and of quiet ones until all of them are."""
    told = []
    for place, each in enumerate([*watts, *[80.0] * (STRONG_SLOTS_MAX + 2)]):
        told += tank.told(Slot(start + place, each, 0.0), USUAL_W, ALONE)
    assert [slot.number for slot in told] == list(range(start, start + len(told)))
    return [slot.watts for slot in told[: len(watts)]]


def test_a_tank_that_keeps_itself_warm_is_taken_out_with_what_it_spills() -> None:
    told = heats(known(), range(20, 22))
    assert max(slot.watts for slot in told.values()) < USUAL_W + 10


def test_before_enough_nights_all_is_told_at_once_and_as_it_is() -> None:
    tank = Tank()
    told = heats(tank, range(NIGHTS_MIN - 1))
    assert not tank.wanted
    assert len(told) == (NIGHTS_MIN - 1) * SLOTS_PER_DAY
    assert max(slot.watts for slot in told.values()) == max(HEATING)


def test_a_heating_that_comes_sooner_stays() -> None:
    quiet = [80.0] * 30
    watts = [*quiet, *HEATING, *[80.0] * 8, *HEATING, 80.0]
    assert hours(known(), watts) == [*[80.0] * 40, *HEATING, 80.0]


@pytest.mark.parametrize("drawn", [[1900.0, 1900.0, 900.0], [700.0, 700.0, 700.0, 700.0]])
def test_a_larger_heating_stays(drawn) -> None:
    watts = [*[80.0] * 30, *drawn, *[80.0] * 4]
    assert hours(known(), watts) == watts


def test_a_kettle_stays_and_heats_no_tank() -> None:
    """The tank's own heating after it is not taken for one that came sooner."""
    watts = [*[80.0] * 24, 520.0, *[80.0] * 6, *HEATING, *[80.0] * 4]
    assert hours(known(), watts) == [*[80.0] * 24, 520.0, *[80.0] * 12]


def test_what_was_left_on_meanwhile_stays() -> None:
    lamp = [200.0] * 30
    watts = [*lamp, *(each + 120.0 for each in HEATING), *lamp]
    assert hours(known(), watts) == [200.0] * 62


def test_what_heats_for_longer_than_an_hour_is_told_as_it_is_and_soon() -> None:
    tank, start = known(), DAY + 20 * SLOTS_PER_DAY
    held = []
    for place in range(12):
        tank.told(Slot(start + place, 1400.0, 0.0), USUAL_W, ALONE)
        held.append(tank.held)
    assert max(held) <= STRONG_SLOTS_MAX + 1
    assert held[-1] == 0


def test_beside_a_hole_nothing_is_taken_out() -> None:
    tank, start = known(), DAY + 20 * SLOTS_PER_DAY + 30
    told = []
    for number, watts in ((0, 80.0), (1, 80.0), (2, 900.0), (9, 80.0), (10, 80.0)):
        told += tank.told(Slot(start + number, watts, 0.0), USUAL_W, ALONE)
    assert [(slot.number - start, slot.watts) for slot in told] == [
        (0, 80.0), (1, 80.0), (2, 900.0), (9, 80.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("why", "alone", "heating"),
    [
        ("hours without any: a kettle of those who rise early", Alone(20.0, 90.0, 22), HEATING),
        ("too weak", ALONE, (300.0, 390.0)),
        ("on for hours", ALONE, (1400.0,) * 8),
    ],
)
def test_what_is_no_tank(why, alone, heating) -> None:
    tank = Tank()
    heats(tank, range(30), alone=alone, heating=heating)
    assert not tank.wanted


def test_what_is_of_all_sizes_is_no_tank() -> None:
    tank = Tank()
    for day in range(30):
        wide = (420.0 + USUAL_W,) if day % 2 else (3000.0, 3000.0, 3000.0)
        heats(tank, range(day, day + 1), heating=wide)
    assert not tank.wanted


def test_a_tank_that_was_switched_off_is_forgotten() -> None:
    tank = known()
    heats(tank, range(20, 20 + NIGHTS_MAX + 2), heating=())
    assert not tank.wanted
    assert not tank.on


def test_a_tank_whose_people_are_away_is_not_forgotten_and_grows_by_nothing() -> None:
    tank = known()
    heats(tank, range(20, 200))
    assert tank.on
    assert len(json.dumps(tank.dump())) < 500


def test_of_a_home_without_one_nothing_is_kept_by_day() -> None:
    tank = Tank()
    heats(tank, range(3), heating=())
    for at in range(60):
        watts = 980.0 if at > 20 and at % 9 == 0 else 80.0
        tank.told(Slot(DAY + 3 * SLOTS_PER_DAY + at, watts, 0.0), USUAL_W, ALONE)
    assert tank.dump() is None


def restarted(tank: Tank) -> Tank:
    return Tank.load(json.loads(json.dumps(tank.dump())))


@cache
def learned():
    return known().dump()


WATTS = st.sampled_from([0.0, 80.0, 80.0, 80.0, 95.0, 300.0, 480.5, 900.0, 1400.0, 4000.0])


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_nothing_is_lost_and_a_restart_changes_nothing(data) -> None:
    kept = Tank.load(learned()) if data.draw(st.booleans()) else Tank()
    again = restarted(kept)
    number, seen, told = DAY + 20 * SLOTS_PER_DAY, [], []
    for _slot in range(data.draw(st.integers(1, 150))):
        number += data.draw(st.sampled_from([1] * 20 + [2, 60]))
        slot = Slot(number, data.draw(WATTS), 0.0)
        seen.append(slot)
        clear = kept.told(slot, USUAL_W, ALONE)
        assert [*again.told(slot, USUAL_W, ALONE)] == [*clear]
        told += clear
        again = restarted(again)
        assert json.dumps(again.dump()) == json.dumps(kept.dump())
    numbers = [slot.number for slot in seen]
    assert [slot.number for slot in told] == numbers[: len(told)]
    assert len(numbers) - len(told) == (kept.held if kept.on else 0)
    assert all(after.watts <= before.watts for after, before in zip(told, seen, strict=False))
