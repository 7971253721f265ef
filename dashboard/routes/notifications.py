"""What was sent, what waits and what was given up; the last can be sent once more."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from sqlalchemy import Select, func, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.addresses import shown
from alarms.outbox_rows import send_again
from contract.moment import to_iso
from dashboard.answers import answer
from dashboard.asked import LIMIT_DEFAULT, Body, Limit, Number, PathId, QueryWord, words
from dashboard.callers import Caller, Hub, needs
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import not_found
from dashboard.reads import Row, rows
from ledger.schema import ACCOUNT, ALARM, OUTBOX
from ledger.views import Document

router = APIRouter(tags=["notifications"])

STATES: Final = ("pending", "delivered", "refused", "dead", "dropped")
FAILED: Final = ("refused", "dead")
# A provider has a handful of ways to say no; the rest are single cases, which the list has.
REASONS_MAX: Final = 10


class Nothing(Body):
    """A request that needs no words."""


@router.get("/notifications")
def list_notifications(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("notification.read")],
    state: QueryWord = None,
    alarm: QueryWord = None,
    channel: QueryWord = None,
    limit: Limit = LIMIT_DEFAULT,
    before: Number = None,
) -> Response:
    """Newest first; `state` may list several, `before` is a time in milliseconds. What was said is
    not shown, addresses only in part."""
    states = words(state, STATES, "state")
    wanted = _wanted(caller)
    if states:
        wanted = wanted.where(OUTBOX.c.state.in_(states))
    if alarm:
        wanted = wanted.where(OUTBOX.c.alarm == alarm)
    if channel:
        wanted = wanted.where(OUTBOX.c.channel == channel)
    if before is not None:
        wanted = wanted.where(OUTBOX.c.created_at_ms < before)
    wanted = wanted.order_by(OUTBOX.c.created_at_ms.desc(), OUTBOX.c.id).limit(limit + 1)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted)
    more = str(found[limit - 1]["created_at_ms"]) if len(found) > limit else None
    return answer({"items": [_shown(row) for row in found[:limit]], "next": more})


@router.get("/notifications/failures")
def list_failures(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("notification.read")],
) -> Response:
    """By channel: how many were refused and given up, in whose words, the most frequent first."""
    failed = (
        _wanted(caller)
        .where(OUTBOX.c.state.in_(FAILED))
        .with_only_columns(
            OUTBOX.c.channel,
            OUTBOX.c.state,
            OUTBOX.c.detail,
            func.count().label("count"),
            func.max(OUTBOX.c.done_at_ms).label("newest_ms"),
        )
        .group_by(OUTBOX.c.channel, OUTBOX.c.state, OUTBOX.c.detail)
    )
    with hub.engine.connect() as connection:
        found = rows(connection, failed)
    channels = sorted({row["channel"] for row in found})
    items = [_failures(name, [r for r in found if r["channel"] == name]) for name in channels]
    items.sort(key=lambda item: (-(item["refused"] + item["dead"]), item["channel"]))
    return answer({"items": items})


@router.post("/notifications/{notification_id}/resend")
async def resend(
    notification_id: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("notification.resend")],
    _body: Nothing | None = None,
) -> Response:
    """Try one that was refused or given up once more."""
    await run_in_threadpool(_document, hub, caller, notification_id)

    async def work() -> Document:
        again = await hub.writer.change(
            lambda unit: send_again(unit, notification_id, caller.username)
        )
        if not again:
            raise not_found("notification that was given up")
        return await run_in_threadpool(_document, hub, caller, notification_id)

    return await once(request, caller, work)


def _wanted(caller: Caller) -> Select[Any]:
    """Of alarms that the caller sees; those of no alarm only without a narrower region."""
    both = OUTBOX.outerjoin(ALARM, ALARM.c.id == OUTBOX.c.alarm)
    named = both.outerjoin(ACCOUNT, ACCOUNT.c.username == OUTBOX.c.recipient)
    wanted = select(*OUTBOX.c, ALARM.c.number, ACCOUNT.c.name).select_from(named)
    if not caller.region:
        return wanted
    return wanted.where(ALARM.c.region.startswith(caller.region, autoescape=True))


def _failures(channel: str, found: list[Row]) -> Document:
    found.sort(key=lambda row: (-row["count"], row["detail"], row["state"]))
    counts = {state: sum(r["count"] for r in found if r["state"] == state) for state in FAILED}
    reasons = [
        {
            "state": row["state"],
            "detail": row["detail"],
            "count": row["count"],
            "newest_at": _at(row["newest_ms"]),
        }
        for row in found[:REASONS_MAX]
    ]
    return {"channel": channel, **counts, "reasons": reasons}


def _document(hub: Deps, caller: Caller, notification_id: str) -> Document:
    with hub.engine.connect() as connection:
        found = rows(connection, _wanted(caller).where(OUTBOX.c.id == notification_id))
    if not found:
        raise not_found("notification")
    return _shown(found[0])


def _shown(row: Row) -> Document:
    return {
        "id": row["id"],
        "channel": row["channel"],
        "address": shown(row["channel"], row["target"]),
        "recipient": row["recipient"],
        "recipient_name": row["name"],
        "alarm": row["alarm"],
        "number": row["number"],
        "step": row["step"],
        "urgent": bool(row["urgent"]),
        "state": row["state"],
        "attempts": row["attempts"],
        "detail": row["detail"],
        "created_at": to_iso(row["created_at_ms"]),
        "next_at": to_iso(row["next_at_ms"]) if row["state"] == "pending" else None,
        "tried_at": _at(row["tried_at_ms"]),
        "done_at": _at(row["done_at_ms"]),
    }


def _at(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_iso(at_ms)
