"""How lively the hours of some days were, from the readings of a home's meter. Pure.

For a screen: it judges nothing. Quarter-hours are means here, and what the home does alone is
learned from the very days that are shown (`rules.lived_days`), so an hour of an old month is
measured by that month and not by today; by the rule's own measure (`activity`).

    '.' still to come   '-' nothing was heard   '0' as when nobody is up … '4' very lively
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.home_memory import FLOOR_FROM, FLOOR_TO
from rules.lived_days import (
    BEFORE_H,
    HOURS,
    SLOTS_PER_DAY,
    SLOTS_PER_HOUR,
    Alone,
    Hour,
    activity,
    day_of_hours,
    hour_of,
    learn_alone,
    spread_of,
)
from rules.living import DAY_SEEN
from rules.metering import GAP_MIN_MS, POWER_MAX_W, SLOT_MS

# Best first, as the rules have it: a register forgets nothing between two readings.
FIELDS: Final = ("energy_kwh", "energy_interval_wh", "power_w")
TO_COME: Final = "."
UNHEARD: Final = "-"
# Times of what the home does alone, from which on an hour is of the next level. The highest is what
# cooking is in most of the tuning homes.
LEVELS: Final = (1.3, 2.0, 3.5, 6.0)
# A refrigerator, while fewer days are known than it takes to learn what a home does alone.
ASSUMED: Final = Alone(spread_w=35.0, peak_w=100.0, quiet_from=0)

_WH_MS: Final = 3_600_000.0
_HOUR_MS: Final = SLOT_MS * SLOTS_PER_HOUR

Watts = NDArray[np.float64]


class Month(NamedTuple):
    """hours: of each day a character for each of its 24 hours; learned: what the home does alone is
    known from these days, and not assumed."""

    hours: Sequence[str]
    learned: bool


def quarter_watts(points: Sequence[Sequence[float]], field: str, from_ms: int, slots: int) -> Watts:
    """The mean power of each quarter-hour; not a number where most of it was not seen."""
    watts = np.full(slots, np.nan)
    if len(points) < 2:
        return watts
    table = np.asarray(points, dtype=np.float64)
    moments, values = table[:, 0], table[:, 1]
    steps_ms = np.diff(moments)
    if field == "energy_kwh":
        wh = np.diff(values) * 1000.0
    elif field == "energy_interval_wh":
        wh = values[1:]
    else:
        wh = (values[1:] + values[:-1]) / 2.0 * steps_ms / _WH_MS
    seen = (steps_ms <= GAP_MIN_MS) & (wh >= 0.0) & (wh * _WH_MS <= POWER_MAX_W * steps_ms)
    energy = np.concatenate(([0.0], np.cumsum(np.where(seen, wh, 0.0))))
    unseen = np.concatenate(([0.0], np.cumsum(np.where(seen, 0.0, steps_ms))))
    edges = from_ms + np.arange(slots + 1, dtype=np.float64) * SLOT_MS
    inside = np.clip(edges, moments[0], moments[-1])
    known_ms = np.diff(inside) - np.diff(np.interp(edges, moments, unseen))
    used_wh = np.diff(np.interp(edges, moments, energy))
    known = known_ms * 2 > SLOT_MS
    watts[known] = used_wh[known] * _WH_MS / known_ms[known]
    return watts


def month_of(watts: Watts, now_slot: int) -> Month:
    """From the quarter-hours of whole days, beginning at a midnight; `now_slot` is the first that
    has not ended yet."""
    whole = np.nan_to_num(np.round(watts), nan=-1.0).astype(np.int64).tolist()
    hours = [_hour(whole[at : at + SLOTS_PER_HOUR]) for at in range(0, len(whole), SLOTS_PER_HOUR)]
    floors = _floors(watts)
    alone = _alone(watts, hours, floors)
    used = ASSUMED if alone is None else alone
    marks = []
    for place, hour in enumerate(hours):
        if place * SLOTS_PER_HOUR >= now_slot:
            marks.append(TO_COME)
        elif hour is None:
            marks.append(UNHEARD)
        else:
            marks.append(str(level_of(hour, floors[place // HOURS], used)))
    rows = ["".join(marks[at : at + HOURS]) for at in range(0, len(marks), HOURS)]
    return Month(rows, alone is not None)


def level_of(hour: Hour, floor_w: float, alone: Alone) -> int:
    spread_w = spread_of(hour.total, hour.squares, SLOTS_PER_HOUR)
    found = activity(spread_w, hour.peak - floor_w, alone)
    return sum(found >= bound for bound in LEVELS)


def hours_stirred(
    points: Sequence[Sequence[float]], kind: str, from_ms: int, hours: int
) -> set[int]:
    """In which hours a sensor or a measurement shows somebody, from hourly roll-ups (start, lowest,
    mean, highest). A movement shows it by itself, a state by its change, a measurement by being."""
    found: set[int] = set()
    before: float | None = None
    for start_ms, low, _mean, high in points:
        place = int(start_ms - from_ms) // _HOUR_MS
        if kind == "motion":
            stirs = high > 0
        elif kind in ("contact", "bed", "presence"):
            # Of an hour that was all alike it is the edge that counts.
            stirs = high != low or (before is not None and before != low)
            before = high
        else:
            stirs = True
        if stirs and 0 <= place < hours:
            found.add(place)
    return found


def _hour(watts: Sequence[int]) -> Hour | None:
    return None if len(watts) < SLOTS_PER_HOUR or min(watts) < 0 else hour_of(watts)


def _floors(watts: Watts) -> list[float]:
    """Of each day the mean of its lowest quarter-hours; of one that was not seen that of the day
    before."""
    floors: list[float] = []
    for at in range(0, len(watts), SLOTS_PER_DAY):
        day = watts[at : at + SLOTS_PER_DAY]
        ordered: Any = np.sort(day[~np.isnan(day)])
        low, high = int(len(ordered) * FLOOR_FROM), max(int(len(ordered) * FLOOR_TO), 1)
        if len(ordered):
            floors.append(float(ordered[low:high].mean()))
        else:
            floors.append(floors[-1] if floors else 0.0)
    return floors


def _alone(watts: Watts, hours: Sequence[Hour | None], floors: Sequence[float]) -> Alone | None:
    days = []
    for day, floor_w in enumerate(floors):
        first = day * HOURS
        seen = watts[day * SLOTS_PER_DAY : (day + 1) * SLOTS_PER_DAY]
        if np.count_nonzero(~np.isnan(seen)) < DAY_SEEN:
            continue
        before = [hours[at] if at >= 0 else None for at in range(first - BEFORE_H, first)]
        own = hours[first : first + HOURS]
        days.append(day_of_hours([*before, *own], round(floor_w), round(float(np.nanmean(seen)))))
    return learn_alone(days)
