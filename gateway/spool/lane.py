"""One lane of the spool: one SQLite file, rows numbered 1, 2, 3 … in the order of acceptance.

Accepted means committed (write-ahead log, a sync per commit). A row leaves only by the hub's
application acknowledgement. Each row carries a CRC-32: SQLite doesn't notice a flipped bit.

Rules of eviction, the whole list:
  activations  are never evicted. Acknowledged rows stay until the hub's backup mark passes them,
               or KEEP_ACKED_MS, so that a hub restored from an older backup gets them again.
  telemetry    is deleted when acknowledged; above the cap the oldest rows go first, counted.
"""

import contextlib
import json
import sqlite3
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.codec import item_document
from contract.errors import ContractError
from contract.ids import item_id
from contract.item import Item, Measurement
from contract.moment import from_iso

# Longer than any outage or restore has taken; then an acknowledged row is only weight.
KEEP_ACKED_MS: Final = 30 * 86_400_000
# Rows evicted at once: one delete per some hundred rows instead of one per row.
EVICT_ROWS: Final = 500
BUSY_TIMEOUT_MS: Final = 5_000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS item (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL, crc INTEGER NOT NULL,
  acked_at_ms INTEGER);
CREATE INDEX IF NOT EXISTS item_waiting ON item (seq) WHERE acked_at_ms IS NULL;
CREATE TABLE IF NOT EXISTS damaged (
  seq INTEGER PRIMARY KEY, id TEXT, body BLOB, crc INTEGER, found_at_ms INTEGER NOT NULL);
"""


class SpoolFull(Exception):  # noqa: N818
    """The disk has no room for this; nothing was accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSettings:
    """keep_acked: rows wait for the hub's backup mark. bytes_max: None is no cap."""

    keep_acked: bool
    bytes_max: int | None = None


