"""Referrals (转介): from a need that was seen to a provider, with consent, to how it ended."""

import uuid
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, Trail, answer, page
from dashboard.asked import (
    LIMIT_DEFAULT,
    Body,
    Limit,
    Line,
    Note,
    Number,
    PathId,
    QueryWord,
    Word,
    instant_ms,
    local_day,
    words,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.care_reads import find_referral, referral_documents
from dashboard.masking import present
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import find_visit, rows, timeline
from dashboard.register_reads import find_person
from ledger.care.agreement import agreed
from ledger.care.book import CareBook, Step
from ledger.care.referral import (
    OPEN,
    AgreedBy,
    IllegalReferral,
    ReferralMove,
    ReferralOutcome,
    ReferralState,
)
from ledger.care.services import CARE_WORDS
from ledger.schema import REFERRAL
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["care"])

# A year: what is looked at later is another need.
LOOK_MAX_DAYS: Final = 366
# Refusals that are mistakes in the request and no race lost to somebody else.
_MISTAKES: Final = frozenset(
    {"nobody_agreed", "agreed_later", "no_outcome", "no_reason", "no_provider", "not_active"}
)
_NAMESPACE: Final = uuid.UUID("2b1d6a55-62b7-5a3c-9b0d-6c8c2f7f9a41")


class NewReferral(Body):
    """A need that somebody saw, at a visit or otherwise."""

    person: Word
    service: Word
    need: Annotated[Note, Field(min_length=1)]
    visit: Word | None = None


class Move(Body):
    """`send` wants `provider` and who agreed; `decline` and `withdraw` a `reason`; `end` an
    `outcome`. `look_in_days`: when somebody looks again; left out: as usual."""

    provider: Word | None = None
    agreed_by: Literal["person", "family", "guardian", "committee"] | None = None
    agreed_name: Line = ""
    agreed_at: Word | None = None
    agreed_how: Literal["signed", "fingerprint", "spoken", "recorded"] = "spoken"
    outcome: Literal["helped", "partly", "not_helped", "moved", "died"] | None = None
    reason: Note = ""
    look_in_days: Annotated[int, Field(ge=1, le=LOOK_MAX_DAYS)] | None = None


@router.get("/referrals")
def list_referrals(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("care.read")],
    state: QueryWord = None,
    person: QueryWord = None,
    provider: QueryWord = None,
    region: QueryWord = None,
    overdue: bool = False,
    limit: Limit = LIMIT_DEFAULT,
    before: Number = None,
) -> Response:
    """Latest first. `state` is a list, or `open`; `overdue`: somebody should have looked by now."""
    now_ms = hub.clock.now_ms()
    wanted = select(REFERRAL).where(caller.known_persons(REFERRAL.c.region, REFERRAL.c.person))
    states = sorted(OPEN) if state == "open" else words(state, ReferralState, "state")
    if states:
        wanted = wanted.where(REFERRAL.c.state.in_(states))
    for column, value in ((REFERRAL.c.person, person), (REFERRAL.c.provider, provider)):
        if value:
            wanted = wanted.where(column == value)
    if region:
        wanted = wanted.where(REFERRAL.c.region.startswith(region, autoescape=True))
    if overdue:
        wanted = wanted.where(REFERRAL.c.look_at_ms <= now_ms)
    if before is not None:
        wanted = wanted.where(REFERRAL.c.number < before)
    with hub.engine.connect() as connection:
        ordered = wanted.order_by(REFERRAL.c.number.desc()).limit(limit + 1)
        found = rows(connection, ordered)
        documents = referral_documents(connection, found[:limit], now_ms)
    trail.note(caller.username, "listed", f"referrals:{person or 'all'}", f"{len(documents)} shown")
    shown = [present_care(document, caller) for document in documents]
    return page(shown, [row["number"] for row in found], limit)


