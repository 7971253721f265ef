"""Writing persons: the register's row and the file in one change, with what follows from both.

In the writer's thread. Each change is an entry of topic `person` with old and new values; identity
numbers are masked in it, for entries go to every screen.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ledger.database import insert_sql, upsert_sql
from ledger.forms import completeness, joining, person_file, register_fields
from ledger.forms.counted import of_file
from ledger.forms.file_document import document_of, masked, merged, read
from ledger.forms.person_file import PersonFile
from ledger.forms.refusal import Refusal
from ledger.persons import index as person_index
from ledger.persons.telling import tell
from ledger.schema import PERSON_FILE, SERVICE_USER
from ledger.sealing.ring import Erased
from ledger.unit_of_work import UnitOfWork, compact

# Columns of the register that hold JSON text.
LISTS: Final = (
    *("categories", "conditions", "medication", "allergies", "contacts"),
    joining.GAPS,
)
# What an identity number is blinded as.
ID_NUMBER: Final = "id_number"
COLUMNS: Final = tuple(str(c.name) for c in SERVICE_USER.columns if c.name != "erased_at_ms")

_INSERT: Final = insert_sql(SERVICE_USER, COLUMNS, "ON CONFLICT DO NOTHING")
_STORE: Final = upsert_sql(PERSON_FILE)
_FIND: Final = (
    "SELECT p.*, h.region AS home_region, f.document AS file_document, f.version AS file_version"
    " FROM service_user p JOIN home h ON h.id = p.home"
    " LEFT JOIN person_file f ON f.person = p.id WHERE p.id = ?"
)
# That it is not empty is said again: the index has only those, and is used only then.
_TAKEN: Final = (
    "SELECT person FROM person_file WHERE id_number = ? AND id_number <> '' AND person <> ?"
)


class Refused(Exception):  # noqa: N818 - an answer to whoever filled it in
    """Nothing was written."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(refusals[0].en)
        self.refusals = tuple(refusals)


class StaleFile(Exception):  # noqa: N818
    """Somebody else has changed it since."""


class PersonExists(Exception):  # noqa: N818
    """This id is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Fields of the register's row and of the file that are to be otherwise; `version`: of the
    file that it was made upon, None for whichever; `region`: of the home of somebody new, where
    the caller knows it."""

    person: str
    actor: str
    today: datetime.date
    register: Mapping[str, Any]
    file: Mapping[str, object]
    version: int | None = None
    reason: str = ""
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A person as the book has her: lists as lists."""

    register: dict[str, Any]
    region: str
    file: PersonFile
    version: int
    erased: bool


def create(unit: UnitOfWork, edit: Edit, *, index: bool = True) -> None:
    """A new person. PersonExists, Refused. Without `index` the caller does it for many at once."""
    empty: dict[str, Any] = {name: [] if name in LISTS else "" for name in COLUMNS}
    empty |= {"visitor": None, "joined_on": edit.today.isoformat()}
    register = {**empty, **edit.register, "id": edit.person}
    file, refusals = merged(PersonFile(), edit.file)
    _check(unit, edit, register, file, refusals)
    unit.execute(_INSERT, _row(unit, register))
    if unit.cursor.rowcount == 0:
        raise PersonExists
    if edit.file:
        _store(unit, edit, file, register, version=1)
    if index:
        person_index.refresh(unit.cursor, [edit.person])
    region = edit.region or _region_of(unit, register["home"])
    changes = _changes({}, {k: v for k, v in register.items() if k != "id"})
    changes += _changes(document_of(PersonFile()), document_of(file))
    say(unit, edit, "registered", region, changes)


def _region_of(unit: UnitOfWork, home: str) -> str | None:
    found = unit.execute("SELECT region FROM home WHERE id = ?", (home,)).fetchall()
    return str(found[0][0]) if found else None


def change(unit: UnitOfWork, edit: Edit) -> list[str]:
    """What is named becomes otherwise, the rest stays; returns the fields that differ now.
    KeyError: no such person. Refused, StaleFile, Erased."""
    known = find(unit, edit.person)
    if known is None:
        raise KeyError(edit.person)
    if known.erased:
        raise Erased(edit.person)
    if edit.version is not None and edit.version != known.version:
        raise StaleFile
    register = {**known.register, **edit.register}
    file, refusals = merged(known.file, edit.file)
    _check(unit, edit, register, file, refusals)
    changes = _changes(known.register, register)
    of_file = _changes(document_of(known.file), document_of(file))
    if changes:
        _update(unit, edit.person, {name: register[name] for name in edit.register})
    if of_file:
        _store(unit, edit, file, register, version=known.version + 1)
    if not changes and not of_file:
        return []
    person_index.refresh(unit.cursor, [edit.person])
    say(unit, edit, "changed", (find(unit, edit.person) or known).region, changes + of_file)
    return [str(one["field"]) for one in changes + of_file]


def find(unit: UnitOfWork, person: str) -> Known | None:
    unit.cursor.execute(_FIND, (person,))
    names = [column[0] for column in unit.cursor.description]
    found = unit.cursor.fetchone()
    if found is None:
        return None
    row = dict(zip(names, found, strict=True))
    document, version = row["file_document"], row["file_version"]
    return Known(
        register=register_of(row),
        region=row["home_region"],
        file=PersonFile() if document is None else read(msgspec.json.decode(document)),
        version=version or 0,
        erased=row["erased_at_ms"] is not None,
    )


def register_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the register with their lists as lists."""
    return {n: msgspec.json.decode(row[n]) if n in LISTS else row[n] for n in COLUMNS}


