"""Texts that sqlite3 reads, opened by a ring."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from ledger.database import BUSY_TIMEOUT_MS
from ledger.sealing.ring import OWNERS_KEYS, OwnersKey, Ring


class SealedFile(sqlite3.Connection):
    """A connection that may carry a ring."""

    ring: Ring | None = None

    def carry(self, ring: Ring | None) -> None:
        self.ring = ring
        if ring is not None:
            open_texts(self, ring)

    @contextmanager
    def texts_as_stored(self) -> Iterator[sqlite3.Cursor]:
        """What is read meanwhile is not opened."""
        before, self.text_factory = self.text_factory, str
        try:
            yield self.cursor()
        finally:
            self.text_factory = before


def open_texts(connection: sqlite3.Connection, ring: Ring) -> None:
    """Every text that this connection reads from now on."""
    connection.text_factory = ring.text


def keys_in(path: Path, owner: str | None) -> list[OwnersKey]:
    """By a connection of its own: what is committed, and nothing of a transaction under way."""
    raw = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    try:
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        if owner is None:
            return raw.execute(OWNERS_KEYS).fetchall()
        return raw.execute(f"{OWNERS_KEYS} WHERE owner = ?", (owner,)).fetchall()
    finally:
        raw.close()
