"""The connection of one of several processes that write one book on PostgreSQL (ADR 0022).

In the round trip in which its transaction waits for its turn it also hears whether it may write
still, and what the others have changed since it looked last:

    BEGIN; lock; fences of its duties, if it has any; fence of all who share; look into the log

A `NOTIFY` with the commit wakes the others; it may be lost, for the tables are the truth.
"""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from ledger.changes import ChangeLog
from ledger.pg_duty import HUB
from ledger.pg_lease import PgLease
from ledger.postgres import BEGIN, IDLE_OPTION, PgConnection, said_by
from ledger.sealing.ring import Ring

# Where those who share a book are told that there is something to read.
CHANNEL: Final = "hearthwatch_book"
_COMMIT: Final = f"NOTIFY {CHANNEL}; COMMIT"
# One row of each lease of ours whose number is still the one.
_FENCE: Final = "SELECT 1 FROM hub_lease WHERE name = '{}' AND fence = {} FOR KEY SHARE"


class SharedLeases:
    """The hub's, held together, and those of duties, which are held alone."""

    def __init__(self, conninfo: str, duties: Sequence[str]) -> None:
        self._held: list[tuple[str, PgLease]] = []
        try:
            # Duties first: who has to wait for one stands in nobody's way.
            for duty in duties:
                self._held.append((duty, PgLease(conninfo, duty)))
            self._held.append((HUB, PgLease(conninfo, HUB, joins=True)))
        except BaseException:
            self.give_back()
            raise

    @property
    def lost(self) -> bool:
        return any(lease.lost for _name, lease in self._held)

    def lose(self) -> None:
        for _name, lease in self._held:
            lease.lost = True

    @property
    def fences(self) -> str:
        return "; ".join(_FENCE.format(name, lease.fence) for name, lease in self._held)

    def __len__(self) -> int:
        return len(self._held)

    def give_back(self) -> None:
        for _name, lease in self._held:
            lease.give_back()


class PgSharedConnection(PgConnection):
    """`duties`: what only one process has; BookInUseError when another one has it."""

    damage: str | None = None

    def __init__(self, conninfo: str, ring: Ring | None = None, duties: Sequence[str] = ()) -> None:
        self.lease = SharedLeases(conninfo, duties)
        self.log = ChangeLog(str(uuid.uuid4()))
        try:
            super().__init__(conninfo, said_by(self.log.origin) + IDLE_OPTION, ring)
        except BaseException:
            self.lease.give_back()
            raise

    @property
    def begin(self) -> str:
        return f"{BEGIN}; {self.lease.fences}; {self.log.look}"

    def check_turn(self, cursor: "psycopg.Cursor[Any]") -> None:
        found = []
        while cursor.nextset():
            found.append(cursor.fetchall())
        # Behind the lock's own answer.
        fences, news = found[1:-1], found[-1]
        if not all(fences):
            self.lease.lose()
            cursor.execute("ROLLBACK")
            raise psycopg.OperationalError("another hub has taken this book over")
        self.log.found(news)

    def begin_look(self, cursor: "psycopg.Cursor[Any]") -> None:
        cursor.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {self.log.look}")
        cursor.nextset()
        self.log.found(cursor.fetchall())

    def commit(self, *, tell: bool) -> str:
        """The statement that ends a transaction; `tell`: the others have something to read."""
        return _COMMIT if tell else "COMMIT"

    def close(self) -> None:
        super().close()
        self.lease.give_back()
