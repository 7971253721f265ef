"""One lane of the spool: one SQLite file, rows numbered 1, 2, 3 … in the order of acceptance.

Accepted means committed (write-ahead log, a sync per commit). A row leaves only by the hub's
application acknowledgement. Rules of eviction, the whole list:

  activations  are never evicted. Acknowledged rows stay until the hub's backup mark passes them,
               or KEEP_ACKED_MS, so that a hub restored from an older backup gets them again.
  telemetry    is deleted when acknowledged. Above the cap, or when the disk is nearly full, the
               oldest rows make room for the newest; what was lost is counted and reported.

A failed write or sync ends the connection: the file is opened again and asked what it holds.
A file that SQLite calls damaged, or whose log is damaged in its middle, is set aside and its
readable rows are kept (`rescue`).
"""

import contextlib
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.item import Item, Measurement
from gateway import boot_time
from gateway.boot_time import Boot, Stamp, StampedItem
from gateway.spool import boots, rescue
from gateway.spool.boots import NoTimes, Times
from gateway.spool.failures import SpoolFull, Unsynced, is_damage, is_full
from gateway.spool.row import ROW_OVERHEAD_BYTES, Row, decode, encode, numbered

# Longer than any outage or restore has taken; then an acknowledged row is only weight.
KEEP_ACKED_MS: Final = 30 * 86_400_000
# Rows past their time are looked for this often.
PRUNE_EVERY_MS: Final = 3_600_000
# Rows evicted at once: one delete per some hundred rows instead of one per row.
EVICT_ROWS: Final = 500
BUSY_TIMEOUT_MS: Final = 5_000
# Commits between two foldings of the log into the file, done after the callbacks.
CHECKPOINT_COMMITS: Final = 32
# The log file is cut back to this, so that it doesn't eat what was saved for activations.
LOG_BYTES_MAX: Final = 512 * 1024
# A larger file is not read whole at every start; its rows still carry their sums.
CHECKED_BYTES_MAX: Final = 64 << 20

# How a lane's file is opened; a simulation's own counts what its disk would have kept.
Connect = Callable[..., sqlite3.Connection]

_SCHEMA: Final = (
    """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS item (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL, body BLOB NOT NULL, crc INTEGER NOT NULL,
  acked_at_ms INTEGER);
CREATE INDEX IF NOT EXISTS item_waiting ON item (seq) WHERE acked_at_ms IS NULL;
CREATE TABLE IF NOT EXISTS damaged (
  seq INTEGER, id TEXT, body BLOB, crc INTEGER, found_at_ms INTEGER NOT NULL);
"""
    + boots.TABLE
)
_LAST_SEQ: Final = "SELECT value FROM meta WHERE key = 'last_seq'"
_BYTES: Final = f"SELECT coalesce(sum(length(body) + {ROW_OVERHEAD_BYTES}), 0) FROM item"  # noqa: S608 - a number


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSettings:
    """keep_acked: rows wait for the hub's backup mark. bytes_max: None is no cap, no eviction."""

    keep_acked: bool
    bytes_max: int | None = None


