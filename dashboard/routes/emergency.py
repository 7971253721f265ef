"""Records opened in an emergency by who otherwise may not see them, and their review afterwards.

Availability goes before secrecy while an elder's call is open: a neighbouring town's staff may open
the record with a reason, for an hour. Managers of the region hear of it at once, and decide later
whether it was right.
"""

import uuid
from collections.abc import Collection
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, StringConstraints
from sqlalchemy import Connection, Select, and_, func, or_, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.openings import Opening
from contract.moment import to_iso
from dashboard.answers import CREATED, answer
from dashboard.asked import LIMIT_DEFAULT, Body, Limit, Note, PathId, Word, clean
from dashboard.callers import Caller, Hub, needs
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.reads import Row, one, roster_for, rows
from ledger.schema import ALARM, AUDIT, BREAK_GLASS, REGION, SERVICE_USER
from ledger.views import Document, account_reference, instant

router = APIRouter(tags=["emergency"])

_NAMESPACE: Final = uuid.UUID("0b58d8de-4f3a-5a0f-a1b2-0f9f5c9f3a77")
# A number of an alarm has fewer digits than any id.
_NUMBER_DIGITS_MAX: Final = 9

Reason = Annotated[
    str,
    StringConstraints(min_length=4, max_length=200, strip_whitespace=True),
    AfterValidator(clean),
]
Reviewer = Annotated[Caller, needs("record.review")]


class NewOpening(Body):
    """`alarm`: its id, or its number as it is told on the telephone."""

    alarm: Word
    reason: Reason


class Review(Body):
    decision: Literal["justified", "not_justified"]
    note: Note = ""


@router.post("/emergency-openings", status_code=CREATED)
async def open_record(
    body: NewOpening,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("record.open")],
) -> Response:
    """Open the record of the elder of an open alarm for an hour. 404 unless the alarm is open and
    lies in the caller's neighbourhood: below what her own region lies in."""
    key = request.headers.get(HEADER)
    name = uuid.uuid5(_NAMESPACE, f"{caller.username}:{key}") if key else uuid.uuid4()

    async def work() -> Document:
        alarm = await run_in_threadpool(_alarm, hub, caller, body.alarm)
        if alarm is None:
            await _audit(
                hub, caller, "opening_refused", f"alarm:{body.alarm}", "no open alarm near"
            )
            raise not_found("open alarm")
        if caller.knows(alarm["region"], alarm["home"]):
            raise Problem(409, "already_known", "this record is open to you")
        opening = Opening(
            id=str(name), alarm=alarm["id"], username=caller.username, reason=body.reason
        )
        refused = await hub.desk.open_record(opening)
        if refused is not None:
            await _audit(hub, caller, "opening_refused", f"alarm:{alarm['id']}", refused.why)
            if refused.why == "too_many":
                raise Problem(429, "too_many", "ask the duty desk of that region")
            raise not_found("open alarm")
        await _audit(hub, caller, "record_opened", f"home:{alarm['home']}", f"opening {name}")
        return await run_in_threadpool(_document, hub, str(name))

    return await once(request, caller, work, CREATED)


@router.get("/emergency-openings/mine")
def list_mine(hub: Hub, caller: Annotated[Caller, needs("record.open")]) -> Response:
    """What is open to the caller now, and until when."""
    wanted = select(BREAK_GLASS).where(
        BREAK_GLASS.c.username == caller.username, BREAK_GLASS.c.until_ms > hub.clock.now_ms()
    )
    with hub.engine.connect() as connection:
        items = _documents(connection, wanted.order_by(BREAK_GLASS.c.until_ms.desc()))
    return answer({"items": items})


@router.get("/emergency-openings")
def list_openings(
    hub: Hub,
    caller: Reviewer,
    state: Literal["waiting", "all"] = "waiting",
    limit: Limit = LIMIT_DEFAULT,
) -> Response:
    """Of the caller's regions, newest first: what waits for a decision, or all."""
    wanted = select(BREAK_GLASS).where(_reviewed_by(caller))
    if state == "waiting":
        wanted = wanted.where(BREAK_GLASS.c.reviewed_at_ms.is_(None))
    with hub.engine.connect() as connection:
        items = _documents(connection, wanted.order_by(BREAK_GLASS.c.opened_at_ms.desc()), limit)
    return answer({"items": items})


