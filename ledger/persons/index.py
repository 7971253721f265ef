"""What follows from persons, homes and files and is kept beside them: terms, and what is missing.

Whoever writes one of the three says so here, in the same transaction. A book that an older program
wrote is caught up with at the hub's start, portion by portion (`catch_up`).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from ledger.cursor import Cursor
from ledger.database import insert_sql, upsert_sql
from ledger.forms import completeness
from ledger.forms.file_document import read
from ledger.forms.person_file import PersonFile
from ledger.persons.terms import PHONE, PHONES, VERSION, Kind, terms_of
from ledger.schema import META, PERSON_TERM
from ledger.sealing.at_connection import blind, ring_of
from ledger.sealing.ring import Ring

# Persons in one transaction of the catching up: about 20 ms, for a press may wait behind it.
PORTION: Final = 100
# Marks in one statement; SQLite takes 32,766, older ones 999.
_MARKS_MAX: Final = 500
_KEY: Final = "person_terms"
_DONE: Final = "done"
_INSERT: Final = insert_sql(PERSON_TERM, ("term", "kind", "person"))
_META: Final = upsert_sql(META)
_LISTS: Final = ("categories", "contacts")


_SELECT: Final = (
    "SELECT p.id, p.name, p.sex, p.born, p.phone, p.categories, p.grade, p.contacts, p.visitor,"
    " h.address, f.document, f.missing FROM service_user p JOIN home h ON h.id = p.home"
    " LEFT JOIN person_file f ON f.person = p.id"
)


_INPUTS: Final = (
    "SELECT p.id, p.name, p.sex, p.born, p.phone, p.categories, p.grade, p.contacts, p.visitor,"
    " h.address FROM service_user p JOIN home h ON h.id = p.home"
)


def inputs(cursor: Cursor) -> dict[str, tuple[Any, ...]]:
    """By person what the register says that terms and counts are made of, for whoever writes many
    rows of it at once."""
    return {row[0]: tuple(row) for row in cursor.execute(_INPUTS).fetchall()}


def refresh(cursor: Cursor, persons: Iterable[str], *, counted: bool = False) -> None:
    """Make anew what follows from these persons' rows. `counted`: what is missing in their files
    was counted when they were written, just now."""
    wanted = sorted(set(persons))
    for start in range(0, len(wanted), _MARKS_MAX):
        _refresh(cursor, wanted[start : start + _MARKS_MAX], counted=counted)


def refresh_homes(cursor: Cursor, homes: Iterable[str]) -> None:
    """As `refresh`, of who lives in these homes."""
    wanted = sorted(set(homes))
    found: list[str] = []
    for start in range(0, len(wanted), _MARKS_MAX):
        some = wanted[start : start + _MARKS_MAX]
        sql = f"SELECT id FROM service_user WHERE home IN ({_marks(some)})"  # noqa: S608
        found += [row[0] for row in cursor.execute(sql, tuple(some)).fetchall()]
    refresh(cursor, found)


def catch_up(cursor: Cursor, portion: int = PORTION) -> bool:
    """A portion of the persons whose terms an older program made, or none did; True while there
    are more."""
    found = cursor.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchall()
    version, _, after = str(found[0][0]).partition(":") if found else ("", "", "")
    if version == VERSION and after == _DONE:
        return False
    if version != VERSION:
        after = ""
    sql = "SELECT id FROM service_user WHERE id > ? ORDER BY id LIMIT ?"
    ids = [row[0] for row in cursor.execute(sql, (after, portion)).fetchall()]
    _refresh(cursor, ids)
    more = len(ids) == portion
    cursor.execute(_META, (_KEY, f"{VERSION}:{ids[-1] if more else _DONE}"))
    return more


def _refresh(cursor: Cursor, persons: Sequence[str], *, counted: bool = False) -> None:
    if not persons:
        return
    marks = _marks(persons)
    # Only marks are put into the text.
    sql = f"{_SELECT} WHERE p.id IN ({marks})"
    cursor.execute(sql, tuple(persons))
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    cursor.execute(f"DELETE FROM person_term WHERE person IN ({marks})", tuple(persons))  # noqa: S608
    ring = ring_of(cursor)
    terms: list[tuple[str, int, str]] = []
    for row in rows:
        person = {**row, **{name: msgspec.json.decode(row[name]) for name in _LISTS}}
        phones = [str(contact.get("phone", "")) for contact in person["contacts"]]
        found = terms_of(person, row["address"], phones)
        terms += [(_kept(ring, term, kind), int(kind), row["id"]) for term, kind in found]
        if row["document"] is not None and not counted:
            _count(cursor, person)
    if terms:
        cursor.executemany(_INSERT, terms)


def _kept(ring: Ring | None, term: str, kind: Kind) -> str:
    """Telephones are found whole or by their last digits, and can't be read here."""
    return blind(ring, PHONE, term) if kind in PHONES else term


def _count(cursor: Cursor, person: dict[str, Any]) -> None:
    missing = missing_of(read(msgspec.json.decode(person["document"])), person)
    if missing != person["missing"]:
        cursor.execute(
            "UPDATE person_file SET missing = ? WHERE person = ?", (missing, person["id"])
        )


def missing_of(file: PersonFile, register: dict[str, Any]) -> int:
    return len(completeness.missing(file, register))


def _marks(some: Sequence[str]) -> str:
    return ", ".join("?" * len(some))
