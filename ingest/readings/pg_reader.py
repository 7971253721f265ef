"""Reading what the stores on a PostgreSQL server hold: chunks and what waits, as one."""

import contextlib
import queue
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import psycopg
from psycopg.rows import TupleRow

from ingest.readings.folding import (
    good_chunks,
    hours_with,
    merge_chunks,
    part_of,
    raw_points,
    rolled_points,
    rows_of,
)
from ingest.readings.packing import CHUNK_ROW_BYTES, EMPTY, Columns, Rows
from ingest.readings.pg_schema import has_schema
from ingest.readings.pg_settings import PgSettings
from ingest.readings.port import (
    HOUR_MS,
    POINTS_MAX,
    Latest,
    Point,
    RuleState,
    Series,
    StoreError,
    choose_resolution,
    too_many_points,
)
from ingest.readings.rollup import BUCKET_BITS, BUCKET_MASK, Hour, Sorted, begins_of, sort_rows

# Local midnight of the county.
DAY_OFFSET_H: Final = 8
# Connections of one process; charts beyond these wait for each other.
CONNECTIONS_MAX: Final = 4
# A chart that takes longer is given up, and the connection with it.
STATEMENT_TIMEOUT_MS: Final = 30_000
# Whoever waits longer for a connection is told so.
WAIT_S: Final = 30.0
_OPTIONS: Final = (
    f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c default_transaction_read_only=on"
    " -c default_transaction_isolation=repeatable\\ read"
    " -c enable_hashjoin=off -c enable_mergejoin=off"
)
_CHUNKS: Final = (
    "SELECT hour, body FROM readings.chunk WHERE series = %s AND hour BETWEEN %s AND %s"
)
_HOURS: Final = (
    "SELECT hour, n, low, high, total FROM readings.hour"
    " WHERE series = %s AND hour BETWEEN %s AND %s"
)
_NEWEST: Final = (
    "SELECT hour, body FROM readings.chunk WHERE series = %s ORDER BY hour DESC LIMIT 1"
)
_COUNT: Final = (
    f"SELECT coalesce(sum((length(body) - 4) / {CHUNK_ROW_BYTES}), 0)"  # noqa: S608 - own text
    " FROM readings.chunk"
)
_STATES: Final = "SELECT home, rule, state FROM readings.rule_state"
_SAME: Final = (
    "SELECT k.series, k.hour, c.body FROM unnest(%b::integer[], %b::integer[]) AS k(series, hour)"
    " JOIN readings.chunk c ON c.series = k.series AND c.hour = k.hour"
)

_Row = tuple[int, int, str, str, str, str]  # (id, shard, gateway, device, kind, field)
_Raw = psycopg.Connection[TupleRow]


class PgReader:
    """The dashboard's side of the port; from any thread. Each answer is as of one moment."""

    def __init__(self, settings: PgSettings, *, day_offset_h: int = DAY_OFFSET_H) -> None:
        self._settings = settings
        self._day_offset_h = day_offset_h
        self._free: queue.LifoQueue[_Raw | None] = queue.LifoQueue()
        for _ in range(CONNECTIONS_MAX):
            self._free.put(None)

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[_Raw | None]:
        """A transaction that sees one moment; None: nobody has stored anything there yet."""
        try:
            raw = self._free.get(timeout=WAIT_S)
        except queue.Empty as error:
            raise StoreError("too many charts are being drawn", retryable=True) from error
        try:
            if raw is None or not _answers(raw):
                raw = psycopg.connect(
                    self._settings.conninfo,
                    autocommit=True,
                    options=_OPTIONS,
                    application_name="hearthwatch-charts",
                )
            with raw.transaction():
                yield raw if has_schema(raw) else None
        except psycopg.Error as error:
            text = str(error).strip().split("\n")[0]
            raise StoreError(f"{type(error).__name__}: {text}", retryable=True) from error
        finally:
            self._free.put(raw)

    def rule_states(self) -> list[RuleState]:
        """Those of all shards as they were committed last, for whoever only looks."""
        with self._snapshot() as raw:
            return [] if raw is None else [tuple(row) for row in raw.execute(_STATES)]

    def series(  # noqa: PLR0917 - the port's order
        self,
        gateway: str,
        device: str,
        kind: str | None,
        field: str | None,
        from_ms: int,
        to_ms: int,
        resolution: str,
    ) -> list[Series]:
        chosen = choose_resolution(resolution, from_ms, to_ms)
        with self._snapshot() as raw:
            if raw is None:
                return []
            rows = _series_rows(raw, gateway, device, kind, field)
            waiting = _waiting(raw, rows)
            found = []
            for series_id, _shard, _gateway, name, its_kind, its_field in rows:
                points: list[Point]
                low, high = _bounds(from_ms, to_ms)
                if chosen == "raw":
                    points = _points(raw, series_id, waiting, from_ms, to_ms)
                else:
                    hours = _hours(raw, series_id, waiting, low, high)
                    points = rolled_points(hours, chosen, self._day_offset_h)
                if len(points) > POINTS_MAX:
                    raise too_many_points(len(points))
                found.append(
                    Series(
                        device=name,
                        kind=its_kind,
                        field=its_field,
                        resolution=chosen,
                        points=points,
                    )
                )
            return found

    def latest(self, gateway: str | None = None, device: str | None = None) -> list[Latest]:
        """The newest value of each series."""
        with self._snapshot() as raw:
            if raw is None:
                return []
            rows = _series_rows(raw, gateway, device, None, None)
            waiting = _waiting(raw, rows)
            found = []
            for series_id, _shard, its_gateway, its_device, kind, field in rows:
                newest = _newest(raw, series_id, waiting)
                if newest is not None:
                    found.append(
                        Latest(
                            gateway=its_gateway,
                            device=its_device,
                            kind=kind,
                            field=field,
                            measured_at_ms=newest[0],
                            value=newest[1],
                        )
                    )
            return found

    def count(self) -> int:
        """Raw values kept, each (series, moment) counted once."""
        with self._snapshot() as raw:
            if raw is None:
                return 0
            row = raw.execute(_COUNT).fetchone()
            folded = int(row[0]) if row is not None else 0
            waiting = sort_rows(_batches(raw, None))
            keys = waiting.keys[begins_of(waiting.keys)]
            cursor = raw.cursor(binary=True)
            cursor.execute(_SAME, ((keys >> BUCKET_BITS).tolist(), (keys & BUCKET_MASK).tolist()))
            known = good_chunks((s << BUCKET_BITS | h, body) for s, h, body in cursor)
            before = sum(offsets.size for offsets, _values in known.values())
            return folded - before + int(merge_chunks(waiting, known).keys.size)

    def close(self) -> None:
        for _ in range(CONNECTIONS_MAX):
            with contextlib.suppress(queue.Empty):
                raw = self._free.get_nowait()
                if raw is not None:
                    raw.close()


