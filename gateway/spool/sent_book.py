"""Which items were told to whom by short message: one small file beside the spool.

A restart in the middle of an outage must not repeat every message. Written rarely and never on the
way of an activation, so it has no thread of its own.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

# Item, number, device, and when in epoch milliseconds.
SentRow = tuple[str, str, str, int]


class SentBookFailed(OSError):  # noqa: N818 - a fact about the disk
    """The file can't be read or written; the text is SQLite's."""


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SentBookFailed(str(error)) from error


class SentBook:
    """Opened once; used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _told():
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS sent (item TEXT, number TEXT, device TEXT,"
                " at_ms INTEGER, PRIMARY KEY (item, number))"
            )

    def rows(self, limit: int) -> list[SentRow]:
        """The last ones, oldest first."""
        with _told():
            found: list[SentRow] = self._connection.execute(
                "SELECT item, number, device, at_ms FROM sent ORDER BY rowid DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return found[::-1]

    def add(self, rows: Iterable[SentRow], keep: int) -> None:
        """Durable when it returns; the oldest beyond `keep` are forgotten."""
        with _told(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR IGNORE INTO sent VALUES (?, ?, ?, ?)", rows)
            self._connection.execute(
                "DELETE FROM sent WHERE rowid <= (SELECT max(rowid) FROM sent) - ?", (keep,)
            )

    def close(self) -> None:
        self._connection.close()
