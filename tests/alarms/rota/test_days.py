"""The calendar: what the State Council announced, what the law says, and what is not known yet."""

import pytest

from alarms.rota.days import Calendar, DayKind, day_number, iso_day

CALENDAR = Calendar()


@pytest.mark.parametrize(
    ("date", "working", "name", "known"),
    [
        ("2026-02-14", True, "春节", "announced"),  # a Saturday that makes up
        ("2026-02-15", False, "春节", "announced"),
        ("2026-02-23", False, "春节", "announced"),
        ("2026-02-24", True, "", "announced"),
        ("2026-02-28", True, "春节", "announced"),
        ("2026-11-28", False, "", "announced"),  # a plain Saturday
        ("2026-11-27", True, "", "announced"),
        ("2025-10-08", False, "国庆节、中秋节", "announced"),
        ("2027-02-05", False, "春节", "law"),  # New Year's Eve
        ("2027-02-09", True, "", "law"),  # make-up days of 2027 are not known yet
        ("2027-10-03", False, "国庆节", "law"),
        ("2024-10-01", True, "", "unknown"),
        ("2033-10-01", False, "", "unknown"),  # a Saturday
    ],
)
def test_known_days(date, working, name, known) -> None:
    kind = CALENDAR.kind(day_number(date))
    assert (kind.working, kind.name, kind.known) == (working, name, known)


def test_a_year_has_as_many_days_off_as_announced() -> None:
    """33 days of 2026 are named as rest days and six weekends as working ones; counted by hand."""
    days = range(day_number("2026-01-01"), day_number("2026-12-31") + 1)
    kinds = [CALENDAR.kind(day) for day in days]
    assert sum(1 for k in kinds if k.name and not k.working) == 33
    assert sum(1 for k in kinds if k.name and k.working) == 6
    assert sum(1 for k in kinds if k.working) == 365 - 104 - 33 + 6 + 14


def test_every_holiday_says_where_it_is_written() -> None:
    for day in range(day_number("2025-01-01"), day_number("2032-12-31")):
        kind = CALENDAR.kind(day)
        assert bool(kind.source) == bool(kind.name), iso_day(day)


def test_until_when_make_up_days_are_known() -> None:
    assert iso_day(CALENDAR.announced_until()) == "2026-12-31"
    assert CALENDAR.known(CALENDAR.announced_until()) == "announced"
    assert CALENDAR.known(CALENDAR.announced_until() + 1) == "law"


def test_a_county_enters_what_is_announced_later() -> None:
    """A rest day of its own says nothing of the year; a working weekend comes from a notice."""
    day = day_number("2027-02-13")
    rest = DayKind(working=False, name="春节", known="announced", source="县里录入")
    work = DayKind(working=True, name="春节", known="announced", source="县里录入")
    own = Calendar({day: rest})
    assert (own.kind(day), own.kind(day + 1).known) == (rest, "law")
    assert own.announced_until() == CALENDAR.announced_until()
    entered = Calendar({day: work})
    assert entered.kind(day) == work
    assert entered.without_own(day) == DayKind(working=False, name="", known="announced")
    assert entered.kind(day + 1).known == "announced"
    assert entered.kind(day_number("2027-10-01")).known == "announced"
    assert iso_day(entered.announced_until()) == "2027-12-31"
    assert entered.known(day_number("2028-01-01")) == "law"
