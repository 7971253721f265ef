"""One person one file: annex 3, its history, what the person agreed to. Every look is audited."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, Trail, answer, page
from dashboard.asked import (
    LIMIT_DEFAULT,
    Body,
    Limit,
    Line,
    Note,
    Number,
    PathId,
    Reason,
    local_day,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.contact_masks import WAYS_IN, masked_change
from dashboard.once import once
from dashboard.person_reads import (
    consents_document,
    file_document,
    find_with_file,
    form_document,
    history,
    numbers_of,
)
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.reads import Row
from dashboard.register_reads import find_home
from dashboard.routes.service_users import PersonFields, check_references, put_back_telephones
from ledger.forms.consents import NewConsent
from ledger.persons import consenting, files
from ledger.register_changes import Changed
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, document_list

router = APIRouter(tags=["service users"])

# The form has about thirty fields; more in one body are no fields of it.
FIELDS_MAX: Final = 64


class FileChanges(Body):
    """`file` are fields of annex 3, `person` of the register; what is left out stays. `version` is
    that of the file it was made upon; left out, nobody is asked whether it is still the same."""

    version: Annotated[int, Field(ge=0)] | None = None
    file: Annotated[dict[str, Any], Field(default_factory=dict, max_length=FIELDS_MAX)]
    person: PersonFields | None = None
    reason: Line = ""


class Reveal(Body):
    reason: Reason


class ConsentGiven(Body):
    """An empty `given_on` is today."""

    purpose: Line
    given_by: Line
    relation: Line
    how: Line
    given_on: Line = ""
    until_on: Line = ""
    note: Note = ""
    answer: Line = "yes"


class ConsentWithdrawn(Body):
    """An empty `withdrawn_on` is today."""

    withdrawn_by: Line
    withdrawn_on: Line = ""
    reason: Line = ""


@router.get("/person-form")
async def get_form(_caller: Annotated[Caller, needs("home.read")]) -> Response:
    """What annex 3 asks for: sections, fields with their choices, and the words of consents. Names
    in both languages, so that a page needs none of its own."""
    return answer(form_document())


@router.get("/service-users/{person_id}/file")
def get_file(
    person_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("home.read")]
) -> Response:
    """Annex 3 of one person, how complete it is, and what it says of the person's categories."""
    document = _document(hub, caller, person_id)
    trail.note(caller.username, "viewed", f"person:{person_id}", "file")
    return answer(document)


@router.patch("/service-users/{person_id}/file")
async def change_file(
    person_id: PathId,
    body: FileChanges,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("person.write")],
) -> Response:
    """Change what is named, of the file and of the register in one: all of it, or nothing and
    every field that can't be so (`refusals`)."""
    register = {} if body.person is None else body.person.model_dump(exclude_unset=True)
    await run_in_threadpool(_seen, hub, caller, person_id)
    register = await run_in_threadpool(put_back_telephones, hub, person_id, register)
    today = local_day(hub.clock.now_ms(), hub.timezone)
    edit = files.Edit(
        person=person_id,
        actor=caller.username,
        today=today,
        register=register,
        file=body.file,
        version=body.version,
        reason=body.reason,
    )

    def change(unit: UnitOfWork) -> None:
        changed = files.change(unit, edit)
        unit.audit(caller.username, "changed", f"person:{person_id}", ", ".join(sorted(changed)))
        if register:
            hub.roster_changed(unit, Changed(persons=frozenset({person_id})))

    async def work() -> Document:
        await run_in_threadpool(check_references, hub, caller, register)
        await hub.writer.change(change)
        return await run_in_threadpool(_document, hub, caller, person_id)

    return await once(request, caller, work)


@router.post("/service-users/{person_id}/file/reveal")
async def reveal_numbers(
    person_id: PathId,
    body: Reveal,
    hub: Hub,
    caller: Annotated[Caller, needs("person.reveal")],
) -> Response:
    """The identity numbers unmasked. On record before they are told: no record, no number."""
    row = await run_in_threadpool(_seen, hub, caller, person_id)

    def note(unit: UnitOfWork) -> None:
        unit.audit(caller.username, "revealed", f"person:{person_id}", body.reason, owner=person_id)

    await hub.writer.change(note)
    return answer(numbers_of(row))


@router.post("/service-users/{person_id}/contact/open")
async def open_contact(
    person_id: PathId,
    body: Reveal,
    hub: Hub,
    caller: Annotated[Caller, needs("contact.open")],
) -> Response:
    """Telephones and the way in, where they are masked. On record before they are told."""
    row = await run_in_threadpool(_seen, hub, caller, person_id)

    def note(unit: UnitOfWork) -> None:
        about = f"person:{person_id}"
        unit.audit(caller.username, "opened_contact", about, body.reason, owner=person_id)

    await hub.writer.change(note)
    return answer(await run_in_threadpool(_contact, hub, row))


