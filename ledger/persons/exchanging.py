"""A person that another platform brings: written once for each of its versions, whatever comes
twice, late, or out of order. In the writer's thread.

    nothing known        the person is made, or taken up where the identity number says who it is
    a newer version      what differs becomes so
    the same again       nothing changes
    the same, otherwise  refused: a version is said once
    an older one         refused, with the one that is known
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
from ledger.unit_of_work import UnitOfWork, compact

Result = Literal["created", "linked", "updated", "unchanged"]
_STORE: Final = upsert_sql(EXCHANGE_PERSON)
_FIND: Final = (
    "SELECT person, version, digest FROM exchange_person WHERE source = ? AND external_id = ?"
)
_TAKEN: Final = (
    "SELECT external_id FROM exchange_person WHERE source = ? AND person = ? AND external_id <> ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """`person`: who of the register it is, where that is known and was not said before."""

    source: str
    external_id: str
    version: int
    fields: Mapping[str, str]
    row: Row
    person: str | None = None

    @property
    def digest(self) -> str:
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


def known_person(unit: UnitOfWork, source: str, external_id: str) -> str | None:
    found = unit.execute(_FIND, (source, external_id)).fetchall()
    return str(found[0][0]) if found else None


def bring(unit: UnitOfWork, brought: Brought, today: datetime.date) -> Done:
    """NotTakenError, Refused."""
    found = unit.execute(_FIND, (brought.source, brought.external_id)).fetchall()
    if not found:
        return _first(unit, brought, today)
    person, version, digest = str(found[0][0]), int(found[0][1]), str(found[0][2])
    if brought.version < version:
        detail = f"version {version} is known: an older one is not taken"
        raise NotTakenError("older_version", detail, version)
    if brought.digest == digest:
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
    unit.execute(_STORE, (*key, person, brought.version, brought.digest, unit.now_ms))
