"""A tank that keeps itself warm is told from somebody who draws hot water."""

import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.lived_days import SLOTS_PER_DAY, Alone
from rules.metering import Slot
from rules.packed import packed_bytes
from rules.tank import CALM_SLOTS, NIGHTS_MAX, NIGHTS_MIN, OFTEN, STRONG_SLOTS_MAX, Tank

USUAL_W = 80
HEATING = (500.0, 1400.0)
SIZE_WH = 435.0  # of it above the usual
EVERY = 32  # slots: eight hours
# It is quietest from midnight on, in China.
ALONE = Alone(120.0, 700.0, 16)
# Midnight there, within a day of UTC.
MIDNIGHT = 64
DAY = 1000 * SLOTS_PER_DAY


def heats(tank: Tank, days: range, *, heating=HEATING) -> dict:
    """Each night and day of a home where nobody draws; what was told, by number."""
    told = {}
    for number in range(DAY + days.start * SLOTS_PER_DAY, DAY + days.stop * SLOTS_PER_DAY):
        if number % SLOTS_PER_DAY == 0:
            turned(tank)
        at = number % EVERY
        watts = heating[at] if at < len(heating) else 80.0 + number % 5
        told |= {slot.number: slot for slot in tank.told(Slot(number, watts, 0.0), USUAL_W, ALONE)}
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


DRAWN = [1900.0, 1900.0, 900.0]


def test_behind_one_for_which_water_was_drawn_it_heats_sooner_by_itself_once() -> None:
    """Who drew it may have left since."""
    watts = [*[80.0] * 30, *DRAWN, *[80.0] * 6, *HEATING, *[80.0] * 7, *HEATING, 80.0]
    assert hours(known(), watts) == [
        *[80.0] * 30, *DRAWN, *[80.0] * (6 + len(HEATING) + 7), *HEATING, 80.0,
    ]  # fmt: skip


def test_what_is_told_again_is_no_night_more() -> None:
    tank = known()
    start = DAY + 20 * SLOTS_PER_DAY
    for number in range(start, start + MIDNIGHT + 4):
        tank.told(Slot(number, 80.0, 0.0), USUAL_W, ALONE)
    before = tank.dump()
    night = [*[80.0] * MIDNIGHT, *HEATING, *[80.0] * 12]
    day = DAY + 30 * SLOTS_PER_DAY
    tank.release()
    tank.again([Slot(day + place, watts, 0.0) for place, watts in enumerate(night)])
    assert before["tonight"] is not None
    assert [tank.dump()[part] for part in ("nights", "tonight", "gaps")] == [
        before[part] for part in ("nights", "tonight", "gaps")
    ]


def test_it_is_not_told_from_water_that_is_drawn_at_once() -> None:
    watts = [*[80.0] * 30, *DRAWN, *[80.0] * 4, *HEATING, 80.0]
    assert hours(known(), watts) == watts


def test_a_heating_soon_after_a_bath_stays() -> None:
    bath = [1400.0] * (STRONG_SLOTS_MAX + 2)
    watts = [*[80.0] * 30, *bath, *[80.0] * 8, *HEATING, 80.0]
    assert hours(known(), watts) == watts


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
    ("why", "heating"),
    [("too weak", (300.0, 390.0)), ("on for hours", (1400.0,) * 8), ("a kettle", (520.0,))],
)
def test_what_is_no_tank(why, heating) -> None:
    tank = Tank()
    heats(tank, range(30), heating=heating)
    assert not tank.wanted


def nights(
    tank: Tank, days: range, at: dict[int, float], *, seldom: int = 1, quiet_from: int = 16
) -> None:
    """at: what is on in a night, from midnight on; seldom: of so many nights in one."""
    for day in days:
        turned(tank)
        for slot in range(SLOTS_PER_DAY):
            watts = at.get(slot - MIDNIGHT, 80.0) if day % seldom == 0 else 80.0
            alone = ALONE._replace(quiet_from=quiet_from)
            tank.told(Slot(DAY + day * SLOTS_PER_DAY + slot, watts, 0.0), USUAL_W, alone)


