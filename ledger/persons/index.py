"""What follows from persons, homes and files and is kept beside them: terms, and what is missing.

Whoever writes one of the three says so here, in the same transaction. A book that an older program
wrote is caught up with at the hub's start, portion by portion (`catch_up`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from ledger.cursor import Cursor
from ledger.database import insert_sql, upsert_sql
from ledger.forms import completeness
from ledger.forms.file_document import read
from ledger.forms.person_file import PersonFile
from ledger.persons.terms import GRAM, STEP, VERSION, Kind, grams_of, terms_of, what_of
from ledger.schema import HOME_TERM, META, PERSON_TERM
from ledger.sealing.at_connection import ring_of
from ledger.sealing.ring import Ring

# Persons in one transaction of the catching up: about 20 ms, for a press may wait behind it.
PORTION: Final = 100
# Marks in one statement; SQLite takes 32,766, older ones 999.
_MARKS_MAX: Final = 500
_KEY: Final = "person_terms"
_DONE: Final = "done"
# Hex digits of a code: 64 bits, and beside the few thousand texts of a county no two collide.
CODE_LENGTH: Final = 16
_INSERT: Final = insert_sql(PERSON_TERM, ("term", "kind", "person"))
_INSERT_HOME: Final = insert_sql(HOME_TERM, ("term", "home"))
_META: Final = upsert_sql(META)
_LISTS: Final = ("categories", "contacts")


_SELECT: Final = (
    "SELECT p.id, p.name, p.sex, p.born, p.phone, p.categories, p.grade, p.contacts, p.visitor,"
    " f.document, f.missing FROM service_user p LEFT JOIN person_file f ON f.person = p.id"
)


_INPUTS: Final = (
    "SELECT id, name, sex, born, phone, categories, grade, contacts, visitor FROM service_user"
)
_ADDRESSES: Final = "SELECT id, address FROM home"


# Homes that nothing finds yet: nobody lives there, or nobody has since.
_UNFOUND: Final = (
    "SELECT h.id FROM home h WHERE NOT EXISTS"
    " (SELECT 1 FROM home_term t WHERE t.home = h.id) ORDER BY h.id LIMIT ?"
)


def inputs(cursor: Cursor) -> dict[str, tuple[Any, ...]]:
    """By person what the register says that terms and counts are made of, for whoever writes many
    rows of it at once."""
    return {row[0]: tuple(row) for row in cursor.execute(_INPUTS).fetchall()}


def addresses(cursor: Cursor) -> dict[str, str]:
    """As `inputs`, of homes."""
    return dict(cursor.execute(_ADDRESSES).fetchall())


def refresh(cursor: Cursor, persons: Iterable[str], *, counted: bool = False) -> None:
    """Make anew what follows from these persons' rows. `counted`: what is missing in their files
    was counted when they were written, just now."""
    wanted = sorted(set(persons))
    for start in range(0, len(wanted), _MARKS_MAX):
        _refresh(cursor, wanted[start : start + _MARKS_MAX], counted=counted)


def refresh_homes(cursor: Cursor, homes: Iterable[str]) -> None:
    """As `refresh`, of what homes are found by."""
    wanted = sorted(set(homes))
    for start in range(0, len(wanted), _MARKS_MAX):
        some = wanted[start : start + _MARKS_MAX]
        sql = f"SELECT id, address FROM home WHERE id IN ({_marks(some)})"  # noqa: S608
        _refresh_homes(cursor, dict(cursor.execute(sql, tuple(some)).fetchall()))


def catch_up(cursor: Cursor, portion: int = PORTION) -> bool:
    """A portion of the persons whose terms an older program made, or none did; True while there
    are more."""
    found = cursor.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchall()
    version, _, after = str(found[0][0]).partition(":") if found else ("", "", "")
    if version == VERSION and after == _DONE:
        return False
    if version != VERSION:
        after = ""
    sql = "SELECT id, home FROM service_user WHERE id > ? ORDER BY id LIMIT ?"
    found = cursor.execute(sql, (after, portion)).fetchall()
    ids = [row[0] for row in found]
    _refresh(cursor, ids)
    refresh_homes(cursor, (row[1] for row in found))
    more = len(ids) == portion
    if not more:
        empty = cursor.execute(_UNFOUND, (portion,)).fetchall()
        refresh_homes(cursor, (row[0] for row in empty))
        more = len(empty) == portion
    cursor.execute(_META, (_KEY, f"{VERSION}:{(ids or [after])[-1] if more else _DONE}"))
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
        terms += [
            (kept(ring, term, Kind(place // STEP)), place, row["id"])
            for term, place in terms_of(person, phones)
        ]
        if row["document"] is not None and not counted:
            _count(cursor, person)
    if terms:
        # Two terms may have one code: a telephone's last digits and a contact's.
        cursor.executemany(_INSERT, sorted(set(terms)))


def _refresh_homes(cursor: Cursor, addresses: Mapping[str, str]) -> None:
    if not addresses:
        return
    marks = _marks(tuple(addresses))
    # Only marks are put into the text.
    cursor.execute(f"DELETE FROM home_term WHERE home IN ({marks})", tuple(addresses))  # noqa: S608
    ring = ring_of(cursor)
    rows = [
        (gram(ring, part), home)
        for home, address in addresses.items()
        # One that says nothing is looked through once as well.
        for part in grams_of(address) or {_DONE}
    ]
    cursor.executemany(_INSERT_HOME, rows)


def kept(ring: Ring | None, term: str, kind: Kind) -> str:
    """As it stands in the table; an id says nothing of anybody and is looked for by its
    beginning."""
    if ring is None or kind is Kind.ID:
        return term
    return ring.blind(what_of(kind), term)[:CODE_LENGTH]


def gram(ring: Ring | None, part: str) -> str:
    """A part of an address, as it stands in the table."""
    return part if ring is None else ring.blind(GRAM, part)[:CODE_LENGTH]


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
