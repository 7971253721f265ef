"""The writing connection to PostgreSQL, behaving as SQLite's does for the code above it.

`BEGIN IMMEDIATE` waits for whoever else writes the book, as SQLite's lock does: an advisory lock of
the transaction. A hub holds a second one for as long as it is connected, because its memory of open
alarms is true only while nobody else changes them: a second hub is told so and goes away.

After a lost connection the next `BEGIN IMMEDIATE` connects again. Whoever was in the middle hears
of a failure; whether an interrupted COMMIT took place is seen when the items come again.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import psycopg

# Numbers of our advisory locks; any would do, if nobody else's program uses them here.
WRITE_LOCK: Final = 0x6865_6172_7468_01
HUB_LOCK: Final = 0x6865_6172_7468_02
# A gateway waits while we connect; its activations are safe in its spool.
CONNECT_TIMEOUT_S: Final = 5
# A statement of ours takes milliseconds; one that waits this long waits for a lock.
LOCK_TIMEOUT_MS: Final = 10_000

_BEGIN: Final = f"BEGIN; SELECT pg_advisory_xact_lock({WRITE_LOCK})"
_OPTIONS: Final = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c synchronous_commit=on -c TimeZone=UTC"


class BookInUseError(Exception):
    """Another hub writes this book."""


class PgConnection:
    """`exclusive`: as a hub, which keeps every other hub out."""

    def __init__(self, conninfo: str, *, exclusive: bool) -> None:
        self._conninfo = conninfo
        self._exclusive = exclusive
        self._raw = self._connect()

    def _connect(self) -> "psycopg.Connection[Any]":
        raw = psycopg.connect(
            self._conninfo,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            options=_OPTIONS,
            application_name="hearthwatch-writer",
            # Statements are few and always the same.
            prepare_threshold=1,
        )
        if self._exclusive:
            row = raw.execute(f"SELECT pg_try_advisory_lock({HUB_LOCK})").fetchone()
            if row is None or not row[0]:
                raw.close()
                raise BookInUseError("another hub writes this book")
        return raw

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

    def cursor(self) -> "PgCursor":
        return PgCursor(self)

    def close(self) -> None:
        self._raw.close()


class PgCursor:
    """Statements with `?`, and SQLite's words for transactions."""

    def __init__(self, connection: PgConnection) -> None:
        self._connection = connection
        self._raw = connection.raw.cursor()

    @property
    def rowcount(self) -> int:
        return self._raw.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The number that the last insert drew; asked for only where there is one."""
        row = self._raw.execute("SELECT lastval()").fetchone()
        return None if row is None else int(row[0])

    @property
    def description(self) -> Any:
        return self._raw.description

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> "PgCursor":
        if sql == "BEGIN IMMEDIATE":
            raw = self._connection.usable()
            self._raw = raw.cursor()
            self._raw.execute(_BEGIN)
        elif parameters:
            self._raw.execute(_translated(sql), _storable(parameters))
        else:
            self._raw.execute(_translated(sql))
        return self

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> "PgCursor":
        several = [_storable(row) for row in rows]
        if several:
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
