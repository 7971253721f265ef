"""A person that another platform brings: written once for each of its versions, whatever comes
twice, late, or out of order. In the writer's thread.

    nothing known        the person is made, or taken up where the identity number says who it is
    a newer version      what differs becomes so
    the same again       nothing changes
    the same, otherwise  refused: a version is said once
    an older one         refused, with the one that is known

Of who was erased the id stays as a code that only this book's key file makes: so the platform that
goes on bringing her is refused, and nobody reads here whom its id meant.
"""

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ledger.database import upsert_sql
from ledger.persons.files import Refused
from ledger.persons.sheet import Row
from ledger.persons.taking import Take, Taking
from ledger.register_changes import Changed
from ledger.schema import EXCHANGE_PERSON
from ledger.sealing.at_connection import blind, ring_of
from ledger.sealing.ring import Erased, Ring
from ledger.unit_of_work import UnitOfWork, compact

Result = Literal["created", "linked", "updated", "unchanged"]
_STORE: Final = upsert_sql(EXCHANGE_PERSON)
_FIND: Final = (
    "SELECT e.person, e.version, e.digest, p.erased_at_ms FROM exchange_person e"
    " JOIN service_user p ON p.id = e.person WHERE e.source = ? AND e.external_id IN (?, ?)"
)
_TAKEN: Final = (
    "SELECT external_id FROM exchange_person WHERE source = ? AND person = ? AND external_id <> ?"
)
_OF_PERSON: Final = "SELECT source, external_id FROM exchange_person WHERE person = ?"
_FORGET: Final = (
    "UPDATE exchange_person SET external_id = ?, digest = '' WHERE source = ? AND external_id = ?"
)
# What these are blinded as.
_ID: Final = "external"
_FIELDS: Final = "brought"
_CLEAR_DIGEST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """`person`: who of the register it is, where that is known and was not said before."""

    source: str
    external_id: str
    version: int
    fields: Mapping[str, str]
    row: Row
    person: str | None = None

    def digest(self, ring: Ring | None) -> str:
        """Tells the same from other fields. Blinded: what of them is in clear elsewhere would leave
        few identity numbers to try."""
        return blind(ring, _FIELDS, self._hash)

    @property
    def _hash(self) -> str:
        return hashlib.sha256(compact(sorted(self.fields.items())).encode()).hexdigest()


_NOTHING: Final = Changed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    person: str
    version: int
    result: Result
    changed: Changed = _NOTHING


class NotTakenError(Exception):
    """An answer to the platform. `code` for programs; `known` is the version that the book has."""

    def __init__(self, code: str, detail: str, known: int | None = None) -> None:
        super().__init__(detail)
        self.code, self.known = code, known


def ids_of(ring: Ring | None, source: str, external_id: str) -> tuple[str, str]:
    """Under what an id stands in the book: as it is, and once its person was erased."""
    return external_id, blind(ring, f"{_ID}:{source}", external_id)


def known_person(unit: UnitOfWork, source: str, external_id: str) -> str | None:
    """Erased: this id was hers who was erased."""
    found = _found(unit, source, external_id)
    return None if found is None else found[0]


def _found(unit: UnitOfWork, source: str, external_id: str) -> tuple[str, int, str] | None:
    """Person, version, digest. Erased."""
    ids = ids_of(ring_of(unit.cursor), source, external_id)
    found = unit.execute(_FIND, (source, *ids)).fetchall()
    if not found:
        return None
    person, version, digest, erased_at_ms = found[0]
    if erased_at_ms is not None:
        raise Erased(person)
    return str(person), int(version), str(digest)


def forget(unit: UnitOfWork, person: str) -> None:
    """Of a person who is being erased."""
    for source, external_id in unit.execute(_OF_PERSON, (person,)).fetchall():
        _as_is, code = ids_of(ring_of(unit.cursor), source, external_id)
        unit.execute(_FORGET, (code, source, external_id))


def blind_digests(unit: UnitOfWork) -> int:
    """What an older program wrote; returns how many."""
    sql = "SELECT source, external_id, digest FROM exchange_person WHERE length(digest) = ?"
    ring = ring_of(unit.cursor)
    rows = [] if ring is None else unit.execute(sql, (_CLEAR_DIGEST,)).fetchall()
    for source, external_id, digest in rows:
        unit.execute(
            "UPDATE exchange_person SET digest = ? WHERE source = ? AND external_id = ?",
            (blind(ring, _FIELDS, digest), source, external_id),
        )
    return len(rows)


def bring(unit: UnitOfWork, brought: Brought, today: datetime.date) -> Done:
    """NotTakenError, Refused, Erased."""
    found = _found(unit, brought.source, brought.external_id)
    if found is None:
        return _first(unit, brought, today)
    person, version, digest = found
    if brought.version < version:
        detail = f"version {version} is known: an older one is not taken"
        raise NotTakenError("older_version", detail, version)
    if brought.digest(ring_of(unit.cursor)) == digest:
        if brought.version > version:
            _store(unit, brought, person)
        return Done(person=person, version=brought.version, result="unchanged")
    if brought.version == version:
        detail = f"version {version} was brought with other fields: count it up"
        raise NotTakenError("version_used", detail, version)
    return _written(unit, brought, person, "updated", today)


def _first(unit: UnitOfWork, brought: Brought, today: datetime.date) -> Done:
    if brought.person is None:
        return _written(unit, brought, None, "created", today)
    row = (brought.source, brought.person, brought.external_id)
    others = unit.execute(_TAKEN, row).fetchall()
    if others:
        raise NotTakenError("other_id", f"this person is {others[0][0]} already")
    return _written(unit, brought, brought.person, "linked", today)


def _written(
    unit: UnitOfWork, brought: Brought, person: str | None, result: Result, today: datetime.date
) -> Done:
    taking = Taking(unit, brought.source, today)
    [taken] = taking.take([Take(row=brought.row, person=person)])
    if taken.refusals:
        raise Refused(taken.refusals)
    _store(unit, brought, taken.person)
    unit.audit(brought.source, "brought", f"person:{taken.person}", f"version {brought.version}")
    return Done(person=taken.person, version=brought.version, result=result, changed=taking.changed)


def _store(unit: UnitOfWork, brought: Brought, person: str) -> None:
    key = (brought.source, brought.external_id)
    digest = brought.digest(ring_of(unit.cursor))
    unit.execute(_STORE, (*key, person, brought.version, digest, unit.now_ms))
