"""What is remembered of a home's days, and the scale that they give: empty here, lived there.

A day is a row of quarter-hours, each as the highest of twenty-four levels of power above the
day's own floor that it passes. Two things are read from the last eight weeks of such rows:

    lived   how often each band turns up in a day
    empty   how often it would if nobody were there: for each hour of the day, the quarter of the
            days that were quietest in this hour (somebody was out, or asleep) say what machines
            do then, by a thermostat or the sun. Habits are kept apart by looking at the hours
            around, timers by their exactness. What the night shows goes on by day. Absences that
            were seen to last are added as they are.

The weight of a band is how much a quarter-hour in it says that somebody is there: the logarithm
of lived over empty, for counts that scatter more than by chance (negative binomial), because a
compressor or a boiler has busy and idle days. What refrigerators do every day weighs nothing, a
kettle much, whatever its place in the day. The score of a time is the sum of its weights.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

SLOTS_PER_HOUR: Final = 4
SLOTS_PER_DAY: Final = 96
# From an LED lamp to a kettle in steps of about a quarter, so that a load keeps to its bands.
LEVELS_W: Final = (
    8, 10, 13, 16, 20, 26, 33, 42, 53, 67, 85, 108,
    137, 174, 221, 281, 356, 453, 575, 730, 927, 1177, 1495, 1900,
)  # fmt: skip
# How a row is written: a letter per quarter-hour, from A (below all levels) on; unseen.
_LETTER: Final = ord("A")
UNSEEN: Final = "-"

# Part of the days whose quietest make the picture of an empty home, and never fewer than two.
QUIET_PART: Final = 0.25
_QUIET_DAYS_MIN: Final = 2
# An hour of habit (who always eats at noon) must not pass for a machine: the middle of this many
# neighbouring hours counts. What is on at the same quarter-hour in this part of all days is timed.
HABIT_HOURS: Final = (-2, -1, 0, 1, 2)
TIMED_PART: Final = 0.85
_TIMED_DAYS_MIN: Final = 7
# Part of what is on in the quietest hours that is a machine's, and goes on all day.
NIGHT_PART: Final = 0.7
# Hours on end that are the quietest of the day.
QUIET_HOURS: Final = 5
# Slots a day added to both sides of a weight, so that a band never seen decides nothing.
PRIOR: Final = 0.1
# Part of a band that may turn up in the next: floors and compressors drift by some watts.
LEAK: Final = 0.2
# Scatter of a day's counts: the shape of the negative binomial, 2 for "twice as busy as usual is
# nothing special".
SHAPE: Final = 2.0
# No slot says more than this: e⁵, a hundred and fifty times as common in lived days.
WEIGHT_MAX: Final = 5.0
# What the quiet hours say weighs as much as this many days that were known to be empty.
QUIET_WORTH: Final = 2.0
# Slots of one machine come in twos and threes, and a little scatter is always left.
CLUSTER: Final = 1.5
SCATTER: Final = 0.5
# Days poorer than a poor lived day: illness and journeys must not blunt the rule.
POOR_PART: Final = 0.1
# Part of a window that must have been seen for it to count among a day's.
SEEN_PART: Final = 0.9
# The limit: so many deviations above empty, or this share of the way to a usual day, but no
# further than this share of the way to a poor one, nor above the poorest day but one. All were
# chosen on the tuning homes of `./dev eval` (docs/rules.md).
DEVIATIONS: Final = 0.5
USUAL_SHARE: Final = 0.06
POOR_SHARE: Final = 0.4
POOREST: Final = 1
POOREST_PART: Final = 0.95
# While fewer days than this are known, only this part of the way from empty to the limit is used.
DAYS_TRUSTED: Final = 14
YOUNG_PART: Final = 0.6
# A poor day nearer to empty than this many deviations is chance: the home can't be judged.
DEVIATIONS_MIN: Final = 2.0

Counts = NDArray[np.float64]
Bands = NDArray[np.int64]


class Day(NamedTuple):
    """A day: its row of letters, and its floor and mean in watts."""

    row: str
    floor_w: int
    mean_w: int


class Scale(NamedTuple):
    """What was learned. weights: what a slot of each band says, the lowest first; empty,
    deviation: score of an empty window and its scatter; usual, poor: the least scores of the
    middle and the poor lived days; limit: at or below it a window looks empty; quiet_from: the
    hour (UTC) at which the quietest hours begin."""

    weights: tuple[float, ...]
    empty: float
    deviation: float
    usual: float
    poor: float
    limit: float
    quiet_from: int

    @property
    def tells(self) -> bool:
        """Whether lived and empty lie apart at all."""
        return self.limit > 0.0


def row_of(slots: dict[int, int]) -> str:
    """The row of a day from its bands by the quarter-hour of the day."""
    letters = [chr(_LETTER + slots[n]) if n in slots else UNSEEN for n in range(SLOTS_PER_DAY)]
    return "".join(letters)


def checked_row(row: object) -> str:
    """A row from the disk; ValueError when it is none."""
    if not isinstance(row, str) or len(row) != SLOTS_PER_DAY:
        raise ValueError(f"no row of quarter-hours: {row!r:.120}")
    if any(c != UNSEEN and not 0 <= ord(c) - _LETTER <= len(LEVELS_W) for c in row):
        raise ValueError(f"letters that name no band: {row!r:.120}")
    return row


def learn_scale(days: Sequence[Day], absent: Sequence[str], window: int) -> Scale:
    """The scale that these lived days, and rows of known absences, give for windows so long."""
    bands = _bands([day.row for day in days])
    quiet_hours, quiet_from = _quiet_hours(bands)
    empty = quiet_hours
    if absent:
        known = _bands(absent)
        full = _per_day(known) * len(absent)
        empty = (quiet_hours * QUIET_WORTH + full) / (QUIET_WORTH + len(absent))
    weights = _weights(_per_day(bands), empty)
    part = window / SLOTS_PER_DAY
    empty_score = float(empty @ weights) * part
    variance = float(empty @ (weights * weights)) * part
    deviation = float(np.sqrt(CLUSTER * variance + SCATTER))
    lows = _poorest(bands, weights, window)
    usual, poor = lows[len(lows) // 2], lows[int(len(lows) * POOR_PART)]
    limit = 0.0
    if poor - empty_score >= DEVIATIONS_MIN * deviation:
        up = max(DEVIATIONS * deviation, USUAL_SHARE * (usual - empty_score))
        limit = empty_score + min(up, POOR_SHARE * (poor - empty_score))
        if len(lows) > POOREST:
            limit = min(limit, lows[POOREST] * POOREST_PART)
        if len(days) < DAYS_TRUSTED:
            limit = empty_score + (limit - empty_score) * YOUNG_PART
    return Scale(
        weights=tuple(float(w) for w in weights[1:]),
        empty=empty_score,
        deviation=deviation,
        usual=usual,
        poor=poor,
        limit=limit,
        quiet_from=quiet_from,
    )


def _bands(rows: Sequence[str]) -> Bands:
    """A matrix of days and quarter-hours; -1 is unseen."""
    codes = np.frombuffer("".join(rows).encode("ascii"), dtype=np.uint8)
    bands = codes.reshape(len(rows), SLOTS_PER_DAY).astype(np.int64) - _LETTER
    return np.maximum(bands, -1)


def _per_day(bands: Bands) -> Counts:
    """How often each band turns up in a day that is wholly seen."""
    seen = bands[bands >= 0]
    counts = np.bincount(seen, minlength=len(LEVELS_W) + 1).astype(np.float64)
    return counts * (SLOTS_PER_DAY / max(1, len(seen)))


def _quiet_hours(bands: Bands) -> tuple[Counts, int]:
    """Bands a day of the quietest days of each hour, and where the quietest hours begin."""
    hours = bands.reshape(len(bands), 24, SLOTS_PER_HOUR)
    seen: NDArray[np.bool_] = np.min(hours, axis=2) >= 0
    activity = hours.sum(axis=2)
    counts = np.full((24, len(LEVELS_W) + 1), np.nan)
    profile = np.zeros(24)
    for hour in range(24):
        which = np.flatnonzero(seen[:, hour])
        if not len(which):
            continue
        profile[hour] = activity[which, hour].mean()
        order = which[np.argsort(activity[which, hour], kind="stable")]
        quietest = order[: max(_QUIET_DAYS_MIN, int(len(order) * QUIET_PART))]
        found = np.bincount(hours[quietest, hour].ravel(), minlength=counts.shape[1])
        counts[hour] = found / len(quietest)
    known = ~np.isnan(counts[:, 0])
    # Hours that were never seen whole are like the others, or like all that was seen.
    counts[~known] = counts[known].mean(axis=0) if known.any() else _per_day(bands) / 24
    near = np.stack([np.roll(counts, shift, axis=0) for shift in HABIT_HOURS])
    quiet = np.median(near, axis=0).sum(axis=0)
    sums = [sum(profile[(h + k) % 24] for k in range(QUIET_HOURS)) for h in range(24)]
    quiet_from = int(np.argmin(sums))
    night = [(quiet_from + k) % 24 for k in range(QUIET_HOURS)]
    idle = hours[:, night][seen[:, night]]
    quiet = np.maximum(quiet, _per_day(idle) * NIGHT_PART)
    return np.maximum(quiet, _timed(bands)), quiet_from


def _timed(bands: Bands) -> Counts:
    """Bands a day of what comes on at the same quarter-hour on nearly every day: a timer's."""
    counts = np.zeros(len(LEVELS_W) + 1)
    for slot in range(SLOTS_PER_DAY):
        seen = np.sort(bands[:, slot][bands[:, slot] >= 0])
        if len(seen) >= _TIMED_DAYS_MIN:
            counts[seen[int(len(seen) * (1.0 - TIMED_PART))]] += 1.0
    counts[0] = 0.0
    return counts


