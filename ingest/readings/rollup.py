"""Hours and days of readings: sorting, deduplicating and summing up columns. Pure.

An hour of a series is addressed by one integer, `series << BUCKET_BITS | hour since 1970`, and a
day likewise, so that SQLite keeps each series' buckets side by side under its integer key.
Hours are those of UTC; days begin at midnight of the site's time, a whole number of hours off.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

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


class Hours(NamedTuple):
    """What each hour of some sorted readings amounts to; rows [begin, end) are the hour's."""

    keys: Ints
    begins: Ints
    ends: Ints
    lows: Floats
    highs: Floats
    totals: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The roll-up of one hour or day of one series."""

    n: int
    low: float
    high: float
    total: float
    first_ms: int
    first: float
    last_ms: int
    last: float

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
    with np.errstate(over="ignore"):  # a total may become infinite; `Bucket.mean` copes
        return Hours(
            rows.keys[begins],
            begins,
            ends,
            np.minimum.reduceat(rows.values, begins),
            np.maximum.reduceat(rows.values, begins),
            np.add.reduceat(rows.values, begins),
        )


def buckets(rows: Sorted) -> dict[int, Bucket]:
    """The roll-up of each hour, by its key."""
    if rows.keys.size == 0:
        return {}
    hours = sum_up(rows)
    lasts = hours.ends - 1
    columns = zip(
        hours.keys.tolist(),
        (hours.ends - hours.begins).tolist(),
        hours.lows.tolist(),
        hours.highs.tolist(),
        hours.totals.tolist(),
        rows.moments_ms[hours.begins].tolist(),
        rows.values[hours.begins].tolist(),
        rows.moments_ms[lasts].tolist(),
        rows.values[lasts].tolist(),
        strict=True,
    )
    return {
        key: Bucket(
            n=n,
            low=low,
            high=high,
            total=total,
            first_ms=first_ms,
            first=first,
            last_ms=last_ms,
            last=last,
        )
        for key, n, low, high, total, first_ms, first, last_ms, last in columns
    }


def join(parts: Iterable[Bucket]) -> Bucket:
    """One bucket of several that share no reading; at least one is needed."""
    known = list(parts)
    earliest = min(known, key=lambda bucket: bucket.first_ms)
    newest = max(known, key=lambda bucket: bucket.last_ms)
    return Bucket(
        n=sum(bucket.n for bucket in known),
        low=min(bucket.low for bucket in known),
        high=max(bucket.high for bucket in known),
        total=sum(bucket.total for bucket in known),
        first_ms=earliest.first_ms,
        first=earliest.first,
        last_ms=newest.last_ms,
        last=newest.last,
    )


def day_of_hour(hour: int, day_offset_h: int) -> int:
    """The number of the local day an hour of UTC belongs to."""
    return (hour + day_offset_h) // 24


def day_start_ms(day: int, day_offset_h: int) -> int:
    return (day * 24 - day_offset_h) * HOUR_MS
