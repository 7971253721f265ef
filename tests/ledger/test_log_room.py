"""Room in the write-ahead log: made beside nobody, and nothing committed is touched by it."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.database import LOG_ROOM_BYTES, fold_all, make_log_room, open_writer
from ledger.place import SqliteBook

# Less than SQLite would wait for a reader.
SOON_S = 5.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.db"


def log_size(path: Path) -> int:
    return path.with_name("book.db-wal").stat().st_size


def put(connection: sqlite3.Connection, *values: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
    connection.execute("COMMIT")


def rows(path: Path) -> list[int]:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in connection.execute("SELECT x FROM t ORDER BY x")]
    finally:
        connection.close()


def test_what_is_committed_before_and_after_stays(path: Path) -> None:
    connection = open_writer(path)
    connection.execute("CREATE TABLE t (x)")
    put(connection, 1, 2)
    make_log_room(connection, path)
    assert log_size(path) == LOG_ROOM_BYTES
    put(connection, 3)
    assert log_size(path) == LOG_ROOM_BYTES
    make_log_room(connection, path)
    assert rows(path) == [1, 2, 3]
    # As after a kill: somebody else finds the log as it is.
    other = open_writer(path)
    put(other, 4)
    assert rows(path) == [1, 2, 3, 4]
    other.close()
    connection.close()


def test_room_in_an_empty_log(path: Path) -> None:
    connection = open_writer(path)
    make_log_room(connection, path)
    connection.execute("CREATE TABLE t (x)")
    put(connection, 1)
    assert rows(path) == [1]
    connection.close()


def test_nobody_s_commit_is_written_over(path: Path) -> None:
    """While somebody writes, the log's end is theirs: zeros could cover what they append."""
    writer, beside = open_writer(path), open_writer(path)
    writer.execute("CREATE TABLE t (x)")
    beside.execute("PRAGMA busy_timeout=1")
    writer.execute("BEGIN IMMEDIATE")
    before = log_size(path)
    make_log_room(beside, path)
    assert log_size(path) == before
    writer.execute("ROLLBACK")
    put(beside, 1)
    assert rows(path) == [1]
    writer.close()
    beside.close()


def test_a_hub_makes_it_and_a_command_does_not(tmp_path: Path) -> None:
    book = SqliteBook(path=tmp_path / "book.db")
    book.migrate()
    command = book.open_writer()
    assert not book.path.with_name("book.db-wal").exists()
    hub = book.open_hub()
    assert log_size(book.path) == LOG_ROOM_BYTES
    hub.close()
    command.close()


def test_a_press_is_written_while_the_log_waits_to_be_emptied(path: Path) -> None:
    """After an erasure the log is emptied: with a reader in the way that is tried again, and the
    write lock is not held meanwhile."""
    writer = open_writer(path)
    writer.execute("CREATE TABLE t (x)")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM t").fetchall()
    put(writer, 1)
    waiting, go_on = threading.Event(), threading.Event()

    def pause(_seconds: float) -> None:
        waiting.set()
        assert go_on.wait(SOON_S)

    with ThreadPoolExecutor(1) as pool:
        emptied = pool.submit(fold_all, path, pause)
        try:
            assert waiting.wait(SOON_S), "it waits with the lock"
            writer.execute("PRAGMA busy_timeout=0")
            put(writer, 2)
        finally:
            reader.close()
            go_on.set()
        assert emptied.result()
    assert log_size(path) == 0
    writer.close()
    assert rows(path) == [1, 2]