def test_one_heating_in_some_nights_is_enough() -> None:
    """As of a tank that is heated by its people's own showers on most evenings."""
    tank = Tank()
    nights(tank, range(40), {4: 1400.0}, seldom=3)
    assert tank.on
    assert OFTEN < 1 / 3


@pytest.mark.parametrize("heatings", [{4: 1400.0}, {4: 1400.0, 12: 1400.0}])
def test_one_night_in_a_week_is_not(heatings) -> None:
    tank = Tank()
    nights(tank, range(40), heatings, seldom=7)
    assert not tank.wanted


@pytest.mark.parametrize("beside", [4 - CALM_SLOTS, 4 + CALM_SLOTS])
def test_what_stands_among_others_is_somebody_who_is_up(beside) -> None:
    tank = Tank()
    nights(tank, range(30), {4: 1400.0, beside: 1900.0})
    assert not tank.wanted
    nights(tank, range(30, 60), {4: 1400.0, beside + (1 if beside > 4 else -1): 1400.0})
    assert tank.wanted


@pytest.mark.parametrize("hour", [-2, 4.25, 5])
def test_who_cooks_late_or_early_has_no_tank(hour) -> None:
    tank = Tank()
    nights(tank, range(30), {int(hour * 4): 1400.0})
    assert not tank.wanted


@pytest.mark.parametrize(
    ("quiet_from", "wanted"), [(11, False), (12, True), (17, True), (18, False)]
)
def test_who_lives_by_night_has_no_tank(quiet_from, wanted) -> None:
    """Three of the quietest hours (UTC) are between eleven and four in China, or it isn't asked."""
    tank = Tank()
    nights(tank, range(30), {4: 1400.0}, quiet_from=quiet_from)
    assert tank.wanted is wanted


def test_a_tank_that_heats_once_by_night_is_its_own_at_its_usual_distance() -> None:
    """Twelve hours apart: two and a half behind a shower it was drawn from, three behind it is
    not."""
    tank = Tank()
    for day in range(60):
        nights(tank, range(day, day + 1), {-48: 1400.0, 0: 1400.0})
    start = DAY + 60 * SLOTS_PER_DAY
    bath = [1900.0, 1900.0, 1900.0]
    for apart, stays in ((10, True), (12, False), (28, False)):
        tank.release()
        told = hours(tank, [*[80.0] * 8, *bath, *[80.0] * (apart - 3), 1400.0, *[80.0] * 5], start)
        assert (1400.0 in told) is stays
        start += SLOTS_PER_DAY


def test_a_state_of_before_is_read() -> None:
    """A tank that was known still is; of a home without one the quietest hours of before say
    nothing, for they were breakfast in some."""
    before = {
        "on": True, "wanted": True, "nights": packed_bytes(b"\x80\xff" * 28),
        "tonight": [96_000, 5, packed_bytes(b"\x80")], "held": [None], "before": [80.0],
        "long": False, "heated": 95_990, "quiet_from": 20, "usual": 60, "own": [100.0, 400.0, 16],
    }  # fmt: skip
    known = Tank.load(before)
    nights(known, range(3), {})
    assert known.on
    assert known.wanted
    unknown = Tank.load({**before, "on": False, "wanted": False})
    nights(unknown, range(3), {})
    assert not unknown.wanted
    assert unknown.dump() is None


def test_what_is_of_all_sizes_is_no_tank() -> None:
    tank = Tank()
    for day in range(30):
        wide = (620.0 + USUAL_W,) if day % 2 else (3000.0, 3000.0, 3000.0)
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
    for at in range(50):
        watts = 980.0 if at > 20 and at % 9 == 0 else 80.0
        tank.told(Slot(DAY + 3 * SLOTS_PER_DAY + at, watts, 0.0), USUAL_W, ALONE)
    assert tank.dump() is None


def test_what_was_told_is_not_released_once_more() -> None:
    """A register that turns coarse by night in a home without a tank."""
    tank, midnight = Tank(), DAY + MIDNIGHT
    for place, watts in enumerate([80.0, 80.0, 1400.0]):
        assert [*tank.told(Slot(midnight + place, watts, 0.0), USUAL_W, ALONE)] != []
    assert tank.held
    assert [*tank.release()] == []


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
