"""Texts that psycopg reads, opened by a ring. Apart, because a book in SQLite needs no psycopg."""

from typing import Any, Final

import psycopg
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader

from ledger.sealing.ring import OWNERS_KEYS, OwnersKey, Ring

_TEXTS: Final = ("text", "varchar")


def open_texts(connection: "psycopg.Connection[Any]", ring: Ring) -> None:
    """Every text that this connection reads from now on."""

    class Opening(Loader):
        def load(self, data: "bytes | bytearray | memoryview") -> str:
            return ring.text(bytes(data))

    for name in _TEXTS:
        connection.adapters.register_loader(name, Opening)


def leave_sealed(cursor: "psycopg.Cursor[Any]") -> None:
    """Texts that this cursor reads come as they are stored."""
    for name in _TEXTS:
        cursor.adapters.register_loader(name, TextLoader)


def keys_in(conninfo: str, owner: str | None) -> list[OwnersKey]:
    """By a connection of its own: what is committed, and nothing of a transaction under way."""
    with psycopg.connect(conninfo, autocommit=True) as raw:
        if owner is None:
            return raw.execute(OWNERS_KEYS).fetchall()
        return raw.execute(f"{OWNERS_KEYS} WHERE owner = %s".encode(), (owner,)).fetchall()
