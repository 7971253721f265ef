"""The boots that gave a spool its items, in its file: what makes a stamp a time later on."""

import sqlite3
from collections.abc import Sequence
from typing import Final, Protocol

from contract.item import Measurement
from gateway.boot_time import Boot, Present, Stamp

# A boot a day is a bad supply; a hundred days of items without a clock and without a hub are more
# than the spool keeps. Of older ones the items stay, with their doubtful times.
BOOTS_KEPT: Final = 100

TABLE: Final = """
CREATE TABLE IF NOT EXISTS boot (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, offset_ms INTEGER NOT NULL,
  trusted INTEGER NOT NULL, seen_ms INTEGER NOT NULL);
"""


class Times(Protocol):
    """The gateway's clock, as the spool needs it; asked in the lanes' threads."""

    def present(self) -> Present | None: ...
    def stamp(self, measurement: Measurement) -> Stamp | None: ...
    def recall(self, boots: Sequence[Boot]) -> None:
        """What an earlier process of this boot wrote down."""
        ...


class NoTimes:
    """A clock that is never in doubt."""

    def present(self) -> Present | None:
        return None

    def stamp(self, measurement: Measurement) -> Stamp | None:  # noqa: ARG002 - a clock's shape
        return None

    def recall(self, boots: Sequence[Boot]) -> None:
        """Nothing to learn."""


def read(connection: sqlite3.Connection) -> tuple[Boot, ...]:
    rows = connection.execute(
        "SELECT name, offset_ms, trusted, seen_ms FROM boot ORDER BY number"
    ).fetchall()
    return tuple(
        Boot(name=name, offset_ms=offset_ms, trusted=bool(trusted), seen_ms=seen_ms)
        for name, offset_ms, trusted, seen_ms in rows
    )


def write(connection: sqlite3.Connection, boots: Sequence[Boot]) -> None:
    """In the caller's transaction. New ones go behind those that are there."""
    connection.executemany(
        "INSERT INTO boot (name, offset_ms, trusted, seen_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET offset_ms = excluded.offset_ms,"
        " trusted = excluded.trusted, seen_ms = excluded.seen_ms",
        [(boot.name, boot.offset_ms, int(boot.trusted), boot.seen_ms) for boot in boots],
    )
    connection.execute(
        "DELETE FROM boot WHERE number <= (SELECT max(number) FROM boot) - ?", (BOOTS_KEPT,)
    )
