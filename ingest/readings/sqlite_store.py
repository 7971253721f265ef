"""Readings in one SQLite file: a commit is one row, an hour of a series is one row.

  add … commit  ->  batch(seq, body)          one insert and one sync, however many readings
  maintain      ->  chunk(series|hour, body)  batches folded, oldest first, duplicates absorbed

A reading is in `batch` until it is in `chunk`, never in neither: folding is one transaction. Rule
states and spool marks of the lane commit with their batch.
"""

import json
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from contract.errors import ContractError
from ingest.marks import SpoolMark
from ingest.readings.packing import (
    CHUNK_ROW_BYTES,
    EMPTY,
    DamagedBlobError,
    Rows,
    pack_batch,
    pack_chunks,
    unpack_batch,
    unpack_chunk,
)
from ingest.readings.port import HOUR_MS, RefusedReading, RuleState, SeriesKey, StoreError
from ingest.readings.rollup import BUCKET_BITS, BUCKET_MASK, Sorted, sort_keyed, sort_rows, sum_up

CACHE_KIB: Final = 64 * 1024
BUSY_TIMEOUT_MS: Final = 10_000
# Folded at once: about half a million readings sort and pack in a third of a second.
FOLD_BATCHES: Final = 400
# Batches that wait for folding: a chart reads them all, so they stay few; under full load folding
# cannot wait for an idle moment either.
BATCHES_MAX: Final = 1500
# Values held by one batch; far above what one read of the socket brings.
BATCH_VALUES_MAX: Final = 1_000_000
# Series of one store: a million devices with three values each are another kind of machine.
SERIES_MAX: Final = 3_000_000
DAY_H: Final = 24

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL,
  field TEXT NOT NULL, UNIQUE (gateway, device, kind, field));
