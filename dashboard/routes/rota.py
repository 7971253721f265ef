"""The rota: desks, their patterns and shifts, who is on duty now, and what is wrong ahead."""

from collections.abc import Callable
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, Field, StringConstraints
from sqlalchemy import ColumnElement
from starlette.responses import Response

from alarms.rota.book import WINDOW_DAYS_MAX
from alarms.rota.days import iso_day
from alarms.rota.duty import on_duty_for
from alarms.rota.model import (
    CYCLE_DAYS_MAX,
    PEOPLE_MAX,
    Desk,
    Hours,
    Pattern,
    RotaError,
    Turn,
    clock_minutes,
    length_between,
    parse_day,
)
from contract.moment import to_iso
from dashboard.answers import CREATED, answer, page
from dashboard.asked import (
    LIMIT_DEFAULT,
    Body,
    FromTime,
    Limit,
    Number,
    PathId,
    QueryWord,
    Word,
    clean,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.handover_reads import latest_sheets
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.rota_history import fact_objects, facts_before
from dashboard.rota_reads import (
    accounts_in,
    day_object,
    desk_object,
    duty_object,
    leave_object,
    my_next,
    of_desks,
    pattern_object,
    person,
    problem_object,
    read_names,
    read_plan,
    sees_desk,
    shift_object,
)
from ledger.schema import ROTA_FACT
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document
from rules.local_time import at_minute_ms, day_of

router = APIRouter(tags=["rota"])

DAYS_DEFAULT: Final = 7
# Words that stand in the place of a desk in our own addresses.
RESERVED: Final = frozenset(
    {"calendar", "days", "duty", "export", "import", "leaves", "people", "shifts", "swaps"}
)
# Why something was said: two characters are a word in Chinese.
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=500),
    AfterValidator(clean),
]
People = Annotated[list[Word], Field(max_length=PEOPLE_MAX)]


class NewDesk(Body):
    id: Word
    name: Word
    region: Word
    kind: Literal["duty", "visit"] = "duty"
    seats: Annotated[int, Field(ge=1, le=PEOPLE_MAX)] = 1
    always: bool = True
    reason: Reason


class DeskChanges(Body):
    name: Word | None = None
    seats: Annotated[int, Field(ge=1, le=PEOPLE_MAX)] | None = None
    always: bool | None = None
    closed: bool | None = None
    reason: Reason


class ShiftHours(Body):
    name: Word
    start: Word
    end: Word


class ShiftTurn(Body):
    day: Annotated[int, Field(ge=0, lt=CYCLE_DAYS_MAX)]
    shift: Word
    people: People
    on: Literal["every", "working", "rest"] = "every"


class NewPattern(Body):
    """`anchor`: a first day of the cycle; left out, `from` is one."""

    id: Word
    from_: Annotated[Word, Field(alias="from")]
    until: Word | None = None
    anchor: Word | None = None
    cycle_days: Annotated[int, Field(ge=1, le=CYCLE_DAYS_MAX)]
    shifts: Annotated[list[ShiftHours], Field(max_length=12)]
    turns: Annotated[list[ShiftTurn], Field(max_length=CYCLE_DAYS_MAX * 12)]
    reason: Reason


@router.get("/rota")
def get_rota(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("rota.read")],
    from_: FromTime = None,
    to: QueryWord = None,
    desk: QueryWord = None,
) -> Response:
    """Shifts of the days [from, to) (a week from today), with the calendar and what is wrong."""
    from_day, to_day = window(hub, from_, to)
    span = at_minute_ms(from_day, 0), at_minute_ms(to_day, 0)
    with hub.engine.connect() as connection:
        plan = read_plan(connection, from_day, to_day)
        names = read_names(connection)
    desks = [one for one in plan.desks.values() if sees_desk(caller, one)]
    if desk is not None:
        desks = [one for one in desks if one.id == desk]
        if not desks:
            raise not_found("desk")
    ids = {one.id for one in desks}
    leaves = [
        one for one in plan.leaves.values() if one.from_ms < span[1] and one.until_ms > span[0]
    ]
    return answer(
        {
            "from": iso_day(from_day),
            "to": iso_day(to_day),
            "today": iso_day(day_of(hub.clock.now_ms())),
            "announced_until": iso_day(plan.calendar.announced_until()),
            "desks": [desk_object(one) for one in desks],
            "days": [day_object(day, plan.calendar.kind(day)) for day in range(from_day, to_day)],
            "shifts": [shift_object(s, plan, names) for s in of_desks(desks, plan, *span)],
            "leaves": [
                leave_object(one, names)
                for one in leaves
                if str(names.get(one.person, {}).get("region", "")).startswith(caller.region)
            ],
            "problems": [
                problem_object(one, names)
                for one in hub.rota.problems
                if one.desk in ids or (not one.desk and caller.sees(one.region))
            ],
        }
    )


