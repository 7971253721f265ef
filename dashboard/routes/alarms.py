"""Alarms: the list, one with its history, and what a human may do with it."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.lifecycle import AlarmState
from alarms.visiting import FOLLOW_UP_DAYS_MAX
from dashboard.answers import Trail, answer, page
from dashboard.asked import (
    LIMIT_DEFAULT,
    Body,
    Limit,
    Note,
    Number,
    PathId,
    QueryWord,
    Word,
    words,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.chain_reads import chain_of
from dashboard.masking import present
from dashboard.named_account import check_named
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import not_found
from dashboard.reads import Row, alarm_detail, alarm_documents, find_alarm, rows
from dashboard.told_reads import names_in, notices_of
from ledger.schema import ALARM
from ledger.views import Document

router = APIRouter(tags=["alarms"])

_SEVERITIES: Final = ("urgent", "watch", "technical")


class Assignment(Body):
    assignee: Word


class Closing(Body):
    outcome: Word
    note: Note = ""
    # Left out: as the outcome asks for; 0: nobody looks again.
    follow_up_days: Annotated[int, Field(ge=0, le=FOLLOW_UP_DAYS_MAX)] | None = None
    # How it was in the home (`rules.found_out.FoundOut`); left out: not said.
    found_out: Word | None = None


class Handover(Body):
    to: Word


class Refusal(Body):
    reason: Word = "other"
    note: Note = ""


class Merging(Body):
    into: Word


class Reopening(Body):
    reason: Word
    note: Note = ""


class Nothing(Body):
    """A move that needs no words."""


@router.get("/alarms")
def list_alarms(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("alarm.read")],
    state: QueryWord = None,
    severity: QueryWord = None,
    region: QueryWord = None,
    home: QueryWord = None,
    limit: Limit = LIMIT_DEFAULT,
    before: Number = None,
) -> Response:
    """Alarms, newest first. `state` and `severity` may list several; `region` is a prefix."""
    wanted = select(ALARM).where(caller.visible(ALARM.c.region))
    states = words(state, [s.value for s in AlarmState], "state")
    if states:
        wanted = wanted.where(ALARM.c.state.in_(states))
    severities = words(severity, _SEVERITIES, "severity")
    if severities:
        wanted = wanted.where(ALARM.c.severity.in_(severities))
    if region:
        wanted = wanted.where(ALARM.c.region.startswith(region, autoescape=True))
    if home:
        wanted = wanted.where(ALARM.c.home == home)
    if before is not None:
        wanted = wanted.where(ALARM.c.number < before)
    wanted = wanted.order_by(ALARM.c.number.desc()).limit(limit + 1)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted)
        documents = alarm_documents(connection, found[:limit])
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", "alarms", f"{len(documents)} shown")
    shown = [
        present(document, caller.can_at(row["home"]))
        for document, row in zip(documents, found, strict=False)
    ]
    return page(shown, [row["number"] for row in found], limit)


@router.get("/alarms/{alarm_id}")
def get_alarm(
    alarm_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("alarm.read")]
) -> Response:
    """An alarm with its `timeline`, `people`, `notices`, `events`, `task_detail` and `chain`."""
    with hub.engine.connect() as connection:
        row = find_alarm(connection, alarm_id)
        if row is None or not caller.comes_to(row["region"], row["home"]):
            raise not_found("alarm")
        document = alarm_detail(connection, row, hub.clock.now_ms())
        document["people"] = names_in(connection, document["timeline"])
        document["notices"] = notices_of(connection, alarm_id)
        document["chain"] = chain_of(connection, row)
    trail.note(caller.username, "viewed", f"alarm:{alarm_id}", f"home {row['home'] or 'none'}")
    can = caller.can_at(row["home"])
    shown = present(document, can)
    if shown["task_detail"] is not None:
        shown["task_detail"] = present(shown["task_detail"], can)
    return answer(shown)


@router.post("/alarms/{alarm_id}/acknowledge")
async def acknowledge(
    alarm_id: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.acknowledge")],
    _body: Nothing | None = None,
) -> Response:
    """Take the alarm: the elder is told that somebody has it."""

    async def act() -> None:
        await hub.desk.acknowledge(alarm_id, caller.username)

    return await _move(request, hub, caller, alarm_id, act)


@router.post("/alarms/{alarm_id}/assign")
async def assign(
    alarm_id: PathId,
    body: Assignment,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.assign")],
) -> Response:
    """Send somebody: the alarm's task goes to `assignee`."""

    async def act() -> None:
        await run_in_threadpool(
            _check_covers, hub, alarm_id, body.assignee, "assignee", "task.move"
        )
        await hub.desk.assign(alarm_id, caller.username, body.assignee)

    return await _move(request, hub, caller, alarm_id, act)