class Lane:
    """Used by one thread at a time (its writer). `new_spool` draws the UUID of a new file."""

    def __init__(
        self,
        path: Path,
        settings: LaneSettings,
        new_spool: Callable[[], uuid.UUID],
        now_ms: int,
        connect: Connect = sqlite3.connect,
        *,
        times: Times | None = None,
    ) -> None:
        self._path = path
        self._times = times or NoTimes()
        # As in the file; replaced whole, for readers in other threads.
        self.boots: tuple[Boot, ...] = ()
        self._connect = connect
        self._settings = settings
        self._new_spool = new_spool
        self._pruned_ms = now_ms
        self._commits = 0
        # Since the start: rows evicted, rows whose sum was wrong, files rescued.
        self.evicted = 0
        self.damaged = 0
        self.rescued = 0
        # The file turned out to have rows that nobody was told of.
        self.found = False
        try:
            if rescue.log_is_damaged(path, connect):
                raise rescue.damage(f"{path.name}-wal ends before its end")
            self._open()
            if path.stat().st_size <= CHECKED_BYTES_MAX:
                self._check()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self.rescue(now_ms)

    # Opening.

    def _open(self) -> None:
        self._connection = self._connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"journal_size_limit={LOG_BYTES_MAX}",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_SCHEMA)
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'spool'").fetchone()
        if row is None:
            self._connection.execute(
                "INSERT INTO meta VALUES ('spool', ?), ('last_seq', '0')", (str(self._new_spool()),)
            )
            row = self._connection.execute("SELECT value FROM meta WHERE key = 'spool'").fetchone()
        self.spool = uuid.UUID(row[0])
        self.last_seq = self._scalar(_LAST_SEQ)
        self._bytes = self._scalar(_BYTES)
        if not self.boots:
            self.boots = boots.read(self._connection)
            self._times.recall(self.boots)

    def _check(self) -> None:
        found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise rescue.damage(str(found))

    def _scalar(self, sql: str) -> int:
        row = self._connection.execute(sql).fetchone()
        return int(row[0]) if row is not None else 0

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def reopen(self) -> None:
        known = self.last_seq
        self.close()
        self._open()
        self.found = self.found or self.last_seq > known

    def rescue(self, now_ms: int) -> None:
        """Set the damaged file aside; begin a new one, a new spool, with its readable rows.

        They are numbered anew: a number given twice would be a press taken for a duplicate.
        The hub may see a row twice under two ids, which joins the same alarm.
        """
        with contextlib.suppress(AttributeError):  # it may never have been open
            self.close()
        waiting, found = rescue.set_aside(self._path, now_ms)
        self._open()
        self.boots = self.boots or found
        items = [item for item in (decode(row) for row in waiting) if item is not None]
        self._times.recall(self.boots)
        with self._transaction():
            boots.write(self._connection, self.boots)
        if items:
            self._insert([_as_measured(item) for item in items], [_stamp(item) for item in items])
        self.rescued += 1

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            raise

    # Writing.

    def append(self, batch: Sequence[Measurement], *, disk_low: bool = False) -> list[Item]:
        """Make measurements durable; SpoolFull or sqlite3.Error when nothing was accepted.

        Each must have passed `row.check`. `disk_low`: the lane must not grow.
        """
        stamps = [self._times.stamp(measurement) for measurement in batch]
        return self._insert(batch, stamps, disk_low=disk_low)

    def _insert(
        self,
        batch: Sequence[Measurement],
        stamps: Sequence[Stamp | None],
        *,
        disk_low: bool = False,
    ) -> list[Item]:
        items = [
            numbered(measurement, self.spool, self.last_seq + number, stamp)
            for number, (measurement, stamp) in enumerate(zip(batch, stamps, strict=True), start=1)
        ]
        rows = [encode(item) for item in items]
        size = sum(row.size for row in rows)
        last_seq = self.last_seq + len(items)
        known = self._known_boots(item_came=True)
        lost, freed = 0, 0
        try:
            with self._transaction():
                lost, freed = self._make_room(size, disk_low)
                self._connection.executemany(
                    "INSERT INTO item (seq, id, body, crc) VALUES (?, ?, ?, ?)", rows
                )
                self._connection.execute(
                    "UPDATE meta SET value = ? WHERE key = 'last_seq'", (str(last_seq),)
                )
                self._write_boots(known)
        except sqlite3.Error as error:
            self._after_failure(error, rows)
            return items
        self.last_seq = last_seq
        self.boots = known
        self._bytes += size - freed
        self.evicted += lost
        self._commits += 1
        return items

    def _make_room(self, size: int, disk_low: bool) -> tuple[int, int]:
        """(rows, bytes) of the oldest telemetry evicted, inside the transaction."""
        cap = self._settings.bytes_max
        if cap is None:
            return 0, 0
        if disk_low:
            cap = min(cap, self._bytes)
        over, lost, freed = self._bytes + size - cap, 0, 0
        while freed < over:
            oldest = self._connection.execute(
                "SELECT seq, length(body) FROM item ORDER BY seq LIMIT ?", (EVICT_ROWS,)
            ).fetchall()
            if not oldest:
                break
            self._connection.execute("DELETE FROM item WHERE seq <= ?", (oldest[-1][0],))
            freed += sum(length + ROW_OVERHEAD_BYTES for _seq, length in oldest)
            lost += len(oldest)
        return lost, freed

    def _after_failure(self, error: sqlite3.Error, rows: Sequence[Row]) -> None:
        """Returns if the rows turn out to be in the file after all, else raises.

        A failed sync is never tried again on the same connection: the kernel may have forgotten
        the pages. The file is opened anew, and rows it holds are written once more, elsewhere,
        by folding the log into the file with a sync of its own. Where that fails too they stay:
        appended again, under other numbers, they would be a second press.
        """
        if is_full(error):
            raise SpoolFull(str(error)) from error
        if is_damage(error):
            raise error
        found_before = self.found
        self.reopen()
        if self._rows(rows[0].seq - 1, len(rows)) != rows:
            raise error
        try:
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as again:
            raise Unsynced(str(again)) from error
        if busy:
            raise Unsynced(str(error)) from error
        self.found = found_before

    # The time.

    def note_time(self) -> None:
        """Write down what the clock has learnt, for the items that wait and the next boots."""
        known = self._known_boots(item_came=False)
        if known != self.boots:
            with self._transaction():
                self._write_boots(known)
            self.boots = known

    def told(self, items: Sequence[Item]) -> Sequence[Item]:
        """Items as they are to be sent, by what is known of the time now; from any thread."""
        return boot_time.told(items, self.boots, self._times.present())

    def _known_boots(self, *, item_came: bool) -> tuple[Boot, ...]:
        present = self._times.present()
        if present is None:
            return self.boots
        seen_ms = present.now_ms if item_came else None
        return boot_time.noted(self.boots, present, seen_ms)[-boots.BOOTS_KEPT :]

    def _write_boots(self, known: Sequence[Boot]) -> None:
        boots.write(self._connection, [boot for boot in known if boot not in self.boots])

    def tidy(self) -> None:
        """Fold the log into the file when it is time; never in the way of a commit."""
        if self._commits >= CHECKPOINT_COMMITS:
            self._commits = 0
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    # Reading and forgetting.

    def waiting(self, after_seq: int, limit: int, now_ms: int) -> list[Item]:
        """The next rows not yet acknowledged, oldest first, fewer than `limit` only at the end.

        Damaged rows are set aside and counted.
        """
        items: list[Item] = []
        while len(items) < limit:
            rows = self._rows(after_seq, limit - len(items))
            if not rows:
                break
            after_seq = rows[-1].seq
            for row in rows:
                item = decode(row)
                if item is None:
                    self._set_aside(row, now_ms)
                else:
                    items.append(item)
        return items

    def _rows(self, after_seq: int, limit: int) -> list[Row]:
        found = self._connection.execute(
            "SELECT seq, id, body, crc FROM item WHERE acked_at_ms IS NULL AND seq > ?"
            " ORDER BY seq LIMIT ?",
            (after_seq, limit),
        )
        return [Row(*columns) for columns in found]

    def _set_aside(self, row: Row, now_ms: int) -> None:
        with self._transaction():
            self._connection.execute("INSERT INTO damaged VALUES (?, ?, ?, ?, ?)", (*row, now_ms))
            self._connection.execute("DELETE FROM item WHERE seq = ?", (row.seq,))
        self.damaged += 1
        self._bytes -= row.size

    def oldest_waiting(self, now_ms: int) -> Item | None:
        return next(iter(self.told(self.waiting(0, 1, now_ms))), None)

    def ack(self, seqs: Sequence[int], backup_through: int | None, now_ms: int) -> None:
        """The hub has these; numbers without a row are fine (an acknowledgement may come twice)."""
        freed = 0
        with self._transaction():
            if self._settings.keep_acked:
                self._connection.executemany(
                    "UPDATE item SET acked_at_ms = ? WHERE seq = ? AND acked_at_ms IS NULL",
                    [(now_ms, seq) for seq in seqs],
                )
                # One beyond our own numbers is of a card that was replaced by an older image.
                if backup_through is not None and backup_through <= self.last_seq:
                    freed += self._forget("acked_at_ms IS NOT NULL AND seq <= ?", backup_through)
                if not 0 <= now_ms - self._pruned_ms < PRUNE_EVERY_MS:
                    freed += self._forget("acked_at_ms < ?", now_ms - KEEP_ACKED_MS)
                    self._pruned_ms = now_ms
            else:
                for seq in seqs:
                    freed += self._forget("seq = ?", seq)
        self._bytes -= freed
        self._commits += 1

    def _forget(self, condition: str, value: int) -> int:
        """Bytes freed; `condition` is one of the three above."""
        sql = f"DELETE FROM item WHERE {condition} RETURNING length(body)"  # noqa: S608 - own text
        gone = self._connection.execute(sql, (value,)).fetchall()
        return sum(length + ROW_OVERHEAD_BYTES for (length,) in gone)

    def rewind(self, through_seq: int) -> None:
        """The hub asks again for what it lost: acknowledged rows beyond this wait once more."""
        with self._transaction():
            self._connection.execute(
                "UPDATE item SET acked_at_ms = NULL WHERE seq > ?", (through_seq,)
            )


def _stamp(item: Item) -> Stamp | None:
    return item.stamp if isinstance(item, StampedItem) else None


def _as_measured(item: Item) -> Measurement:
    return Measurement(
        device=item.device,
        kind=item.kind,
        measured_at_ms=item.measured_at_ms,
        received_at_ms=item.received_at_ms,
        values=item.values,
        attrs=item.attrs,
    )
