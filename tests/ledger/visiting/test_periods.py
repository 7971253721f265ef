"""Weeks and months, and how many visits each asks for."""

import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.visiting.days import date_of, day_number, weekday
from ledger.visiting.periods import (
    Presence,
    month_of,
    parse_period,
    periods,
    required,
    week_of,
    weeks_of_month,
)
from ledger.visiting.tiers import Segment, Tier

DAYS = st.integers(day_number("2019-12-01"), day_number("2035-02-01"))
NOVEMBER = parse_period("2026-11")
WEEK_48 = parse_period("2026-W48")


def span(tier: Tier, first: int = -(10**6), last: int = 10**6) -> Segment:
    return Segment(first=first, last=last, tier=tier)


@given(DAYS)
def test_a_day_lies_in_its_week_and_month(day) -> None:
    week, month = week_of(day), month_of(day)
    assert week.holds(day)
    assert (weekday(week.first), week.length) == (0, 7)
    assert week.key == date_of(day).strftime("%G-W%V")
    assert month.holds(day)
    assert month.key == date_of(day).strftime("%Y-%m")
    assert date_of(month.last + 1).day == date_of(month.first).day == 1
    assert parse_period(week.key) == week
    assert parse_period(month.key) == month


@given(DAYS, st.integers(0, 500))
def test_periods_follow_each_other_without_a_gap(first, length) -> None:
    for unit in ("week", "month"):
        found = list(periods(unit, first, first + length))
        assert found[0].holds(first)
        assert found[-1].holds(first + length)
        assert all(a.last + 1 == b.first for a, b in pairwise(found))


@pytest.mark.parametrize("key", ["2026-13", "2026-W54", "2025-W53", "2026", "11-2026", "", "x"])
def test_what_is_no_period_is_refused(key) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        parse_period(key)


@given(st.integers(2020, 2034), st.integers(1, 12))
def test_each_week_belongs_to_one_month(year, number) -> None:
    month = month_of(day_number(datetime.date(year, number, 1).isoformat()))
    following = month_of(month.last + 1)
    weeks = weeks_of_month(month)
    assert weeks[-1].last + 1 == weeks_of_month(following)[0].first
    assert all(sum(month.holds(d) for d in range(w.first, w.last + 1)) >= 4 for w in weeks)


@pytest.mark.parametrize(
    ("days", "owed"), [(7, 2), (6, 2), (5, 1), (4, 1), (3, 1), (2, 1), (1, 0), (0, 0)]
)
def test_a_part_of_a_week_owes_a_part_of_its_visits(days, owed) -> None:
    twice = [span(Tier.TWICE_WEEKLY)]
    joined = Presence(from_day=WEEK_48.last - days + 1)
    left = Presence(until_day=WEEK_48.first + days - 1)
    in_hospital = Presence(absences=((WEEK_48.first + days, WEEK_48.last + 3),))
    for presence in (joined, left, in_hospital):
        assert required(twice, presence, WEEK_48) == owed
    # The tier itself may begin in the middle.
    raised = [
        span(Tier.MONTHLY, last=WEEK_48.last - days),
        span(Tier.TWICE_WEEKLY, first=WEEK_48.last - days + 1),
    ]
    assert required(raised, Presence(), WEEK_48) == owed


@pytest.mark.parametrize(("days", "owed"), [(30, 1), (15, 1), (14, 0), (0, 0)])
def test_half_a_month_owes_its_visit(days, owed) -> None:
    presence = Presence(from_day=NOVEMBER.last - days + 1)
    assert required([span(Tier.MONTHLY)], presence, NOVEMBER) == owed


def test_each_tier_is_owed_by_its_own_periods() -> None:
    assert required([span(Tier.MONTHLY)], Presence(), WEEK_48) == 0
    assert required([span(Tier.TWICE_WEEKLY)], Presence(), NOVEMBER) == 0
    assert required([span(Tier.THRICE_WEEKLY)], Presence(), WEEK_48) == 3
    assert required([span(Tier.WEEKLY)], Presence(), WEEK_48) == 1


@given(
    st.lists(st.tuples(DAYS, st.integers(0, 30)).map(lambda p: (p[0], p[0] + p[1])), max_size=3),
    st.none() | DAYS,
    st.none() | DAYS,
    DAYS,
    st.integers(0, 40),
)
def test_days_of_presence_are_counted_one_by_one(absences, joined, left, first, length) -> None:
    presence = Presence(from_day=joined, until_day=left, absences=tuple(absences))
    last = first + length
    expected = sum(presence.present(day) for day in range(first, last + 1))
    assert presence.days(first, last) == expected
