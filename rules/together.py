"""Quarter-hours that waited, judged together: what many windows say, in one pass of numpy. Pure.

    slots      a b c d e f g h     of one day: what they are compared with stays the same
    windows    [.......]a
                [.......]b         each ends with one of them
                 [.......]c

Whole numbers are summed exactly and floats are combined in the order of `rules.lived_days` and
`rules.slow_part`: what comes out is the same to the last bit (`tests/rules/test_together.py`).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from rules.lived_days import (
    PEAK_MORE_W,
    SLOTS_PER_HOUR,
    SPREAD_MORE_W,
    Alone,
)
from rules.metering import Slot
from rules.slow_part import SLOW_FROM, SLOW_MORE_W, STRONG_W

# With fewer, numpy's own beginnings take longer than judging each by itself.
TOGETHER_MIN: Final = 4

_PAIR: Final = 2 * SLOTS_PER_HOUR

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Step(NamedTuple):
    """A slot to take. measured: what its window says counts; doubtful: the supply was in doubt."""

    slot: Slot
    measured: bool
    doubtful: bool


class Judged(NamedTuple):
    """What a window says. slow: by how much more its activity counts where what is slow does."""

    activity: float
    slow: float
    floor_w: int
    spread_w: float


def judged(
    watts: Sequence[int], size: int, floor: tuple[float, float], alone: Alone
) -> list[Judged]:
    """Of every window of so many slots in these watts. floor: of which part of a window's slots,
    lowest first, it is the mean."""
    kept = np.array(watts, dtype=np.uint16)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(kept, size), axis=1)
    low, high = int(size * floor[0]), max(int(size * floor[1]), 1)
    floors = windows[:, low:high].sum(axis=1, dtype=np.int64) // (high - low)
    peaks = windows[:, -1].astype(np.int64) - floors
    wide = kept.astype(np.int64)
    totals = _sums(wide, size)
    spreads = _spreads(totals, _sums(wide * wide, size), size)
    part = (spreads + SPREAD_MORE_W) / (alone.spread_w + SPREAD_MORE_W)
    high_part = (np.maximum(peaks, 0) + PEAK_MORE_W) / (alone.peak_w + PEAK_MORE_W)
    activities = np.sqrt(part * high_part).tolist()
    slow = [1.0] * len(activities)
    if alone.spread_w <= STRONG_W:
        slow = _factors(wide, size, totals).tolist()
    return list(map(Judged, activities, slow, floors.tolist(), spreads.tolist()))


def _factors(wide: Ints, size: int, totals: Ints) -> Floats:
    """As `rules.slow_part.slow_factor` of each window."""
    skipped = size % _PAIR
    if skipped:
        totals = _sums(wide[skipped:], size - skipped)
    slow = _spreads(totals, _squares(wide[skipped:], size, _PAIR, skipped), size // _PAIR) / _PAIR
    hours = _squares(wide[skipped:], size, SLOTS_PER_HOUR, skipped)
    quick = _spreads(totals, hours, 2 * (size // _PAIR)) / SLOTS_PER_HOUR
    factors: Floats = np.maximum(1.0, slow / (quick + SLOW_MORE_W) / SLOW_FROM)
    return factors


def _sums(numbers: Ints, size: int) -> Ints:
    """Of each so many on end."""
    upto = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(numbers)))
    return upto[size:] - upto[:-size]


def _squares(numbers: Ints, size: int, step: int, skipped: int) -> Ints:
    """Of each window the sum of the squares of its hours, or pairs of hours."""
    sums = _sums(numbers, step)
    squares = sums * sums
    count = len(numbers) - (size - skipped) + 1
    steps = np.lib.stride_tricks.sliding_window_view(squares, size - skipped - step + 1)
    found: Ints = steps[:count, ::step].sum(axis=1)
    return found


def _spreads(totals: Ints, squares: Ints, size: int) -> Floats:
    """As `rules.lived_days.spread_of` of each."""
    found: Floats = np.sqrt(np.maximum(0, squares * size - totals * totals)) / size
    return found