@router.get("/rota/duty")
def get_duty(
    hub: Hub, caller: Annotated[Caller, needs("rota.read")], region: QueryWord = None
) -> Response:
    """Who is on duty now, who comes next and when; one's own next shift; unsigned lines. With
    `region`: who answers for it, by the smallest desk that has somebody."""
    plan, now_ms = hub.rota.book.plan, hub.clock.now_ms()
    desks = [one for one in plan.desks.values() if sees_desk(caller, one) and not one.closed]
    with hub.engine.connect() as connection:
        names = read_names(connection)
        sheets: dict[str, Document] = {}
        if "handover.read" in caller.can:
            sheets = latest_sheets(connection, [one.id for one in desks])
    items = [
        {**duty_object(one, plan, names, now_ms), "handover": sheets.get(one.id)} for one in desks
    ]
    problems = [
        problem_object(one, names)
        for one in hub.rota.problems
        if one.desk in {d.id for d in desks} or (not one.desk and caller.sees(one.region))
    ]
    return answer(
        {
            "now": to_iso(now_ms),
            "desks": items,
            "problems": problems,
            "answers": None
            if region is None or not caller.sees(region)
            else [person(on.person, names) for on in on_duty_for(plan, region, now_ms)],
            "mine": my_next(plan, caller.username, now_ms, names),
        }
    )


@router.get("/rota/people")
def list_people(
    hub: Hub, caller: Annotated[Caller, needs("rota.read")], desk: QueryWord = None
) -> Response:
    """Whom shifts may name."""
    region = caller.region
    if desk is not None:
        region = find_desk(hub, caller, desk).region
    with hub.engine.connect() as connection:
        found = accounts_in(read_names(connection), region)
    return answer({"items": [person(username, found) for username in sorted(found)]})


@router.post("/rota", status_code=CREATED)
async def make_desk(
    body: NewDesk, request: Request, hub: Hub, caller: Annotated[Caller, needs("rota.write")]
) -> Response:
    """A new desk: the duty desk of a county or town, or visitors on call."""
    if not body.region.startswith(caller.region):
        raise bad_field("region", "it lies outside your own")
    if body.id in RESERVED:
        raise bad_field("id", "this word has a meaning of its own")
    fields = body.model_dump(exclude={"reason"})

    async def work() -> Document:
        def change(unit: UnitOfWork) -> None:
            if body.id in hub.rota.book.plan.desks:
                raise Problem(409, "taken", "there is a desk of this id", field="id")
            hub.rota.book.set_desk(unit, Desk(**fields), caller.username, body.reason)

        await said(hub, change)
        return desk_object(hub.rota.book.plan.desks[body.id])

    return await once(request, caller, work, CREATED)


@router.patch("/rota/{desk_id}")
async def change_desk(
    desk_id: PathId,
    body: DeskChanges,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("rota.write")],
) -> Response:
    """Change what is named; `closed` takes a desk out of use and keeps what was."""
    changes = body.model_dump(exclude={"reason"}, exclude_none=True)
    find_desk(hub, caller, desk_id, write=True)

    async def work() -> Document:
        def change(unit: UnitOfWork) -> None:
            known = desk_object(hub.rota.book.plan.desks[desk_id])
            desk = Desk(**{**known, **changes})
            hub.rota.book.set_desk(unit, desk, caller.username, body.reason)

        await said(hub, change)
        return desk_object(hub.rota.book.plan.desks[desk_id])

    return await once(request, caller, work)


