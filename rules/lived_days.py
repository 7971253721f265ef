"""What is remembered of a home's days, and what they say: how little it uses when nobody is up.

In every home there are hours when nobody is up, by night or while somebody is out, and then only
machines run. Of each day the six hours before every full hour are remembered, by two numbers:

    spread  the standard deviation of their quarter-hours: what a thermostat swings, whatever else
            is on all the time
    peak    their highest quarter-hour above the floor: the strongest machine

What the home does alone is, of the last four weeks and at the hour where it is least, the spread
that a third of the days stay below, and the like of the peak. A window is compared with both; its
activity is the geometric mean of the two proportions. About 1 is what machines do alone: over a day
they do what they do by night. Of a home that is lived in it is mostly two to ten. Neither changes
with a load that was left on.
"""

from array import array
from collections.abc import Iterable, Sequence, Set
from math import log2, sqrt
from operator import mul
from typing import Any, Final, NamedTuple

import numpy as np

from rules.packed import packed, unpacked

SLOTS_PER_HOUR: Final = 4
SLOTS_PER_DAY: Final = 96
HOURS: Final = 24
# Six hours: in a night with a walk to the kitchen they find a place, and they hold five turns of
# the slowest refrigerator.
BLOCK_H: Final = 6
# Hours that a day needs before its own, for the blocks that begin the evening before.
BEFORE_H: Final = BLOCK_H - 1
# Days of which the spread, the peak stay below what counts. All figures were chosen on the tuning
# homes of `./dev eval` (docs/trials).
SPREAD_PART: Final = 0.35
PEAK_PART: Final = 0.4
# … and of both where the sun hides a part of the day: few blocks are left in which it may be quiet.
FEW_BLOCKS_PART: Final = 0.25
# Watts below which a proportion says nothing: an LED, the last digit of a register.
SPREAD_MORE_W: Final = 8.0
PEAK_MORE_W: Final = 30.0
# Days that must have seen a block for it to say anything.
_DAYS_MIN: Final = 3

# Watts in one byte: steps of 3.5 %, finer than nights differ. 255 is a block that was not seen.
UNSEEN: Final = 255
_STEPS: Final = 20
_SCALE_W: Final = 2.0
_CODE_MAX: Final = UNSEEN - 1
_WATTS: Final[Sequence[float]] = tuple(
    _SCALE_W * (2.0 ** (code / _STEPS) - 1.0) for code in range(UNSEEN)
)


# In place of the watts of a slot that the sun hides: it has its time, and says nothing of what was
# used. More than any slot has.
HIDDEN: Final = 65_535

# Bytes of a day: two numbers of each block.
BLOCKS: Final = 2 * HOURS


class Day(NamedTuple):
    """A day. blocks: spread of the six hours before each full hour, then their peaks, as `coded`;
    its floor and mean in watts."""

    blocks: bytes
    floor_w: int
    mean_w: int


class Alone(NamedTuple):
    """What the home does when nobody is up, and the hour (UTC) at which its quietest hours
    begin."""

    spread_w: float
    peak_w: float
    quiet_from: int


class Hour(NamedTuple):
    """Four quarter-hours, all seen: their sum, the sum of their squares, the highest."""

    total: int
    squares: int
    peak: int


def activity(spread_w: float, peak_w: float, alone: Alone) -> float:
    """How much a time shows that somebody is there; about 1 and less when only machines ran."""
    spread = (spread_w + SPREAD_MORE_W) / (alone.spread_w + SPREAD_MORE_W)
    peak = (max(peak_w, 0.0) + PEAK_MORE_W) / (alone.peak_w + PEAK_MORE_W)
    return sqrt(spread * peak)


def spread_of(total: int, squares: int, size: int) -> float:
    """The standard deviation of so many numbers, from their sum and the sum of their squares."""
    return sqrt(max(0, squares * size - total * total)) / size


def coded(watts: float) -> int:
    return min(round(_STEPS * log2(max(watts, 0.0) / _SCALE_W + 1.0)), _CODE_MAX)


def decoded(code: int) -> float:
    return _WATTS[code]


