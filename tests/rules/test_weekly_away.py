"""Silences that keep a time of the week, in slots since some Monday, 0:00."""

import json

import pytest

from rules.metering import SLOT_MS
from rules.weekly_away import HABIT, KEPT_MAX, LONG, NEAR, WEEK, YEAR, WeeklyAway

HOUR = 4
SATURDAY = 5 * 96 + 8 * HOUR


def lived(*silences) -> WeeklyAway:
    """(first slot, hours) of silences that are over."""
    weekly = WeeklyAway()
    for start, hours in silences:
        weekly.begin(start)
        weekly.end(start + hours * HOUR - 1)
    return weekly


def asked(weekly, start):
    weekly.begin(start)
    return weekly.shown()


def test_the_third_weekend_says_how_many_and_when_somebody_was_back() -> None:
    weekly = lived((SATURDAY, 40), (SATURDAY + 2 * WEEK - 6 * HOUR, 50))
    start = SATURDAY + 5 * WEEK + 3 * HOUR
    shown = asked(weekly, start)
    # The second began at two in the morning and ended last, Monday at four.
    back = SATURDAY + 5 * WEEK + 44 * HOUR
    assert shown == {"weekly_times": 2, "weekly_until_ms": back * SLOT_MS}


def test_one_weekend_is_no_habit_and_neither_are_other_days() -> None:
    assert HABIT == 2
    assert asked(lived((SATURDAY, 40)), SATURDAY + WEEK) == {}
    weekly = lived((SATURDAY, 40), (SATURDAY + WEEK + NEAR + 1, 40))
    assert asked(weekly, SATURDAY + 3 * WEEK) == {}
    weekly = lived((SATURDAY, 40), (SATURDAY + WEEK + NEAR, 40))
    assert asked(weekly, SATURDAY + 3 * WEEK)["weekly_times"] == 2


def test_the_week_ends_nowhere() -> None:
    """Sunday night and Monday morning are near each other."""
    monday = 2 * HOUR
    weekly = lived((monday, 30), (2 * WEEK - 4 * HOUR, 30))
    assert asked(weekly, 5 * WEEK + monday)["weekly_times"] == 2
    assert asked(weekly, 5 * WEEK - 4 * HOUR)["weekly_times"] == 2


def test_journeys_and_last_year_say_nothing_of_a_weekend() -> None:
    hours = LONG // HOUR
    assert asked(lived((SATURDAY, hours), (SATURDAY + WEEK, hours)), SATURDAY + 2 * WEEK) != {}
    weekly = lived((SATURDAY, hours + 1), (SATURDAY + WEEK, hours + 1))
    assert asked(weekly, SATURDAY + 2 * WEEK) == {}
    weekly = lived((SATURDAY, 40), (SATURDAY + WEEK, 40))
    assert asked(weekly, SATURDAY + YEAR // WEEK * WEEK) != {}
    assert asked(weekly, SATURDAY + YEAR // WEEK * WEEK + WEEK) == {}


def test_what_is_over_is_no_longer_told() -> None:
    weekly = lived((SATURDAY, 40), (SATURDAY + WEEK, 40), (SATURDAY + 2 * WEEK, 40))
    assert weekly.shown() == {}
    # Never begun: of what somebody had said beforehand nothing is learned.
    weekly.end(SATURDAY + 9 * WEEK)
    assert asked(weekly, SATURDAY + 9 * WEEK)["weekly_times"] == 3


def test_it_is_the_same_after_the_disk_and_never_grows() -> None:
    weekly = lived(*((SATURDAY + n * WEEK, 40) for n in range(3 * KEPT_MAX)))
    weekly.begin(SATURDAY + 3 * KEPT_MAX * WEEK)
    written = json.dumps(weekly.dump())
    assert len(written) < 250
    again = WeeklyAway.load(json.loads(written))
    assert again.shown() == weekly.shown() != {}
    assert json.dumps(again.dump()) == written
    assert WeeklyAway.load(None).shown() == {}


@pytest.mark.parametrize("document", [[1], [1, [[2]]], ["x", []], [1, [[2, 3, 4]]]])
def test_what_is_none_is_refused(document) -> None:
    with pytest.raises((ValueError, TypeError)):
        WeeklyAway.load(document)
