"""When a home is empty: how often, from which hour and for how long.

Two calendars. The usual one is that of people who travel:

    how often   1.3 a home-year, as on the 16 real homes of the target (33 in 25 home-years)
    how long    nights away as in Eurostat's surveys of trips: 5.1 on average (2014 to 2017), more
                than half of the trips one to three. A log-normal of median 3 has both; at most 14
    begins      at any hour, more by day: a fall keeps no hours. They are back from nine to nine

Absences shorter than 26 h are never asked for, so as many more are drawn. The hard calendar is the
one by which all was judged before: eight a year of 20 h to 5 days, half of them under two days. A
rule that learns a home hears six times as often there that somebody was away, and more than a
quarter of the absences end within five hours of the 26 h in which they have to be found.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from bench.absence.houses import DAY, Calendar, Chance, Span

# Before this day no absence begins: the rule's own time of learning is judged by its tests.
FIRST_DAY: Final = 15
YEAR: Final = 365.25
# A home-year; and the part of them that lasts for 26 h (the rest are single nights, left late).
OFTEN: Final = 1.3
LONG_PART: Final = 0.87
NIGHTS_MIDDLE: Final = 3.0
NIGHTS_SPREAD: Final = 1.03
NIGHTS_MAX: Final = 14
# They don't leave again at once.
_BETWEEN_DAYS: Final = 7
_BACK_HOURS: Final = (9.0, 21.0)


def travels(r: Chance, days: int) -> list[Span]:
    absences: list[Span] = []
    mean_days = YEAR / (OFTEN / LONG_PART)
    at = FIRST_DAY + r.exponential(mean_days)
    while at < days - 2:
        start = int(at) * DAY + int(_leaving_hour(r) * 60)
        nights = min(max(round(r.lognormal(np.log(NIGHTS_MIDDLE), NIGHTS_SPREAD)), 1), NIGHTS_MAX)
        end = (int(at) + nights) * DAY + int(r.uniform(*_BACK_HOURS) * 60)
        absences.append(Span(start=start, end=min(end, days * DAY)))
        at += nights + _BETWEEN_DAYS + r.exponential(mean_days - _BETWEEN_DAYS)
    return absences


def hard(r: Chance, days: int) -> list[Span]:
    absences: list[Span] = []
    at = FIRST_DAY + r.exponential(25)
    while at < days - 6:
        start = int(at) * DAY + int(_leaving_hour(r) * 60)
        length = int(min(max(r.lognormal(np.log(44), 0.6), 20), 120) * 60)
        absences.append(Span(start=start, end=start + length))
        at += length / DAY + 6 + r.exponential(38)
    return absences


def _leaving_hour(r: Chance) -> float:
    """Absences (a journey, a fall) begin at any hour, more of them by day."""
    return float(r.uniform(0, 24) if r.random() < 0.4 else r.uniform(6, 21))


CALENDARS: Final[Mapping[str, Calendar]] = MappingProxyType({"travels": travels, "hard": hard})
