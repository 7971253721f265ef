"""Where the book of record is: an SQLite file, or a PostgreSQL database."""

import sqlite3
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from ledger import database
from ledger.cursor import Connection, HubConnection
from ledger.file_lease import FileLease


class Place(Protocol):
    """What the composition root needs of either."""

    def migrate(self) -> None: ...
    def changing(self) -> AbstractContextManager[SqlConnection]:
        """One transaction that may change the schema, of a book that no hub has."""
        ...

    def open_writer(self) -> Connection:
        """For a command beside a hub; each transaction waits for its turn."""
        ...

    def open_hub(self) -> HubConnection:
        """For a hub, at this program's schema; BookInUseError while another one has the book."""
        ...

    @property
    def has_standby(self) -> bool:
        """Whether a second hub may wait for its turn."""
        ...

    def open_reader(self) -> Engine: ...
    def tend(self) -> None:
        """Housekeeping beside the writer, every few seconds."""
        ...


class _HubFile(sqlite3.Connection):
    """Holds the hub's lock as long as it is open."""

    lease: FileLease

    def close(self) -> None:
        super().close()
        self.lease.give_back()


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteBook:
    path: Path

    def migrate(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database.migrate(database.sqlite_url(self.path))

    def changing(self) -> AbstractContextManager[SqlConnection]:
        return database.changing(database.sqlite_url(self.path))

    has_standby = False

    def open_writer(self) -> Connection:
        return database.open_writer(self.path)

    def open_hub(self) -> HubConnection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lease = FileLease(self.path)
        self.migrate()

        connection = database.open_writer(self.path, _HubFile)
        assert isinstance(connection, _HubFile)  # noqa: S101 - what was asked for
        connection.lease = lease
        database.make_log_room(connection, self.path)
        return connection

    def open_reader(self) -> Engine:
        return database.open_reader(database.sqlite_url(self.path))

    def tend(self) -> None:
        database.checkpoint(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBook:
    """`url` holds the password and is never logged."""

    url: URL = field(repr=False)

    def migrate(self) -> None:
        database.migrate(self._sqlalchemy())

    def changing(self) -> AbstractContextManager[SqlConnection]:
        return database.changing(self._sqlalchemy())

    has_standby = True

    def open_writer(self) -> Connection:
        # Imported here, as below: a book in SQLite needs no psycopg.
        from ledger.postgres import PgConnection

        return PgConnection(self._conninfo())

    def open_hub(self) -> HubConnection:
        from ledger.pg_lease import has_leases
        from ledger.postgres import PgHubConnection

        if not has_leases(self._conninfo()):
            self.migrate()
        connection = PgHubConnection(self._conninfo())
        # Again: what had the book until now may have been an older program.
        self.migrate()
        return connection

    def open_reader(self) -> Engine:
        return database.open_reader(self._sqlalchemy())

    def tend(self) -> None:
        """The server looks after itself."""

    def _conninfo(self) -> str:
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def _sqlalchemy(self) -> str:
        url = self.url.set(drivername="postgresql+psycopg")
        return url.render_as_string(hide_password=False)


def postgres_book(url: str, password: str | None) -> PostgresBook:
    """ValueError when it is no address of a PostgreSQL database, or has a password in it."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        # Its text holds the address, and a password may be in that.
        raise ValueError("cannot be read as an address") from None
    if parsed.drivername not in {"postgresql", "postgres"} or not parsed.database:
        raise ValueError("expected postgresql://user@host:5432/database")
    if parsed.password:
        raise ValueError("the password belongs into password_file, not into the address")
    return PostgresBook(url=parsed.set(drivername="postgresql", password=password))