def say(
    unit: UnitOfWork,
    edit: Edit,
    fact: str,
    region: str | None,
    changes: Sequence[Mapping[str, object]],
) -> None:
    tell(
        unit,
        edit.person,
        fact,
        region=region,
        actor=edit.actor,
        reason=edit.reason[:64],
        data={"changes": list(changes)},
        written=True,
    )


def _check(
    unit: UnitOfWork,
    edit: Edit,
    register: Mapping[str, Any],
    file: PersonFile,
    refusals: list[Refusal],
) -> None:
    """Everything that is wrong, at once."""
    found = refusals + register_fields.check(edit.register, edit.today)
    if set(joining.FIELDS) & set(edit.register):
        found += joining.check(register, edit.today)
    named = {refusal.field for refusal in found}
    # What was there before is nobody's mistake now, unless what is changed contradicts it.
    touched = {*edit.file, *(("id_number",) if {"born", "sex"} & set(edit.register) else ())}
    for refusal in person_file.check(file, completeness.identity_of(register), edit.today):
        if refusal.field not in named and refusal.field.split("[", 1)[0] in touched:
            found.append(refusal)
    if file.id_number and "id_number" in edit.file:
        number = unit.seal.blind(ID_NUMBER, file.id_number)
        taken = unit.execute(_TAKEN, (number, edit.person)).fetchall()
        if taken:
            found.append(_TAKEN_NUMBER)
    if found:
        raise Refused(found)


_TAKEN_NUMBER: Final = Refusal(
    field="id_number",
    code="id_taken",
    zh="“公民身份号码”已登记在另一位老人名下，请核对是否重复建档",
    en="Identity number: another person of the register has it; look for a double",
)


def _store(
    unit: UnitOfWork, edit: Edit, file: PersonFile, register: Mapping[str, Any], *, version: int
) -> None:
    missing = len(completeness.missing(file, register))
    document = unit.seal.json_object(edit.person, compact(document_of(file)))
    number = unit.seal.blind(ID_NUMBER, file.id_number)
    counted = unit.seal.codes(of_file(document_of(file)))
    row = (edit.person, version, document, number, missing, unit.now_ms, edit.actor, counted)
    unit.execute(_STORE, row)


def _update(unit: UnitOfWork, person: str, fields: Mapping[str, Any]) -> None:
    for name in fields:
        if name not in COLUMNS:
            raise ValueError(f"the register has no column {name}")
    assignments = ", ".join(f'"{name}" = ?' for name in fields)
    stored = unit.seal.row(SERVICE_USER, person, stored_lists(fields))
    # Only names of columns are put into the text.
    sql = f"UPDATE service_user SET {assignments} WHERE id = ?"  # noqa: S608
    unit.execute(sql, (*stored.values(), person))


def _row(unit: UnitOfWork, register: Mapping[str, Any]) -> tuple[Any, ...]:
    stored = unit.seal.row(SERVICE_USER, register["id"], stored_lists(register))
    return tuple(stored[name] for name in COLUMNS)


def stored_lists(register: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the register with their lists as text."""
    return {n: compact(value) if n in LISTS else value for n, value in register.items()}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, object]]:
    """Field by field what is otherwise; an identity number that changed shows no more than that."""
    shown_old, shown_new = masked(old), masked(new)
    return [
        {"field": name, "old": shown_old.get(name), "new": shown_new[name]}
        for name, value in new.items()
        if value != old.get(name) and (name in old or value not in ("", None, [], ()))
    ]
