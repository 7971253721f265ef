"""Hours of series written on the PostgreSQL server, over what it has of them.

Hours that can't be there yet are copied straight into their table. The others are looked up first,
merged, and copied by way of a table of this session's.
"""

from typing import Any, Final

import numpy as np
import psycopg

from ingest.readings.folding import Damaged, Folded, folded, good_chunks
from ingest.readings.months import month_span
from ingest.readings.packing import Ints
from ingest.readings.pg_copy import BEGIN, END, chunk_rows, hour_rows
from ingest.readings.pg_shard import PgShard, faults
from ingest.readings.rollup import BUCKET_BITS, BUCKET_MASK, Hour, Sorted, begins_of

# No hour is after this one: whatever comes is looked up.
ALL_HOURS: Final = BUCKET_MASK

# The bounds of a month are written out: the plan then has that month's tables alone.
_KNOWN: Final = (
    "SELECT k.series, k.hour, c.body, h.n, h.low, h.high, h.total"
    " FROM unnest(%b::integer[], %b::integer[]) AS k(series, hour)"
    " LEFT JOIN readings.chunk c"
    " ON c.series = k.series AND c.hour = k.hour AND c.hour >= {first} AND c.hour < {end}"
    " LEFT JOIN readings.hour h"
    " ON h.series = k.series AND h.hour = k.hour AND h.hour >= {first} AND h.hour < {end}"
    " WHERE c.body IS NOT NULL OR h.n IS NOT NULL"
)
_COPY: Final = "COPY {} FROM STDIN (FORMAT binary)"
_PUT_CHUNKS: Final = (
    "INSERT INTO readings.chunk SELECT series, hour, body FROM stage_chunk"
    " ON CONFLICT (series, hour) DO UPDATE SET body = excluded.body"
)
_PUT_HOURS: Final = (
    "INSERT INTO readings.hour SELECT series, hour, n, low, high, total FROM stage_hour"
    " ON CONFLICT (series, hour) DO UPDATE SET n = excluded.n, low = excluded.low,"
    " high = excluded.high, total = excluded.total"
)


def write_hours(shard: PgShard, fresh: Sorted, folded_h: int) -> None:
    """In one transaction; again it changes nothing. `folded_h`: hours after this one have never
    been written."""
    keys = fresh.keys[begins_of(fresh.keys)]
    hours = keys & BUCKET_MASK
    new = (hours > shard.folded_h) & (hours <= folded_h)
    damaged: list[Damaged] = []
    chunks, before = _known(shard, keys[~new])
    its = folded(fresh, good_chunks(chunks, damaged), before)
    try:
        with shard.transaction() as raw:
            _write(raw, its, new)
            if damaged:
                raw.cursor().executemany(
                    "INSERT INTO readings.damaged VALUES (%s, %s, %s)", damaged
                )
    except StoredAlreadyError:
        # A folding that was interrupted has written them.
        shard.folded_h = ALL_HOURS
        write_hours(shard, fresh, folded_h)


class StoredAlreadyError(Exception):
    """An hour that was taken for a new one is there."""


def _known(shard: PgShard, keys: Ints) -> tuple[list[tuple[int, bytes]], dict[int, Hour]]:
    """The chunks and the roll-ups that are stored, by key."""
    chunks: list[tuple[int, bytes]] = []
    hours: dict[int, Hour] = {}
    months = (keys & BUCKET_MASK).astype("datetime64[h]").astype("datetime64[M]").astype(np.int64)
    for month in np.unique(months).tolist():
        some = keys[months == month]
        first, end = month_span(month)
        with faults(shard):
            cursor = shard.connected().cursor(binary=True)
            cursor.execute(
                _KNOWN.format(first=first, end=end).encode(),
                ((some >> BUCKET_BITS).tolist(), (some & BUCKET_MASK).tolist()),
            )
            for series, hour, body, *rolled in cursor:
                key = series << BUCKET_BITS | hour
                if body is not None:
                    chunks.append((key, body))
                if rolled[0] is not None:
                    hours[key] = Hour(*rolled)
    return chunks, hours


def _write(raw: "psycopg.Connection[Any]", hours: Folded, new: "np.typing.NDArray[Any]") -> None:
    for chosen, chunk, hour in (
        (new, "readings.chunk", "readings.hour"),
        (~new, "stage_chunk", "stage_hour"),
    ):
        if not chosen.any():
            continue
        some = _part(hours, chosen)
        try:
            _copy(raw, chunk, chunk_rows(some))
            _copy(raw, hour, hour_rows(some))
        except psycopg.errors.UniqueViolation as error:
            raise StoredAlreadyError from error
        if chosen is not new:
            raw.execute(_PUT_CHUNKS)
            raw.execute(_PUT_HOURS)


def _part(hours: Folded, chosen: "np.typing.NDArray[Any]") -> Folded:
    if chosen.all():
        return hours
    at = np.flatnonzero(chosen)
    return Folded(
        hours.keys[at],
        [hours.bodies[n] for n in at.tolist()],
        hours.counts[at],
        hours.lows[at],
        hours.highs[at],
        hours.totals[at],
    )


def _copy(raw: "psycopg.Connection[Any]", table: str, rows: bytes) -> None:
    with raw.cursor().copy(_COPY.format(table).encode()) as copy:
        copy.write(BEGIN + rows + END)
