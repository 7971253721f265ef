"""What happens to a visit after it was recorded: corrected, voided, decided, passed on."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.ids import name_uuid
from dashboard.answers import CREATED
from dashboard.asked import Body, Note, PathId, Reason, Word
from dashboard.callers import Caller, needs
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.reads import Row
from dashboard.routes.visits import (
    Record,
    check_record,
    detail_document,
    visible_visit,
    visited_ms,
)
from ledger.forms.catalogue import FORM
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, document_of
from ledger.visits import Correction, VisitWay, corrected

router = APIRouter(tags=["visits"])

_NAMESPACE: Final = uuid.UUID("9f1c2c5e-07b0-5a4e-8a3a-6a1b9d5f4c21")


class CorrectionBody(Body):
    """What is left out stays; an answer that is null is taken back. `version`: the visit as it
    was seen, so that nobody corrects what somebody else has corrected meanwhile."""

    reason: Reason
    way: VisitWay | None = None
    visited_at: Word | None = None
    record: Record = Field(default_factory=dict)
    version: Annotated[int, Field(ge=1)] | None = None


class Voiding(Body):
    reason: Reason


class Decision(Body):
    """`keep`: the one of the two that tells of the visit; null: they are two visits."""

    other: Word
    keep: Word | None = None


class Raised(Body):
    concern: Word
    note: Note = ""


@router.post("/visits/{visit_id}/corrections", status_code=CREATED)
async def correct(
    visit_id: PathId,
    body: CorrectionBody,
    request: Request,
    caller: Annotated[Caller, needs("visit.write")],
) -> Response:
    """What was written wrong, and why it is said now; what was there stays in `history`."""
    hub: Deps = request.app.state.deps
    at_ms = None if body.visited_at is None else visited_ms(hub, body.visited_at, 0)
    row = await run_in_threadpool(visible_visit, hub, caller, visit_id)
    check_record(corrected(document_of(row["record"]), body.record), strict=row["form"] == FORM)
    key = request.headers.get(HEADER) or str(uuid.uuid4())
    correction = Correction(
        id=name_uuid(_NAMESPACE, f"{caller.username}:{visit_id}:{key}"),
        visit=visit_id,
        reason=body.reason,
        way=body.way,
        visited_at_ms=at_ms,
        record=dict(body.record),
        version=body.version,
    )
    visits = hub.desk.visits
    return await _change(
        request, caller, row, lambda unit: visits.correct(unit, correction, caller.username)
    )


@router.post("/visits/{visit_id}/void", status_code=CREATED)
async def void(
    visit_id: PathId,
    body: Voiding,
    request: Request,
    caller: Annotated[Caller, needs("visit.write")],
) -> Response:
    """It was of somebody else, or never made: it stays to be seen and counts no more."""
    hub: Deps = request.app.state.deps
    row = await run_in_threadpool(visible_visit, hub, caller, visit_id)
    visits = hub.desk.visits
    return await _change(
        request, caller, row, lambda unit: visits.void(unit, visit_id, caller.username, body.reason)
    )


@router.post("/visits/{visit_id}/decision", status_code=CREATED)
async def decide(
    visit_id: PathId,
    body: Decision,
    request: Request,
    caller: Annotated[Caller, needs("visit.write")],
) -> Response:
    """Two reports are two visits, or one of them tells of both. Either visitor may say, or who may
    for others."""
    hub: Deps = request.app.state.deps
    row = await run_in_threadpool(visible_visit, hub, caller, visit_id)
    own = row["visitor"] == caller.username
    other = await run_in_threadpool(partial(visible_visit, hub, caller, body.other, twin=own))
    if body.keep not in (None, visit_id, body.other):
        raise Problem(422, "invalid", "one of the two, or null", field="keep")
    conflicts = hub.desk.visits.conflicts
    mine = other if other["visitor"] == caller.username else row
    return await _change(
        request,
        caller,
        mine,
        lambda unit: conflicts.decide(unit, visit_id, body.other, caller.username, body.keep),
        shown=visit_id,
    )


@router.post("/visits/{visit_id}/concerns", status_code=CREATED)
async def raise_concern(
    visit_id: PathId,
    body: Raised,
    request: Request,
    caller: Annotated[Caller, needs("visit.write")],
) -> Response:
    """An answer that somebody must act on becomes a task for a manager of the region, once."""
    hub: Deps = request.app.state.deps
    row = await run_in_threadpool(visible_visit, hub, caller, visit_id)
    follow_ups = hub.desk.visits.follow_ups
    return await _change(
        request,
        caller,
        row,
        lambda unit: follow_ups.raise_concern(
            unit, visit_id, body.concern, caller.username, body.note
        ),
    )


def check_own(row: Row, caller: Caller) -> None:
    if row["visitor"] != caller.username and "visit.amend_any" not in caller.can:
        raise Problem(403, "not_yours", "somebody else made this visit")


async def _change(
    request: Request,
    caller: Caller,
    row: Row,
    apply: Callable[[UnitOfWork], object],
    *,
    shown: str | None = None,
) -> Response:
    """Once, by who made the visit or may for others; answers the visit as it is now."""
    hub: Deps = request.app.state.deps
    check_own(row, caller)

    async def work() -> Document:
        try:
            await hub.writer.change(apply)
        except KeyError:
            raise not_found("visit") from None
        return await run_in_threadpool(_document, hub, caller, shown or row["id"])

    return await once(request, caller, work, CREATED)


def _document(hub: Deps, caller: Caller, visit_id: str) -> Document:
    return detail_document(hub, caller, visible_visit(hub, caller, visit_id))
