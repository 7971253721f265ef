"""Where the book of record is: an SQLite file, or a PostgreSQL database."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from ledger import database
from ledger.cursor import Connection


class Place(Protocol):
    """What the composition root needs of either."""

    def migrate(self) -> None: ...
    def open_writer(self, *, exclusive: bool) -> Connection:
        """`exclusive`: for a hub. A command beside it waits for its turn instead."""
        ...

    def open_reader(self) -> Engine: ...
    def tend(self) -> None:
        """Housekeeping beside the writer, every few seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteBook:
    path: Path

    def migrate(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database.migrate(database.sqlite_url(self.path))

    def open_writer(self, *, exclusive: bool) -> Connection:
        connection = database.open_writer(self.path)
        if exclusive:
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

    def open_writer(self, *, exclusive: bool) -> Connection:
        # Imported here: a book in SQLite needs no psycopg.
        from ledger.postgres import PgConnection

        conninfo = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return PgConnection(conninfo, exclusive=exclusive)

    def open_reader(self) -> Engine:
        return database.open_reader(self._sqlalchemy())

    def tend(self) -> None:
        """The server looks after itself."""

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