class Lane:
    """Used by one thread at a time (the spool's writer)."""

    def __init__(self, path: Path, settings: LaneSettings, new_spool: uuid.UUID) -> None:
        self._path = path
        self._settings = settings
        self._connection = self._open()
        self.spool = self._identity(new_spool)
        self.last_seq = self._scalar("SELECT value FROM meta WHERE key = 'last_seq'")
        self.evicted = 0
        self.damaged = self._scalar("SELECT count(*) FROM damaged")
        self._bytes = self._scalar("SELECT coalesce(sum(length(body)), 0) FROM item")

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_size_limit=4194304")
        connection.executescript(_SCHEMA)
        return connection

    def _identity(self, new_spool: uuid.UUID) -> uuid.UUID:
        """The UUID of this file: drawn once when the file is made, never again."""
        self._connection.execute(
            "INSERT OR IGNORE INTO meta VALUES ('spool', ?), ('last_seq', '0')", (str(new_spool),)
        )
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'spool'").fetchone()
        return uuid.UUID(row[0])

    def _scalar(self, sql: str) -> int:
        row = self._connection.execute(sql).fetchone()
        return int(row[0]) if row is not None else 0

    def append(self, batch: Sequence[Measurement]) -> list[Item]:
        """Make measurements durable; SpoolFull or sqlite3.Error when nothing was accepted."""
        items = [
            _item(measurement, self.spool, self.last_seq + number)
            for number, measurement in enumerate(batch, start=1)
        ]
        rows = []
        size = 0
        for item in items:
            body = json.dumps(
                item_document(item), ensure_ascii=False, separators=(",", ":")
            ).encode()
            size += len(body)
            rows.append((item.seq, item.id, body, zlib.crc32(body)))
        cap = self._settings.bytes_max
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if cap is not None and self._bytes + size > cap:
                self._evict(self._bytes + size - cap)
            self._connection.executemany(
                "INSERT INTO item (seq, id, body, crc) VALUES (?, ?, ?, ?)", rows
            )
            self._connection.execute(
                "UPDATE meta SET value = ? WHERE key = 'last_seq'",
                (str(self.last_seq + len(items)),),
            )
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._abandon()
            if "full" in str(error):
                raise SpoolFull(str(error)) from error
            raise
        self.last_seq += len(items)
        self._bytes += size
        return items

    def _evict(self, over_bytes: int) -> None:
        """Inside the transaction: the oldest rows make room."""
        freed = 0
        while freed < over_bytes:
            oldest = self._connection.execute(
                "SELECT seq, length(body) FROM item ORDER BY seq LIMIT ?", (EVICT_ROWS,)
            ).fetchall()
            if not oldest:
                return
            self._connection.execute("DELETE FROM item WHERE seq <= ?", (oldest[-1][0],))
            gone = sum(length for _seq, length in oldest)
            freed += gone
            self._bytes -= gone
            self.evicted += len(oldest)

    def _abandon(self) -> None:
        """After an error: nothing half-done stays, and a failed sync is never trusted again."""
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        self._connection = self._open()
        self.last_seq = self._scalar("SELECT value FROM meta WHERE key = 'last_seq'")
        self._bytes = self._scalar("SELECT coalesce(sum(length(body)), 0) FROM item")

    def waiting(self, after_seq: int, limit: int, now_ms: int) -> list[Item]:
        """Rows not yet acknowledged, oldest first; damaged ones are set aside and counted."""
        rows = self._connection.execute(
            "SELECT seq, id, body, crc FROM item WHERE acked_at_ms IS NULL AND seq > ?"
            " ORDER BY seq LIMIT ?",
            (after_seq, limit),
        ).fetchall()
        items = []
        for seq, row_id, body, crc in rows:
            item = _read(body) if zlib.crc32(body) == crc else None
            if item is None or item.seq != seq:
                self._set_aside(seq, row_id, body, crc, now_ms)
            else:
                items.append(item)
        return items

    def _set_aside(self, seq: int, row_id: str, body: bytes, crc: int, now_ms: int) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(
            "INSERT OR REPLACE INTO damaged VALUES (?, ?, ?, ?, ?)",
            (seq, row_id, body, crc, now_ms),
        )
        self._connection.execute("DELETE FROM item WHERE seq = ?", (seq,))
        self._connection.execute("COMMIT")
        self.damaged += 1

    def ack(self, ids: Sequence[str], backup_through: int | None, now_ms: int) -> None:
        """The hub has these; unknown ids are fine (an acknowledgement may come twice)."""
        self._connection.execute("BEGIN IMMEDIATE")
        rows = [(i,) for i in ids]
        if self._settings.keep_acked:
            self._connection.executemany(
                f"UPDATE item SET acked_at_ms = {int(now_ms)}"  # noqa: S608 - an integer of ours
                " WHERE id = ? AND acked_at_ms IS NULL",
                rows,
            )
            self._connection.execute(
                "DELETE FROM item WHERE acked_at_ms IS NOT NULL AND (seq <= ? OR acked_at_ms < ?)",
                (backup_through or 0, now_ms - KEEP_ACKED_MS),
            )
        else:
            self._connection.executemany("DELETE FROM item WHERE id = ?", rows)
        self._connection.execute("COMMIT")
        self._bytes = self._scalar("SELECT coalesce(sum(length(body)), 0) FROM item")

    def rewind(self, through_seq: int) -> None:
        """The hub asks again for what it lost: acknowledged rows beyond this wait once more."""
        self._connection.execute("UPDATE item SET acked_at_ms = NULL WHERE seq > ?", (through_seq,))

    def oldest_waiting(self) -> Item | None:
        row = self._connection.execute(
            "SELECT body FROM item WHERE acked_at_ms IS NULL ORDER BY seq LIMIT 1"
        ).fetchone()
        return None if row is None else _read(row[0])

    def intact(self) -> bool:
        return bool(self._connection.execute("PRAGMA quick_check").fetchone()[0] == "ok")

    def close(self) -> None:
        self._connection.close()


def _item(measurement: Measurement, spool: uuid.UUID, seq: int) -> Item:
    return Item(
        id=item_id(spool, seq),
        seq=seq,
        device=measurement.device,
        kind=measurement.kind,
        measured_at_ms=measurement.measured_at_ms,
        received_at_ms=measurement.received_at_ms,
        values=measurement.values,
        attrs=measurement.attrs,
    )


def _read(body: bytes) -> Item | None:
    """The item of a row, or None when the bytes are not what was written."""
    try:
        row = json.loads(body)
        return Item(
            id=row["id"],
            seq=row["seq"],
            device=row["device"],
            kind=row["kind"],
            measured_at_ms=from_iso(row["measured_at"]),
            received_at_ms=from_iso(row["received_at"]),
            values=row["values"],
            attrs=row["attrs"],
        )
    except (ValueError, KeyError, TypeError, ContractError):
        return None