@router.get("/rota/{desk_id}/patterns")
def list_patterns(
    desk_id: PathId, hub: Hub, caller: Annotated[Caller, needs("rota.read")]
) -> Response:
    """Each pattern's revisions, the oldest first."""
    desk = find_desk(hub, caller, desk_id)
    found = [
        pattern_object(revision)
        for revisions in hub.rota.book.plan.patterns.values()
        for revision in revisions
        if revision.desk == desk.id
    ]
    return answer({"items": found})


@router.post("/rota/{desk_id}/patterns", status_code=CREATED)
async def set_pattern(
    desk_id: PathId,
    body: NewPattern,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("rota.write")],
) -> Response:
    """A new pattern, or a revision of one from a day on."""
    find_desk(hub, caller, desk_id, write=True)

    async def work() -> Document:
        try:
            pattern = _pattern(desk_id, body)
        except RotaError as error:
            raise bad_field(error.field, error.detail) from None
        await said(
            hub,
            lambda unit: hub.rota.book.set_pattern(unit, pattern, caller.username, body.reason),
        )
        return pattern_object(pattern)

    return await once(request, caller, work, CREATED)


@router.get("/rota/{desk_id}/history")
def list_history(
    *,
    desk_id: PathId,
    hub: Hub,
    caller: Annotated[Caller, needs("rota.read")],
    limit: Limit = LIMIT_DEFAULT,
    before: Number = None,
) -> Response:
    """All that was said of a desk, newest first."""
    desk = find_desk(hub, caller, desk_id)
    return fact_page(hub, ROTA_FACT.c.desk == desk.id, before, limit)


def fact_page(hub: Deps, of: ColumnElement[bool], before: int | None, limit: int) -> Response:
    """Facts of the rota, newest first, each with what had been said of the same thing before."""
    with hub.engine.connect() as connection:
        found = facts_before(connection, of, before, limit + 1)
        documents = fact_objects(connection, found, read_names(connection))
    return page(documents, [row["seq"] for row in found], limit)


def find_desk(hub: Deps, caller: Caller, desk_id: str, *, write: bool = False) -> Desk:
    """A desk that this caller sees, or may change: one of the caller's own region."""
    desk = hub.rota.book.plan.desks.get(desk_id)
    if desk is None or not sees_desk(caller, desk):
        raise not_found("desk")
    if write and not desk.region.startswith(caller.region):
        raise Problem(403, "not_yours", "this desk belongs to a wider region than yours")
    return desk


def window(hub: Deps, from_: str | None, to: str | None) -> tuple[int, int]:
    """Days [from, to)."""
    try:
        first = day_of(hub.clock.now_ms()) if from_ is None else parse_day(from_, "from")
        last = first + DAYS_DEFAULT if to is None else parse_day(to, "to")
    except RotaError as error:
        raise bad_field(error.field, error.detail) from None
    if not first < last <= first + WINDOW_DAYS_MAX:
        raise bad_field("to", f"1 to {WINDOW_DAYS_MAX} days after `from`")
    return first, last


async def said(hub: Deps, change: Callable[[UnitOfWork], object]) -> None:
    """A change of the rota, committed; what makes no sense names its field."""
    try:
        await hub.writer.change(change)
    except RotaError as error:
        raise bad_field(error.field, error.detail) from None


def _pattern(desk: str, body: NewPattern) -> Pattern:
    hours = []
    for one in body.shifts:
        start = clock_minutes(one.start, "shifts.start")
        length = length_between(start, clock_minutes(one.end, "shifts.end"))
        hours.append(Hours(name=one.name, start_min=start, length_min=length))
    from_day = parse_day(body.from_, "from")
    return Pattern(
        id=body.id,
        desk=desk,
        from_day=from_day,
        until_day=None if body.until is None else parse_day(body.until, "until"),
        anchor_day=from_day if body.anchor is None else parse_day(body.anchor, "anchor"),
        cycle_days=body.cycle_days,
        hours=tuple(hours),
        turns=tuple(
            Turn(day=turn.day, shift=turn.shift, people=tuple(turn.people), on=turn.on)
            for turn in body.turns
        ),
    )
