"""A spool's disk on which writing or syncing fails."""

import sqlite3
from pathlib import Path
from typing import Any


class Failing:
    """A connection whose COMMITs fail: with their rows in the log already, or without."""

    def __init__(self, inner: sqlite3.Connection, *, written: bool) -> None:
        self._inner = inner
        self._written = written
        self.closed = False

    @property
    def in_transaction(self) -> bool:
        return self._inner.in_transaction

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self._inner.execute("COMMIT" if self._written else "ROLLBACK")
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR | (4 << 8)  # of fsync
            raise error
        return self._inner.execute(sql, *values)

    def executescript(self, sql: str) -> sqlite3.Cursor:
        return self._inner.executescript(sql)

    def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
        return self._inner.executemany(sql, rows)

    def close(self) -> None:
        self.closed = True
        self._inner.close()


class WornCard:
    """A disk without a working sync: `connect` for a lane. Each failed COMMIT leaves its rows in
    the log, and the log can't be folded either."""

    def __init__(self) -> None:
        self.worn = True

    def __call__(self, path: Path, **settings: Any) -> Any:
        return Worn(sqlite3.connect(path, **settings), self)


class Worn(Failing):
    def __init__(self, inner: sqlite3.Connection, card: WornCard) -> None:
        super().__init__(inner, written=True)
        self._card = card

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if not self._card.worn:
            return self._inner.execute(sql, *values)
        if sql.startswith("PRAGMA wal_checkpoint"):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR | (4 << 8)
            raise error
        return super().execute(sql, *values)
