"""What can still be read in a spool file that SQLite calls damaged, or whose log is cut short."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract.sqlite_log import lost_commits
from gateway.boot_time import Boot
from gateway.spool import boots
from gateway.spool.row import Row

# Damaged files kept for a person to look at; older ones are deleted.
KEPT_FILES: Final = 2
# Rows asked for one by one between the readable ends of a file.
PROBES_MAX: Final = 100_000

_COLUMNS: Final = "SELECT seq, id, body, crc FROM item NOT INDEXED WHERE acked_at_ms IS NULL"


def damage(what: str) -> sqlite3.DatabaseError:
    """As SQLite itself would say it."""
    error = sqlite3.DatabaseError(what)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def log_is_damaged(path: Path, connect: Callable[..., sqlite3.Connection]) -> bool:
    """Before anybody else has the file open. SQLite would leave out what is behind the damage, and
    the spool would go on from an older number."""
    log = path.with_name(f"{path.name}-wal")
    if not path.exists() or not log.exists() or log.stat().st_size == 0:
        return False
    held = log.read_bytes()
    with contextlib.closing(connect(path, isolation_level=None)) as connection:
        # How many frames SQLite believes is told nowhere else.
        row = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return lost_commits(held, max(row[1], 0)) > 0


def set_aside(path: Path, now_ms: int) -> tuple[list[Row], tuple[Boot, ...]]:
    """Rename the file and its log; return the rows that can be read and were not acknowledged, and
    what can be read of the boots."""
    aside = path.with_name(f"{path.stem}.damaged-{now_ms}.db")
    for ending in ("", "-wal"):
        source = path.with_name(path.name + ending)
        if source.exists():
            source.rename(aside.with_name(aside.name + ending))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    connection = sqlite3.connect(aside, isolation_level=None)
    try:
        rows, found = _readable(connection), _boots(connection)
    finally:
        with contextlib.suppress(sqlite3.Error):
            connection.close()
    _forget_old(path)
    return rows, found


def _boots(connection: sqlite3.Connection) -> tuple[Boot, ...]:
    with contextlib.suppress(sqlite3.Error, TypeError):
        return boots.read(connection)
    return ()


def _readable(connection: sqlite3.Connection) -> list[Row]:
    """From the front, from the back, then one by one in between."""
    front = _until_damage(connection, f"{_COLUMNS} ORDER BY seq")
    back = _until_damage(connection, f"{_COLUMNS} ORDER BY seq DESC")
    rows = {row.seq: row for row in (*front, *back)}
    if front and back and front[-1].seq < back[-1].seq:
        gap = range(front[-1].seq + 1, back[-1].seq)
        for seq in gap[:PROBES_MAX]:
            for row in _until_damage(connection, f"{_COLUMNS} AND seq = {seq}"):
                rows[row.seq] = row
    return [rows[seq] for seq in sorted(rows)]


def _until_damage(connection: sqlite3.Connection, sql: str) -> list[Row]:
    rows: list[Row] = []
    with contextlib.suppress(sqlite3.Error):
        for seq, row_id, body, crc in connection.execute(sql):
            if isinstance(seq, int) and isinstance(body, bytes) and isinstance(crc, int):
                rows.append(Row(seq, str(row_id), body, crc))
    return rows


def _forget_old(path: Path) -> None:
    kept = sorted(path.parent.glob(f"{path.stem}.damaged-*.db"))
    for old in kept[:-KEPT_FILES]:
        old.unlink(missing_ok=True)
        old.with_name(f"{old.name}-wal").unlink(missing_ok=True)
