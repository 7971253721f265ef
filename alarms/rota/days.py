"""Working days and rest days of the Chinese calendar. Pure.

A day's kind is known in three degrees, and each answer says which: `announced` (the State Council's
yearly notice, with its make-up working days, or what the county has entered itself), `law` (only
the statutory days of the regulation are known, make-up days are not known yet), `unknown` (before
or after the tables: a weekend is a rest day, nothing more is said).

Days are counted since the epoch in local time, as in `rules.local_time`.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from rules.local_time import is_weekend

Known = Literal["announced", "law", "unknown"]

_EPOCH: Final = datetime.date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayKind:
    """`working` decides shifts; `name` is the holiday's, or that of the holiday a working weekend
    makes up for, or empty; `source`: where it is said."""

    working: bool
    name: str
    known: Known
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One year's arrangement: spans of rest days (first, last, name) and working weekends."""

    source: str
    rest: tuple[tuple[str, str, str], ...]
    work: tuple[tuple[str, str], ...]


NOTICES: Final[Mapping[int, Notice]] = MappingProxyType(
    {
        2025: Notice(
            source="国办发明电〔2024〕12号",
            rest=(
                ("01-01", "01-01", "元旦"),
                ("01-28", "02-04", "春节"),
                ("04-04", "04-06", "清明节"),
                ("05-01", "05-05", "劳动节"),
                ("05-31", "06-02", "端午节"),
                ("10-01", "10-08", "国庆节、中秋节"),
            ),
            work=(
                ("01-26", "春节"),
                ("02-08", "春节"),
                ("04-27", "劳动节"),
                ("09-28", "国庆节、中秋节"),
                ("10-11", "国庆节、中秋节"),
            ),
        ),
        2026: Notice(
            source="国务院办公厅关于2026年部分节假日安排的通知（2025-11-04）",
            rest=(
                ("01-01", "01-03", "元旦"),
                ("02-15", "02-23", "春节"),
                ("04-04", "04-06", "清明节"),
                ("05-01", "05-05", "劳动节"),
                ("06-19", "06-21", "端午节"),
                ("09-25", "09-27", "中秋节"),
                ("10-01", "10-07", "国庆节"),
            ),
            work=(
                ("01-04", "元旦"),
                ("02-14", "春节"),
                ("02-28", "春节"),
                ("05-09", "劳动节"),
                ("09-20", "国庆节"),
                ("10-10", "国庆节"),
            ),
        ),
    }
)

# The regulation on public holidays as of 2025-01-01: days that every year has, and those that
# follow the moon or the sun: (first day of the lunar year, Qingming, Duanwu, Mid-Autumn).
_LAW: Final = "全国年节及纪念日放假办法（2024年修订）"
_LUNAR: Final[Mapping[int, tuple[str, str, str, str]]] = MappingProxyType(
    {
        2027: ("02-06", "04-05", "06-09", "09-15"),
        2028: ("01-26", "04-04", "05-28", "10-03"),
        2029: ("02-13", "04-04", "06-16", "09-22"),
        2030: ("02-03", "04-05", "06-05", "09-12"),
        2031: ("01-23", "04-05", "06-24", "10-01"),
        2032: ("02-11", "04-04", "06-12", "09-19"),
    }
)


class Calendar:
    """The tables above, with days that a county has entered itself (`own`) before all others."""

    def __init__(self, own: Mapping[int, DayKind] | None = None) -> None:
        self.own: Mapping[int, DayKind] = MappingProxyType(dict(own or {}))
        # Only a notice makes weekends working days: who entered one of a year had it before them.
        self._entered = frozenset(
            date_of(day).year for day, kind in self.own.items() if kind.working and is_weekend(day)
        )

    def kind(self, day: int) -> DayKind:
        own = self.own.get(day)
        return self.without_own(day) if own is None else own

    def without_own(self, day: int) -> DayKind:
        """As it is without what the county has entered for this very day."""
        found = _TABLE.get(day)
        if found is None:
            return DayKind(working=not is_weekend(day), name="", known=self.known(day))
        return replace(found, known=self.known(day))

    def known(self, day: int) -> Known:
        """How well the calendar knows the year of a day."""
        year = date_of(day).year
        if year in NOTICES or year in self._entered:
            return "announced"
        return "law" if year in _LUNAR else "unknown"

    def announced_until(self) -> int:
        """The last day whose make-up working days are known."""
        year = max(NOTICES)
        while year + 1 in self._entered:
            year += 1
        return day_number(f"{year}-12-31")


def date_of(day: int) -> datetime.date:
    return _EPOCH + datetime.timedelta(days=day)


def iso_day(day: int) -> str:
    return date_of(day).isoformat()


def day_number(text: str) -> int:
    """The day of an ISO date; ValueError when it is none."""
    return (datetime.date.fromisoformat(text) - _EPOCH).days


def weekday(day: int) -> int:
    """0 is Monday."""
    return date_of(day).weekday()


def _span(year: int, first: str, last: str) -> range:
    return range(day_number(f"{year}-{first}"), day_number(f"{year}-{last}") + 1)


def _table() -> dict[int, DayKind]:
    table: dict[int, DayKind] = {}
    for year, lunar in _LUNAR.items():
        spring, tomb, boat, moon = (day_number(f"{year}-{text}") for text in lunar)
        days = dict.fromkeys(_span(year, "10-01", "10-03"), "国庆节")
        days |= dict.fromkeys(_span(year, "05-01", "05-02"), "劳动节")
        days |= {moon: "中秋节", boat: "端午节", tomb: "清明节"}
        days |= dict.fromkeys(range(spring - 1, spring + 3), "春节")
        days[day_number(f"{year}-01-01")] = "元旦"
        for day, name in days.items():
            table[day] = DayKind(working=False, name=name, known="law", source=_LAW)
    for year, notice in NOTICES.items():
        for first, last, name in notice.rest:
            for day in _span(year, first, last):
                table[day] = DayKind(
                    working=False, name=name, known="announced", source=notice.source
                )
        for text, name in notice.work:
            table[day_number(f"{year}-{text}")] = DayKind(
                working=True, name=name, known="announced", source=notice.source
            )
    return table


_TABLE: Final[Mapping[int, DayKind]] = MappingProxyType(_table())
