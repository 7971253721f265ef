"""The people who are cared for. Every look at a person's record is in the audit trail."""

import datetime
import uuid
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import or_, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, Trail, answer, update_row
from dashboard.asked import (
    REGISTER_LIMIT_DEFAULT,
    Body,
    Line,
    PathId,
    QueryWord,
    RegisterLimit,
    Word,
    like,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import one, rows
from dashboard.register_reads import find_home, find_person, person_documents
from dashboard.routes.homes import check_id
from ledger.database import insert_sql
from ledger.register_changes import Changed
from ledger.roster import CATEGORIES, GRADES
from ledger.schema import ACCOUNT, HOME, SERVICE_USER
from ledger.unit_of_work import UnitOfWork, compact
from ledger.views import Document

router = APIRouter(tags=["service users"])

# More relatives than a duty desk could ring in an emergency.
CONTACTS_MAX: Final = 10
LABELS_MAX: Final = 20

_COLUMNS: Final = tuple(column.name for column in SERVICE_USER.columns)
_INSERT: Final = insert_sql(SERVICE_USER, _COLUMNS, "ON CONFLICT DO NOTHING")
# Columns that hold JSON text.
_DOCUMENTS: Final = ("categories", "conditions", "medication", "allergies", "contacts")


class Contact(Body):
    name: Word
    relation: Line = ""
    phone: Line


class PersonFields(Body):
    """What may be said and changed about a person."""

    home: Word = ""
    name: Word = ""
    sex: Literal["", "F", "M"] = ""
    born: Line = ""
    phone: Annotated[Line, Field(max_length=32)] = ""
    categories: Annotated[list[Word], Field(default_factory=list, max_length=LABELS_MAX)]
    grade: Annotated[Line, Field(max_length=32)] = ""
    conditions: Annotated[list[Word], Field(default_factory=list, max_length=LABELS_MAX)]
    medication: Annotated[list[Word], Field(default_factory=list, max_length=LABELS_MAX)]
    allergies: Annotated[list[Word], Field(default_factory=list, max_length=LABELS_MAX)]
    hearing: Line = ""
    contacts: Annotated[list[Contact], Field(default_factory=list, max_length=CONTACTS_MAX)]
    visitor: Word | None = None


class NewPerson(PersonFields):
    """`id` may be left out."""

    id: Word | None = None
    home: Word
    name: Word


@router.get("/service-users")
def list_persons(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("person.read")],
    region: QueryWord = None,
    q: QueryWord = None,
    home: QueryWord = None,
    limit: RegisterLimit = REGISTER_LIMIT_DEFAULT,
) -> Response:
    """People in the order of their ids. `q` finds part of a name, an id or a telephone."""
    wanted = select(SERVICE_USER).join(HOME, HOME.c.id == SERVICE_USER.c.home)
    wanted = wanted.where(caller.visible(HOME.c.region))
    if region:
        wanted = wanted.where(HOME.c.region.startswith(region, autoescape=True))
    if home:
        wanted = wanted.where(HOME.c.id == home)
    if q:
        columns = (SERVICE_USER.c.id, SERVICE_USER.c.name, SERVICE_USER.c.phone)
        wanted = wanted.where(or_(*(c.like(like(q), escape="\\") for c in columns)))
    with hub.engine.connect() as connection:
        found = rows(connection, wanted.order_by(SERVICE_USER.c.id).limit(limit))
        documents = person_documents(connection, found, hub.clock.now_ms())
    trail.note(caller.username, "listed", "persons", f"{len(documents)} shown")
    return answer({"items": documents})


@router.get("/service-users/{person_id}")
def get_person(
    person_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("person.read")]
) -> Response:
    """One person's record."""
    document = _document(hub, caller, person_id)
    trail.note(caller.username, "viewed", f"person:{person_id}")
    return answer(document)


@router.post("/service-users", status_code=CREATED)
async def create_person(
    body: NewPerson, request: Request, hub: Hub, caller: Annotated[Caller, needs("person.write")]
) -> Response:
    """Add a person to the register."""
    person_id = check_id(body.id) if body.id is not None else f"person-{uuid.uuid4().hex[:12]}"
    fields = body.model_dump()
    row = {**_row(fields), "id": person_id}

    def change(unit: UnitOfWork) -> None:
        unit.execute(_INSERT, tuple(row[name] for name in _COLUMNS))
        if unit.cursor.rowcount == 0:
            raise Problem(409, "taken", "this id is taken", field="id")
        unit.audit(caller.username, "created", f"person:{person_id}", f"home {body.home}")
        hub.roster_changed(unit, Changed(persons=frozenset({person_id})))

    async def work() -> Document:
        await run_in_threadpool(_check, hub, caller, fields)
        await hub.writer.change(change)
        return await run_in_threadpool(_document, hub, caller, person_id)

    return await once(request, caller, work, CREATED)


@router.patch("/service-users/{person_id}")
async def change_person(
    person_id: PathId,
    body: PersonFields,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("person.write")],
) -> Response:
    """Change what is named; leave the rest."""
    fields = body.model_dump(exclude_unset=True)
    changes = _row(fields)
    await run_in_threadpool(_document, hub, caller, person_id)

    def change(unit: UnitOfWork) -> None:
        update_row(unit, SERVICE_USER, {"id": person_id}, changes)
        unit.audit(caller.username, "changed", f"person:{person_id}", ", ".join(sorted(changes)))
        hub.roster_changed(unit, Changed(persons=frozenset({person_id})))

    async def work() -> Document:
        await run_in_threadpool(_check, hub, caller, fields)
        await hub.writer.change(change)
        return await run_in_threadpool(_document, hub, caller, person_id)

    return await once(request, caller, work)


def _check(hub: Deps, caller: Caller, changes: dict[str, Any]) -> None:
    """References exist and lie in the caller's region; the birthday is a day."""
    with hub.engine.connect() as connection:
        if "home" in changes:
            home = find_home(connection, changes["home"])
            if home is None or not caller.sees(home["region"]):
                raise bad_field("home", "there is no such home")
        if changes.get("visitor") is not None:
            known = select(ACCOUNT.c.username).where(ACCOUNT.c.username == changes["visitor"])
            if one(connection, known) is None:
                raise bad_field("visitor", "there is no such account")
    if not set(changes.get("categories", ())) <= CATEGORIES:
        raise bad_field("categories", f"of {', '.join(sorted(CATEGORIES))}")
    if changes.get("grade") and changes["grade"] not in GRADES:
        raise bad_field("grade", f"one of {', '.join(sorted(GRADES))}")
    if changes.get("born"):
        try:
            datetime.date.fromisoformat(changes["born"])
        except ValueError:
            raise bad_field("born", "an ISO date, as 1941-03-02") from None


def _row(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: compact(value) if name in _DOCUMENTS else value for name, value in fields.items()}


def _document(hub: Deps, caller: Caller, person_id: str) -> Document:
    with hub.engine.connect() as connection:
        row = find_person(connection, person_id)
        if row is None or not caller.sees(row["home_region"]):
            raise not_found("person")
        return person_documents(connection, [row], hub.clock.now_ms())[0]