@router.get("/service-users/{person_id}/history")
def get_history(
    *,
    person_id: PathId,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("person.read")],
    limit: Limit = LIMIT_DEFAULT,
    before: Number = None,
) -> Response:
    """Every change of the person and the file, newest first, with old and new values."""
    row = _seen(hub, caller, person_id)
    with hub.engine.connect() as connection:
        documents, cursors = history(connection, person_id, limit, before)
    if "contact.read" not in caller.can_at(row["home"]):
        for document in documents:
            changes = document["data"].get("changes", [])
            document["data"] = {
                **document["data"],
                "changes": [masked_change(change) for change in changes],
            }
    trail.note(caller.username, "viewed", f"person:{person_id}", "history")
    return page(documents, cursors, limit)


@router.get("/service-users/{person_id}/consents")
def get_consents(
    person_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("person.read")]
) -> Response:
    """Consents, newest first, and for which purposes one holds today."""
    _seen(hub, caller, person_id)
    document = _consents(hub, person_id)
    trail.note(caller.username, "viewed", f"person:{person_id}", "consents")
    return answer(document)


@router.post("/service-users/{person_id}/consents", status_code=CREATED)
async def give_consent(
    person_id: PathId,
    body: ConsentGiven,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("person.write")],
) -> Response:
    """Record that somebody agreed, or said no; it is never changed, a yes is withdrawn."""
    row = await run_in_threadpool(_seen, hub, caller, person_id)
    today = local_day(hub.clock.now_ms(), hub.timezone)
    said = body.model_dump()
    new = NewConsent(**{**said, "given_on": said["given_on"] or today.isoformat()})

    def change(unit: UnitOfWork) -> None:
        consent = uuid.uuid4().hex
        region = row["home_region"]
        consenting.give(unit, consent, person_id, region, new, caller.username, today)
        said_yes = new.answer == "yes"
        fact = "consent_given" if said_yes else "consent_refused"
        unit.audit(caller.username, fact, f"person:{person_id}", new.purpose)
        # With the consent her photo may have gone.
        hub.roster_changed(unit, Changed(persons=frozenset({person_id})))

    async def work() -> Document:
        await hub.writer.change(change)
        return await run_in_threadpool(_consents, hub, person_id)

    return await once(request, caller, work, CREATED)


@router.post("/service-users/{person_id}/consents/{consent_id}/withdraw")
async def withdraw_consent(
    *,
    person_id: PathId,
    consent_id: PathId,
    body: ConsentWithdrawn,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("person.write")],
) -> Response:
    """A consent ends; that it was given stays in the book."""
    row = await run_in_threadpool(_seen, hub, caller, person_id)
    today = local_day(hub.clock.now_ms(), hub.timezone)
    end = consenting.Withdrawal(
        consent=consent_id,
        withdrawn_by=body.withdrawn_by,
        withdrawn_on=body.withdrawn_on or today.isoformat(),
        reason=body.reason,
    )

    def change(unit: UnitOfWork) -> None:
        try:
            consenting.withdraw(unit, person_id, row["home_region"], end, caller.username, today)
        except KeyError:
            raise not_found("consent") from None
        except consenting.AlreadyWithdrawn:
            raise Problem(409, "already_withdrawn", "this consent was withdrawn before") from None
        unit.audit(caller.username, "consent_withdrawn", f"person:{person_id}")
        hub.roster_changed(unit, Changed(persons=frozenset({person_id})))

    async def work() -> Document:
        await hub.writer.change(change)
        return await run_in_threadpool(_consents, hub, person_id)

    return await once(request, caller, work)


def _seen(hub: Deps, caller: Caller, person_id: str) -> Row:
    with hub.engine.connect() as connection:
        row = find_with_file(connection, person_id)
    if row is None or not caller.knows(row["home_region"], row["home"]):
        raise not_found("person")
    return row


def _document(hub: Deps, caller: Caller, person_id: str) -> Document:
    row = _seen(hub, caller, person_id)
    with hub.engine.connect() as connection:
        return file_document(connection, row, caller.can)


def _contact(hub: Deps, row: Row) -> Document:
    with hub.engine.connect() as connection:
        home = find_home(connection, row["home"])
    ways = () if home is None else ("address", *WAYS_IN)
    return {
        "phone": row["phone"],
        "contacts": document_list(row["contacts"]),
        **{name: home[name] for name in ways if home is not None},
    }


def _consents(hub: Deps, person_id: str) -> Document:
    today = local_day(hub.clock.now_ms(), hub.timezone).isoformat()
    with hub.engine.connect() as connection:
        return consents_document(connection, person_id, today)
