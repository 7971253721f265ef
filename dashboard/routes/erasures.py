"""Erasing a person, in two steps: what would go and what stands in the way, then for good."""

import re
from typing import Annotated, Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import answer
from dashboard.asked import Body, PathId, Reason, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.erasure_reads import PERMISSION, due_documents
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row
from dashboard.register_reads import find_person
from ledger.erasure.eraser import Blocked, Done, PlanChanged
from ledger.erasure.plan import Blocker, ErasurePlan
from ledger.erasure.retention import proposed
from ledger.register_changes import Changed
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, instant

router = APIRouter(tags=["service users"])

_MayErase = Annotated[Caller, needs(PERMISSION)]
# Telephones and identity numbers; a date has fewer.
_NUMBER: Final = re.compile(r"\d{7}")


class Erase(Body):
    """`confirm` is what the plan said; `reason` stays readable for good, so it names nobody."""

    reason: Reason
    confirm: Word


@router.get("/erasures/due")
async def list_due(hub: Hub, caller: _MayErase) -> Response:
    """Who left or died longer ago than records are kept, and of whom none is younger."""

    def read(found: tuple[str, ...]) -> list[Document]:
        with hub.engine.connect() as connection:
            return due_documents(connection, caller, found, hub.clock.now_ms())

    periods = hub.eraser.periods
    found = await hub.writer.change(lambda unit: proposed(unit.cursor, periods, unit.now_ms))
    items = await run_in_threadpool(read, found)
    return answer({"items": items, "records_days": periods.records})


@router.get("/service-users/{person_id}/erasure")
async def get_erasure(person_id: PathId, hub: Hub, caller: _MayErase) -> Response:
    """What erasing this person would take away and leave, and what has to end first."""
    await run_in_threadpool(_seen, hub, caller, person_id)
    plan = await hub.writer.change(lambda unit: hub.eraser.plan(unit, person_id))
    return answer(_plan(plan))


@router.post("/service-users/{person_id}/erase")
async def erase_person(person_id: PathId, body: Erase, hub: Hub, caller: _MayErase) -> Response:
    """Destroy the person's key and blank what is in clear. Nothing brings it back."""
    row = await run_in_threadpool(_seen, hub, caller, person_id)
    named = row["erased_at_ms"] is None and row["name"] in body.reason
    if named or _NUMBER.search(body.reason):
        raise bad_field("reason", "it stays readable for good: no name and no number of hers")

    def change(unit: UnitOfWork) -> Done | None:
        try:
            done = hub.eraser.erase(
                unit,
                person_id,
                confirm=body.confirm,
                actor=caller.username,
                reason=body.reason,
            )
        except Blocked as blocked:
            raise _blocked(blocked.plan) from None
        except PlanChanged:
            detail = "this is no longer what would be erased: read the plan again"
            raise Problem(409, "plan_changed", detail) from None
        if done is not None:
            unit.audit(caller.username, "erased", f"person:{person_id}")
            homes = frozenset({done.home})
            hub.roster_changed(unit, Changed(persons=frozenset({person_id}), homes=homes))
        return done

    done = await hub.writer.change(change)
    if done is not None:
        await run_in_threadpool(hub.eraser.committed, done)
    plan = await hub.writer.change(lambda unit: hub.eraser.plan(unit, person_id))
    return answer(_plan(plan))


def _seen(hub: Deps, caller: Caller, person_id: str) -> Row:
    with hub.engine.connect() as connection:
        row = find_person(connection, person_id)
    if row is None or not caller.knows(row["home_region"], row["home"]):
        raise not_found("person")
    return row


def _blocked(plan: ErasurePlan) -> Problem:
    errors = [{"field": "", "code": b.code, "zh": b.zh, "en": b.en} for b in plan.blockers]
    return Problem(409, "kept", plan.blockers[0].en, errors=errors)


def _plan(plan: ErasurePlan) -> Document:
    """`Erasure` of docs/http.md."""
    return {
        "person": plan.person,
        "erased_at": instant(plan.erased_at_ms),
        "with_home": plan.with_home,
        "goes": plan.goes,
        "stays": list(plan.stays),
        "blockers": [_blocker(blocker) for blocker in plan.blockers],
        "confirm": None if plan.blockers or plan.erased_at_ms is not None else plan.confirm,
    }


def _blocker(blocker: Blocker) -> Document:
    return {
        "code": blocker.code,
        "zh": blocker.zh,
        "en": blocker.en,
        "until": instant(blocker.until_ms),
    }