@router.get("/referrals/{referral_id}")
def get_referral(
    referral_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("care.read")]
) -> Response:
    """One referral with everything that happened."""
    document = _document(hub, caller, referral_id)
    with hub.engine.connect() as connection:
        document["timeline"] = timeline(connection, "referral", referral_id)
    trail.note(caller.username, "viewed", f"referral:{referral_id}")
    return answer(present_care(document, caller))


@router.post("/referrals", status_code=CREATED)
async def propose(
    body: NewReferral, request: Request, hub: Hub, caller: Annotated[Caller, needs("care.write")]
) -> Response:
    """Write a need down; nobody is told yet."""
    if body.service not in CARE_WORDS:
        raise bad_field("service", f"one of {', '.join(sorted(CARE_WORDS))}")
    region = await run_in_threadpool(_region, hub, caller, body)
    key = request.headers.get(HEADER)
    name = uuid.uuid5(_NAMESPACE, f"{caller.username}:{key}") if key else uuid.uuid4()
    given: dict[str, Any] = {**body.model_dump(), "id": str(name), "region": region}

    async def work() -> Document:
        await hub.writer.change(lambda unit: CareBook().propose(unit, given, caller.username))
        return await run_in_threadpool(_document, hub, caller, str(name))

    return await once(request, caller, work, CREATED)


@router.post("/referrals/{referral_id}/{move}")
async def move_referral(  # noqa: PLR0917 - FastAPI gives them by name
    referral_id: PathId,
    move: ReferralMove,
    body: Move,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("care.write")],
) -> Response:
    """Send, accept, decline, begin, end, withdraw."""
    await run_in_threadpool(_document, hub, caller, referral_id)
    step = Step(
        move=move,
        provider=body.provider,
        agreed_by=None if body.agreed_by is None else AgreedBy(body.agreed_by),
        agreed_name=body.agreed_name,
        agreed_at_ms=instant_ms(body.agreed_at, "agreed_at"),
        outcome=None if body.outcome is None else ReferralOutcome(body.outcome),
        reason=body.reason,
        look_in_days=body.look_in_days,
    )

    def change(unit: UnitOfWork) -> None:
        row = CareBook().move(unit, referral_id, step, caller.username)
        if move is ReferralMove.SEND:
            said_on = local_day(row["agreed_at_ms"], hub.timezone).isoformat()
            today = local_day(hub.clock.now_ms(), hub.timezone)
            agreed(
                unit,
                row,
                how=body.agreed_how,
                actor=caller.username,
                agreed_on=said_on,
                today=today,
            )

    async def work() -> Document:
        try:
            await hub.writer.change(change)
        except IllegalReferral as error:
            status = 422 if error.code in _MISTAKES else 409
            raise Problem(status, error.code, str(error)) from None
        return await run_in_threadpool(_document, hub, caller, referral_id)

    return await once(request, caller, work)


def _region(hub: Deps, caller: Caller, body: NewReferral) -> str:
    with hub.engine.connect() as connection:
        person = find_person(connection, body.person)
        visit = None if body.visit is None else find_visit(connection, body.visit)
    if person is None or not caller.knows(person["home_region"], person["home"]):
        raise bad_field("person", "there is no such person")
    if body.visit is not None and (visit is None or visit["home"] != person["home"]):
        raise bad_field("visit", "there is no such visit to this person's home")
    return str(person["home_region"])


def present_care(document: Document, caller: Caller) -> Document:
    """Masked for those who may not see people's details."""
    shown = present(document, caller.can)
    if "person.read" not in caller.can:
        for field in ("need", "agreed_name", "who", "why"):
            if shown.get(field):
                shown[field] = "***"
    return shown


def _document(hub: Deps, caller: Caller, referral_id: str) -> Document:
    with hub.engine.connect() as connection:
        row = find_referral(connection, referral_id)
        person = None if row is None else find_person(connection, row["person"])
        if row is None or person is None or not caller.knows(row["region"], person["home"]):
            raise not_found("referral")
        return referral_documents(connection, [row], hub.clock.now_ms())[0]