@router.post("/alarms/{alarm_id}/close")
async def close(
    alarm_id: PathId,
    body: Closing,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.close")],
) -> Response:
    """End the alarm with an outcome; only people do."""

    async def act() -> None:
        await hub.desk.close(
            alarm_id,
            caller.username,
            body.outcome,
            body.note,
            body.follow_up_days,
            found_out=body.found_out,
        )

    return await _move(request, hub, caller, alarm_id, act)


@router.post("/alarms/{alarm_id}/extend")
async def extend(
    alarm_id: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.hand_over")],
    _body: Nothing | None = None,
) -> Response:
    """I still have it and need longer to find somebody who goes."""

    async def act() -> None:
        await hub.desk.extend(alarm_id, caller.username)

    return await _move(request, hub, caller, alarm_id, act)


@router.post("/alarms/{alarm_id}/handover")
async def handover(
    alarm_id: PathId,
    body: Handover,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.hand_over")],
) -> Response:
    """Offer it to `to`, who has it only after acknowledging."""

    async def act() -> None:
        await run_in_threadpool(_check_covers, hub, alarm_id, body.to, "to", "alarm.acknowledge")
        await hub.desk.hand_over(alarm_id, caller.username, body.to)

    return await _move(request, hub, caller, alarm_id, act)


@router.post("/alarms/{alarm_id}/decline")
async def decline(
    alarm_id: PathId,
    body: Refusal,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.respond")],
) -> Response:
    """I can't: the next one is told at once."""

    async def act() -> None:
        await hub.desk.decline(alarm_id, caller.username, body.reason, body.note)

    return await _move(request, hub, caller, alarm_id, act)


@router.post("/alarms/{alarm_id}/release")
async def release(
    alarm_id: PathId,
    body: Refusal,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.respond")],
) -> Response:
    """I have it and give it up: it calls again."""

    async def act() -> None:
        await hub.desk.release(alarm_id, caller.username, body.reason, body.note)

    return await _move(request, hub, caller, alarm_id, act)


@router.post("/alarms/{alarm_id}/merge")
async def merge(
    alarm_id: PathId,
    body: Merging,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.merge")],
) -> Response:
    """It is one event with `into`, another open alarm of the home."""

    async def act() -> None:
        await run_in_threadpool(visible_alarm, hub, caller, body.into)
        await hub.desk.merge(alarm_id, caller.username, body.into)

    return await _move(request, hub, caller, alarm_id, act)


@router.post("/alarms/{alarm_id}/reopen")
async def reopen(
    alarm_id: PathId,
    body: Reopening,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.reopen")],
) -> Response:
    """It was closed by mistake: it calls again, from the beginning."""

    async def act() -> None:
        await hub.desk.reopen(alarm_id, caller.username, body.reason, body.note)

    return await _move(request, hub, caller, alarm_id, act)


async def _move(
    request: Request,
    hub: Deps,
    caller: Caller,
    alarm_id: str,
    act: Callable[[], Awaitable[None]],
) -> Response:
    """Check that the caller may see it, act once, answer the alarm as it is now."""
    await run_in_threadpool(visible_alarm, hub, caller, alarm_id)

    async def work() -> Document:
        try:
            await act()
        except KeyError:
            raise not_found("alarm") from None
        return await run_in_threadpool(_document, hub, caller, alarm_id)

    return await once(request, caller, work)


def visible_alarm(hub: Deps, caller: Caller, alarm_id: str) -> Row:
    with hub.engine.connect() as connection:
        row = find_alarm(connection, alarm_id)
    if row is None or not caller.sees(row["region"]):
        raise not_found("alarm")
    return row


def _document(hub: Deps, caller: Caller, alarm_id: str) -> Document:
    row = visible_alarm(hub, caller, alarm_id)
    with hub.engine.connect() as connection:
        return present(alarm_documents(connection, [row])[0], caller.can_at(row["home"]))


def _check_covers(hub: Deps, alarm_id: str, username: str, field: str, permission: str) -> None:
    with hub.engine.connect() as connection:
        alarm = find_alarm(connection, alarm_id)
    region = None if alarm is None else alarm["region"]
    check_named(hub, region, username, field, permission)
