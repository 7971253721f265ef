"""Writing persons: the register's row and the file in one change, with what follows from both.

In the writer's thread. Each change is an entry of topic `person` with old and new values; identity
numbers are masked in it, for entries go to every screen.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from ledger.database import insert_sql, upsert_sql
from ledger.forms import completeness, joining, person_file, register_fields
from ledger.forms.counted import of_file
from ledger.forms.file_document import document_of, masked, merged, read
from ledger.forms.person_file import PersonFile
from ledger.forms.refusal import Refusal
from ledger.persons import index as person_index
from ledger.persons.telling import told
from ledger.schema import PERSON_FILE, SERVICE_USER
from ledger.sealing.ring import Erased
from ledger.unit_of_work import Entry, UnitOfWork, compact

# Columns of the register that hold JSON text.
LISTS: Final = (
    *("categories", "conditions", "medication", "allergies", "contacts"),
    joining.GAPS,
)
# What an identity number is blinded as.
ID_NUMBER: Final = "id_number"
COLUMNS: Final = tuple(str(c.name) for c in SERVICE_USER.columns if c.name != "erased_at_ms")

_INSERT: Final = insert_sql(SERVICE_USER, COLUMNS)
_INSERT_FILE: Final = insert_sql(PERSON_FILE)
_STORE: Final = upsert_sql(PERSON_FILE)
_FIND: Final = (
    "SELECT p.*, h.region AS home_region, f.document AS file_document, f.version AS file_version"
    " FROM service_user p JOIN home h ON h.id = p.home"
    " LEFT JOIN person_file f ON f.person = p.id WHERE p.id = ?"
)
_THERE: Final = "SELECT 1 FROM service_user WHERE id = ?"
# That it is not empty is said again: the index has only those, and is used only then.
_HOLDERS: Final = "SELECT id_number, person FROM person_file WHERE id_number <> ''"
# Marks in one statement; SQLite takes 32,766, older ones 999.
_MARKS_MAX: Final = 500


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Somebody new: looked at, and not written yet."""

    edit: Edit
    register: Mapping[str, Any]
    file: PersonFile


def create(unit: UnitOfWork, edit: Edit) -> None:
    """A new person. PersonExists, Refused."""
    draft = drafted(unit, edit, holders(unit, [edit]))
    if unit.execute(_THERE, (edit.person,)).fetchall():
        raise PersonExists
    region = edit.region or _region_of(unit, draft.register["home"])
    write(unit, [replace(draft, edit=replace(edit, region=region))])
    person_index.refresh(unit.cursor, [edit.person])


def drafted(unit: UnitOfWork, edit: Edit, known: Mapping[str, str]) -> Draft:
    """Refused. `known`: the `holders` of its number at least."""
    empty: dict[str, Any] = {name: [] if name in LISTS else "" for name in COLUMNS}
    empty |= {"visitor": None, "joined_on": edit.today.isoformat()}
    register = {**empty, **edit.register, "id": edit.person}
    file, refusals = merged(PersonFile(), edit.file)
    draft = Draft(edit=edit, register=register, file=file)
    _check(unit, draft, refusals, known)
    return draft


def write(unit: UnitOfWork, drafts: Sequence[Draft]) -> None:
    """Persons that are in nobody's book yet, all in a few statements; the index is the caller's."""
    unit.execute_many(_INSERT, [_row(unit, draft.register) for draft in drafts])
    filed = [draft for draft in drafts if draft.edit.file]
    rows = [_file_row(unit, d.edit, d.file, d.register, version=1) for d in filed]
    unit.execute_many(_INSERT_FILE, rows)
    unit.entries([_registered(draft) for draft in drafts])


def _registered(draft: Draft) -> Entry:
    changes = _changes({}, {k: v for k, v in draft.register.items() if k != "id"})
    changes += _changes(document_of(PersonFile()), document_of(draft.file))
    return _said(draft.edit, "registered", draft.edit.region, changes)


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
    draft = Draft(edit=edit, register=register, file=file)
    _check(unit, draft, refusals, holders(unit, [edit]))
    changes = _changes(known.register, register)
    of_file = _changes(document_of(known.file), document_of(file))
    if changes:
        _update(unit, edit.person, {name: register[name] for name in edit.register})
    if of_file:
        row = _file_row(unit, edit, file, register, version=known.version + 1)
        unit.execute(_STORE, row)
    if not changes and not of_file:
        return []
    person_index.refresh(unit.cursor, [edit.person])
    region = (find(unit, edit.person) or known).region
    unit.entry(_said(edit, "changed", region, changes + of_file))
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


def _said(
    edit: Edit, fact: str, region: str | None, changes: Sequence[Mapping[str, object]]
) -> Entry:
    return told(
        edit.person,
        fact,
        region=region,
        actor=edit.actor,
        reason=edit.reason[:64],
        data={"changes": list(changes)},
        written=True,
    )


def holders(unit: UnitOfWork, edits: Sequence[Edit]) -> dict[str, str]:
    """Who has the identity numbers that these edits bring, by the number as it is looked for."""
    brought = {number for edit in edits if (number := number_of(unit, edit))}
    found: dict[str, str] = {}
    some = sorted(brought)
    for start in range(0, len(some), _MARKS_MAX):
        asked = some[start : start + _MARKS_MAX]
        sql = f"{_HOLDERS} AND id_number IN ({', '.join('?' * len(asked))})"
        found.update((row[0], row[1]) for row in unit.execute(sql, tuple(asked)).fetchall())
    return found


def number_of(unit: UnitOfWork, edit: Edit) -> str:
    """The identity number that an edit brings, as it is looked for; empty without one."""
    if ID_NUMBER not in edit.file:
        return ""
    file, _ = merged(PersonFile(), {ID_NUMBER: edit.file[ID_NUMBER]})
    return unit.seal.blind(ID_NUMBER, file.id_number)


def _check(
    unit: UnitOfWork, draft: Draft, refusals: list[Refusal], known: Mapping[str, str]
) -> None:
    """Everything that is wrong, at once."""
    edit, register, file = draft.edit, draft.register, draft.file
    found = refusals + register_fields.check(edit.register, edit.today)
    if set(joining.FIELDS) & set(edit.register):
        found += joining.check(register, edit.today)
    named = {refusal.field for refusal in found}
    # What was there before is nobody's mistake now, unless what is changed contradicts it.
    touched = {*edit.file, *(("id_number",) if {"born", "sex"} & set(edit.register) else ())}
    for refusal in person_file.check(file, completeness.identity_of(register), edit.today):
        if refusal.field not in named and refusal.field.split("[", 1)[0] in touched:
            found.append(refusal)
    if file.id_number and ID_NUMBER in edit.file:
        number = unit.seal.blind(ID_NUMBER, file.id_number)
        if known.get(number, edit.person) != edit.person:
            found.append(_TAKEN_NUMBER)
    if found:
        raise Refused(found)


_TAKEN_NUMBER: Final = Refusal(
    field="id_number",
    code="id_taken",
    zh="“公民身份号码”已登记在另一位老人名下，请核对是否重复建档",
    en="Identity number: another person of the register has it; look for a double",
)


def _file_row(
    unit: UnitOfWork, edit: Edit, file: PersonFile, register: Mapping[str, Any], *, version: int
) -> tuple[Any, ...]:
    missing = len(completeness.missing(file, register))
    document = unit.seal.json_object(edit.person, compact(document_of(file)))
    number = unit.seal.blind(ID_NUMBER, file.id_number)
    counted = unit.seal.codes(of_file(document_of(file)))
    return (edit.person, version, document, number, missing, unit.now_ms, edit.actor, counted)


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
