"""Visits: contacts with service users, reported by those who made them."""

import uuid
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field, StrictBool, StrictInt
from sqlalchemy import and_, or_, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, Trail, answer, page
from dashboard.asked import (
    LIMIT_DEFAULT,
    Body,
    FromTime,
    Limit,
    Note,
    PathId,
    QueryWord,
    Word,
    instant_ms,
    local_day,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.masking import present
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, find_alarm, find_task, find_visit, rows
from dashboard.register_reads import find_home, find_person
from dashboard.visit_reads import (
    fault_object,
    in_conflict,
    listed_visits,
    people_of,
    visit_detail,
)
from ledger.forms.catalogue import catalogue
from ledger.forms.visit_form import check
from ledger.schema import HOME, VISIT
from ledger.views import Document, to_json
from ledger.visits import RECORD_BYTES_MAX, NewVisit, VisitWay

router = APIRouter(tags=["visits"])

# A telephone's clock may run ahead of the hub's.
AHEAD_MAX_MS: Final = 5 * 60_000
# One that says more was never set; ten years.
OFFSET_MAX_MS: Final = 10 * 366 * 86_400_000
_NAMESPACE: Final = uuid.UUID("b34b9a4b-8f9e-5a62-9d13-0c5a3d6c1e77")

# Exact in every browser's numbers.
_Whole = Annotated[StrictInt, Field(ge=-(2**53), le=2**53)]
_Real = Annotated[float, Field(allow_inf_nan=False)]
_Scalar = Note | StrictBool | _Whole | _Real | None
_Answer = _Scalar | list[_Scalar] | dict[Word, _Scalar | list[_Scalar]]


Record = dict[Word, _Answer]


class Report(Body):
    """One visit; `record` holds the answers of the form by field name.

    `form`: the record is annex 4 and refused where that can't be; without it anything is kept.
    `clock_offset_ms`: so far the telephone's clock, which `visited_at` is of, is ahead of the hub.
    """

    home: Word
    service_user: Word | None = None
    way: VisitWay
    visited_at: Word
    record: Record = Field(default_factory=dict)
    task: Word | None = None
    alarm: Word | None = None
    form: Literal["annex4"] | None = None
    phone: Word | None = None
    clock_offset_ms: Annotated[StrictInt, Field(ge=-OFFSET_MAX_MS, le=OFFSET_MAX_MS)] | None = None
    completes_task: StrictBool = False


@router.get("/visits")
def list_visits(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("visit.read")],
    home: QueryWord = None,
    service_user: QueryWord = None,
    conflict: bool = False,
    from_: FromTime = None,
    to: QueryWord = None,
    limit: Limit = LIMIT_DEFAULT,
    before: QueryWord = None,
) -> Response:
    """Visits, latest first; `conflict`: those that may be the same as another."""
    wanted = select(VISIT).join(HOME, HOME.c.id == VISIT.c.home)
    known = caller.known(HOME.c.region, VISIT.c.home)
    wanted = wanted.where(or_(known, VISIT.c.visitor == caller.username))
    if home:
        wanted = wanted.where(VISIT.c.home == home)
    if service_user:
        wanted = wanted.where(VISIT.c.service_user == service_user)
    if conflict:
        wanted = wanted.where(VISIT.c.id.in_(in_conflict()))
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
        documents = listed_visits(connection, found[:limit])
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", f"visits:{home or 'all'}", f"{len(documents)} shown")
    shown = [
        present(document, caller.can_at(row["home"]))
        for document, row in zip(documents, found, strict=False)
    ]
    return page(shown, [f"{row['visited_at_ms']}.{row['id']}" for row in found], limit)


@router.get("/visits/people")
def list_people(
    hub: Hub, trail: Trail, caller: Annotated[Caller, needs("visit.write", "person.read")]
) -> Response:
    """Whom the caller visits, with what was needed last time: for a telephone without network."""
    with hub.engine.connect() as connection:
        today = local_day(hub.clock.now_ms(), hub.timezone).isoformat()
        found = people_of(connection, caller.username, today)
    trail.note(caller.username, "listed", "visits:people", f"{len(found)} shown")
    return answer({"items": found})


