"""Entries that an older program wrote in clear: sealed once, with the chain made anew behind the
first of them. In one transaction, before the hub begins.

It is the only thing that ever changes an entry. So the chain is looked through first, and where it
does not hold nothing is touched: that is evidence. What it led to before is told in an entry of its
own; heads that were noted earlier are found in copies that were made before.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.chain import AUDIT_FIELDS, ENTRY_FIELDS, GENESIS, link
from ledger.cursor import Cursor
from ledger.database import upsert_sql
from ledger.schema import META
from ledger.unit_of_work import Entry, UnitOfWork
from ledger.views import document_of

KEY: Final = "sealed_entries"
DONE: Final = "done"
TOPIC: Final = "book"
# Rows from the database at a time: a few MB.
PORTION: Final = 2000
_META: Final = upsert_sql(META)
# What of which row an entry is about says whose key seals it.
_OWNERS: Final[Mapping[str, str]] = {
    "visit": "SELECT id, coalesce(service_user, 'home:' || home) FROM visit",
    "care": "SELECT id, person FROM care_line",
    "referral": "SELECT id, person FROM referral",
    "person": "SELECT id, id FROM service_user",
    "plan": "SELECT id, id FROM service_user",
    "alarm": "SELECT id, 'home:' || home FROM alarm WHERE home IS NOT NULL",
    "task": "SELECT id, 'home:' || home FROM task WHERE home IS NOT NULL",
}
# Topics whose reasons somebody wrote, and those of which only written notes tell of people.
_WRITTEN: Final = frozenset({"person", "care", "referral"})
_NOTES: Final = frozenset({"alarm", "task"})
_PERSON: Final = "person:"

Fields = tuple[Any, ...]


class BrokenChain(Exception):  # noqa: N818
    """The entries do not follow from each other; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relinked:
    """How many rows of a table were sealed, and what its chain led to before."""

    table: str
    sealed: int
    head: str


def relink(unit: UnitOfWork) -> list[Relinked]:
    """Once in the life of a book. BrokenChain."""
    found = unit.execute("SELECT value FROM meta WHERE key = ?", (KEY,)).fetchall()
    if found:
        return []
    owners = {topic: dict(_pairs(unit.cursor, sql)) for topic, sql in _OWNERS.items()}

    def entry(row: Fields) -> Fields:
        return _entry(unit, row, owners)

    def audit(row: Fields) -> Fields:
        return _audit(unit, row, owners["person"])

    done = [
        _table(unit, "entry", ENTRY_FIELDS, entry),
        _table(unit, "audit", AUDIT_FIELDS, audit),
    ]
    unit.execute(_META, (KEY, DONE))
    for one in done:
        if one.sealed:
            unit.entry(
                Entry(
                    topic=TOPIC,
                    subject=one.table,
                    fact="sealed",
                    payload=lambda: b"null",
                    data={"rows": one.sealed, "head_before": one.head},
                )
            )
    return done


def _pairs(cursor: Cursor, sql: str) -> Iterator[tuple[str, str]]:
    return ((str(row[0]), str(row[1])) for row in cursor.execute(sql).fetchall())


def _entry(unit: UnitOfWork, row: Fields, owners: Mapping[str, Mapping[str, str]]) -> Fields:
    at_ms, topic, subject, fact, actor, reason, region, data = row
    owner = owners.get(topic, {}).get(subject)
    if owner is None or (topic in _NOTES and not document_of(data).get("note")):
        return row
    if topic in _WRITTEN:
        reason = unit.seal.text(owner, reason)
    return (at_ms, topic, subject, fact, actor, reason, region, unit.seal.json_object(owner, data))


def _audit(unit: UnitOfWork, row: Fields, persons: Mapping[str, str]) -> Fields:
    at_ms, actor, action, object_, detail = row
    person = object_.removeprefix(_PERSON)
    if action != "revealed" or person not in persons:
        return row
    return (at_ms, actor, action, object_, unit.seal.text(person, detail))


def _table(
    unit: UnitOfWork, table: str, fields: tuple[str, ...], sealed: Callable[[Fields], Fields]
) -> Relinked:
    names = ", ".join(f'"{name}"' for name in fields)
    new = ", ".join(f'"{name}" = ?' for name in (*fields, "link"))
    # Names of the schema, never of input.
    update = f"UPDATE {table} SET {new} WHERE seq = ?"  # noqa: S608
    select = f"SELECT seq, link, {names} FROM {table} WHERE seq > ? ORDER BY seq LIMIT {PORTION}"  # noqa: S608
    old, head, count, after = GENESIS, GENESIS, 0, -1
    while rows := unit.execute(select, (after,)).fetchall():
        written = []
        for seq, stored, *values in rows:
            row = tuple(values)
            if link(old, row) != bytes(stored or GENESIS):
                raise BrokenChain(f"{table}, row {seq}")
            old = bytes(stored)
            changed = tuple(str(v) if isinstance(v, str) else v for v in sealed(row))
            head = link(head, changed)
            count += changed != row
            if head != old:
                written.append((*changed, head, seq))
        unit.cursor.executemany(update, written)
        after = rows[-1][0]
    return Relinked(table=table, sealed=count, head=old.hex())
