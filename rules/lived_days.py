"""What is remembered of a home's days, and what they say: how little it uses when nobody is up.

A day is 24 hours, each with its mean and its highest quarter-hour above the day's own floor. In
every home there are times when nobody is up, by night or while somebody is out, and then only
machines run. Of the last four weeks:

    above   the quietest eight hours of the day, on the quietest fifth of the days; and, for homes
            whose machines work in just these hours, what four hours anywhere in the day show on the
            two quietest days. The geometric mean of both, for each alone errs in some homes
    peak    the highest quarter-hour but one in the calmest eight hours

A window is compared with both. Its activity is the geometric mean of the two proportions, each
with some slack, and no less than most of either, so that 1 is about what machines do alone. Of a
home that is lived in it is mostly far more than twice that. Both lift together with a load that
was left on: neither counts the floor.
"""

from array import array
from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import median
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rules.packed import packed, unpacked

SLOTS_PER_HOUR: Final = 4
SLOTS_PER_DAY: Final = 96
HOURS: Final = 24
# How an hour is written of which a part was not seen; watts stay below it, as a house connection.
UNSEEN: Final = 65_535
WATTS_MAX: Final = UNSEEN - 1

# Eight hours: a night. Its quietest fifth: nights on which somebody was up don't count.
BLOCK_H: Final = 8
BLOCK_PART: Final = 0.2
PEAK_PART: Final = 0.35
# Four hours by day are quiet when somebody was out; two such days of four weeks are enough.
SHORT_H: Final = 4
SHORT_DAYS: Final = 2
# A boiler that warms its tank again, a defrost heater: so far above what else goes on by night. Of
# the calmer nights, so that who gets up for tea is no boiler. A burst lasts two slots, and some
# more are granted.
BURST_W: Final = 250.0
BURST_PEAKS: Final = 1.5
BURST_DAYS: Final = 0.75
BURST_SLOTS: Final = 2.5
# Fewer than this in eight hours are people.
BURSTS_MIN: Final = 0.7
BURSTS_MAX: Final = 16
# Days that must have seen an hour for it to say anything.
_DAYS_MIN: Final = 3
# Hours on end that are the quietest of the day.
QUIET_HOURS: Final = 5
# What an empty home may use more by day than in its quietest hours, and watts below which a
# proportion says nothing: an LED, the last digit of a register. All were chosen on the tuning
# homes of `./dev eval` (docs/rules.md).
ABOVE_SLACK: Final = 1.4
ABOVE_MORE_W: Final = 3.0
PEAK_SLACK: Final = 1.4
PEAK_MORE_W: Final = 15.0
# One of the two far above its own speaks for itself: an evening in front of a screen.
EITHER_PART: Final = 0.85
# So that no proportion is nothing.
_ABOVE_LEAST_W: Final = 1.0
_PEAK_LEAST_W: Final = 5.0

Hours = NDArray[np.float64]


class Day(NamedTuple):
    """A day. hours: watts above its floor by the hour, first the means of all, then their highest
    quarter-hours; its floor and mean in watts."""

    hours: "array[int]"
    floor_w: int
    mean_w: int


class Alone(NamedTuple):
    """What the home uses above its floor when nobody is up, and the hour (UTC) at which its
    quietest hours begin. bursts: quarter-hours a day in which a strong machine comes on by itself;
    as many of a window say nothing."""

    above_w: float
    peak_w: float
    quiet_from: int
    bursts: int = 0


def activity(above_w: float, peak_w: float, alone: Alone) -> float:
    """How much a time shows that somebody is there; about 1 and less when only machines ran."""
    above = (max(above_w, 0.0) + _ABOVE_LEAST_W) / (ABOVE_SLACK * alone.above_w + ABOVE_MORE_W)
    peak = (max(peak_w, 0.0) + _PEAK_LEAST_W) / (PEAK_SLACK * alone.peak_w + PEAK_MORE_W)
    return max(sqrt(above * peak), EITHER_PART * above, EITHER_PART * peak)


