"""Reading what the SQLite store holds: chunks and batches not folded yet, as one."""

import sqlite3
import threading
from pathlib import Path
from typing import Final

import numpy as np

from ingest.readings.packing import DamagedBlobError, Floats, Ints, unpack_chunk
from ingest.readings.port import (
    HOUR_MS,
    POINTS_MAX,
    Latest,
    Point,
    Series,
    choose_resolution,
    too_many_points,
)
from ingest.readings.rollup import (
    BUCKET_MASK,
    Sorted,
    begins_of,
    day_start_ms,
    sort_keyed,
    sort_rows,
)
from ingest.readings.sqlite_store import (
    chunk_rows_sql,
    connect,
    key_of,
    merge_chunks,
    series_rows,
    waiting_rows,
)

# Local midnight of the county.
DAY_OFFSET_H: Final = 8


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
                moments, values = self._points(connection, series_id, fresh, from_ms, to_ms)
                points = self._rolled(moments, values, chosen)
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

    def _points(
        self,
        connection: sqlite3.Connection,
        series_id: int,
        fresh: Sorted,
        from_ms: int,
        to_ms: int,
    ) -> tuple[Ints, Floats]:
        """Moments and values of one series in [from, to)."""
        first, last = from_ms // HOUR_MS, (to_ms - 1) // HOUR_MS
        low, high = key_of(series_id, max(first, 0)), key_of(series_id, max(last, 0))
        keys: list[Ints] = []
        moments: list[Ints] = []
        values: list[Floats] = []
        for key, body in connection.execute(
            "SELECT key, body FROM chunk WHERE key BETWEEN ? AND ? ORDER BY key", (low, high)
        ):
            try:
                offsets, old = unpack_chunk(body)
            except DamagedBlobError:
                continue
            keys.append(np.full(offsets.size, key, np.int64))
            moments.append(offsets + (key & BUCKET_MASK) * HOUR_MS)
            values.append(old)
        begin, end = np.searchsorted(fresh.keys, [low, high + 1])
        merged = sort_keyed(
            np.concatenate((*keys, fresh.keys[begin:end])),
            np.concatenate((*moments, fresh.moments_ms[begin:end])),
            np.concatenate((*values, fresh.values[begin:end])),
        )
        inside = (merged.moments_ms >= from_ms) & (merged.moments_ms < to_ms)
        return merged.moments_ms[inside], merged.values[inside]

    def _rolled(self, moments: Ints, values: Floats, resolution: str) -> list[Point]:
        """Raw points, or (start, low, mean, high) of each hour or local day."""
        if resolution == "raw" or moments.size == 0:
            return list(zip(moments.tolist(), values.tolist(), strict=True))
        hours = moments // HOUR_MS
        buckets = hours if resolution == "hour" else (hours + self._day_offset_h) // 24
        begins = begins_of(buckets)
        sizes = np.diff(np.append(begins, moments.size))
        starts = [
            int(b) * HOUR_MS if resolution == "hour" else day_start_ms(int(b), self._day_offset_h)
            for b in buckets[begins].tolist()
        ]
        return list(
            zip(
                starts,
                np.minimum.reduceat(values, begins).tolist(),
                (np.add.reduceat(values, begins) / sizes).tolist(),
                np.maximum.reduceat(values, begins).tolist(),
                strict=True,
            )
        )

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
            offsets, values = unpack_chunk(row[1])
            best = (int(offsets[-1]) + (row[0] & BUCKET_MASK) * HOUR_MS, float(values[-1]))
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
            known: dict[int, bytes] = {}
            for key in keys:
                row = connection.execute("SELECT body FROM chunk WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    known[key] = row[0]
            before = sum(unpack_chunk(body)[0].size for body in known.values())
            return folded - before + int(merge_chunks(fresh, known).keys.size)
        finally:
            connection.execute("ROLLBACK")

    def close(self) -> None:
        for connection in self._all:
            connection.close()
