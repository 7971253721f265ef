"""What the hub says to gateways of its copies: how far each spool is in them.

With every acknowledgement, and by itself at a heartbeat of whoever was not told yet: once after a
copy was checked, once after a start.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from contract import topics
from contract.codec import encode_ack
from contract.envelope import Ack, Status
from ledger.checked_copies import said, void
from ledger.cursor import Cursor
from ledger.unit_of_work import UnitOfWork

# Changes whenever `hearthwatch backup` has noted something.
_VERSION: Final = "SELECT count(*), count(gone_at_ms), max(checked_at_ms) FROM backup_copy"


class Acker(Protocol):
    """The broker connection as far as it is needed here."""

    def publish_soon(self, topic: str, payload: bytes) -> bool: ...


class BackupMarks:
    """What `ledger.checked_copies` knows, as a projection of the writer's; used in its thread."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._version: tuple[int | None, ...] = ()
        self._through: dict[str, int] = {}
        self._told: dict[str, int] = {}
        # Of the newest checked copy that is there; 0: there is none.
        self.made_at_ms = 0
        self.copies = 0

    def reload(self, cursor: Cursor) -> None:
        self._version = ()
        self._told.clear()
        self.follow(cursor)

    def follow(self, cursor: Cursor) -> None:
        """A command beside the hub may have noted a copy."""
        cursor.execute(_VERSION)
        version = tuple(cursor.fetchall()[0])
        if version == self._version:
            return
        cursor.execute("SELECT count(*), max(made_at_ms) FROM backup_copy WHERE gone_at_ms IS NULL")
        self.copies, made_at_ms = cursor.fetchall()[0]
        self.made_at_ms = made_at_ms or 0
        self._through = said(cursor, self._kept)
        self._version = version

    def changed(self, cursor: Cursor) -> None:
        """Another process has noted or voided something."""
        self._version = ()
        self.follow(cursor)

    def through(self, spool: str) -> int | None:
        return self._through.get(spool)

    def renumbered(self, unit: UnitOfWork, spool: str) -> None:
        """A number that was in already came with something new, or will: the gateway's card was put
        back to an older day. Until copies were made since, nothing is said of it."""
        void(unit, spool)
        self._through.pop(spool, None)

    def untold(self, unit: UnitOfWork, heartbeats: Iterable[Status]) -> list[tuple[str, Ack]]:
        """By gateway, for those that are there and were not told of the newest copies yet."""
        acks = []
        for status in heartbeats:
            if not status.online or status.spool is None:
                continue
            through = self._through.get(status.spool, 0)
            if status.last_seq is not None and status.last_seq < through:
                self.renumbered(unit, status.spool)
            elif through > self._told.get(status.spool, 0):
                self._told[status.spool] = through
                ack = Ack(spool=status.spool, ids=(), backup_through=through)
                acks.append((status.gateway, ack))
        return acks


def tell(acks: Iterable[tuple[str, Ack]], acker: Acker) -> None:
    for gateway, ack in acks:
        acker.publish_soon(topics.topic(gateway, "ack"), encode_ack(ack))
