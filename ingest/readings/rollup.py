"""Hours and days of readings: sorting, deduplicating and summing up columns. Pure.

An hour of a series is addressed by one integer, `series << BUCKET_BITS | hour since 1970`, and a
day likewise, so that SQLite keeps each series' buckets side by side under its integer key.
Hours are those of UTC; days begin at midnight of the site's time, a whole number of hours off.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ingest.readings.packing import Floats, Ints, Rows
from ingest.readings.port import HOUR_MS

# 2**22 hours reach the year 2448; the contract's moments end in 2199.
BUCKET_BITS: Final = 22
BUCKET_MASK: Final = (1 << BUCKET_BITS) - 1


class Sorted(NamedTuple):
    """Readings by (hour key, moment), each once."""

    keys: Ints
    moments_ms: Ints
    values: Floats

    def some(self, at: slice | npt.NDArray[np.bool_]) -> "Sorted":
        return Sorted(self.keys[at], self.moments_ms[at], self.values[at])


class Hours(NamedTuple):
    """What each hour of some sorted readings amounts to; rows [begin, end) are the hour's."""

    keys: Ints
    begins: Ints
    ends: Ints
    lows: Floats
    highs: Floats
    totals: Floats


class Hour(NamedTuple):
    """The roll-up of one hour of one series."""

    n: int
    low: float
    high: float
    total: float

    def joined(self, other: "Hour") -> "Hour":
        """Of two parts that share no reading."""
        return Hour(
            self.n + other.n,
            min(self.low, other.low),
            max(self.high, other.high),
            self.total + other.total,
        )

    def without(self, part: "Hour | None") -> "Hour | None":
        """What is left beside a part whose readings are still there; None: nothing is."""
        if part is None:
            return self
        if self.n <= part.n:
            return None
        return Hour(self.n - part.n, self.low, self.high, self.total - part.total)

    @property
    def mean(self) -> float:
        """Kept between low and high where a total of huge values overflowed or was rounded."""
        return min(max(self.total / self.n, self.low), self.high)


def sort_rows(rows: Rows) -> Sorted:
    """By hour and moment; of the same moment the row that came last in `rows` stays."""
    keys = (rows.series << BUCKET_BITS) | (rows.moments_ms // HOUR_MS)
    return sort_keyed(keys, rows.moments_ms, rows.values)


def sort_keyed(keys: Ints, moments_ms: Ints, values: Floats) -> Sorted:
    order = np.lexsort((moments_ms, keys))  # stable: equal moments keep their order of arrival
    keys, moments_ms, values = keys[order], moments_ms[order], values[order]
    if keys.size > 1:
        last = np.empty(keys.size, np.bool_)
        last[-1] = True
        np.logical_or(keys[1:] != keys[:-1], moments_ms[1:] != moments_ms[:-1], out=last[:-1])
        keys, moments_ms, values = keys[last], moments_ms[last], values[last]
    return Sorted(keys, moments_ms, values)


def begins_of(keys: Ints) -> Ints:
    """Where each run of equal keys begins."""
    if keys.size == 0:
        return np.empty(0, np.int64)
    return np.concatenate(([0], np.flatnonzero(keys[1:] != keys[:-1]) + 1)).astype(np.int64)


def sum_up(rows: Sorted) -> Hours:
    begins = begins_of(rows.keys)
    ends = np.append(begins[1:], rows.keys.size)
    with np.errstate(over="ignore"):  # a total may become infinite; `Hour.mean` copes
        return Hours(
            rows.keys[begins],
            begins,
            ends,
            np.minimum.reduceat(rows.values, begins),
            np.maximum.reduceat(rows.values, begins),
            np.add.reduceat(rows.values, begins),
        )


def hour_of(values: Floats) -> Hour:
    """Of the readings of one hour, at least one."""
    with np.errstate(over="ignore"):
        total = float(values.sum())
    return Hour(values.size, float(values.min()), float(values.max()), total)


def by_hour(hours: Hours) -> dict[int, Hour]:
    """The roll-up of each hour, by its key."""
    columns = zip(
        hours.keys.tolist(),
        (hours.ends - hours.begins).tolist(),
        hours.lows.tolist(),
        hours.highs.tolist(),
        hours.totals.tolist(),
        strict=True,
    )
    return {key: Hour(n, low, high, total) for key, n, low, high, total in columns}


def day_of_hour(hour: int, day_offset_h: int) -> int:
    """The number of the local day an hour of UTC belongs to."""
    return (hour + day_offset_h) // 24


def day_start_ms(day: int, day_offset_h: int) -> int:
    return (day * 24 - day_offset_h) * HOUR_MS