def day_of_slots(slots: Mapping[int, int], floor_w: int) -> Day:
    """A day from its slots by the quarter-hour of the day."""
    above, peak = array("H"), array("H")
    for first in range(0, SLOTS_PER_DAY, SLOTS_PER_HOUR):
        watts = [slots[n] for n in range(first, first + SLOTS_PER_HOUR) if n in slots]
        seen = len(watts) == SLOTS_PER_HOUR
        above.append(max(0, sum(watts) // SLOTS_PER_HOUR - floor_w) if seen else UNSEEN)
        peak.append(max(0, max(watts) - floor_w) if seen else UNSEEN)
    mean_w = sum(slots.values()) // max(1, len(slots))
    return Day(above + peak, max(0, floor_w), max(0, mean_w))


def day_row(day: Day) -> list[Any]:
    """A day for the disk."""
    return [packed(day.hours), day.floor_w, day.mean_w]


def checked_day(row: Any) -> Day:
    """A day from the disk; ValueError, TypeError or OverflowError when it is none."""
    written, floor_w, mean_w = row
    hours = unpacked("H", written)
    if len(hours) != 2 * HOURS:
        raise ValueError(f"no day of hours: {row!r:.120}")
    return Day(hours, int(floor_w), int(mean_w))


def learn_alone(days: Sequence[Day]) -> Alone | None:
    """What the home does alone; None while too little is known."""
    if len(days) < _DAYS_MIN:
        return None
    written = b"".join(day.hours.tobytes() for day in days)
    hours = np.frombuffer(written, dtype=np.uint16).reshape(len(days), 2 * HOURS).astype(float)
    above, peak = hours[:, :HOURS], hours[:, HOURS:]
    unseen = above == UNSEEN
    above[unseen] = peak[unseen] = np.inf
    quiet_from = _quiet_from(above, unseen)
    # A night may lie across the end of a row: each begins again behind its end.
    above, peak = (np.hstack([row, row[:, : BLOCK_H - 1]]) for row in (above, peak))
    night_w = _at_part(sliding_window_view(above, BLOCK_H, axis=1).mean(axis=2), BLOCK_PART)
    # The highest but one: what a defrost heater does once a night is not yet usual.
    calm = np.sort(sliding_window_view(peak, BLOCK_H, axis=1), axis=2)
    calm[~np.isfinite(calm[:, :, -1])] = np.inf
    peak_w = _at_part(calm[:, :, -2], PEAK_PART)
    short = np.sort(sliding_window_view(above, SHORT_H, axis=1).mean(axis=2), axis=0)
    quiet = [float(w) for w in short[:SHORT_DAYS].mean(axis=0) if np.isfinite(w)]
    if not (np.isfinite(night_w) and np.isfinite(peak_w) and quiet):
        return None
    above_w = sqrt(night_w * median(quiet))
    return Alone(above_w, peak_w, quiet_from, _bursts(above, peak, peak_w))


def _bursts(above: Hours, peak: Hours, peak_w: float) -> int:
    """How often a strong machine comes on by itself, from the block in which it does so least."""
    strong = np.isfinite(peak) & (peak > BURST_W + BURST_PEAKS * peak_w)
    seen = np.isfinite(sliding_window_view(above, BLOCK_H, axis=1).sum(axis=2))
    counts = sliding_window_view(strong, BLOCK_H, axis=1).sum(axis=2).astype(np.float64)
    counts[~seen] = np.inf
    ordered = np.sort(counts, axis=0)
    number = np.maximum((seen.sum(axis=0) * BURST_DAYS).astype(np.int64), 1)
    sums = np.cumsum(np.where(np.isfinite(ordered), ordered, 0.0), axis=0)
    mean = sums[number - 1, np.arange(ordered.shape[1])] / number
    least = float(np.min(np.where(seen.sum(axis=0) >= _DAYS_MIN, mean, np.inf)))
    if not BURSTS_MIN <= least < np.inf:
        return 0
    return min(int(least * HOURS / BLOCK_H * BURST_SLOTS + 0.5), BURSTS_MAX)


def _at_part(blocks: Hours, part: float) -> float:
    """The least, over all places in the day, of what this part of the days stays below."""
    ordered = np.sort(blocks, axis=0)
    seen = np.isfinite(ordered).sum(axis=0)
    at = (part * np.maximum(seen - 1, 0)).astype(np.int64)
    values = ordered[at, np.arange(ordered.shape[1])]
    return float(np.min(np.where(seen >= _DAYS_MIN, values, np.inf)))


def _quiet_from(above: Hours, unseen: NDArray[np.bool_]) -> int:
    seen = np.maximum((~unseen).sum(axis=0), 1)
    profile = np.where(unseen, 0.0, above).sum(axis=0) / seen
    twice = np.concatenate([profile, profile[: QUIET_HOURS - 1]])
    return int(np.argmin(sliding_window_view(twice, QUIET_HOURS).sum(axis=1)))
