"""Months and quarters that reports are of. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from ledger.visiting.days import date_of, day_number
from ledger.visiting.periods import Period, month_of, parse_period

_QUARTER: Final = re.compile(r"(\d{4})-Q([1-4])")
MONTHS_OF_A_QUARTER: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Whole months, oldest first; `key` is 2026-11 or 2026-Q4."""

    key: str
    months: tuple[Period, ...]

    @property
    def first(self) -> int:
        return self.months[0].first

    @property
    def last(self) -> int:
        return self.months[-1].last


def parse_span(key: str) -> Span:
    """ValueError when it is neither a month nor a quarter."""
    quarter = _QUARTER.fullmatch(key)
    if quarter is None:
        month = parse_period(key)
        if month.unit != "month":
            raise ValueError(f"{key[:20]!r} is neither 2026-11 nor 2026-Q4")
        return Span(key=month.key, months=(month,))
    begin = MONTHS_OF_A_QUARTER * (int(quarter[2]) - 1) + 1
    first = month_of(day_number(f"{quarter[1]}-{begin:02}-01"))
    second = month_of(first.last + 1)
    return Span(key=key, months=(first, second, month_of(second.last + 1)))


def months_before(span: Span, number: int) -> list[Span]:
    """The last `number` months up to the span's last one, oldest first."""
    months = [span.months[-1]]
    while len(months) < number:
        months.append(month_of(months[-1].first - 1))
    return [Span(key=month.key, months=(month,)) for month in reversed(months)]


def month_now(day: int) -> Span:
    month = month_of(day)
    return Span(key=f"{date_of(day):%Y-%m}", months=(month,))


def span_before(span: Span) -> Span:
    """The month before a month, the quarter before a quarter."""
    last = month_of(span.first - 1)
    if len(span.months) == 1:
        return Span(key=last.key, months=(last,))
    date = date_of(last.first)
    return parse_span(f"{date.year}-Q{(date.month - 1) // MONTHS_OF_A_QUARTER + 1}")
