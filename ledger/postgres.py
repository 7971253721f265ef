"""The writing connection to PostgreSQL, behaving as SQLite's does for the code above it.

`BEGIN IMMEDIATE` waits for whoever else writes the book, as SQLite's lock does: an advisory lock of
the transaction. A hub holds a lease beside it (`ledger/pg_lease.py`), because its memory of open
alarms is true only while no other hub changes them; each of its transactions begins by looking
whether it holds it still, and keeps it from being taken until the end.

After a lost connection the next `BEGIN IMMEDIATE` connects again. Whoever was in the middle hears
of a failure; whether an interrupted COMMIT took place is seen when the items come again.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import psycopg

from ledger.cursor import BEGIN_LOOK
from ledger.pg_lease import IDLE_IN_TRANSACTION_MS, PgLease
from ledger.sealing.at_postgres import leave_sealed, open_texts
from ledger.sealing.ring import Ring

# What the driver raises of a server that is not there, or not yet.
AWAY: Final = psycopg.OperationalError
# The number of our advisory lock; any would do, if nobody else's program uses it here.
WRITE_LOCK: Final = 0x6865_6172_7468_01
# A statement of ours takes milliseconds; one that waits this long waits for a lock.
LOCK_TIMEOUT_MS: Final = 10_000
# Who writes in the name of no process; those that share the book hear of it.
COMMAND: Final = "command"
# Whoever keeps others waiting in the middle of a transaction is gone after it.
IDLE_OPTION: Final = f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"

BEGIN: Final = f"BEGIN; SELECT pg_advisory_xact_lock({WRITE_LOCK})"
_FENCE: Final = "SELECT 1 FROM hub_lease WHERE name = 'hub' AND fence = {} FOR KEY SHARE"
# An insert of rows as they are, without a conflict's clause: its table with the columns.
_PLAIN_INSERT: Final = re.compile(r'INSERT INTO ("\w+" \([\w", ]+\)) VALUES \([?, ]+\)')
OPTIONS: Final = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c synchronous_commit=on -c TimeZone=UTC"


def said_by(origin: str) -> str:
    """Options of a session whose changes the log tells (migration 0036); empty: of one whose
    changes nobody else has to hear of."""
    return f"{OPTIONS} -c hearthwatch.origin={origin}" if origin else OPTIONS


class PgConnection:
    """For a command beside a hub."""

    def __init__(self, conninfo: str, options: str = OPTIONS, ring: Ring | None = None) -> None:
        self._conninfo = conninfo
        self._options = options
        self.ring = ring
        self._raw = self._connect()

    def _connect(self) -> "psycopg.Connection[Any]":
        raw: psycopg.Connection[Any] = psycopg.connect(
            self._conninfo,
            autocommit=True,
            options=self._options,
            application_name="hearthwatch-writer",
            # Statements are few and always the same.
            prepare_threshold=1,
        )
        if self.ring is not None:
            open_texts(raw, self.ring)
        return raw

    @property
    def begin(self) -> str:
        return BEGIN

    def begin_look(self, cursor: "psycopg.Cursor[Any]") -> None:
        """A transaction that reads what others have written, and waits for nobody."""
        cursor.execute("BEGIN READ ONLY")

    def check_turn(self, _cursor: "psycopg.Cursor[Any]") -> None:
        """Whether this may write now, right after the beginning of a transaction."""

    def usable(self) -> "psycopg.Connection[Any]":
        """The connection, made anew when it was lost."""
        if self._raw.closed or self._raw.broken:
            self._raw = self._connect()
        return self._raw

    @property
    def raw(self) -> "psycopg.Connection[Any]":
        return self._raw

    @property
    def in_transaction(self) -> bool:
        status = self._raw.info.transaction_status
        return not self._raw.closed and status is not psycopg.pq.TransactionStatus.IDLE

    @property
    def Error(self) -> type[Exception]:  # noqa: N802 - the name that PEP 249 gives it
        return psycopg.Error

    @property
    def OperationalError(self) -> type[Exception]:  # noqa: N802 - the name that PEP 249 gives it
        return psycopg.OperationalError

    def cursor(self) -> "PgCursor":
        return PgCursor(self)

    @contextmanager
    def texts_as_stored(self) -> Iterator["PgCursor"]:
        yield PgCursor(self, sealed=True)

    def close(self) -> None:
        self._raw.close()


class PgHubConnection(PgConnection):
    """As a hub, which keeps every other hub out. The server looks at its own log."""

    damage: str | None = None

    def __init__(self, conninfo: str, ring: Ring | None = None) -> None:
        self.lease = self._take_lease(conninfo)
        self._begin = f"{BEGIN}; {_FENCE.format(self.lease.fence)}"
        try:
            super().__init__(conninfo, OPTIONS + IDLE_OPTION, ring)
        except BaseException:
            self.lease.give_back()
            raise

    @property
    def begin(self) -> str:
        return self._begin

    def _take_lease(self, conninfo: str) -> PgLease:
        return PgLease(conninfo)

    def check_turn(self, cursor: "psycopg.Cursor[Any]") -> None:
        while cursor.nextset():
            continue
        if cursor.fetchone() is None:
            self.lease.lost = True
            cursor.execute("ROLLBACK")
            raise psycopg.OperationalError("another hub has taken this book over")

    def close(self) -> None:
        super().close()
        self.lease.give_back()


class PgCursor:
    """Statements with `?`, and SQLite's words for transactions."""

    def __init__(self, connection: PgConnection, *, sealed: bool = False) -> None:
        """`sealed`: its texts come as they are stored; for reading."""
        self._connection = connection
        self._raw = connection.raw.cursor()
        if sealed:
            leave_sealed(self._raw)

    @property
    def rowcount(self) -> int:
        return self._raw.rowcount

    @property
    def description(self) -> Any:
        return self._raw.description

    @property
    def connection(self) -> PgConnection:
        return self._connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> "PgCursor":
        if sql == "BEGIN IMMEDIATE":
            raw = self._connection.usable()
            self._raw = raw.cursor()
            self._raw.execute(self._connection.begin)
            self._connection.check_turn(self._raw)
        elif sql == BEGIN_LOOK:
            self._raw = self._connection.usable().cursor()
            self._connection.begin_look(self._raw)
        elif parameters:
            self._raw.execute(_translated(sql), _storable(parameters))
        else:
            self._raw.execute(_translated(sql))
        return self

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> "PgCursor":
        several = [_storable(row) for row in rows]
        plain = _PLAIN_INSERT.fullmatch(sql)
        if plain is not None and several:
            # A third of the time of as many INSERTs; an import writes thirty rows a person.
            with self._raw.copy(f"COPY {plain[1]} FROM STDIN".encode()) as copy:
                for row in several:
                    copy.write_row(row)
        elif several:
            self._raw.executemany(_translated(sql), several)
        return self

    def fetchone(self) -> Any:
        return self._raw.fetchone()

    def fetchall(self) -> list[Any]:
        return self._raw.fetchall()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._raw)


@lru_cache(maxsize=512)
def _translated(sql: str) -> bytes:
    """`?` as `%s`; ValueError for a statement that holds a percent sign of its own."""
    if "%" in sql:
        raise ValueError(f"a percent sign in {sql[:80]!r}")
    return sql.replace("?", "%s").encode()


def _storable(parameters: Sequence[Any]) -> list[Any]:
    """PostgreSQL's texts can't hold NUL, which a hostile message may well contain."""
    return [
        p.replace("\x00", "\N{REPLACEMENT CHARACTER}") if isinstance(p, str) and "\x00" in p else p
        for p in parameters
    ]
