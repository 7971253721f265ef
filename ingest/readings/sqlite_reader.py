"""Reading what the SQLite store holds: chunks and batches not folded yet, as one."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from ingest.readings.folding import (
    good_chunks,
    hours_with,
    merge_chunks,
    part_of,
    raw_points,
    rolled_points,
)
from ingest.readings.packing import Columns
from ingest.readings.port import (
    HOUR_MS,
    POINTS_MAX,
    Latest,
    Point,
    Series,
    StoreError,
    choose_resolution,
    too_many_points,
)
from ingest.readings.rollup import (
    BUCKET_MASK,
    Hour,
    Sorted,
    begins_of,
    sort_rows,
)
from ingest.readings.sqlite_store import (
    chunk_rows_sql,
    connect,
    key_of,
    series_rows,
    waiting_rows,
)

# Local midnight of the county.
DAY_OFFSET_H: Final = 8


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """A file that is locked, damaged or on a disk in trouble, as every store tells it."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{type(error).__name__}: {error}", retryable=True) from error


class SqliteReader:
    """The dashboard's side of the port; a connection for each thread."""

    def __init__(self, path: Path, *, day_offset_h: int = DAY_OFFSET_H) -> None:
        self._path = path
        self._day_offset_h = day_offset_h
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path, read_only=True)
            self._all.append(connection)
        return connection

    @_told()
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
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            rows = series_rows(connection, gateway, device, kind, field)
            fresh = sort_rows(waiting_rows(connection))
            found = []
            for series_id, name, its_kind, its_field in rows:
                points: list[Point]
                if chosen == "raw":
                    points = self._points(connection, series_id, fresh, from_ms, to_ms)
                else:
                    hours = _hours(connection, series_id, fresh, from_ms, to_ms)
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
        finally:
            connection.execute("ROLLBACK")

    @staticmethod
    def _points(
        connection: sqlite3.Connection,
        series_id: int,
        fresh: Sorted,
        from_ms: int,
        to_ms: int,
    ) -> list[Point]:
        """Moments and values of one series in [from, to)."""
        low, high = _bounds(series_id, from_ms, to_ms)
        sql = "SELECT key, body FROM chunk WHERE key BETWEEN ? AND ?"
        known = good_chunks(connection.execute(sql, (low, high)))
        return raw_points(part_of(fresh, low, high), known, from_ms, to_ms)

    def latest(self, gateway: str | None = None, device: str | None = None) -> list[Latest]:
        """The newest value of each series."""
        connection = self._connection()
        sql = "SELECT id, gateway, device, kind, field FROM series WHERE 1 = 1"
        parameters: list[str] = []
        for column, value in (("gateway", gateway), ("device", device)):
            if value is not None:
                sql += f" AND {column} = ?"
                parameters.append(value)
        fresh = sort_rows(waiting_rows(connection))
        found = []
        for series_id, its_gateway, its_device, kind, field in connection.execute(sql, parameters):
            newest = self._newest(connection, series_id, fresh)
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

    @staticmethod
    def _newest(
        connection: sqlite3.Connection, series_id: int, fresh: Sorted
    ) -> tuple[int, float] | None:
        low, high = key_of(series_id, 0), key_of(series_id, BUCKET_MASK)
        best: tuple[int, float] | None = None
        row = connection.execute(
            "SELECT key, body FROM chunk WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
            (low, high),
        ).fetchone()
        if row is not None:
            for key, (offsets, values) in good_chunks([row]).items():
                best = (int(offsets[-1]) + (key & BUCKET_MASK) * HOUR_MS, float(values[-1]))
        begin, end = np.searchsorted(fresh.keys, [low, high + 1])
        if end > begin:
            last = (int(fresh.moments_ms[end - 1]), float(fresh.values[end - 1]))
            best = last if best is None or last[0] >= best[0] else best
        return best

    def count(self) -> int:
        """Raw values kept, each (series, moment) counted once."""
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            folded = int(connection.execute(chunk_rows_sql()).fetchone()[0])
            fresh = sort_rows(waiting_rows(connection))
            if fresh.keys.size == 0:
                return folded
            keys = fresh.keys[begins_of(fresh.keys)].tolist()
            rows = [
                connection.execute("SELECT key, body FROM chunk WHERE key = ?", (key,)).fetchone()
                for key in keys
            ]
            known = good_chunks(row for row in rows if row is not None)
            before = sum(offsets.size for offsets, _values in known.values())
            return folded - before + int(merge_chunks(fresh, known).keys.size)
        finally:
            connection.execute("ROLLBACK")

    def close(self) -> None:
        for connection in self._all:
            connection.close()


def _bounds(series_id: int, from_ms: int, to_ms: int) -> tuple[int, int]:
    """Keys of the first and the last hour that a span touches."""
    first, last = from_ms // HOUR_MS, (to_ms - 1) // HOUR_MS
    return key_of(series_id, max(first, 0)), key_of(series_id, max(last, 0))


def _hours(
    connection: sqlite3.Connection, series_id: int, fresh: Sorted, from_ms: int, to_ms: int
) -> dict[int, Hour]:
    """Roll-ups by hour since 1970, of whole hours; those with readings that are not folded yet
    are made anew from what is raw."""
    low, high = _bounds(series_id, from_ms, to_ms)
    stored = {
        row[0]: Hour(*row[1:])
        for row in connection.execute("SELECT * FROM hour WHERE key BETWEEN ? AND ?", (low, high))
    }
    waiting = part_of(fresh, low, high)
    known: dict[int, Columns] = {}
    if waiting.keys.size:
        keys = waiting.keys[begins_of(waiting.keys)].tolist()
        marks = ",".join("?" * len(keys))
        sql = f"SELECT key, body FROM chunk WHERE key IN ({marks})"  # noqa: S608 - marks only
        known = good_chunks(connection.execute(sql, keys))
    return hours_with(stored, waiting, known)
