"""What is said of single shifts and people: changes, leaves and swaps."""

import json
import uuid
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.rota.facts import swap_of
from alarms.rota.model import (
    Change,
    Leave,
    RotaError,
    ShiftKey,
    clock_minutes,
    length_between,
    parse_key,
)
from alarms.rota.swaps import Swap, SwapMove
from dashboard.answers import CREATED, answer
from dashboard.asked import Body, Line, PathId, QueryWord, Word, instant_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import rows
from dashboard.rota_reads import leave_object, read_names, shift_object, swap_object
from dashboard.routes.rota import People, Reason, find_desk, said
from ledger.schema import ACCOUNT, ROTA_FACT
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["rota"])

# Those that were decided lately stand below those that wait.
SWAPS_SHOWN_MAX: Final = 100
_NAMESPACE: Final = uuid.UUID("a0b4b6c0-0b2e-5b44-8d1f-2f5a3d1f7c55")


class ShiftChange(Body):
    """`people`: the first one first; an empty list leaves the shift open. `cancelled`: there is no
    such shift. `as_planned`: as its pattern has it. `start` and `end` move it, or make one that
    no pattern has."""

    shift: Annotated[Line, Field(min_length=1)]
    people: People | None = None
    cancelled: bool = False
    as_planned: bool = False
    start: Word | None = None
    end: Word | None = None
    reason: Reason


class NewLeave(Body):
    """`person` left out: one's own."""

    person: Word | None = None
    from_: Annotated[Word, Field(alias="from")]
    until: Word
    reason: Reason


class Why(Body):
    reason: Reason


class NewSwap(Body):
    given: Annotated[Line, Field(min_length=1)]
    taken: Annotated[Line, Field(min_length=1)] | None = None
    other: Word
    note: Line = ""


class SwapNote(Body):
    note: Line = ""


@router.post("/rota/shifts")
async def change_shift(
    body: ShiftChange, request: Request, hub: Hub, caller: Annotated[Caller, needs("rota.write")]
) -> Response:
    """One shift by other people, at other hours, or not at all; it counts before any pattern."""
    key = _key(body.shift, "shift")
    find_desk(hub, caller, key.desk, write=True)

    async def work() -> Document:
        await said(hub, lambda unit: _say_shift(unit, hub, body, caller.username))
        return await run_in_threadpool(_shift_document, hub, key)

    return await once(request, caller, work)


@router.post("/rota/leaves", status_code=CREATED)
async def set_leave(
    body: NewLeave, request: Request, hub: Hub, caller: Annotated[Caller, needs("rota.swap")]
) -> Response:
    """Somebody is not there, whatever the rota says. The same `Idempotency-Key` never makes a
    second one."""
    who = body.person or caller.username
    await run_in_threadpool(_may_speak_for, hub, caller, who)
    from_ms, until_ms = instant_ms(body.from_, "from") or 0, instant_ms(body.until, "until") or 0
    leave = Leave(id=_id(request, caller), person=who, from_ms=from_ms, until_ms=until_ms)

    async def work() -> Document:
        await said(
            hub, lambda unit: hub.rota.book.set_leave(unit, leave, caller.username, body.reason)
        )
        return await run_in_threadpool(_leave_document, hub, leave)

    return await once(request, caller, work, CREATED)


@router.post("/rota/leaves/{leave_id}/end")
async def end_leave(
    leave_id: PathId,
    body: Why,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("rota.swap")],
) -> Response:
    """Back earlier, or not gone at all."""
    leave = hub.rota.book.plan.leaves.get(leave_id)
    if leave is None:
        raise not_found("leave")
    await run_in_threadpool(_may_end, hub, caller, leave)

    async def work() -> Document:
        try:
            await said(
                hub,
                lambda unit: hub.rota.book.end_leave(unit, leave_id, caller.username, body.reason),
            )
        except KeyError:
            raise not_found("leave") from None
        now = hub.rota.book.plan.leaves.get(leave_id)
        return {"id": leave_id, "ended": now is None or now.until_ms <= hub.clock.now_ms()}

    return await once(request, caller, work)


@router.get("/rota/swaps")
def list_swaps(
    hub: Hub,
    caller: Annotated[Caller, needs("rota.swap")],
    state: QueryWord = None,
) -> Response:
    """Swaps that wait for somebody (`state=all`: the latest of any state): one's own, and for who
    may change the rota those of the region."""
    with hub.engine.connect() as connection:
        names = read_names(connection)
        found = list(hub.rota.book.waiting)
        if state == "all":
            table = ROTA_FACT
            wanted = select(table).where(table.c.kind == "swap").order_by(table.c.seq.desc())
            newest: dict[str, Swap] = {}
            for row in rows(connection, wanted.limit(SWAPS_SHOWN_MAX * 4)):
                newest.setdefault(row["key"], swap_of(row["key"], json.loads(row["body"])))
            found = list(newest.values())[:SWAPS_SHOWN_MAX]
    plan = hub.rota.book.plan
    mine = [swap for swap in found if _concerns(hub, caller, swap)]
    return answer({"items": [swap_object(swap, plan, names) for swap in mine]})


