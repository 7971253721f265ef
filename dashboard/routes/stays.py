"""Stays: who is away, in hospital or has visitors, and until when."""

import uuid
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.holding import HOUR_MS, STAY_MAX_MS
from alarms.stays import NewStay
from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import Body, Note, PathId, Word, instant_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.masking import present
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import one, rows, stay_documents
from dashboard.register_reads import find_home, find_person
from ledger.schema import SERVICE_USER, STAY
from ledger.views import Document

router = APIRouter(tags=["homes"])

# Newest of a home; older ones are in the book and of no use on a page.
SHOWN_MAX: Final = 20
# Somebody says on Monday that they left on Friday.
BACK_MAX_MS: Final = 7 * 24 * HOUR_MS
_NAMESPACE: Final = uuid.UUID("4f6a1df2-5d0e-5c6b-9b59-2c0e1a7d8e33")


class Stay(Body):
    """`start` may be left out: now. `person` left out: everybody of the home."""

    kind: Literal["away", "hospital", "visitors"]
    until: Word
    start: Word | None = None
    person: Word | None = None
    note: Note = ""


class Nothing(Body):
    pass


@router.get("/homes/{home_id}/stays")
def list_stays(
    home_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("home.read")]
) -> Response:
    """Stays of a home, those that have not ended first, then by their beginning, latest first."""
    with hub.engine.connect() as connection:
        _home(hub, caller, home_id)
        wanted = select(STAY).where(STAY.c.home == home_id)
        order = (STAY.c.ended_at_ms.is_not(None), STAY.c.from_ms.desc(), STAY.c.id)
        found = rows(connection, wanted.order_by(*order).limit(SHOWN_MAX))
        documents = stay_documents(connection, found)
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", f"stays:{home_id}", f"{len(documents)} shown")
    return answer({"items": [present(document, caller.can) for document in documents]})


@router.post("/homes/{home_id}/stays", status_code=CREATED)
async def set_stay(
    home_id: PathId,
    body: Stay,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("stay.write")],
) -> Response:
    """Say that somebody is away or has visitors. The same `Idempotency-Key` never makes a second
    one."""
    now_ms = hub.clock.now_ms()
    from_ms = now_ms if body.start is None else (instant_ms(body.start, "start") or now_ms)
    until_ms = instant_ms(body.until, "until") or 0
    if not now_ms - BACK_MAX_MS <= from_ms <= now_ms + STAY_MAX_MS:
        raise bad_field("start", "from a week ago to 90 days ahead")
    if until_ms <= max(from_ms, now_ms):
        raise bad_field("until", "it ends after it begins, and not in the past")
    if until_ms - from_ms > STAY_MAX_MS:
        raise bad_field("until", "at most 90 days; set it again when they are over")
    await run_in_threadpool(_may, hub, caller, home_id, body.person)
    key = request.headers.get(HEADER)
    name = uuid.uuid5(_NAMESPACE, f"{caller.username}:{key}") if key else uuid.uuid4()
    stay = NewStay(
        id=str(name),
        home=home_id,
        person=body.person,
        kind=body.kind,
        from_ms=from_ms,
        until_ms=until_ms,
        note=body.note,
    )

    async def work() -> Document:
        await hub.desk.set_stay(stay, caller.username)
        return await run_in_threadpool(_document, hub, caller, stay.id)

    return await once(request, caller, work, CREATED)


@router.post("/homes/{home_id}/stays/{stay_id}/end")
async def end_stay(
    home_id: PathId,
    stay_id: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("stay.write")],
    _body: Nothing | None = None,
) -> Response:
    """They are back, or the visitors have left. One that has ended stays as it ended."""
    await run_in_threadpool(_may, hub, caller, home_id, None)

    async def work() -> Document:
        try:
            await hub.desk.end_stay(home_id, stay_id, caller.username)
        except KeyError:
            raise not_found("stay") from None
        return await run_in_threadpool(_document, hub, caller, stay_id)

    return await once(request, caller, work)


def _home(hub: Deps, caller: Caller, home_id: str) -> Any:
    with hub.engine.connect() as connection:
        row = find_home(connection, home_id)
    if row is None or not caller.knows(row["region"], home_id):
        raise not_found("home")
    return row


def _may(hub: Deps, caller: Caller, home_id: str, person_id: str | None) -> None:
    """Duty may everywhere in its region, a visitor in the homes of those she is responsible for."""
    _home(hub, caller, home_id)
    with hub.engine.connect() as connection:
        person = None if person_id is None else find_person(connection, person_id)
        people = rows(connection, select(SERVICE_USER).where(SERVICE_USER.c.home == home_id))
    if person_id is not None and (person is None or person["home"] != home_id):
        raise bad_field("person", "nobody of this id lives in this home")
    mine = any(row["visitor"] == caller.username for row in people)
    if not mine and "stay.write_any" not in caller.can:
        raise Problem(403, "not_yours", "somebody else is responsible for this home")


def _document(hub: Deps, caller: Caller, stay_id: str) -> Document:
    with hub.engine.connect() as connection:
        row = one(connection, select(STAY).where(STAY.c.id == stay_id))
        if row is None:
            raise not_found("stay")
        return present(stay_documents(connection, [row])[0], caller.can)