CREATE TABLE IF NOT EXISTS batch (seq INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS chunk (key INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS damaged (source TEXT NOT NULL, body BLOB NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rule_state (
  home TEXT NOT NULL, rule TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (home, rule)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (
  spool TEXT PRIMARY KEY, gateway TEXT NOT NULL, contiguous INTEGER NOT NULL,
  beyond TEXT NOT NULL, gap_since_ms INTEGER) WITHOUT ROWID;
"""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    if read_only:
        connection.execute("PRAGMA query_only=ON")
    else:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(_SCHEMA)
    return connection


class SqliteStore:
    """The lane's side of the port; one thread."""

    def __init__(self, path: Path, *, keep_raw_days: int = 90) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = connect(path)
        self._keep_h = keep_raw_days * DAY_H
        self._series: dict[SeriesKey, dict[str, int]] = {}
        for row in self._connection.execute("SELECT gateway, device, kind, field, id FROM series"):
            gateway, device, kind, field, series_id = row
            self._series.setdefault((gateway, device, kind), {})[field] = series_id
        self._next_id = self._scalar("SELECT coalesce(max(id), 0) + 1 FROM series")
        self._batches = self._scalar("SELECT count(*) FROM batch")
        self._trimmed_h = 0
        self._new: list[tuple[int, str, str, str, str]] = []
        self._ids: array[int] = array("I")
        self._moments: array[int] = array("q")
        self._values: array[float] = array("d")
        self._states: list[RuleState] = []
        self._marks: list[SpoolMark] = []

    def _scalar(self, sql: str) -> int:
        return int(self._connection.execute(sql).fetchone()[0])

    def begin_batch(self) -> None:
        if self._new:
            # Ids given out by a batch that was never committed are given back.
            for _id, gateway, device, kind, field in self._new:
                self._series[(gateway, device, kind)].pop(field, None)
            self._next_id -= len(self._new)
            self._new = []
        self._ids, self._moments, self._values = array("I"), array("q"), array("d")
        self._states, self._marks = [], []

    def add(self, series_key: SeriesKey, measured_at_ms: int, values: Mapping[str, float]) -> None:
        fields = self._series.get(series_key)
        if fields is None:
            fields = self._series[series_key] = {}
        if len(self._ids) + len(values) > BATCH_VALUES_MAX:
            raise ContractError("batch_full", f"over {BATCH_VALUES_MAX} values in one batch")
        for field, value in values.items():
            series_id = fields.get(field)
            if series_id is None:
                series_id = self._new_series(series_key, field, fields)
            self._ids.append(series_id)
            self._moments.append(measured_at_ms)
            self._values.append(value)

    def _new_series(self, key: SeriesKey, field: str, fields: dict[str, int]) -> int:
        if self._next_id > SERIES_MAX:
            raise ContractError("too_many_series", f"over {SERIES_MAX} series")
        series_id = self._next_id
        self._next_id += 1
        fields[field] = series_id
        self._new.append((series_id, *key, field))
        return series_id

    def write_rule_states(self, rows: Sequence[RuleState]) -> None:
        self._states.extend(rows)

    def write_marks(self, rows: Sequence[SpoolMark]) -> None:
        self._marks.extend(rows)

    def commit(self) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._write()
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreError(str(error), retryable=True) from error
        if self._ids:
            self._batches += 1
        self._new = []
        self.begin_batch()
        if self._batches > BATCHES_MAX:
            self._fold()

    def _write(self) -> None:
        execute, many = self._connection.execute, self._connection.executemany
        if self._new:
            many(
                "INSERT INTO series (id, gateway, device, kind, field) VALUES (?,?,?,?,?)",
                self._new,
            )
        if self._ids:
            body = pack_batch(self._ids, self._moments, self._values)
            execute("INSERT INTO batch (body) VALUES (?)", (body,))
        if self._states:
            gone = [(home, rule) for home, rule, state in self._states if not state]
            kept = [row for row in self._states if row[2]]
            many("INSERT OR REPLACE INTO rule_state VALUES (?,?,?)", kept)
            many("DELETE FROM rule_state WHERE home = ? AND rule = ?", gone)
        if self._marks:
            many(
                "INSERT OR REPLACE INTO mark VALUES (?,?,?,?,?)",
                [
                    (m.spool, m.gateway, m.contiguous, json.dumps(m.beyond), m.gap_since_ms)
                    for m in self._marks
                ],
            )

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise StoreError(str(error), retryable=False) from error

    def load_rule_states(self) -> Iterable[RuleState]:
        return list(self._connection.execute("SELECT home, rule, state FROM rule_state"))

    def load_marks(self) -> Iterable[SpoolMark]:
        rows = self._connection.execute(
            "SELECT spool, gateway, contiguous, beyond, gap_since_ms FROM mark"
        )
        return [
            SpoolMark(
                spool=spool,
                gateway=gateway,
                contiguous=contiguous,
                beyond=json.loads(beyond),
                gap_since_ms=gap_since_ms,
            )
            for spool, gateway, contiguous, beyond, gap_since_ms in rows
        ]

    def maintain(self, now_ms: int) -> bool:
        """Fold what is waiting; once a day forget raw readings past their time."""
        try:
            if self._batches:
                self._fold()
            hour = now_ms // HOUR_MS
            if hour - self._trimmed_h >= DAY_H:
                self._trimmed_h = hour
                self._connection.execute(
                    "DELETE FROM chunk WHERE (key & ?) < ?", (BUCKET_MASK, hour - self._keep_h)
                )
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreError(str(error), retryable=True) from error
        return self._batches > 0

    def _fold(self) -> None:
        """The oldest batches into their hours, in one transaction."""
        rows = self._connection.execute(
            "SELECT seq, body FROM batch ORDER BY seq LIMIT ?", (FOLD_BATCHES,)
        ).fetchall()
        if not rows:
            self._batches = 0
            return
        damaged: list[tuple[str, bytes, str]] = []
        sorted_rows = sort_rows(_unpacked(rows, damaged))
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO damaged VALUES (?,?,?)", damaged)
        if sorted_rows.keys.size:
            self._merge(sorted_rows)
        self._connection.execute("DELETE FROM batch WHERE seq <= ?", (rows[-1][0],))
        self._connection.execute("COMMIT")
        self._batches = max(0, self._batches - len(rows))

    def _merge(self, fresh: Sorted) -> None:
        hours = sum_up(fresh)
        known = dict(_chunks_at(self._connection, hours.keys.tolist()))
        merged = merge_chunks(fresh, known)
        hours = sum_up(merged)
        bounds = list(zip(hours.begins.tolist(), hours.ends.tolist(), strict=True))
        bodies = pack_chunks(merged.moments_ms % HOUR_MS, merged.values, bounds)
        self._connection.executemany(
            "INSERT OR REPLACE INTO chunk VALUES (?,?)",
            zip(hours.keys.tolist(), bodies, strict=True),
        )

    def take_refused(self) -> list[RefusedReading]:
        """SQLite takes every finite number: nothing is ever refused for good."""
        return []

    def close(self) -> None:
        self._connection.close()


def _chunks_at(connection: sqlite3.Connection, keys: Sequence[int]) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    for at in range(0, len(keys), 500):
        some = keys[at : at + 500]
        marks = ",".join("?" * len(some))
        sql = f"SELECT key, body FROM chunk WHERE key IN ({marks})"  # noqa: S608 - marks only
        found += connection.execute(sql, list(some)).fetchall()
    return found


def merge_chunks(fresh: Sorted, known: Mapping[int, bytes]) -> Sorted:
    """Fresh rows over what the chunks hold; of the same moment the fresh one stays."""
    keys, moments, values = [], [], []
    for key, body in known.items():
        try:
            offsets, old = unpack_chunk(body)
        except DamagedBlobError:
            continue  # what is left of the hour is what came again
        keys.append(np.full(offsets.size, key, np.int64))
        moments.append(offsets + (key & BUCKET_MASK) * HOUR_MS)
        values.append(old)
    return sort_keyed(
        np.concatenate((*keys, fresh.keys)),
        np.concatenate((*moments, fresh.moments_ms)),
        np.concatenate((*values, fresh.values)),
    )


def _unpacked(
    batches: Sequence[tuple[int, bytes]], damaged: list[tuple[str, bytes, str]] | None = None
) -> Rows:
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


def waiting_rows(connection: sqlite3.Connection) -> Rows:
    """Committed readings that are not folded yet."""
    return _unpacked(connection.execute("SELECT seq, body FROM batch ORDER BY seq").fetchall())


def chunk_rows_sql() -> str:
    """Readings in all chunks, from the sizes of their blobs."""
    rows = f"(length(body) - 4) / {CHUNK_ROW_BYTES}"
    return f"SELECT coalesce(sum({rows}), 0) FROM chunk"  # noqa: S608 - a constant of ours


OpenReader = Callable[[], sqlite3.Connection]
SeriesRow = tuple[int, str, str, str]


def series_rows(
    connection: sqlite3.Connection, gateway: str, device: str, kind: str | None, field: str | None
) -> list[SeriesRow]:
    """(id, device, kind, field) of the series asked for."""
    sql = "SELECT id, device, kind, field FROM series WHERE gateway = ? AND device = ?"
    parameters: list[Any] = [gateway, device]
    for column, value in (("kind", kind), ("field", field)):
        if value is not None:
            sql += f" AND {column} = ?"
            parameters.append(value)
    return connection.execute(sql + " ORDER BY kind, field", parameters).fetchall()


def key_of(series_id: int, hour: int) -> int:
    return series_id << BUCKET_BITS | hour
