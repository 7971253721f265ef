"""Who of the family was told of an alarm: part of its file."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AfterValidator, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.visiting import FamilyTold, FamilyWay
from dashboard.answers import CREATED
from dashboard.asked import Body, Line, Note, PathId, Word, clean, instant_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.masking import present
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import bad_field, not_found
from dashboard.reads import alarm_timeline
from dashboard.routes.alarms import visible_alarm
from dashboard.routes.visits import AHEAD_MAX_MS
from ledger.views import Document

router = APIRouter(tags=["alarms"])


class FamilyInformed(Body):
    """`at`: when they were told; left out: now."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64, strip_whitespace=True),
        AfterValidator(clean),
    ]
    relation: Line = ""
    way: FamilyWay = "phone"
    at: Word | None = None
    note: Note = ""


@router.post("/alarms/{alarm_id}/family", status_code=CREATED)
async def inform_family(
    alarm_id: PathId,
    body: FamilyInformed,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.respond")],
) -> Response:
    """Somebody of the family knows: who, since when, by whom. Answers the alarm's timeline."""
    alarm = await run_in_threadpool(visible_alarm, hub, caller, alarm_id)
    can = caller.can_at(alarm["home"])
    now_ms = hub.clock.now_ms()
    at_ms = now_ms if body.at is None else instant_ms(body.at, "at")
    if at_ms is None or at_ms > now_ms + AHEAD_MAX_MS:
        raise bad_field("at", "it is written down after it was done")
    told = FamilyTold(
        name=body.name, relation=body.relation, way=body.way, at_ms=at_ms, note=body.note
    )

    async def work() -> Document:
        try:
            await hub.desk.inform_family(alarm_id, caller.username, told)
        except KeyError:
            raise not_found("alarm") from None
        return await run_in_threadpool(_timeline, hub, alarm_id, can)

    return await once(request, caller, work, CREATED)


def _timeline(hub: Deps, alarm_id: str, can: frozenset[str]) -> Document:
    with hub.engine.connect() as connection:
        return present({"timeline": alarm_timeline(connection, alarm_id)}, can)
