"""Hours of series written on the PostgreSQL server, over what it has of them.

Hours that can't be there yet are copied straight into their table. The others are held, looked up,
merged, and copied by way of a table of this session's, all in the transaction that writes them: a
gateway that moved to another shard leaves the same hours to two workers, and neither may write over
what the other has just written. Of an hour that is not there the primary key says that somebody
made it meanwhile; then all of it is looked up once more.
"""

from typing import Any, Final

import numpy as np
import psycopg

from ingest.readings.folding import Damaged, Folded, folded, good_chunks
from ingest.readings.months import month_span
from ingest.readings.packing import Ints
from ingest.readings.pg_copy import BEGIN, END, chunk_rows, hour_rows
from ingest.readings.pg_shard import PgShard
from ingest.readings.port import StoreError
from ingest.readings.rollup import BUCKET_BITS, BUCKET_MASK, Hour, Sorted, begins_of

# Two workers meet in the hours of one move, and each that loses has then looked: the third look is
# one more than two of them need.
LOOKS_MAX: Final = 4

# The bounds of a month are written out: the plan then has that month's tables alone.
# Held in one order by everybody. A chunk is never without its roll-up, so that this is held for
# both; and it is read by a statement of its own, behind: the one that waited would see the old one.
_HELD: Final = (
    "SELECT count(*) FROM (SELECT 1 FROM unnest(%b::integer[], %b::integer[]) AS k(series, hour)"
    " JOIN readings.hour h"
    " ON h.series = k.series AND h.hour = k.hour AND h.hour >= {first} AND h.hour < {end}"
    " ORDER BY h.series, h.hour FOR UPDATE OF h) AS held"
)
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
    hours = fresh.keys & BUCKET_MASK
    for _ in range(LOOKS_MAX):
        new = (hours > shard.folded_h) & (hours <= folded_h)
        if shard.looks_up_all:
            new[:] = False
        try:
            _write(shard, fresh.some(new), fresh.some(~new))
        except _MetAnotherError:
            # Another shard's worker, or a folding of ours that was interrupted.
            shard.looks_up_all = True
        else:
            return
    raise StoreError("other shards write the same hours again and again", retryable=True)


class _MetAnotherError(Exception):
    """An hour that was not there is there, or another worker and this one wait for each other."""


def _write(shard: PgShard, new: Sorted, rest: Sorted) -> None:
    straight = folded(new, {}, {}) if new.keys.size else None
    with shard.transaction() as raw:
        try:
            if straight is not None:
                _copy_straight(raw, straight)
            if rest.keys.size:
                _write_over(raw, rest)
        except (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected) as error:
            raise _MetAnotherError from error


def _write_over(raw: "psycopg.Connection[Any]", fresh: Sorted) -> None:
    """Over what is there of these hours."""
    keys = fresh.keys[begins_of(fresh.keys)]
    chunks, before = _known(raw, keys)
    damaged: list[Damaged] = []
    its = folded(fresh, good_chunks(chunks, damaged), before)
    there = np.isin(its.keys, [*before, *(key for key, _body in chunks)])
    if not there.all():
        _copy_straight(raw, _part(its, ~there))
    if there.any():
        some = _part(its, there)
        _copy(raw, "stage_chunk", chunk_rows(some))
        _copy(raw, "stage_hour", hour_rows(some))
        raw.execute(_PUT_CHUNKS)
        raw.execute(_PUT_HOURS)
    if damaged:
        raw.cursor().executemany("INSERT INTO readings.damaged VALUES (%s, %s, %s)", damaged)


def _known(
    raw: "psycopg.Connection[Any]", keys: Ints
) -> tuple[list[tuple[int, bytes]], dict[int, Hour]]:
    """The chunks and the roll-ups that are stored, by key; nobody changes them until the end."""
    chunks: list[tuple[int, bytes]] = []
    hours: dict[int, Hour] = {}
    months = (keys & BUCKET_MASK).astype("datetime64[h]").astype("datetime64[M]").astype(np.int64)
    cursor = raw.cursor(binary=True)
    for month in np.unique(months).tolist():
        some = keys[months == month]
        first, end = month_span(month)
        asked = ((some >> BUCKET_BITS).tolist(), (some & BUCKET_MASK).tolist())
        cursor.execute(_HELD.format(first=first, end=end).encode(), asked)
        cursor.execute(_KNOWN.format(first=first, end=end).encode(), asked)
        for series, hour, body, *rolled in cursor:
            key = series << BUCKET_BITS | hour
            if body is not None:
                chunks.append((key, body))
            if rolled[0] is not None:
                hours[key] = Hour(*rolled)
    return chunks, hours


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


def _copy_straight(raw: "psycopg.Connection[Any]", hours: Folded) -> None:
    _copy(raw, "readings.chunk", chunk_rows(hours))
    _copy(raw, "readings.hour", hour_rows(hours))


def _copy(raw: "psycopg.Connection[Any]", table: str, rows: bytes) -> None:
    with raw.cursor().copy(_COPY.format(table).encode()) as copy:
        copy.write(BEGIN + rows + END)
