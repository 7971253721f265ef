"""What goes wrong with meter readings on their way: seeded changes of one home's series. Pure.

A fault takes the series (time, register in kWh) and gives the series as it would arrive. Faults
that begin in the home itself (a load left on, an outage) are in `readings`.
"""

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from device_sims.habits import HOUR_MS

Series = list[tuple[int, float]]

_GAP_HOURS: Final = (1.0, 30.0)
_GAPS_IN_30_DAYS: Final = 2.0
_PERIOD_MS: Final = 30 * 24 * HOUR_MS
_DUPLICATES: Final = 0.05
_LATE: Final = 0.03
_LATE_BY_MAX: Final = 20
_GLITCHES: Final = 0.002
_REGISTER_MAX_KWH: Final = 999_999.99


def gaps(series: Series, r: random.Random) -> Series:
    """The gateway or the meter is away for hours."""
    if not series:
        return series
    begin_ms, end_ms = series[0][0], series[-1][0]
    count = max(1, round(_GAPS_IN_30_DAYS * (end_ms - begin_ms) / _PERIOD_MS))
    for _ in range(count):
        at_ms = r.uniform(begin_ms, end_ms)
        back_ms = at_ms + r.uniform(*_GAP_HOURS) * HOUR_MS
        series = [row for row in series if not at_ms <= row[0] < back_ms]
    return series


def new_meter(series: Series, r: random.Random) -> Series:
    """Somewhere in the middle half the meter is replaced, and the register begins at nothing."""
    if len(series) < 4:
        return series
    change = r.randrange(len(series) // 4, 3 * len(series) // 4)
    base_kwh = series[change][1]
    return series[:change] + [(at_ms, round(kwh - base_kwh, 2)) for at_ms, kwh in series[change:]]


def duplicates(series: Series, r: random.Random) -> Series:
    """Some readings arrive twice."""
    return [row for row in series for _ in range(2 if r.random() < _DUPLICATES else 1)]


def disorder(series: Series, r: random.Random) -> Series:
    """Some readings arrive later than those after them."""
    places = [
        n + (r.randint(1, _LATE_BY_MAX) + 0.5 if r.random() < _LATE else 0)
        for n in range(len(series))
    ]
    return [row for _place, row in sorted(zip(places, series, strict=True), key=lambda p: p[0])]


def glitches(series: Series, r: random.Random) -> Series:
    """A register that for one reading says nothing or all nines."""
    wrong = (0.0, _REGISTER_MAX_KWH)
    return [(at_ms, r.choice(wrong) if r.random() < _GLITCHES else kwh) for at_ms, kwh in series]


SERIES_FAULTS: Final[Mapping[str, Callable[[Series, random.Random], Series]]] = MappingProxyType(
    {
        "gaps": gaps,
        "new-meter": new_meter,
        "glitches": glitches,
        "duplicates": duplicates,
        "disorder": disorder,
    }
)