@router.post("/rota/swaps", status_code=CREATED)
async def ask_swap(
    body: NewSwap, request: Request, hub: Hub, caller: Annotated[Caller, needs("rota.swap")]
) -> Response:
    """Ask somebody to take one's shift, or to exchange it for one of theirs."""
    given = _key(body.given, "given")
    taken = None if body.taken is None else _key(body.taken, "taken")
    swap = Swap(
        id=_id(request, caller),
        asker=caller.username,
        other=body.other,
        given=given,
        taken=taken,
        note=body.note,
    )

    async def work() -> Document:
        await said(hub, lambda unit: hub.rota.book.ask_swap(unit, swap))
        return await run_in_threadpool(_swap_document, hub, swap.id)

    return await once(request, caller, work, CREATED)


@router.post("/rota/swaps/{swap_id}/{move}")
async def move_swap(
    *,
    swap_id: PathId,
    move: Literal["agree", "decline", "withdraw", "approve", "refuse"],
    body: SwapNote,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("rota.swap")],
) -> Response:
    """Agree or decline (who was asked), withdraw (one of the two), approve or refuse (who may
    change the rota). Approved, it is in the rota."""
    swap = await run_in_threadpool(_find_swap, hub, swap_id)
    if swap is None or not _concerns(hub, caller, swap):
        raise not_found("swap")
    desk = hub.rota.book.plan.desks.get(swap.given.desk)
    may = desk is not None and desk.region.startswith(caller.region) and "rota.write" in caller.can

    async def work() -> Document:
        def change(unit: UnitOfWork) -> None:
            hub.rota.book.move_swap(
                unit, swap_id, SwapMove(move), caller.username, may_approve=may, note=body.note
            )

        await said(hub, change)
        return await run_in_threadpool(_swap_document, hub, swap_id)

    return await once(request, caller, work)


def _say_shift(unit: UnitOfWork, hub: Deps, body: ShiftChange, actor: str) -> None:
    key = _key(body.shift, "shift")
    if body.as_planned:
        try:
            hub.rota.book.take_back(unit, key, actor, body.reason)
        except KeyError:
            raise Problem(409, "not_changed", "this shift is as it was planned") from None
        return
    if body.people is None and not body.cancelled:
        raise RotaError("people", "who is on duty, or `cancelled`, or `as_planned`")
    start = None if body.start is None else clock_minutes(body.start, "start")
    end = None if body.end is None else clock_minutes(body.end, "end")
    if (start is None) != (end is None):
        raise RotaError("end", "start and end come together")
    known = hub.rota.book.plan.changes.get((key.desk, key.day), {}).get(key.name)
    length = None if start is None or end is None else length_between(start, end)
    if start is None and known is not None:
        start, length = known.start_min, known.length_min
    people = None if body.cancelled else tuple(body.people or ())
    change = Change(key=key, people=people, start_min=start, length_min=length)
    hub.rota.book.change_shifts(unit, [change], actor, body.reason)


def _key(text: str, field: str) -> ShiftKey:
    try:
        return parse_key(text)
    except RotaError as error:
        raise bad_field(field, error.detail) from None


def _id(request: Request, caller: Caller) -> str:
    key = request.headers.get(HEADER)
    name = uuid.uuid5(_NAMESPACE, f"{caller.username}:{key}") if key else uuid.uuid4()
    return str(name)


def _may_speak_for(hub: Deps, caller: Caller, who: str) -> None:
    """Everybody for themselves, who may change the rota for the people of the region."""
    if who == caller.username:
        return
    if "rota.write" not in caller.can:
        raise Problem(403, "not_yours", "only your own leave")
    with hub.engine.connect() as connection:
        region = connection.scalar(select(ACCOUNT.c.region).where(ACCOUNT.c.username == who))
    if region is None or not region.startswith(caller.region):
        raise bad_field("person", "there is no such account in your region")


def _may_end(hub: Deps, caller: Caller, leave: Leave) -> None:
    """A leave of another region isn't there, and one of a colleague is not one's own."""
    try:
        _may_speak_for(hub, caller, leave.person)
    except Problem as problem:
        if problem.status == 403 and _of_the_region(hub, caller, leave.person):
            raise
        raise not_found("leave") from None


def _of_the_region(hub: Deps, caller: Caller, who: str) -> bool:
    with hub.engine.connect() as connection:
        region = connection.scalar(select(ACCOUNT.c.region).where(ACCOUNT.c.username == who))
    return region is not None and caller.sees(region)


def _concerns(hub: Deps, caller: Caller, swap: Swap) -> bool:
    if caller.username in (swap.asker, swap.other):
        return True
    desk = hub.rota.book.plan.desks.get(swap.given.desk)
    return "rota.write" in caller.can and desk is not None and desk.region.startswith(caller.region)


def _find_swap(hub: Deps, swap_id: str) -> Swap | None:
    table = ROTA_FACT
    wanted = select(table).where(table.c.kind == "swap", table.c.key == swap_id)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted.order_by(table.c.seq.desc()).limit(1))
    return swap_of(swap_id, json.loads(found[0]["body"])) if found else None


def _swap_document(hub: Deps, swap_id: str) -> Document:
    swap = _find_swap(hub, swap_id)
    if swap is None:
        raise not_found("swap")
    with hub.engine.connect() as connection:
        names = read_names(connection)
    return swap_object(swap, hub.rota.book.plan, names)


def _shift_document(hub: Deps, key: ShiftKey) -> Document:
    plan = hub.rota.book.plan
    shift = plan.find(key)
    with hub.engine.connect() as connection:
        names = read_names(connection)
    return {"id": str(key), "shift": None if shift is None else shift_object(shift, plan, names)}


def _leave_document(hub: Deps, leave: Leave) -> Document:
    with hub.engine.connect() as connection:
        return leave_object(leave, read_names(connection))
