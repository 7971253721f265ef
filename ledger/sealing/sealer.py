"""Sealing in one transaction: an owner's key is made with the first thing that is sealed for it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table

from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.schema import PERSON_KEY
from ledger.sealing.at_connection import ring_of
from ledger.sealing.codes import written
from ledger.sealing.columns import OF_TABLE
from ledger.sealing.ring import Erased, Ring
from ledger.sealing.tokens import Form

_INSERT_NEW: Final = insert_sql(PERSON_KEY, ("owner", "kek", "wrapped", "made_at_ms"))
_INSERT: Final = f"{_INSERT_NEW} ON CONFLICT (owner) DO NOTHING"
_FIND: Final = "SELECT kek, wrapped FROM person_key WHERE owner = ?"
HOME: Final = "home:"
# Whose key seals answers that are kept for two days, about whomever they are.
ANSWERS: Final = "answers"
# Whose key seals messages and the addresses that they go to; what is to be forgotten of them is
# taken out by itself.
MESSAGES: Final = "messages"
# Whose key seals what departments are given, and why: it is about many.
EXPORTS: Final = "exports"
# Before the number of a home's later keys.
TURN: Final = "/"


def owner_of(person: str | None, home: str) -> str:
    """Whose key seals what is about a person of a home, or about a home and nobody by name."""
    return person if person is not None else f"{HOME}{home}"


def owner_of_device(row: Mapping[str, Any]) -> str:
    """What somebody called it may name who lives there."""
    home = row["home"]
    return f"gateway:{row['gateway']}" if home is None else owner_of(None, home)


class Sealer:
    """Of one transaction. In a plain book everything stays as it is."""

    def __init__(self, cursor: Cursor, now_ms: int) -> None:
        self._cursor = cursor
        self._ring = ring_of(cursor)
        self._now_ms = now_ms
        self._there: set[str] = set()

    def text(self, owner: str, text: str) -> str:
        return self._sealed(owner, "t", text)

    def json_object(self, owner: str, text: str) -> str:
        return self._sealed(owner, "j", text)

    def json_list(self, owner: str, text: str) -> str:
        return self._sealed(owner, "l", text)

    def row(self, table: Table, owner: str | None, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row as the table keeps it; without an owner it tells of nobody."""
        forms = {} if owner is None else OF_TABLE[table.name].columns
        return {
            name: self._sealed(owner, forms[name], value)
            if owner is not None and name in forms and value is not None
            else value
            for name, value in row.items()
        }

    def content(self, owner: str, content: bytes) -> bytes:
        """Erased."""
        if self._ring is None:
            return content
        owner = self._ready(self._ring, owner)
        return self._ring.sealed_content(owner, content)

    def codes(self, words: Iterable[str]) -> str:
        """Words of a known list, for a column that is counted by."""
        return written(self._ring, words)

    def blind(self, what: str, text: str) -> str:
        return text if self._ring is None else self._ring.blind(what, text)

    def make(self, owners: Sequence[str]) -> None:
        """The keys of owners whose names were drawn just now, in one statement."""
        ring = self._ring
        if ring is None or not owners:
            return
        drawn = [(owner, *ring.draw(owner)) for owner in owners]
        self._cursor.executemany(_INSERT_NEW, [(*one, self._now_ms) for one in drawn])
        for owner, kek, wrapped in drawn:
            ring.adopt(owner, kek, wrapped)
        self._there.update(owners)

    def rewound(self) -> None:
        """What was made in this transaction may be taken back."""
        self._there.clear()

    def _sealed(self, owner: str, form: Form, text: str) -> str:
        """Erased."""
        if self._ring is None or text in ("", "[]", "{}"):
            return text
        owner = self._ready(self._ring, owner)
        return self._ring.sealed(owner, form, text)

    def _ready(self, ring: Ring, owner: str) -> str:
        """Whose key seals it now. A home goes on when those who lived there were erased: it gets
        another key."""
        living, turn = owner, 1
        while owner.startswith(HOME) and ring.erased(living):
            turn += 1
            living = f"{owner}{TURN}{turn}"
        self._ensure(ring, living)
        return living

    def _ensure(self, ring: Ring, owner: str) -> None:
        """That the row of its key is there, in this transaction or before it: a key that is only in
        memory must never seal what is stored."""
        if owner in self._there:
            return
        if not ring.known(owner):
            kek, wrapped = ring.draw(owner)
            self._cursor.execute(_INSERT, (owner, kek, wrapped, self._now_ms))
            if self._cursor.rowcount == 0:
                kek, wrapped = self._cursor.execute(_FIND, (owner,)).fetchone()
                if wrapped is None:
                    ring.forget(owner)
                    raise Erased(owner)
            ring.adopt(owner, kek, bytes(wrapped))
        self._there.add(owner)