@router.post("/emergency-openings/{opening_id}/review")
async def review(opening_id: PathId, body: Review, hub: Hub, caller: Reviewer) -> Response:
    """Whether it was right; decided once, and not by who opened it."""
    row = await run_in_threadpool(_find, hub, caller, opening_id)
    if row["username"] == caller.username:
        raise Problem(409, "own_opening", "somebody else reviews what you opened")
    decided = await hub.desk.review_opening(
        opening_id, by=caller.username, decision=body.decision, note=body.note
    )
    if not decided:
        raise Problem(409, "decided", "this was decided already")
    await _audit(hub, caller, "opening_reviewed", f"home:{row['home']}", body.decision)
    return answer(await run_in_threadpool(_document, hub, opening_id))


def _alarm(hub: Deps, caller: Caller, said: str) -> Row | None:
    """The alarm that is meant, if it is near enough to be anybody's business here."""
    by_number = said.isascii() and said.isdigit() and len(said) <= _NUMBER_DIGITS_MAX
    number = ALARM.c.number == int(said) if by_number else ALARM.c.id == said
    with hub.engine.connect() as connection:
        alarm = one(connection, select(ALARM).where(number, ALARM.c.state != "closed"))
        around = connection.scalar(select(REGION.c.parent).where(REGION.c.code == caller.region))
    if alarm is None or alarm["home"] is None:
        return None
    near = around is not None and (alarm["region"] or "").startswith(around)
    return alarm if near or caller.sees(alarm["region"]) else None


def _reviewed_by(caller: Caller) -> Any:
    return or_(BREAK_GLASS.c.region == "", caller.visible(BREAK_GLASS.c.region))


def _find(hub: Deps, caller: Caller, opening_id: str) -> Row:
    wanted = select(BREAK_GLASS).where(BREAK_GLASS.c.id == opening_id, _reviewed_by(caller))
    with hub.engine.connect() as connection:
        row = one(connection, wanted)
    if row is None:
        raise not_found("opening")
    return row


def _document(hub: Deps, opening_id: str) -> Document:
    with hub.engine.connect() as connection:
        [found] = _documents(connection, select(BREAK_GLASS).where(BREAK_GLASS.c.id == opening_id))
    return found


def _documents(
    connection: Connection, wanted: Select[Any], limit: int | None = None
) -> list[Document]:
    """Without names of the people: who reviews opens the record like any other."""
    found = rows(connection, wanted.limit(limit))
    roster = roster_for(
        connection, usernames={row[name] for row in found for name in ("username", "reviewed_by")}
    )
    alarms = {row["alarm"] for row in found}
    numbered = select(ALARM.c.id, ALARM.c.number).where(ALARM.c.id.in_(alarms))
    numbers = {row["id"]: row["number"] for row in rows(connection, numbered)}
    living: dict[str, list[str]] = {}
    people = select(SERVICE_USER.c.home, SERVICE_USER.c.id).where(
        SERVICE_USER.c.home.in_({row["home"] for row in found}), SERVICE_USER.c.left_on == ""
    )
    for row in rows(connection, people.order_by(SERVICE_USER.c.id)):
        living.setdefault(row["home"], []).append(row["id"])
    looks = _looks(connection, {row["id"] for row in found})
    return [
        {
            "id": row["id"],
            "alarm": row["alarm"],
            "number": numbers.get(row["alarm"]),
            "home": row["home"],
            "persons": living.get(row["home"], []),
            "region_path": roster.region_path(row["region"]),
            "by": account_reference(row["username"], roster),
            "reason": row["reason"],
            "opened_at": to_iso(row["opened_at_ms"]),
            "until": to_iso(row["until_ms"]),
            "looks": looks.get(row["id"], 0),
            "reviewed_at": instant(row["reviewed_at_ms"]),
            "reviewed_by": account_reference(row["reviewed_by"], roster),
            "decision": row["decision"],
            "note": row["review_note"],
        }
        for row in found
    ]


def _looks(connection: Connection, openings: Collection[str]) -> dict[str, int]:
    """By opening how many times who opened it looked at something while it was open."""
    during = and_(
        AUDIT.c.actor == BREAK_GLASS.c.username,
        AUDIT.c.action == "viewed",
        AUDIT.c.at_ms.between(BREAK_GLASS.c.opened_at_ms, BREAK_GLASS.c.until_ms),
    )
    counted = select(BREAK_GLASS.c.id, func.count().label("looks")).join(AUDIT, during)
    counted = counted.where(BREAK_GLASS.c.id.in_(openings)).group_by(BREAK_GLASS.c.id)
    return {row["id"]: row["looks"] for row in rows(connection, counted)}


async def _audit(hub: Deps, caller: Caller, action: str, about: str, detail: str) -> None:
    await hub.writer.change(lambda unit: unit.audit(caller.username, action, about, detail))
