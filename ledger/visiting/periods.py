"""Weeks and months, who is there on their days, and how many visits they ask for. Pure.

Weeks run from Monday to Sunday, months are those of the calendar. Who is there for a part of a
period only (joined, left, died, in hospital, away), or has a tier for a part of it, is owed that
part: visits × days / days of the period, rounded to the nearest whole, half upwards. So two visits
a week are owed for 6 or 7 days, one for 2 to 5, none for 1; the monthly one for half a month.
"""

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ledger.visiting.days import WEEK, date_of, day_number, weekday
from ledger.visiting.tiers import FREQUENCIES, Segment, Tier, Unit

_WEEK: Final = re.compile(r"(\d{4})-W(\d{2})")
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_THURSDAY: Final = 3
# Days whose week or month is asked for again and again: five years.
_KEPT: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Period:
    """`first` and `last` are its days; `key` is 2026-W48 or 2026-11."""

    first: int
    last: int
    unit: Unit
    key: str

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    def holds(self, day: int) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """When somebody is in the service and at home; None: before and after all that matters.

    absences: days (both inclusive) wholly away or in hospital.
    """

    from_day: int | None = None
    until_day: int | None = None
    absences: tuple[tuple[int, int], ...] = ()

    def present(self, day: int) -> bool:
        if self.from_day is not None and day < self.from_day:
            return False
        if self.until_day is not None and day > self.until_day:
            return False
        return not any(first <= day <= last for first, last in self.absences)

    def days(self, first: int, last: int) -> int:
        """How many of these days somebody is there."""
        if self.from_day is not None:
            first = max(first, self.from_day)
        if self.until_day is not None:
            last = min(last, self.until_day)
        if not self.absences:
            return max(0, last - first + 1)
        return sum(self.present(day) for day in range(first, last + 1))


ALWAYS: Final = Presence()


@lru_cache(_KEPT)
def week_of(day: int) -> Period:
    first = day - weekday(day)
    year, number, _ = date_of(first).isocalendar()
    return Period(first=first, last=first + WEEK - 1, unit="week", key=f"{year:04}-W{number:02}")


@lru_cache(_KEPT)
def month_of(day: int) -> Period:
    date = date_of(day)
    first = day - date.day + 1
    following = date_of(first + 31).replace(day=1)
    last = day_number(following.isoformat()) - 1
    return Period(first=first, last=last, unit="month", key=f"{date.year:04}-{date.month:02}")


def period_of(unit: Unit, day: int) -> Period:
    return week_of(day) if unit == "week" else month_of(day)


def periods(unit: Unit, first: int, last: int) -> Iterator[Period]:
    """All that touch these days, oldest first."""
    period = period_of(unit, first)
    while period.first <= last:
        yield period
        period = period_of(unit, period.last + 1)


def parse_period(key: str) -> Period:
    """The period of a key; ValueError when it is none."""
    week = _WEEK.fullmatch(key)
    if week is not None:
        monday = datetime.date.fromisocalendar(int(week[1]), int(week[2]), 1)
        return week_of(day_number(monday.isoformat()))
    month = _MONTH.fullmatch(key)
    if month is None:
        raise ValueError(f"{key[:20]!r} is neither 2026-11 nor 2026-W48")
    return month_of(day_number(datetime.date(int(month[1]), int(month[2]), 1).isoformat()))


def weeks_of_month(month: Period) -> list[Period]:
    """The weeks that are counted to a month: those whose Thursday lies in it."""
    return [w for w in periods("week", month.first, month.last) if month.holds(w.first + _THURSDAY)]


def tier_of(spans: Sequence[Segment], day: int) -> Tier | None:
    return next((s.tier for s in spans if s.first <= day <= s.last), None)


def required(spans: Sequence[Segment], presence: Presence, period: Period) -> int:
    """The visits that a period asks for. Each tier of the period's unit adds its own part; one of
    the other unit is asked for by its own periods."""
    if len(spans) == 1 and presence is ALWAYS and spans[0].first <= period.first:
        # Nearly everybody, nearly always: a county asks this some hundred thousand times.
        frequency = FREQUENCIES[spans[0].tier]
        if spans[0].last >= period.last:
            return frequency.visits if frequency.unit == period.unit else 0
    doubled = 0
    for span in spans:
        frequency = FREQUENCIES[span.tier]
        if frequency.unit != period.unit:
            continue
        first, last = max(span.first, period.first), min(span.last, period.last)
        if first <= last:
            doubled += 2 * frequency.visits * presence.days(first, last)
    return (doubled + period.length) // (2 * period.length)
