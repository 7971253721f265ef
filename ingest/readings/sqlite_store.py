"""Readings in one SQLite file: a commit is one row, an hour of a series is one row.

  add … commit  ->  batch(seq, body)          one insert and one sync, however many readings
  maintain      ->  chunk(series|hour, body)  batches folded, oldest first, duplicates absorbed
                    hour(series|hour, n, low, high, total)  its roll-up, kept when raw is forgotten

A reading is in `batch` until it is in `chunk`, never in neither: folding is one transaction. Rule
states and spool marks of the lane commit with their batch.
"""

import contextlib
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from contract.errors import ContractError
from ingest.marks import SpoolMark
from ingest.readings import lane_state
from ingest.readings.folding import Damaged, folded, good_chunks, rows_of
from ingest.readings.packing import (
    CHUNK_ROW_BYTES,
    DamagedBlobError,
    Rows,
    pack_batch,
    unpack_chunk,
)
from ingest.readings.port import HOUR_MS, RefusedReading, RuleState, SeriesKey, StoreError
from ingest.readings.rollup import (
    BUCKET_BITS,
    BUCKET_MASK,
    Hour,
    Sorted,
    begins_of,
    sort_rows,
)

SCHEMA_VERSION: Final = 1
CACHE_KIB: Final = 64 * 1024
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
CREATE TABLE IF NOT EXISTS hour (
  key INTEGER PRIMARY KEY, n INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
  total REAL NOT NULL);