@router.get("/visits/form")
def get_form(_caller: Annotated[Caller, needs("visit.read")]) -> Response:
    """The fields of annex 4 and the services of annex 2, in both languages."""
    return answer(catalogue())


@router.get("/visits/{visit_id}")
def get_visit(
    visit_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("visit.read")]
) -> Response:
    """A visit with its `history`, `attachments`, `concerns`, and `others` that may be the same."""
    row = visible_visit(hub, caller, visit_id)
    trail.note(caller.username, "viewed", f"visit:{visit_id}", f"home {row['home']}")
    return answer(detail_document(hub, caller, row))


@router.post("/visits", status_code=CREATED)
async def record_visit(
    body: Report,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("visit.write")],
) -> Response:
    """Record a visit that was made. The same `Idempotency-Key` never makes a second one."""
    offset_ms = body.clock_offset_ms or 0
    visited_at_ms = visited_ms(hub, body.visited_at, offset_ms)
    check_record(body.record, strict=body.form is not None)
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
        record=dict(body.record),
        task=body.task,
        alarm=body.alarm,
        form=body.form,
        phone=body.phone,
        clock_offset_ms=body.clock_offset_ms,
        completes_task=body.completes_task,
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


def visited_ms(hub: Deps, said: str, offset_ms: int) -> int:
    """When it was made by the hub's clock; never later than now."""
    at_ms = instant_ms(said, "visited_at")
    if at_ms is None or at_ms - offset_ms > hub.clock.now_ms() + AHEAD_MAX_MS:
        raise bad_field("visited_at", "a visit is recorded after it was made")
    if at_ms < offset_ms:
        raise bad_field("visited_at", "before there were clocks")
    return at_ms - offset_ms


def check_record(record: Mapping[str, object], *, strict: bool) -> None:
    if len(to_json(record)) > RECORD_BYTES_MAX:
        raise bad_field("record", f"at most {RECORD_BYTES_MAX} bytes of JSON")
    faults = check(record) if strict else []
    if faults:
        first = faults[0]
        errors = [{**fault_object(fault), "field": f"record.{fault.field}"} for fault in faults]
        detail = "; ".join(fault.en for fault in faults)
        raise Problem(422, "invalid", detail, field=f"record.{first.field}", errors=errors)


def visible_visit(hub: Deps, caller: Caller, visit_id: str, *, twin: bool = False) -> Row:
    """`twin`: it may be the same as one of the caller's own, and is named for that alone."""
    with hub.engine.connect() as connection:
        row = find_visit(connection, visit_id)
        home = None if row is None else find_home(connection, row["home"])
    if row is None or home is None:
        raise not_found("visit")
    # What one wrote oneself stays there to be corrected; of whom is masked if it must be.
    own = row["visitor"] == caller.username
    if not caller.knows(home["region"], row["home"]) and not (
        caller.sees(home["region"]) and (own or twin)
    ):
        raise not_found("visit")
    return row


def detail_document(hub: Deps, caller: Caller, row: Row) -> Document:
    with hub.engine.connect() as connection:
        return present(visit_detail(connection, row), caller.can_at(row["home"]))


def _document(hub: Deps, caller: Caller, visit_id: str) -> Document:
    with hub.engine.connect() as connection:
        row = find_visit(connection, visit_id)
        if row is None:
            raise not_found("visit")
        return present(listed_visits(connection, [row])[0], caller.can_at(row["home"]))


def _cursor(before: str) -> tuple[int, str]:
    at, _, visit_id = before.partition(".")
    # Fifteen digits of milliseconds reach the year 33658.
    if not (at.isascii() and at.isdigit() and len(at) <= 15):
        raise bad_field("before", "the `next` of the page before")
    return int(at), visit_id
