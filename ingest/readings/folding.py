"""Waiting readings joined with the hours that are stored, for stores that keep both. Pure.

A store has committed readings that wait and hours that were folded: of the same moment the waiting
one stays. Hours of which raw readings were forgotten keep what they amounted to.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from ingest.readings.packing import (
    EMPTY,
    Columns,
    DamagedBlobError,
    Floats,
    Ints,
    Rows,
    pack_chunks,
    unpack_batch,
    unpack_chunk,
)
from ingest.readings.port import HOUR_MS, Point
from ingest.readings.rollup import (
    BUCKET_MASK,
    Hour,
    Sorted,
    by_hour,
    day_of_hour,
    day_start_ms,
    hour_of,
    sort_keyed,
    sum_up,
)

Damaged = tuple[str, bytes, str]  # (where it was, its bytes, why it is none)


def rows_of(batches: Iterable[tuple[int, bytes]], damaged: list[Damaged] | None = None) -> Rows:
    """The rows of batches, in their order; a damaged one is set aside with its reason."""
    parts: list[Rows] = []
    for seq, body in batches:
        try:
            parts.append(unpack_batch(body))
        except DamagedBlobError as error:
            if damaged is not None:
                damaged.append((f"batch {seq}", body, str(error)))
    if not parts:
        return EMPTY
    return Rows(
        np.concatenate([p.series for p in parts]),
        np.concatenate([p.moments_ms for p in parts]),
        np.concatenate([p.values for p in parts]),
    )


class Folded(NamedTuple):
    """What some hours are to be, as columns: the key, the chunk and the roll-up of each."""

    keys: Ints
    bodies: Sequence[bytes]
    counts: Ints
    lows: Floats
    highs: Floats
    totals: Floats


def merge_chunks(fresh: Sorted, known: Mapping[int, Columns]) -> Sorted:
    """Fresh rows over what the chunks hold; of the same moment the fresh one stays."""
    keys, moments, values = [], [], []
    for key, (offsets, old) in known.items():
        keys.append(np.full(offsets.size, key, np.int64))
        moments.append(offsets + (key & BUCKET_MASK) * HOUR_MS)
        values.append(old)
    return sort_keyed(
        np.concatenate((*keys, fresh.keys)),
        np.concatenate((*moments, fresh.moments_ms)),
        np.concatenate((*values, fresh.values)),
    )


def good_chunks(
    rows: Iterable[tuple[int, bytes]], damaged: list[Damaged] | None = None
) -> dict[int, Columns]:
    """Chunks that are what was written, by key; the others are set aside with their reason."""
    good: dict[int, Columns] = {}
    for key, body in rows:
        try:
            good[key] = unpack_chunk(body)
        except DamagedBlobError as error:
            if damaged is not None:
                damaged.append((f"chunk {key}", body, str(error)))
    return good


def folded(fresh: Sorted, known: Mapping[int, Columns], before: Mapping[int, Hour]) -> Folded:
    """Fresh readings put into their hours. `before`: stored roll-ups of some of these; what they
    have beyond the chunk that is known was forgotten, or damaged, and is added again."""
    merged = merge_chunks(fresh, known) if known else fresh
    hours = sum_up(merged)
    bounds = list(zip(hours.begins.tolist(), hours.ends.tolist(), strict=True))
    bodies = pack_chunks(merged.moments_ms % HOUR_MS, merged.values, bounds)
    counts, lows = hours.ends - hours.begins, hours.lows
    highs, totals = hours.highs, hours.totals
    for key, old in before.items():
        forgotten = old.without(hour_of(known[key][1]) if key in known else None)
        if forgotten is not None:
            at = int(np.searchsorted(hours.keys, key))
            now = Hour(int(counts[at]), float(lows[at]), float(highs[at]), float(totals[at]))
            counts[at], lows[at], highs[at], totals[at] = now.joined(forgotten)
    return Folded(hours.keys, bodies, counts, lows, highs, totals)


def part_of(rows: Sorted, low: int, high: int) -> Sorted:
    """The rows whose keys are in [low, high]."""
    begin, end = np.searchsorted(rows.keys, [low, high + 1])
    return Sorted(rows.keys[begin:end], rows.moments_ms[begin:end], rows.values[begin:end])


def raw_points(
    waiting: Sorted, known: Mapping[int, Columns], from_ms: int, to_ms: int
) -> list[Point]:
    """Moments and values of one series in [from, to)."""
    merged = merge_chunks(waiting, known)
    inside = (merged.moments_ms >= from_ms) & (merged.moments_ms < to_ms)
    return list(
        zip(merged.moments_ms[inside].tolist(), merged.values[inside].tolist(), strict=True)
    )


def hours_with(
    stored: Mapping[int, Hour], waiting: Sorted, known: Mapping[int, Columns]
) -> dict[int, Hour]:
    """Roll-ups of one series by hour since 1970; those with readings that wait are made anew from
    what is raw. `known`: the good chunks of these."""
    hours = dict(stored)
    if waiting.keys.size:
        for key, hour in by_hour(sum_up(merge_chunks(waiting, known))).items():
            forgotten = key in hours and key not in known
            hours[key] = hour.joined(hours[key]) if forgotten else hour
    return {key & BUCKET_MASK: hour for key, hour in hours.items()}


def rolled_points(
    hours: Mapping[int, Hour], resolution: Literal["hour", "day"], day_offset_h: int
) -> list[Point]:
    """(start, low, mean, high) of each hour or local day, from hours since 1970."""
    if resolution == "hour":
        return [(hour * HOUR_MS, of.low, of.mean, of.high) for hour, of in sorted(hours.items())]
    days: dict[int, Hour] = {}
    for hour, of in hours.items():
        day = day_of_hour(hour, day_offset_h)
        days[day] = days[day].joined(of) if day in days else of
    return [
        (day_start_ms(day, day_offset_h), of.low, of.mean, of.high)
        for day, of in sorted(days.items())
    ]
