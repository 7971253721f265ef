"""Panels behind the meter: a home that is covered by day, and what only looks like it."""

import json
from statistics import pstdev

import pytest

from rules.lived_days import HIDDEN, SLOTS_PER_DAY, SLOTS_PER_HOUR, day_of_slots, learn_alone
from rules.metering import VEILED, Slot
from rules.sunlit import NO_HOURS, Sunlit
from rules.window import Window
from tests.rules.silent_home import House, hours_after

FLOOR_W = 60
# Hours of UTC that are covered as a whole, nine to five in China; with them go those in which the
# sun rises over it and sinks.
SUN = range(1, 9)
LIT = frozenset(range(10))


def lives(
    sunlit: Sunlit, days: range, dark, *, other_w: float = 80.0, usual_w=FLOOR_W, beside_w=50.0
) -> None:
    """dark: whether a slot of the day shows next to nothing."""
    for day in days:
        for slot in range(SLOTS_PER_DAY):
            watts = 1.0 if dark(day, slot // 4) else other_w
            number = day * SLOTS_PER_DAY + slot
            sunlit.seen(Slot(number, watts, 4.0), usual_w, lambda _hours: beside_w)


def at_hour(sunlit: Sunlit, day: int, hour: int, watts: float) -> Slot:
    slot = Slot(day * SLOTS_PER_DAY + hour * SLOTS_PER_HOUR, watts, 4.0)
    return sunlit.seen(slot, FLOOR_W, lambda _hours: 50.0)[0]


def test_hours_that_are_covered_day_after_day_are_the_suns() -> None:
    sunlit = Sunlit()
    lives(sunlit, range(100, 103), lambda _day, hour: hour in SUN)
    assert not sunlit.hours  # the third day is not over yet
    assert at_hour(sunlit, 103, 4, 0.0)[1:] == (FLOOR_W, VEILED)
    assert sunlit.hours == LIT
    # What is taken beyond the sun is somebody's.
    assert at_hour(sunlit, 103, 5, 900.0)[1:] == (900.0, 4.0)
    # Where it rises and sinks it gives a little; at night what is dark is dark.
    assert [at_hour(sunlit, 103, hour, 40.0).grain_w for hour in (12, 13, 20)] == [VEILED, 4.0, 4.0]
    assert at_hour(sunlit, 103, 11, 0.95 * FLOOR_W).grain_w == 4.0


def test_every_third_day_of_sun_is_enough_and_winter_ends_it() -> None:
    sunlit = Sunlit()
    lives(sunlit, range(100, 125), lambda day, hour: hour in SUN and day % 3 == 0)
    assert sunlit.hours == LIT
    lives(sunlit, range(125, 150), lambda _day, _hour: False)
    assert not sunlit.hours
    assert at_hour(sunlit, 150, 4, 0.0).watts == 0.0
    lives(sunlit, range(151, 200), lambda _day, _hour: False)
    assert sunlit.dump() is None


def test_what_is_dark_by_day_and_night_is_no_sun() -> None:
    """A supply that is dead, or a home that was switched off for a week."""
    sunlit = Sunlit()
    lives(sunlit, range(100, 107), lambda _day, _hour: True)
    assert at_hour(sunlit, 107, 4, 0.0).watts == 0.0
    assert not sunlit.hours


def test_a_refrigerator_that_rests_is_no_sun() -> None:
    sunlit = Sunlit()
    for day in range(100, 120):
        for slot in range(SLOTS_PER_DAY):
            watts = 90.0 if slot % 4 == 0 else 0.0
            number = day * SLOTS_PER_DAY + slot
            sunlit.seen(Slot(number, watts, 4.0), FLOOR_W, lambda _hours: 50.0)
    assert not sunlit.hours
    lives(sunlit, range(120, 140), lambda _day, hour: hour in (3, 4))
    assert not sunlit.hours


def test_what_is_dark_every_night_is_no_sun() -> None:
    """Whoever turns the main switch off at bedtime."""
    sunlit = Sunlit()
    lives(sunlit, range(100, 110), lambda _day, hour: hour in range(13, 23))
    assert not sunlit.hours


def test_the_suns_hours_may_hold_the_end_of_the_day() -> None:
    """Days are those of UTC: in China the sun stands high at their beginning."""
    sunlit = Sunlit()
    lives(sunlit, range(100, 105), lambda _day, hour: hour in (23, 0, 1, 2))
    lives(sunlit, range(105, 106), lambda _day, _hour: False)
    assert sunlit.hours == {22, 23, 0, 1, 2, 3}


def test_what_is_dark_by_turns_at_all_hours_is_no_sun() -> None:
    """A night and a day off, again and again: some hours must be left to learn from."""
    sunlit = Sunlit()
    lives(sunlit, range(100, 120), lambda day, hour: (hour // 2 + day) % 12 < 8)
    assert not sunlit.hours


def test_two_blackouts_at_one_hour_are_no_sun() -> None:
    sunlit = Sunlit()
    lives(sunlit, range(100, 110), lambda day, hour: hour in SUN and day in (101, 105))
    assert not sunlit.hours


def test_a_floor_that_the_sun_has_drowned_is_known_by_the_rest_of_the_day() -> None:
    """Who learns a home with its panels sees nothing for half the day, and takes it for its floor;
    who learns one in which nothing runs by itself sees the same."""
    panels, bare = Sunlit(), Sunlit()
    for sunlit, beside_w in ((panels, 40.0), (bare, 3.0)):
        lives(sunlit, range(100, 104), lambda _d, hour: hour in SUN, usual_w=0, beside_w=beside_w)
    assert (panels.hours, panels.drowned) == (LIT, True)
    assert (bare.hours, bare.drowned) == (NO_HOURS, False)
    assert Sunlit.load(json.loads(json.dumps(panels.dump()))).drowned
    # One that was learned before its panels came has a floor.
    known = Sunlit()
    lives(known, range(100, 104), lambda _day, hour: hour in SUN)
    assert (known.hours, known.drowned) == (LIT, False)


def test_it_remembers_over_a_restart() -> None:
    kept = Sunlit()
    lives(kept, range(100, 104), lambda _day, hour: hour in SUN)
    again = Sunlit.load(json.loads(json.dumps(kept.dump())))
    assert again.hours == kept.hours
    for sunlit in (kept, again):
        lives(sunlit, range(104, 106), lambda _day, hour: hour in range(2, 7))
    assert (again.dump(), again.hours) == (kept.dump(), kept.hours)
    assert Sunlit.load(None).dump() is None


def test_a_coarse_register_that_stands_still_for_a_while_leaves_nothing() -> None:
    """Nearly every home has such quarter-hours: a province of lists of nothing is 100 MB."""
    sunlit = Sunlit()
    lives(sunlit, range(100, 130), lambda day, hour: hour == day % 24)
    assert sunlit._worth is None
    written = json.loads(json.dumps(sunlit.dump()))
    assert written == [129, [0.0] * 24, [4 * (hour == 129 % 24) for hour in range(24)]]
    assert Sunlit.load(written).dump() == written
    lives(sunlit, range(130, 131), lambda _day, _hour: False)
    assert sunlit.dump() is None


def test_what_days_are_worth_is_kept_as_it_is_written() -> None:
    """To the last bit, of everything that ten days can be worth."""
    days = [round(n * 0.001, 3) for n in range(10_001)]
    for at in range(0, 10_000, 24):
        row = days[at : at + 24] + [0.0] * max(0, at + 24 - len(days))
        assert Sunlit.load([100, row, [0] * 24]).dump() == [100, row, [0] * 24] or not any(row)


def test_another_meter_is_another_home() -> None:
    sunlit = Sunlit()
    lives(sunlit, range(100, 105), lambda _day, hour: hour in SUN)
    sunlit.forget()
    assert (sunlit.hours, sunlit.dump()) == (frozenset(), None)


def test_a_hidden_slot_has_its_time_and_says_nothing() -> None:
    window = Window(8)
    shown: list[int] = []
    for number in range(40):
        watts = HIDDEN if number % 5 < 2 else 10 * number
        window.append(number, watts, 12)
        if number == 3:
            assert window.ordered  # from here on it is kept in order
        shown = [*shown, watts][-8:]
        seen = sorted(w for w in shown if w != HIDDEN)
        assert list(window.ordered) == seen
        assert (window.total, window.squares) == (sum(seen), sum(w * w for w in seen))
    assert window.full
    again = Window(8)
    again.load(window.dump()["watts"], window.dump()["runs"], 12)
    assert (again.hidden, list(again.ordered)) == (window.hidden, seen)
    for number in range(40, 60):
        window.append(number, 1, 12)
    assert window.hidden == 0


def test_what_days_before_saw_of_the_suns_hours_is_left_out() -> None:
    """Nothing at noon is no sign of what the home does alone."""
    slots = [
        (number, 0 if number % SLOTS_PER_DAY < 40 else 60 + 40 * (number % 3 == 0))
        for number in range(-20, SLOTS_PER_DAY)
    ]
    day = day_of_slots(slots, -20, 60, 72)
    assert day is not None
    deceived, told = learn_alone([day] * 10), learn_alone([day] * 10, LIT)
    assert deceived is not None
    assert told is not None
    assert (deceived.spread_w, told.spread_w > 15) == (0.0, True)


# The day of `electricity` begins at midnight in China.
LATER_H = 16


def under_panels(kit, seed: int, days: float, away) -> list[tuple[int, float]]:
    rows = kit.electricity(seed, days, away=away, sun_w=3000)
    return [(at_ms + LATER_H * kit.HOUR_MS, kwh) for at_ms, kwh in rows]


@pytest.mark.parametrize("seed", [2, 3, 7])
def test_who_lies_in_a_home_with_panels_is_found(kit, seed) -> None:
    """Nothing but the nights of this home was ever seen, and these from the first day on."""
    house = House(kit).power(under_panels(kit, seed, 30.5, [(27.4, 30.5)]))
    (hours,) = hours_after(kit, house, 27.4)
    assert 18 <= hours - LATER_H <= 26


def test_what_is_hidden_is_left_out_of_what_is_judged(kit) -> None:
    house = House(kit).power(under_panels(kit, 2, 26.0, []))
    hours = frozenset(house.monitor()._living.hidden)
    for _ in range(2):
        living = house.monitor()._living
        window, seen = living._window, list(living._window.watts)
        assert 24 < len(seen) < living.window == 96
        living.measure()
        assert living.spread_w == pytest.approx(pstdev(seen))
        # No bound is known for what may be hidden.
        assert (window.hidden > 0, living.patience()) == (True, 0)
        assert (living.hidden, living.quiet.sunlit) == (hours, len(hours))
        house.restart()


def test_a_restart_in_a_home_with_panels_changes_nothing(kit) -> None:
    rows = under_panels(kit, 2, 30.0, [(27.4, 29.4)])
    straight, house = House(kit).power(rows), House(kit)
    for number, row in enumerate(rows):
        if number % 97 == 0 or 28.3 * 96 < number < 28.6 * 96:
            house.restart()
        house.power([row])
    assert [repr(f) for f in house.found] == [repr(f) for f in straight.found]
    assert len(straight.found) == 2


def test_of_hidden_hours_nothing_is_learned_of_what_a_home_does_alone() -> None:
    slots = [(number, 60 + number % 7) for number in range(-20, SLOTS_PER_DAY)]
    whole = day_of_slots(slots, -20, 60, 72)
    partly = day_of_slots(slots, -20, 60, 72, frozenset(SUN))
    assert whole is not None
    assert partly is not None
    spreads = partly.blocks[:24]
    # Six hours that touch a hidden one say nothing; the others what they said before.
    touched = [any((end - 5 + n) % 24 in SUN for n in range(6)) for end in range(24)]
    assert [code == 255 for code in spreads] == touched
    for end, hidden in enumerate(touched):
        if not hidden:
            assert spreads[end] == whole.blocks[end]
