"""Where the book of record is: an SQLite file, or a PostgreSQL database."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError as SqlOperationalError

from ledger import before_migrating, database, pg_address
from ledger.cursor import (
    BookDamagedError,
    BookInUseError,
    BookUnreachableError,
    Connection,
    HubConnection,
)
from ledger.file_lease import FileLease
from ledger.key_turns import KeyTurns
from ledger.sealing import at_sqlite
from ledger.sealing.at_connection import read_open
from ledger.sealing.at_sqlite import SealedFile
from ledger.sealing.ring import OwnersKey, Ring
from ledger.soundness import damage_of, damaged_log, damaged_pages, trouble_of


class Ear(Protocol):
    def wait(self, timeout_s: float) -> None: ...
    def wake(self) -> None: ...
    def close(self) -> None: ...


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
        """For a hub, at this program's schema; BookInUseError while another one has the book,
        BookUnreachableError while its server or its disk is away."""
        ...

    def open_shared(self, *duties: str) -> HubConnection:
        """For one of several processes that write this book (ADR 0022). `duties`: what one of them
        does alone; BookInUseError while another one does it, or a hub has the book for itself."""
        ...

    @property
    def shared(self) -> bool:
        """Whether several processes may write it."""
        ...

    def open_ear(self) -> Ear:
        """Where a process that shares its book hears that others have committed something."""
        ...

    def open_key_turns(self) -> KeyTurns | None:
        """Where processes that share the book see what the others are working on; None: there are
        no others."""
        ...

    @property
    def has_standby(self) -> bool:
        """Whether a second hub may wait for its turn."""
        ...

    def open_reader(self) -> Engine:
        """What is sealed comes open."""
        ...

    def open_copier(self) -> Engine:
        """A reader that sees what is stored: sealed texts as cipher text."""
        ...

    @property
    def ring(self) -> Ring | None:
        """The keys of what is sealed; None: nothing is."""
        ...

    def forget(self) -> None:
        """After something was erased: let no page keep what it said, as far as this can reach."""
        ...

    def tend(self) -> None:
        """Housekeeping beside the writer, every few seconds."""
        ...

    def still_needed(self, now_ms: int) -> Mapping[str, int] | None:
        """How far each spool is in the book that an older program would go back to; None: nobody
        would any more."""
        ...

    def away(self, error: Exception) -> str | None:
        """What to say where this is its server's or its disk's going away; None: it is not."""
        ...

    def damaged(self, *, deep: bool = False) -> tuple[str, ...]:
        """What of the stored book is not as it was written, by table; beside a running hub too.
        BookUnreachableError: it can't be looked at just now."""
        ...