def hour_of(watts: Sequence[int]) -> Hour:
    return Hour(sum(watts), sum(map(mul, watts, watts)), max(watts))


def day_of_hours(hours: Sequence[Hour | None], floor_w: int, mean_w: int) -> Day:
    """A day from its hours and the five before it; None is an hour of which a part is unknown."""
    spreads, peaks = bytearray(), bytearray()
    for end in range(BLOCK_H, BLOCK_H + HOURS):
        block = [hour for hour in hours[end - BLOCK_H : end] if hour is not None]
        if len(block) < BLOCK_H:
            spreads.append(UNSEEN)
            peaks.append(UNSEEN)
            continue
        totals, squares, highest = zip(*block, strict=True)
        spread_w = spread_of(sum(totals), sum(squares), BLOCK_H * SLOTS_PER_HOUR)
        spreads.append(coded(spread_w))
        peaks.append(coded(max(highest) - floor_w))
    return Day(bytes(spreads + peaks), max(0, floor_w), max(0, mean_w))


def day_of_slots(
    slots: Iterable[tuple[int, int]],
    first: int,
    floor_w: int,
    seen_min: int,
    hidden: Set[int] = frozenset(),
) -> Day | None:
    """A day from the (number, watts) of its slots and those of the hours before it; first: the
    number of the first of these. None if fewer of its own than `seen_min` were seen. hidden: hours
    of the day (UTC) that say nothing of what the home does alone."""
    hours: list[list[int]] = [[] for _ in range(BEFORE_H + HOURS)]
    for number, watts in slots:
        if number >= first:
            hours[(number - first) // SLOTS_PER_HOUR].append(watts)
    known = [watts for hour in hours[BEFORE_H:] for watts in hour]
    if len(known) < seen_min:
        return None
    seen = [watts for watts in known if watts != HIDDEN]
    begin = first // SLOTS_PER_HOUR
    told = [
        None
        if len(hour) < SLOTS_PER_HOUR or HIDDEN in hour or (begin + n) % HOURS in hidden
        else hour_of(hour)
        for n, hour in enumerate(hours)
    ]
    return day_of_hours(told, floor_w, sum(seen) // max(1, len(seen)))


def day_row(day: Day) -> list[Any]:
    """A day for the disk."""
    return [packed(array("B", day.blocks)), day.floor_w, day.mean_w]


def checked_day(row: Any) -> Day:
    """A day from the disk; ValueError, TypeError or OverflowError when it is none."""
    written, floor_w, mean_w = row
    blocks = unpacked("B", written)
    if len(blocks) != BLOCKS:
        raise ValueError(f"no day of blocks: {row!r:.120}")
    return Day(blocks.tobytes(), int(floor_w), int(mean_w))


def learn_alone(days: Sequence[Day], hidden: Set[int] = frozenset()) -> Alone | None:
    """What the home does alone; None while too little is known. hidden: hours of the day (UTC) that
    say nothing of it, though days from before that was known may have seen them."""
    if len(days) < _DAYS_MIN:
        return None
    written = np.frombuffer(b"".join(day.blocks for day in days), dtype=np.uint8)
    codes = np.sort(written.reshape(len(days), 2, HOURS), axis=0)
    seen = (codes[:, 0] != UNSEEN).sum(axis=0)
    for hour in hidden:
        seen[[(hour + n) % HOURS for n in range(BLOCK_H)]] = 0
    last = np.maximum(seen - 1, 0)
    least = []
    parts = (FEW_BLOCKS_PART, FEW_BLOCKS_PART) if hidden else (SPREAD_PART, PEAK_PART)
    for row, part in enumerate(parts):
        at = (part * last + 0.5).astype(np.int64)
        values = codes[at, row, np.arange(HOURS)]
        least.append(np.where(seen >= _DAYS_MIN, values, UNSEEN))
    place = int(np.argmin(least[0]))
    spread, peak = int(least[0][place]), int(least[1].min())
    if UNSEEN in (spread, peak):
        return None
    # Row `place` is the block that ends at the hour after it.
    return Alone(decoded(spread), decoded(peak), (place + 1 - BLOCK_H) % HOURS)
