"""What people say about visits to come: more often, another day, bad weather; and a visit begun."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.visiting import NewTask
from contract.ids import name_uuid
from dashboard.answers import CREATED
from dashboard.asked import Body, PathId, Reason, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.once import once
from dashboard.plan_reads import read_situation
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field
from dashboard.reads import Row, one, rows
from dashboard.routes.plan import asked_day, tier_document, visible_person
from dashboard.routes.tasks import task_document
from ledger.plan_words import say
from ledger.schema import REGION, SERVICE_USER, TASK
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document
from ledger.visiting.days import iso
from ledger.visiting.periods import period_of
from ledger.visiting.said import (
    AHEAD_DAYS_MAX,
    CLOSED,
    CLOSED_DAYS_MAX,
    MOVE,
    OPEN,
    RAISE,
    Said,
)
from ledger.visiting.tiers import FREQUENCIES, RAISE_DAYS_MAX, Tier, is_higher, judge_tier
from rules.local_time import DAY_MS, ZONE_MS, day_of

router = APIRouter(tags=["plan"])

_NAMESPACE: Final = uuid.UUID("d8b6a7de-92f1-5b9e-8d0c-6f4ad1c0b51f")
_UNDER_WAY: Final = ("open", "accepted", "departed", "arrived")


class HigherTier(Body):
    """`until`: the last day, a date. A raise begins today."""

    tier: Tier
    until: Word
    reason: Reason


class NewMove(Body):
    """The visit planned for `date` is made on `to`; `to` left out: on any other day."""

    service_user: Word
    date: Word
    to: Word | None = None
    reason: Reason


class Weather(Body):
    """Nobody is sent to a region from `start` to `end` (both dates inclusive); `open`: they can
    go again."""

    region: Word
    start: Word
    end: Word
    reason: Reason
    open: bool = False


class Begin(Body):
    service_user: Word


@router.post("/service-users/{person_id}/tier/raise", status_code=CREATED)
async def raise_tier(
    person_id: PathId,
    body: HigherTier,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("tier.raise")],
) -> Response:
    """Visit somebody more often until a day. It can't be lowered: the notice's frequency is the
    least there is."""
    today = day_of(hub.clock.now_ms())
    until = asked_day(body.until, "until")
    if not today <= until <= today + RAISE_DAYS_MAX:
        raise bad_field("until", f"from today to {RAISE_DAYS_MAX} days ahead")
    row = await run_in_threadpool(_person, hub, caller, person_id)
    now = await run_in_threadpool(_tier_now, hub, person_id, today)
    if not is_higher(body.tier, now):
        raise Problem(
            409, "not_higher", f"the tier is {now.value} already and is only raised", field="tier"
        )
    said = Said(
        kind=RAISE,
        service_user=person_id,
        region=row["home_region"],
        from_day=today,
        until_day=until,
        tier=body.tier,
        reason=body.reason,
    )

    async def work() -> Document:
        await _say(hub, caller, said, row["home_region"], f"person:{person_id}")
        return await run_in_threadpool(tier_document, hub, caller, person_id)

    return await once(request, caller, work, CREATED)


@router.post("/plan/moves", status_code=CREATED)
async def move_visit(
    body: NewMove,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("plan.move")],
) -> Response:
    """Another day for a visit, within its week or month; it is still owed. The same day again
    takes the move back."""
    today = day_of(hub.clock.now_ms())
    day = asked_day(body.date, "date")
    to = None if body.to is None else asked_day(body.to, "to")
    row = await run_in_threadpool(_person, hub, caller, body.service_user)
    if row["visitor"] != caller.username and "plan.move_any" not in caller.can:
        raise Problem(403, "not_yours", "somebody else is responsible for this person")
    if not today <= day <= today + AHEAD_DAYS_MAX:
        raise bad_field("date", f"from today to {AHEAD_DAYS_MAX} days ahead")
    tier = await run_in_threadpool(_tier_now, hub, body.service_user, day)
    period = period_of(FREQUENCIES[tier].unit, day)
    if to is not None and not (max(today, period.first) <= to <= period.last):
        ends = iso(period.last)
        raise bad_field("to", f"within the same {period.unit}, from today to {ends}")
    said = Said(
        kind=MOVE,
        service_user=body.service_user,
        region=row["home_region"],
        from_day=day,
        until_day=max(day, to or day),
        to_day=to,
        reason=body.reason,
    )

    async def work() -> Document:
        await _say(hub, caller, said, row["home_region"], f"person:{body.service_user}")
        return {"service_user": body.service_user, "date": body.date, "to": body.to}

    return await once(request, caller, work, CREATED)


@router.post("/plan/bad-weather", status_code=CREATED)
async def bad_weather(
    body: Weather,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("plan.weather")],
) -> Response:
    """Visits of a region move to other days; none falls out."""
    today = day_of(hub.clock.now_ms())
    first, last = asked_day(body.start, "start"), asked_day(body.end, "end")
    if not today <= first <= today + CLOSED_DAYS_MAX:
        raise bad_field("start", f"from today to {CLOSED_DAYS_MAX} days ahead")
    if not first <= last < first + CLOSED_DAYS_MAX:
        raise bad_field("end", f"at most {CLOSED_DAYS_MAX} days")
    await run_in_threadpool(_check_region, hub, caller, body.region)
    said = Said(
        kind=OPEN if body.open else CLOSED,
        region=body.region,
        from_day=first,
        until_day=last,
        reason=body.reason,
    )

    async def work() -> Document:
        await _say(hub, caller, said, body.region, f"region:{body.region}")
        return {"region": body.region, "start": body.start, "end": body.end, "open": body.open}

    return await once(request, caller, work, CREATED)


@router.post("/plan/start", status_code=CREATED)
async def start_visit(
    body: Begin,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("task.move")],
) -> Response:
    """I go to this person now: a routine task that is mine and accepted. One that I have there
    already is taken instead, so that pressing twice makes no second one."""
    row = await run_in_threadpool(_person, hub, caller, body.service_user)

    async def work() -> Document:
        task = await run_in_threadpool(_own_task, hub, caller, row["home"])
        if task is None:
            new = await run_in_threadpool(_new_task, hub, caller, row)
            await hub.desk.create_task(new, caller.username)
            task = await run_in_threadpool(_own_task, hub, caller, row["home"])
        if task is None:
            raise Problem(409, "wrong_state", "the visit has been ended meanwhile")
        if task["state"] == "open":
            await hub.desk.move_task(task["id"], caller.username, "accept")
        return await run_in_threadpool(task_document, hub, caller, task["id"])

    return await once(request, caller, work, CREATED)


def _new_task(hub: Deps, caller: Caller, row: Row) -> NewTask:
    """Two who press at once make one: its id follows from how many of the day have ended."""
    midnight_ms = day_of(hub.clock.now_ms()) * DAY_MS - ZONE_MS
    earlier = select(func.count()).where(
        TASK.c.home == row["home"],
        TASK.c.assignee == caller.username,
        TASK.c.created_at_ms >= midnight_ms,
        TASK.c.state.not_in(_UNDER_WAY),
    )
    with hub.engine.connect() as connection:
        ended = connection.scalar(earlier)
    return NewTask(
        id=name_uuid(_NAMESPACE, f"{caller.username}|{row['home']}|{midnight_ms}|{ended}"),
        kind="routine",
        home=row["home"],
        region=row["home_region"],
        due_at_ms=midnight_ms + DAY_MS,
        assignee=caller.username,
    )


def _own_task(hub: Deps, caller: Caller, home: str) -> Row | None:
    wanted = select(TASK.c.id, TASK.c.state).where(
        TASK.c.home == home,
        TASK.c.assignee == caller.username,
        TASK.c.kind.in_(("routine", "follow_up")),
        TASK.c.state.in_(_UNDER_WAY),
    )
    with hub.engine.connect() as connection:
        found = rows(connection, wanted.order_by(TASK.c.number))
    return found[0] if found else None


async def _say(hub: Deps, caller: Caller, said: Said, region: str, subject: str) -> None:
    def change(unit: UnitOfWork) -> None:
        say(unit, said, caller.username, region)
        unit.audit(caller.username, "changed", subject, f"plan: {said.kind}")

    await hub.writer.change(change)


def _person(hub: Deps, caller: Caller, person_id: str) -> Row:
    with hub.engine.connect() as connection:
        return visible_person(connection, caller, person_id)


def _tier_now(hub: Deps, person_id: str, day: int) -> Tier:
    with hub.engine.connect() as connection:
        wanted = SERVICE_USER.c.id == person_id
        found = read_situation(connection, hub.clock.now_ms(), wanted, day, day)
    return judge_tier(found.facts[person_id], day)


def _check_region(hub: Deps, caller: Caller, code: str) -> None:
    with hub.engine.connect() as connection:
        known = one(connection, select(REGION.c.code).where(REGION.c.code == code))
    if known is None or not code.startswith(caller.region):
        raise bad_field("region", "there is no such region")
