"""Visits: contacts with service users, reported by those who made them."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import Field, StrictBool, StrictInt
from sqlalchemy import and_, or_, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, Trail, page
from dashboard.asked import (
    LIMIT_DEFAULT,
    Body,
    FromTime,
    Limit,
    Note,
    QueryWord,
    Word,
    instant_ms,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.masking import present
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import bad_field, not_found
from dashboard.reads import find_alarm, find_task, find_visit, rows, visit_documents
from dashboard.register_reads import find_home, find_person
from ledger.schema import HOME, VISIT
from ledger.views import Document, to_json
from ledger.visits import RECORD_BYTES_MAX, NewVisit, VisitWay

router = APIRouter(tags=["visits"])

# A telephone's clock may run ahead of the hub's.
AHEAD_MAX_MS: Final = 5 * 60_000
_NAMESPACE: Final = uuid.UUID("b34b9a4b-8f9e-5a62-9d13-0c5a3d6c1e77")

# Exact in every browser's numbers.
_Whole = Annotated[StrictInt, Field(ge=-(2**53), le=2**53)]
_Real = Annotated[float, Field(allow_inf_nan=False)]
_Scalar = Note | StrictBool | _Whole | _Real | None
_Answer = _Scalar | list[_Scalar] | dict[Word, _Scalar | list[_Scalar]]


class Report(Body):
    """One visit; `record` holds the answers of the form by field name."""

    home: Word
    service_user: Word | None = None
    way: VisitWay
    visited_at: Word
    record: dict[Word, _Answer] = Field(default_factory=dict)
    task: Word | None = None
    alarm: Word | None = None


@router.get("/visits")
def list_visits(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("visit.read")],
    home: QueryWord = None,
    from_: FromTime = None,
    to: QueryWord = None,
    limit: Limit = LIMIT_DEFAULT,
    before: QueryWord = None,
) -> Response:
    """Visits, latest first."""
    wanted = select(VISIT).join(HOME, HOME.c.id == VISIT.c.home)
    wanted = wanted.where(caller.visible(HOME.c.region))
    if home:
        wanted = wanted.where(VISIT.c.home == home)
    from_ms, to_ms = instant_ms(from_, "from"), instant_ms(to, "to")
    if from_ms is not None:
        wanted = wanted.where(VISIT.c.visited_at_ms >= from_ms)
    if to_ms is not None:
        wanted = wanted.where(VISIT.c.visited_at_ms < to_ms)
    if before:
        at_ms, visit_id = _cursor(before)
        wanted = wanted.where(
            or_(
                VISIT.c.visited_at_ms < at_ms,
                and_(VISIT.c.visited_at_ms == at_ms, VISIT.c.id < visit_id),
            )
        )
    wanted = wanted.order_by(VISIT.c.visited_at_ms.desc(), VISIT.c.id.desc()).limit(limit + 1)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted)
        documents = visit_documents(connection, found[:limit])
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", f"visits:{home or 'all'}", f"{len(documents)} shown")
    shown = [present(document, caller.can) for document in documents]
    return page(shown, [f"{row['visited_at_ms']}.{row['id']}" for row in found], limit)


@router.post("/visits", status_code=CREATED)
async def record_visit(
    body: Report,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("visit.write")],
) -> Response:
    """Record a visit that was made. The same `Idempotency-Key` never makes a second one."""
    visited_at_ms = instant_ms(body.visited_at, "visited_at")
    if visited_at_ms is None or visited_at_ms > hub.clock.now_ms() + AHEAD_MAX_MS:
        raise bad_field("visited_at", "a visit is recorded after it was made")
    if len(to_json(body.record)) > RECORD_BYTES_MAX:
        raise bad_field("record", f"at most {RECORD_BYTES_MAX} bytes of JSON")
    await run_in_threadpool(_check_home, hub, caller, body)
    key = request.headers.get(HEADER)
    name = uuid.uuid5(_NAMESPACE, f"{caller.username}:{key}") if key else uuid.uuid4()
    visit = NewVisit(
        id=str(name),
        home=body.home,
        service_user=body.service_user,
        way=body.way,
        visitor=caller.username,
        visited_at_ms=visited_at_ms,
        record=_plain(body.record),
        task=body.task,
        alarm=body.alarm,
    )

    async def work() -> Document:
        visit_id = await hub.desk.record_visit(visit, caller.username)
        return await run_in_threadpool(_document, hub, caller, visit_id)

    return await once(request, caller, work, CREATED)


def _check_home(hub: Deps, caller: Caller, body: Report) -> None:
    with hub.engine.connect() as connection:
        home = find_home(connection, body.home)
        person = None
        if body.service_user is not None:
            person = find_person(connection, body.service_user)
        task = None if body.task is None else find_task(connection, body.task)
        alarm = None if body.alarm is None else find_alarm(connection, body.alarm)
    if home is None or not caller.sees(home["region"]):
        raise bad_field("home", "there is no such home")
    if body.service_user is not None and (person is None or person["home"] != body.home):
        raise bad_field("service_user", "nobody of this id lives in this home")
    if body.task is not None and (task is None or task["home"] != body.home):
        raise bad_field("task", "there is no such task for this home")
    if body.alarm is not None and (alarm is None or alarm["home"] != body.home):
        raise bad_field("alarm", "there is no such alarm of this home")


def _document(hub: Deps, caller: Caller, visit_id: str) -> Document:
    with hub.engine.connect() as connection:
        row = find_visit(connection, visit_id)
        if row is None:
            raise not_found("visit")
        return present(visit_documents(connection, [row])[0], caller.can)


def _cursor(before: str) -> tuple[int, str]:
    at, _, visit_id = before.partition(".")
    # Fifteen digits of milliseconds reach the year 33658.
    if not (at.isascii() and at.isdigit() and len(at) <= 15):
        raise bad_field("before", "the `next` of the page before")
    return int(at), visit_id


def _plain(record: dict[str, Any]) -> dict[str, object]:
    return dict(record)
