"""Which of several hubs may write a book on PostgreSQL: one at a time, by a lease with a fence.

A row holds the number of the holder (the fence) and until when the lease is good by the server's
clock, which may be set meanwhile; the holder renews it every second. Every transaction of a hub's
writer looks whether its number is still the one (`ledger/postgres.py`), so that a hub that slept
through a takeover can commit nothing any more, whatever it believes.

Processes that share a book (ADR 0022) hold the lease of the hub together, by one number, so that no
hub that wants the book for itself comes between them; and one of them has a lease of its own for
what only one may do.
"""

import contextlib
import threading
import uuid
from typing import Any, Final

import psycopg

from ledger.cursor import BookInUseError
from ledger.pg_duty import HUB

# Renewed so often, and over after so long without: a standby is the hub within ten seconds, and a
# server that is slow for three still has its hub.
RENEW_S: Final = 1.0
LEASE_MS: Final = 4_000
# A hub that was stopped in the middle of a transaction holds its row that long, and no longer: the
# server ends its session.
IDLE_IN_TRANSACTION_MS: Final = 4_000
# Whoever asks for the lease waits this long behind a transaction that holds its row.
LOCK_TIMEOUT_MS: Final = 1_000

_NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_THERE: Final = "SELECT to_regclass('hub_lease')"
_TAKE: Final = (
    "INSERT INTO hub_lease AS l (name, holder, fence, until_ms)"  # noqa: S608 - own text
    f" VALUES (%s, %s, 1, {_NOW} + {LEASE_MS})"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = l.fence + 1,"
    # Further away than a lease lasts: the server's clock was set back, and the holder is gone.
    f" until_ms = {_NOW} + {LEASE_MS}"
    f" WHERE l.until_ms <= {_NOW} OR l.until_ms > {_NOW} + {LEASE_MS} RETURNING fence"
)
# All that share a book are one holder.
_SHARED: Final = "shared"
_JOIN: Final = (
    f"UPDATE hub_lease SET until_ms = {_NOW} + {LEASE_MS}"  # noqa: S608 - own text
    f" WHERE name = %s AND holder = '{_SHARED}' RETURNING fence"
)
_LOCK: Final = "SELECT 1 FROM hub_lease WHERE name = %s FOR UPDATE"
_RENEW: Final = (
    f"UPDATE hub_lease SET until_ms = {_NOW} + {LEASE_MS}"  # noqa: S608 - own text
    " WHERE name = %s AND fence = %s"
)
_GIVE_BACK: Final = "UPDATE hub_lease SET until_ms = 0 WHERE name = %s AND fence = %s"
_OPTIONS: Final = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={3 * LOCK_TIMEOUT_MS}"


class PgLease:
    """Held from its making to `give_back`; BookInUseError when another hub has it. `joins`: held
    together with whoever else joins."""

    def __init__(self, conninfo: str, name: str = HUB, *, joins: bool = False) -> None:
        self._conninfo = conninfo
        self._name, self._joins = name, joins
        self._raw = self._connect()
        try:
            self.fence = self._take()
        except BaseException:
            self._raw.close()
            raise
        # Another hub has taken over: this one must go.
        self.lost: bool = False
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hub-lease", daemon=True)
        self._begin()

    def renew(self) -> None:
        """Once; a server that is away is tried again in a second. Meanwhile the fence keeps the
        book safe."""
        try:
            if self._raw.closed or self._raw.broken:
                self._raw = self._connect()
            self.lost = self._raw.execute(_RENEW, (self._name, self.fence)).rowcount == 0
        except psycopg.Error:
            self._raw.close()

    def give_back(self) -> None:
        """The next hub need not wait."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join()
        if not self._joins:
            with contextlib.suppress(psycopg.Error):
                self._raw.execute(_GIVE_BACK, (self._name, self.fence))
        self._raw.close()

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            self._conninfo,
            autocommit=True,
            options=_OPTIONS,
            application_name="hearthwatch-lease",
        )

    def _take(self) -> int:
        holder = _SHARED if self._joins else f"hub-{uuid.uuid4()}"
        if self._joins:
            there = self._raw.execute(_JOIN, (self._name,)).fetchone()
            if there is not None:
                return int(there[0])
        try:
            with self._raw.transaction():
                # A transaction of the holder that has looked at its number is waited for.
                self._raw.execute(_LOCK, (self._name,))
                row = self._raw.execute(_TAKE, (self._name, holder)).fetchone()
        except psycopg.errors.LockNotAvailable as error:
            raise BookInUseError("another hub is writing this book") from error
        if row is None:
            raise BookInUseError("another hub writes this book")
        return int(row[0])

    def _begin(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while not self._ends.wait(RENEW_S) and not self.lost:
            self.renew()


def has_leases(conninfo: str) -> bool:
    """Whether the book is new enough to have them."""
    with psycopg.connect(conninfo) as raw:
        row = raw.execute(_THERE).fetchone()
    return row is not None and row[0] is not None