def _answers(raw: _Raw) -> bool:
    """A server that was started again has forgotten us: nobody's chart need fail for that."""
    try:
        raw.execute("SELECT 1")
    except psycopg.OperationalError:
        raw.close()
        return False
    return True


def _series_rows(
    raw: _Raw, gateway: str | None, device: str | None, kind: str | None, field: str | None
) -> list[_Row]:
    sql = "SELECT id, shard, gateway, device, kind, field FROM readings.series WHERE true"
    parameters: list[str] = []
    named = (("gateway", gateway), ("device", device), ("kind", kind), ("field", field))
    for column, value in named:
        if value is not None:
            sql += f" AND {column} = %s"
            parameters.append(value)
    rows: list[Any] = raw.execute(f"{sql} ORDER BY kind, field".encode(), parameters).fetchall()
    return rows


def _batches(raw: _Raw, shards: list[int] | None) -> Rows:
    """What waits in these shards, in the order of its coming."""
    cursor = raw.cursor(binary=True)
    wanted = "" if shards is None else " WHERE shard = ANY(%s)"
    sql = f"SELECT seq, body FROM readings.batch{wanted} ORDER BY seq"  # noqa: S608 - own text
    cursor.execute(sql.encode(), None if shards is None else (shards,))
    return rows_of(cursor.fetchall())


def _waiting(raw: _Raw, rows: list[_Row]) -> Sorted:
    """Committed readings of these series that are not folded yet."""
    if not rows:
        return sort_rows(EMPTY)
    waiting = _batches(raw, sorted({row[1] for row in rows}))
    wanted = np.isin(waiting.series, np.array([row[0] for row in rows], np.int64))
    its = Rows(waiting.series[wanted], waiting.moments_ms[wanted], waiting.values[wanted])
    return sort_rows(its)


def _bounds(from_ms: int, to_ms: int) -> tuple[int, int]:
    """The first and the last hour that a span touches."""
    return max(from_ms // HOUR_MS, 0), max((to_ms - 1) // HOUR_MS, 0)


def _of_series(rows: Sorted, series_id: int, low_h: int, high_h: int) -> Sorted:
    key = series_id << BUCKET_BITS
    return part_of(rows, key | low_h, key | min(high_h, BUCKET_MASK))


def _chunks(raw: _Raw, series_id: int, low_h: int, high_h: int) -> dict[int, Columns]:
    cursor = raw.cursor(binary=True)
    cursor.execute(_CHUNKS, (series_id, low_h, min(high_h, BUCKET_MASK)))
    return good_chunks((series_id << BUCKET_BITS | hour, body) for hour, body in cursor)


def _points(raw: _Raw, series_id: int, waiting: Sorted, from_ms: int, to_ms: int) -> list[Point]:
    low, high = _bounds(from_ms, to_ms)
    known = _chunks(raw, series_id, low, high)
    return raw_points(_of_series(waiting, series_id, low, high), known, from_ms, to_ms)


def _hours(raw: _Raw, series_id: int, waiting: Sorted, low_h: int, high_h: int) -> dict[int, Hour]:
    cursor = raw.cursor(binary=True)
    cursor.execute(_HOURS, (series_id, low_h, min(high_h, BUCKET_MASK)))
    stored = {series_id << BUCKET_BITS | hour: Hour(*rolled) for hour, *rolled in cursor}
    fresh = _of_series(waiting, series_id, low_h, high_h)
    known: dict[int, Columns] = {}
    if fresh.keys.size:
        touched = fresh.keys[begins_of(fresh.keys)] & BUCKET_MASK
        between = _chunks(raw, series_id, int(touched[0]), int(touched[-1]))
        wanted = set((touched | series_id << BUCKET_BITS).tolist())
        known = {key: columns for key, columns in between.items() if key in wanted}
    return hours_with(stored, fresh, known)


def _newest(raw: _Raw, series_id: int, waiting: Sorted) -> tuple[int, float] | None:
    cursor = raw.cursor(binary=True)
    row = cursor.execute(_NEWEST, (series_id,)).fetchone()
    best: tuple[int, float] | None = None
    if row is not None:
        for offsets, values in good_chunks([(series_id << BUCKET_BITS | row[0], row[1])]).values():
            best = (int(offsets[-1]) + row[0] * HOUR_MS, float(values[-1]))
    fresh = _of_series(waiting, series_id, 0, BUCKET_MASK)
    if fresh.keys.size:
        last = (int(fresh.moments_ms[-1]), float(fresh.values[-1]))
        best = last if best is None or last[0] >= best[0] else best
    return best