def _weights(lived: Counts, empty: Counts) -> Counts:
    """What a slot of each band says for somebody being there; the lowest band says nothing."""
    leaked = empty.copy()
    leaked[2:] += LEAK * empty[1:-1]
    here, gone = lived + PRIOR, leaked + PRIOR
    ratio = here * (gone + SHAPE) / (gone * (here + SHAPE))
    weights = np.clip(np.log(ratio), 0.0, WEIGHT_MAX)
    weights[0] = 0.0
    # A band that never turned up, as a louder kettle's in the first days, is like those around it.
    met = (lived + empty) > 0.0
    met[0] = True
    filled: Counts = np.interp(np.arange(len(weights)), np.flatnonzero(met), weights[met])
    return filled


def _poorest(bands: Bands, weights: Counts, window: int) -> list[float]:
    """The least score of any window that ends within each day, sorted; never an empty list."""
    seen = (bands >= 0).ravel()
    scores = np.where(seen, weights[np.maximum(bands, 0).ravel()], 0.0)
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    known = np.concatenate([[0], np.cumsum(seen)])
    ends = np.arange(window, len(scores) + 1, SLOTS_PER_HOUR)
    if not len(ends):
        return [float(sums[-1]) * window / max(1, int(known[-1]))]
    total, count = sums[ends] - sums[ends - window], known[ends] - known[ends - window]
    whole = count >= window * SEEN_PART
    day = (ends[whole] - 1) // SLOTS_PER_DAY
    least: dict[int, float] = {}
    for number, score in zip(
        day.tolist(), (total[whole] * window / count[whole]).tolist(), strict=True
    ):
        least[number] = min(score, least.get(number, score))
    if not least:
        return [float(sums[-1]) * window / max(1, int(known[-1]))]
    return sorted(least.values())
