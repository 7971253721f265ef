"""The server of a book that two hubs share: PostgreSQL as their driver shows it.

The hubs run the product's own `ledger.postgres` and `ledger.pg_lease`; what stands here is the
driver's connection below them. Rows are in a file on the server's simulated disk, so that a crash
of the server leaves what it would leave; locks of a transaction whose client is gone are held until
the server ends its session, and `clock_timestamp()` is the server's clock.
"""

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from ledger.database import open_writer
from ledger.pg_lease import IDLE_IN_TRANSACTION_MS, PgLease
from ledger.postgres import PgHubConnection
from tests.simulation.disk import Crash
from tests.simulation.machines import Machine

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_ROW_LOCKS = re.compile(r" FOR (KEY SHARE|UPDATE)")
_COPY = re.compile(r"COPY (.*) \((.*)\) FROM STDIN")
IDLE, IN_TRANSACTION = psycopg.pq.TransactionStatus.IDLE, psycopg.pq.TransactionStatus.INTRANS
GONE = "server closed the connection unexpectedly"


class BookServer(Machine):
    def __init__(self, folder, rng, oracle, template: Path) -> None:
        super().__init__("server", folder, rng, oracle)
        (self.disk.folder / "hub.db").write_bytes(template.read_bytes())
        self.sessions: list[Session] = []
        self.reader: Any = None

    def _start(self):
        self.reader = self.open_file()
        self.oracle.steps.read_from(self.reader)
        return asyncio.Event().wait()

    def open_file(self):
        connection = open_writer(self.disk.folder / "hub.db", self.disk.connect)
        # Nobody waits here: time stands still in a callback.
        connection.look("PRAGMA busy_timeout=0")
        connection.create_function("server_now", 0, self.clock.now_ms)
        return connection

    def fence(self) -> int:
        """Whose the book is."""
        found = self.reader.look("SELECT fence FROM hub_lease") if self.up else []
        return found[0][0] if found else 0

    def _writers(self):
        return ()

    def _buried(self) -> None:
        for session in [*self.sessions]:
            session.end()
        if self.reader is not None:
            self.reader.close()

    def _committed(self, connection, durable: bool) -> None:
        fence = getattr(connection, "fence", None)
        if fence is None:
            return
        newest = connection.look("SELECT fence FROM hub_lease")[0][0]
        self.oracle.demand(fence == newest, f"I19 holder {fence} writes the book of {newest}")
        self.oracle.hub_committed(connection, durable)


class Session:
    """One connection of a hub's; `fence`: of its writer, whose statements the faults count."""

    def __init__(self, server: BookServer, hub, fence: int | None = None) -> None:
        if not server.up or not hub.reaches_book:
            raise psycopg.OperationalError("connection timed out")
        self._server, self._hub, self.fence = server, hub, fence
        try:
            self.file = server.open_file()
        except Crash:
            server.die(server.disk.end)
            raise psycopg.OperationalError(GONE) from None
        if fence is not None:
            self.file.fence = fence
        self.closed = self.broken = False
        self.info = self
        server.sessions.append(self)

    @property
    def transaction_status(self):
        if self.closed:
            return psycopg.pq.TransactionStatus.UNKNOWN
        return IN_TRANSACTION if self.file.in_transaction else IDLE

    def cursor(self) -> "Cursor":
        if self.closed:
            raise psycopg.OperationalError("the connection is closed")
        return Cursor(self)

    def execute(self, sql: str, parameters=()) -> "Cursor":
        return self.cursor().execute(sql, parameters)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN")
        try:
            yield
        except BaseException:
            if not self.closed:
                self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def copy(self, sql: bytes) -> "_Copy":
        return _Copy(self, sql.decode())

    def close(self) -> None:
        """By the client; a server that can't be reached hears nothing of it."""
        if self._hub.reaches_book:
            self.end()
        else:
            self.forsaken()

    def end(self) -> None:
        """At the server: what was not committed never was."""
        self.closed = self.broken = True
        if self in self._server.sessions:
            self._server.sessions.remove(self)
            self.file.close()

    def forsaken(self) -> None:
        """The client is gone and the server does not know it; it waits for its time-out."""
        self.closed = self.broken = True
        self._server.loop.call_later(
            IDLE_IN_TRANSACTION_MS / 1000, self.end, context=self._server.context
        )

    def passes(self, sql: str) -> None:
        """A statement on its way to the server."""
        if self.closed:
            raise psycopg.OperationalError("the connection is closed")
        if self.fence is not None:
            self._hub.meets(self, sql)
        if self.closed:
            raise psycopg.OperationalError("terminating connection due to time-out")
        if not self._server.up:
            self.end()
            raise psycopg.OperationalError(GONE)
        if not self._hub.reaches_book:
            self.forsaken()
            raise psycopg.OperationalError("could not receive data from server")


class Cursor:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._raw = session.file.cursor()

    def execute(self, sql: str | bytes, parameters=()) -> "Cursor":
        text = sql.decode() if isinstance(sql, bytes) else sql
        for one in text.split("; ") if text.startswith("BEGIN; ") else (text,):
            if "pg_advisory" not in one:
                self._run(one, tuple(parameters))
        return self

    def executemany(self, sql: bytes, rows) -> None:
        for row in rows:
            self._run(sql.decode(), tuple(row))

    def _run(self, sql: str, parameters: tuple) -> None:
        session = self._session
        sql = _ROW_LOCKS.sub("", sql.replace(_NOW, "server_now()").replace("%s", "?"))
        session.passes(sql)
        try:
            self._raw.execute("BEGIN IMMEDIATE" if sql == "BEGIN" else sql, parameters)
        except Crash:
            session._server.die(session._server.disk.end)
            raise psycopg.OperationalError(GONE) from None
        except sqlite3.IntegrityError as error:
            raise psycopg.IntegrityError(str(error)) from error
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise psycopg.errors.LockNotAvailable("lock timeout") from error
            raise psycopg.OperationalError(str(error)) from error

    def nextset(self) -> None:
        """The last result is the one that is asked for."""

    @property
    def rowcount(self) -> int:
        return self._raw.rowcount

    @property
    def description(self):
        return self._raw.description

    def fetchone(self):
        return self._raw.fetchone()

    def fetchall(self):
        return self._raw.fetchall()

    def __iter__(self):
        return iter(self._raw)


class _Copy:
    def __init__(self, session: Session, sql: str) -> None:
        found = _COPY.fullmatch(sql)
        assert found is not None
        places = ", ".join("?" for _ in found[2].split(","))
        self._sql = f"INSERT INTO {found[1]} ({found[2]}) VALUES ({places})"  # noqa: S608 - own text
        self._cursor = session.cursor()

    def __enter__(self) -> "_Copy":
        return self

    def __exit__(self, *_error) -> None: ...

    def write_row(self, row) -> None:
        self._cursor.execute(self._sql, row)


class SimulatedLease(PgLease):
    """The product's lease; who renews it is a task of the hub's machine."""

    def __init__(self, server: BookServer, hub) -> None:
        self._server, self._hub = server, hub
        super().__init__("")

    def _connect(self):
        return Session(self._server, self._hub)

    def _begin(self) -> None: ...


class SimulatedBook(PgHubConnection):
    def __init__(self, server: BookServer, hub) -> None:
        self._server, self._hub = server, hub
        super().__init__("")

    def _take_lease(self, _conninfo: str) -> SimulatedLease:
        return SimulatedLease(self._server, self._hub)

    def _connect(self):
        return Session(self._server, self._hub, self.lease.fence)