class _HubFile(SealedFile):
    """Holds the hub's lock as long as it is open."""

    lease: FileLease
    damage: str | None = None

    def close(self) -> None:
        super().close()
        self.lease.give_back()


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteBook:
    """`copies_before`: whether it is copied before its schema changes."""

    path: Path
    ring: Ring | None = None
    copies_before: bool = True

    def migrate(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.copies_before:
            before_migrating.keep(self.path)
        database.migrate(database.sqlite_url(self.path))

    def changing(self) -> AbstractContextManager[SqlConnection]:
        return database.changing(database.sqlite_url(self.path))

    has_standby = False
    shared = False

    def open_ear(self) -> Ear:
        raise BookInUseError("a book in a file has one hub, which hears itself")

    def open_key_turns(self) -> None:
        return None

    def open_shared(self, *duties: str) -> HubConnection:
        part = ", ".join(duties) or "a part"
        raise BookInUseError(f"a book in a file has one hub, and none for {part}")

    def open_writer(self) -> Connection:
        connection = database.open_writer(self.path, SealedFile)
        assert isinstance(connection, SealedFile)  # noqa: S101 - what was asked for
        connection.carry(self._ring())
        return connection

    def open_hub(self) -> HubConnection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lease = FileLease(self.path)
        except OSError as error:
            raise BookUnreachableError(str(error)) from error
        try:
            return self._opened(lease, damaged_log(self.path))
        except BaseException as error:
            lease.give_back()
            if trouble := trouble_of(error):
                raise BookUnreachableError(f"{self.path}: {trouble}") from error
            if damage_of(error) is None:
                raise
            raise BookDamagedError(
                f"{self.path} is damaged ({damage_of(error)}): move it, its -wal and its -shm"
                " away, then hearthwatch restore --config hub.toml and the newest copy"
            ) from error

    def _opened(self, lease: FileLease, damage: str | None) -> "_HubFile":
        self.migrate()
        connection = database.open_writer(self.path, _HubFile)
        assert isinstance(connection, _HubFile)  # noqa: S101 - what was asked for
        connection.lease, connection.damage = lease, damage
        connection.carry(self._ring())
        database.make_log_room(connection, self.path)
        return connection

    def open_reader(self) -> Engine:
        ring = self._ring()
        return (
            self.open_copier()
            if ring is None
            else read_open(self.open_copier(), ring, at_sqlite.open_texts)
        )

    def open_copier(self) -> Engine:
        return database.open_reader(database.sqlite_url(self.path))

    def forget(self) -> None:
        """The log holds pages as they were; what is deleted from the file is zeros already. A copy
        that was kept for the way back to an older program has everything."""
        database.fold_all(self.path)
        before_migrating.drop(self.path.parent, self.path.name)

    def _ring(self) -> Ring | None:
        if self.ring is not None:
            self.ring.use(self._keys)
        return self.ring

    def _keys(self, owner: str | None) -> list[OwnersKey]:
        return at_sqlite.keys_in(self.path, owner)

    def tend(self) -> None:
        database.checkpoint(self.path)

    def still_needed(self, now_ms: int) -> Mapping[str, int] | None:
        return before_migrating.marks(self.path.parent, self.path.name, now_ms)

    def away(self, error: Exception) -> str | None:  # noqa: ARG002 - a place's shape
        """A file has no server; what is wrong with it has errors of its own."""
        return None

    def damaged(self, *, deep: bool = False) -> tuple[str, ...]:
        return damaged_pages(self.path, deep=deep) if self.path.exists() else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBook:
    """`url` holds the password and is never logged. `before`: the folder for copies that are made
    before the schema changes; None: none is made. `shared`: several processes write it."""

    url: URL = field(repr=False)
    ring: Ring | None = None
    before: Path | None = None
    shared: bool = False

    def migrate(self) -> None:
        if self.before is not None:
            before_migrating.keep_of_server(self.open_copier(), self.before)
        database.migrate(self._sqlalchemy())

    def changing(self) -> AbstractContextManager[SqlConnection]:
        return database.changing(self._sqlalchemy())

    has_standby = True

    @property
    def servers(self) -> int:
        """How many its address names."""
        return pg_address.count(self.url)

    def open_writer(self) -> Connection:
        # Imported here, as below: a book in SQLite needs no psycopg.
        from ledger.postgres import COMMAND, PgConnection, said_by

        options = said_by(COMMAND if self.shared else "")
        return PgConnection(self.conninfo(), options, self._ring())

    def open_hub(self) -> HubConnection:
        from ledger.postgres import PgHubConnection

        return self._opened(lambda: PgHubConnection(self.conninfo(), self._ring()))

    def open_shared(self, *duties: str) -> HubConnection:
        from ledger.pg_shared import PgSharedConnection

        return self._opened(lambda: PgSharedConnection(self.conninfo(), self._ring(), duties))

    def open_ear(self) -> Ear:
        from ledger.pg_ear import PgEar

        return PgEar(self.conninfo())

    def open_key_turns(self) -> KeyTurns | None:
        from ledger.pg_key_turns import PgKeyTurns

        return PgKeyTurns(self.conninfo()) if self.shared else None

    def _opened(self, connect: Callable[[], HubConnection]) -> HubConnection:
        from ledger.postgres import AWAY

        try:
            return self._migrated(connect)
        except (AWAY, SqlOperationalError) as error:
            raise BookUnreachableError(self.away(error)) from error

    def away(self, error: Exception) -> str | None:
        from ledger.postgres import AWAY

        # A class of SQLAlchemy's adds the statement, and where to read about it.
        cause = getattr(error, "orig", None) or error
        gone = isinstance(cause, AWAY) or getattr(error, "connection_invalidated", False)
        return str(cause).strip() if gone else None

    def _migrated(self, connect: Callable[[], HubConnection]) -> HubConnection:
        from ledger.pg_lease import has_leases

        if not has_leases(self.conninfo()):
            self.migrate()
        connection = connect()
        try:
            # Again: what had the book until now may have been an older program.
            self.migrate()
        except BaseException:
            connection.close()
            raise
        return connection

    def open_reader(self) -> Engine:
        ring = self._ring()
        if ring is None:
            return self.open_copier()
        from ledger.sealing import at_postgres

        return read_open(self.open_copier(), ring, at_postgres.open_texts)

    def open_copier(self) -> Engine:
        return database.open_reader(self._sqlalchemy())

    def forget(self) -> None:
        """The server's vacuum takes old rows away; see docs/deployment.md for its logs."""
        if self.before is not None:
            before_migrating.drop(self.before, before_migrating.SERVERS_COPY)

    def _ring(self) -> Ring | None:
        if self.ring is not None:
            self.ring.use(self._keys)
        return self.ring

    def _keys(self, owner: str | None) -> list[OwnersKey]:
        from ledger.sealing import at_postgres

        return at_postgres.keys_in(self.conninfo(), owner)

    def tend(self) -> None:
        """The server looks after itself."""

    def still_needed(self, now_ms: int) -> Mapping[str, int] | None:
        if self.before is None:
            return None
        return before_migrating.marks(self.before, before_migrating.SERVERS_COPY, now_ms)

    def damaged(self, *, deep: bool = False) -> tuple[str, ...]:  # noqa: ARG002 - a place's shape
        """Each page has a sum that the server looks at whenever it reads it."""
        return ()

    def conninfo(self) -> str:
        """With the password in it."""
        return pg_address.conninfo(self.url)

    def _sqlalchemy(self) -> str:
        return pg_address.for_sqlalchemy(self.url)


def postgres_book(
    url: str,
    password: str | None,
    ring: Ring | None = None,
    before: Path | None = None,
    *,
    shared: bool = False,
) -> PostgresBook:
    """ValueError when it is no address of a PostgreSQL database, or has a password in it."""
    server = pg_address.parse(url).set(drivername="postgresql", password=password)
    return PostgresBook(url=server, ring=ring, before=before, shared=shared)