CREATE TABLE IF NOT EXISTS damaged (source TEXT NOT NULL, body BLOB NOT NULL, reason TEXT NOT NULL);
"""


# How the file is opened; a simulation's own counts what its disk would have kept.
Opener = Callable[..., sqlite3.Connection]


def connect(
    path: Path, *, read_only: bool = False, opener: Opener = sqlite3.connect
) -> sqlite3.Connection:
    connection = opener(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout={lane_state.BUSY_TIMEOUT_MS}")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    if read_only:
        connection.execute("PRAGMA query_only=ON")
    else:
        lane_state.make_durable(connection)
        connection.executescript(_SCHEMA + lane_state.SCHEMA)
    return connection


class SqliteStore:
    """The lane's side of the port; one thread."""

    def __init__(
        self, path: Path, *, keep_raw_days: int = 90, opener: Opener = sqlite3.connect
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = connect(path, opener=opener)
        self._roll_up_old_chunks()
        self._keep_h = keep_raw_days * DAY_H
        self._series: dict[SeriesKey, dict[str, int]] = {}
        for row in self._connection.execute("SELECT gateway, device, kind, field, id FROM series"):
            gateway, device, kind, field, series_id = row
            self._series.setdefault((gateway, device, kind), {})[field] = series_id
        self._next_id = self._scalar("SELECT coalesce(max(id), 0) + 1 FROM series")
        self._batches = self._scalar("SELECT count(*) FROM batch")
        self._trimmed_h = 0
        # The hour that most of what was folded last is about, and the latest such hour.
        self._dated_h = self._latest_h = 0
        self._new: list[tuple[int, str, str, str, str]] = []
        self._ids: array[int] = array("I")
        self._moments: array[int] = array("q")
        self._values: array[float] = array("d")
        self._states: list[RuleState] = []
        self._marks: list[SpoolMark] = []

    def _roll_up_old_chunks(self) -> None:
        """Once: files of a version that computed its roll-ups on reading."""
        if self._scalar("PRAGMA user_version") >= SCHEMA_VERSION:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        for key, body in self._connection.execute("SELECT key, body FROM chunk").fetchall():
            with contextlib.suppress(DamagedBlobError):
                values = unpack_chunk(body)[1]
                hour = (values.size, values.min(), values.max(), values.sum())
                self._connection.execute(
                    "INSERT OR REPLACE INTO hour VALUES (?,?,?,?,?)", (key, *map(float, hour))
                )
        self._connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._connection.execute("COMMIT")

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
        except Exception:
            # A value that SQLite can't take (OverflowError): no transaction stays open.
            self._roll_back()
            raise
        if self._ids:
            self._batches += 1
        self._new = []
        self.begin_batch()
        if self._batches > BATCHES_MAX:
            # The batch is durable whatever becomes of this; what is not folded waits.
            with contextlib.suppress(StoreError):
                self._fold_or_roll_back()

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
        lane_state.write(self._connection, self._states, self._marks)

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise StoreError(str(error), retryable=False) from error

    def load_rule_states(self) -> Iterable[RuleState]:
        return lane_state.load_states(self._connection)

    def load_marks(self) -> Iterable[SpoolMark]:
        return lane_state.load_marks(self._connection)

    def maintain(self, now_ms: int) -> bool:
        """Fold what is waiting; once a day forget raw readings past their time.

        A clock that is a year ahead would have them all forgotten: nothing is older than it is by
        what the gateways say of their readings."""
        if self._batches:
            self._fold_or_roll_back()
        try:
            hour = min(now_ms // HOUR_MS, self._dated_h + DAY_H)
            if hour - self._trimmed_h >= DAY_H:
                self._trimmed_h = hour
                self._connection.execute(
                    "DELETE FROM chunk WHERE (key & ?) < ?", (BUCKET_MASK, hour - self._keep_h)
                )
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreError(str(error), retryable=True) from error
        return self._batches > 0

    def _fold_or_roll_back(self) -> None:
        try:
            self._fold()
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreError(str(error), retryable=True) from error

    def _fold(self) -> None:
        """The oldest batches into their hours, in one transaction."""
        rows = self._connection.execute(
            "SELECT seq, body FROM batch ORDER BY seq LIMIT ?", (FOLD_BATCHES,)
        ).fetchall()
        if not rows:
            self._batches = 0
            return
        damaged: list[Damaged] = []
        sorted_rows = sort_rows(rows_of(rows, damaged))
        if sorted_rows.keys.size:
            self._dated_h = int(np.median(sorted_rows.moments_ms)) // HOUR_MS
        self._connection.execute("BEGIN IMMEDIATE")
        if sorted_rows.keys.size:
            self._merge(sorted_rows, damaged)
        self._connection.executemany("INSERT INTO damaged VALUES (?,?,?)", damaged)
        self._connection.execute("DELETE FROM batch WHERE seq <= ?", (rows[-1][0],))
        self._connection.execute("COMMIT")
        self._batches = max(0, self._batches - len(rows))
        self._latest_h = max(self._latest_h, self._dated_h)

    def _merge(self, fresh: Sorted, damaged: list[Damaged]) -> None:
        """Fresh readings into their hours, raw and rolled up."""
        keys = fresh.keys[begins_of(fresh.keys)].tolist()
        known = good_chunks(_chunks_at(self._connection, keys), damaged)
        # An hour without (some of) its raw readings: they were forgotten, or damaged. What it
        # amounted to stays, and what came late is added, however often something comes.
        old = [key for key in keys if key not in known or self._may_be_forgotten(key)]
        hours = folded(fresh, known, hours_at(self._connection, old))
        self._connection.executemany(
            "INSERT OR REPLACE INTO chunk VALUES (?,?)",
            zip(hours.keys.tolist(), hours.bodies, strict=True),
        )
        columns = (hours.keys, hours.counts, hours.lows, hours.highs, hours.totals)
        self._connection.executemany(
            "INSERT OR REPLACE INTO hour VALUES (?,?,?,?,?)",
            zip(*(column.tolist() for column in columns), strict=True),
        )

    def _may_be_forgotten(self, key: int) -> bool:
        """Only a little of a day's folding is so old; after a start it is not known yet."""
        return (key & BUCKET_MASK) < self._latest_h - self._keep_h + DAY_H or not self._latest_h

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


def hours_at(connection: sqlite3.Connection, keys: Sequence[int]) -> dict[int, Hour]:
    """The stored roll-ups of these hours, as far as there are any."""
    found: dict[int, Hour] = {}
    for at in range(0, len(keys), 500):
        some = keys[at : at + 500]
        marks = ",".join("?" * len(some))
        sql = f"SELECT * FROM hour WHERE key IN ({marks})"  # noqa: S608 - marks only
        found |= {row[0]: Hour(*row[1:]) for row in connection.execute(sql, list(some))}
    return found


def waiting_rows(connection: sqlite3.Connection) -> Rows:
    """Committed readings that are not folded yet."""
    return rows_of(connection.execute("SELECT seq, body FROM batch ORDER BY seq").fetchall())


def chunk_rows_sql() -> str:
    """Readings in all chunks, from the sizes of their blobs."""
    rows = f"(length(body) - 4) / {CHUNK_ROW_BYTES}"
    return f"SELECT coalesce(sum({rows}), 0) FROM chunk"  # noqa: S608 - a constant of ours


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
