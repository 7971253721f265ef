"""Panels behind the meter: a home that is covered by day, and what only looks like it."""

import json

from rules.lived_days import SLOTS_PER_DAY, day_of_slots
from rules.metering import Slot
from rules.sunlit import Sunlit

FLOOR_W = 60
# Hours that are dark as a whole; with them go those in which the sun rises over it and sinks.
SUN = range(8, 16)
LIT = frozenset(range(7, 17))


def lives(sunlit: Sunlit, days: range, dark, *, other_w: float = 80.0) -> None:
    """dark: whether a slot of the day shows next to nothing."""
    for day in days:
        for slot in range(SLOTS_PER_DAY):
            watts = 3.0 if dark(day, slot // 4) else other_w
            sunlit.seen(Slot(day * SLOTS_PER_DAY + slot, watts, 0.0), FLOOR_W)


def noon(sunlit: Sunlit, day: int, watts: float) -> float:
    return sunlit.seen(Slot(day * SLOTS_PER_DAY + 12 * 4, watts, 0.0), FLOOR_W)[0].watts


def test_hours_that_are_covered_day_after_day_are_the_suns() -> None:
    sunlit = Sunlit()
    lives(sunlit, range(100, 103), lambda _day, hour: hour in SUN)
    assert not sunlit.hours  # the third day is not over yet
    assert noon(sunlit, 103, 0.0) == FLOOR_W
    assert sunlit.hours == LIT
    # What is taken beyond the sun is somebody's.
    assert noon(sunlit, 103, 900.0) == 900.0
    night = Slot(103 * SLOTS_PER_DAY + 20 * 4, 3.0, 0.0)
    assert sunlit.seen(night, FLOOR_W)[0].watts == 3.0


def test_every_third_day_of_sun_is_enough_and_winter_ends_it() -> None:
    sunlit = Sunlit()
    lives(sunlit, range(100, 125), lambda day, hour: hour in SUN and day % 3 == 0)
    assert sunlit.hours == LIT
    lives(sunlit, range(125, 150), lambda _day, _hour: False)
    assert not sunlit.hours
    assert noon(sunlit, 150, 0.0) == 0.0
    lives(sunlit, range(151, 200), lambda _day, _hour: False)
    assert sunlit.dump() is None


def test_what_is_dark_by_day_and_night_is_no_sun() -> None:
    """A supply that is dead, or a home that was switched off for a week."""
    sunlit = Sunlit()
    lives(sunlit, range(100, 107), lambda _day, _hour: True)
    assert noon(sunlit, 107, 0.0) == 0.0
    assert not sunlit.hours


def test_a_refrigerator_that_rests_is_no_sun() -> None:
    sunlit = Sunlit()
    for day in range(100, 120):
        for slot in range(SLOTS_PER_DAY):
            watts = 90.0 if slot % 4 == 0 else 0.0
            sunlit.seen(Slot(day * SLOTS_PER_DAY + slot, watts, 0.0), FLOOR_W)
    assert not sunlit.hours
    lives(sunlit, range(120, 140), lambda _day, hour: hour in (3, 4))
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
    lives(sunlit, range(100, 120), lambda day, hour: hour // 12 == day % 2)
    assert noon(sunlit, 120, 0.0) == 0.0
    assert not sunlit.hours


def test_two_blackouts_at_one_hour_are_no_sun() -> None:
    sunlit = Sunlit()
    lives(sunlit, range(100, 110), lambda day, hour: hour in SUN and day in (101, 105))
    assert not sunlit.hours


def test_it_remembers_over_a_restart() -> None:
    kept = Sunlit()
    lives(kept, range(100, 104), lambda _day, hour: hour in SUN)
    again = Sunlit.load(json.loads(json.dumps(kept.dump())))
    assert again.hours == kept.hours
    for sunlit in (kept, again):
        lives(sunlit, range(104, 106), lambda _day, hour: hour in range(9, 14))
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
