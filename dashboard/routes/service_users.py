"""The people who are cared for. Every look at a person's record is in the audit trail."""

import uuid
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import (
    REGISTER_LIMIT_DEFAULT,
    Body,
    Line,
    PathId,
    QueryWord,
    RegisterLimit,
    Word,
    local_day,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.contact_masks import put_back
from dashboard.masking import present
from dashboard.once import once
from dashboard.person_search import Wanted, search
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import one
from dashboard.register_reads import find_home, find_person, live_homes, person_documents
from dashboard.routes.homes import check_id
from ledger.forms import joining
from ledger.forms.consents import PURPOSES
from ledger.forms.refusal import Refusal
from ledger.persons import files
from ledger.register_changes import Changed
from ledger.schema import ACCOUNT
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, document_list

router = APIRouter(tags=["service users"])

# More relatives than a duty desk could ring in an emergency.
CONTACTS_MAX: Final = 10
LABELS_MAX: Final = 20


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
    joined_on: Line = ""
    left_on: Line = ""
    left_why: Annotated[Line, Field(max_length=16)] = ""
    left_note: Line = ""


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
    category: QueryWord = None,
    grade: QueryWord = None,
    visitor: QueryWord = None,
    incomplete: bool | None = None,
    consent: QueryWord = None,
    service: Literal["in", "left", "all"] = "in",
    limit: RegisterLimit = REGISTER_LIMIT_DEFAULT,
    after: QueryWord = None,
) -> Response:
    """People by how well they fit `q` (a name, its pinyin or initials, a telephone, an address, a
    whole identity number), then by id. `consent`: a purpose that no consent holds for. `service`:
    those who are in it, those who have left, or all."""
    if consent and consent not in {option.word for option in PURPOSES}:
        raise bad_field("consent", f"of {', '.join(option.word for option in PURPOSES)}")
    wanted = Wanted(
        q=q or "",
        region=region or "",
        home=home or "",
        category=category or "",
        grade=grade or "",
        visitor=visitor or "",
        incomplete=incomplete,
        consent=consent or "",
        service=service,
        today=local_day(hub.clock.now_ms(), hub.timezone).isoformat(),
    )
    with hub.engine.connect() as connection:
        found = search(connection, caller, wanted, limit, after)
        documents = person_documents(connection, found.persons[:limit], hub.clock.now_ms())
        live = live_homes(connection, {row["home"] for row in found.persons[:limit]})
    trail.note(caller.username, "listed", "persons", f"{len(documents)} shown")
    documents = [
        present(document, caller.can_in_list(row["home"], live))
        for document, row in zip(documents, found.persons, strict=False)
    ]
    missing = [row["missing"] for row in found.persons]
    items = [
        {**document, "missing": count} for document, count in zip(documents, missing, strict=False)
    ]
    more = len(found.cursors) > limit
    next_ = found.cursors[limit - 1] if more else None
    return answer({"items": items, "next": next_, "total": found.total})


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
    fields = body.model_dump(exclude={"id"})
    if "joined_on" not in body.model_fields_set:
        # Today, as the book says it.
        del fields["joined_on"]
    edit = _edit(hub, caller, person_id, fields)

    def change(unit: UnitOfWork) -> None:
        files.create(unit, edit)
        unit.audit(caller.username, "created", f"person:{person_id}", f"home {body.home}")
        hub.roster_changed(unit, Changed(persons=frozenset({person_id})))

    async def work() -> Document:
        await run_in_threadpool(check_references, hub, caller, fields)
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
    await run_in_threadpool(_document, hub, caller, person_id)
    fields = await run_in_threadpool(
        put_back_telephones, hub, person_id, body.model_dump(exclude_unset=True)
    )
    edit = _edit(hub, caller, person_id, fields)

    def change(unit: UnitOfWork) -> None:
        files.change(unit, edit)
        unit.audit(caller.username, "changed", f"person:{person_id}", ", ".join(sorted(fields)))
        hub.roster_changed(unit, Changed(persons=frozenset({person_id})))

    async def work() -> Document:
        await run_in_threadpool(check_references, hub, caller, fields)
        await hub.writer.change(change)
        return await run_in_threadpool(_document, hub, caller, person_id)

    return await once(request, caller, work)


class Return(Body):
    """An empty `on` is today."""

    on: Line = ""
    reason: Line = ""


@router.post("/service-users/{person_id}/return")
async def return_person(
    person_id: PathId,
    body: Return,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("person.write")],
) -> Response:
    """In the service again, from a day behind the one of leaving; the time between stays known."""
    await run_in_threadpool(_document, hub, caller, person_id)
    today = local_day(hub.clock.now_ms(), hub.timezone)

    def change(unit: UnitOfWork) -> None:
        known = files.find(unit, person_id)
        if known is None or not joining.is_gone(known.register):
            raise Problem(409, "not_left", "this person is in the service")
        day = body.on or today.isoformat()
        fields = joining.returned(known.register, day, today)
        if isinstance(fields, Refusal):
            raise files.Refused([fields])
        edit = replace(_edit(hub, caller, person_id, fields), reason=body.reason)
        files.change(unit, edit)
        unit.audit(caller.username, "returned", f"person:{person_id}", day)
        hub.roster_changed(unit, Changed(persons=frozenset({person_id})))

    async def work() -> Document:
        await hub.writer.change(change)
        return await run_in_threadpool(_document, hub, caller, person_id)

    return await once(request, caller, work)


def check_references(hub: Deps, caller: Caller, changes: dict[str, Any]) -> None:
    """The home and the visitor exist, and the home lies in the caller's region."""
    with hub.engine.connect() as connection:
        if "home" in changes:
            home = find_home(connection, changes["home"])
            if home is None or not caller.sees(home["region"]):
                raise bad_field("home", "there is no such home")
        if changes.get("visitor") is not None:
            known = select(ACCOUNT.c.username).where(ACCOUNT.c.username == changes["visitor"])
            if one(connection, known) is None:
                raise bad_field("visitor", "there is no such account")


def put_back_telephones(hub: Deps, person_id: str, fields: dict[str, Any]) -> dict[str, Any]:
    """What a form sends that had them masked, with those that it left as they were."""
    if not fields.keys() & {"phone", "contacts"}:
        return fields
    with hub.engine.connect() as connection:
        row = find_person(connection, person_id)
    if row is None:
        return fields
    try:
        return put_back(fields, row["phone"], document_list(row["contacts"]))
    except ValueError as error:
        raise bad_field(str(error), "a masked number calls nobody: open it first") from None


def _edit(hub: Deps, caller: Caller, person_id: str, fields: dict[str, Any]) -> files.Edit:
    return files.Edit(
        person=person_id,
        actor=caller.username,
        today=local_day(hub.clock.now_ms(), hub.timezone),
        register=fields,
        file={},
    )


def _document(hub: Deps, caller: Caller, person_id: str) -> Document:
    with hub.engine.connect() as connection:
        row = find_person(connection, person_id)
        if row is None or not caller.knows(row["home_region"], row["home"]):
            raise not_found("person")
        [document] = person_documents(connection, [row], hub.clock.now_ms())
        return present(document, caller.can_at(row["home"]))
