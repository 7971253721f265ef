"""The log of services (照料服务日志), and the money for them."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import Field, StrictBool, StrictInt
from sqlalchemy import and_, or_, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.moment import EPOCH
from dashboard.answers import CREATED, Trail, answer, page
from dashboard.asked import (
    LIMIT_DEFAULT,
    Body,
    FromTime,
    Limit,
    Line,
    Note,
    QueryWord,
    Word,
    instant_ms,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.care_reads import line_documents, money_documents, money_state
from dashboard.care_sums import money_by_region, money_object
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field
from dashboard.reads import one, rows
from dashboard.register_reads import find_person, find_region
from dashboard.routes.referrals import present_care
from ledger.care.book import CareBook, as_json
from ledger.care.money import LINE_MAX_FEN
from ledger.care.referral import IllegalReferral
from ledger.care.services import CARE_WORDS
from ledger.forms.services import SERVICE_BY_NUMBER, SERVICES
from ledger.schema import CARE_LINE, MONEY_LINE, PROVIDER, REFERRAL
from ledger.views import Document

router = APIRouter(tags=["care"])

# Somebody who lives in for a day; longer is another line.
MINUTES_MAX: Final = 24 * 60
# A telephone's clock may run ahead of the hub's.
AHEAD_MAX_MS: Final = 5 * 60_000
YEARS: Final = (2020, 2099)
MONEY_SHOWN_MAX: Final = 1_000
_NAMESPACE: Final = uuid.UUID("7f7b0f52-4f1b-5b0e-9c55-5d1d3f0a8e27")


class CareLine(Body):
    """What was done for somebody. `replaces`, with `why`: a correction; `void`: the line that is
    replaced was a mistake altogether."""

    person: Word
    service: Word
    served_at: Word
    who: Annotated[Line, Field(min_length=1)]
    items: Annotated[list[StrictInt], Field(default_factory=list, max_length=len(SERVICES))]
    minutes: Annotated[StrictInt, Field(ge=0, le=MINUTES_MAX)] | None = None
    cost_fen: Annotated[StrictInt, Field(ge=0, le=LINE_MAX_FEN)] = 0
    provider: Word | None = None
    referral: Word | None = None
    note: Note = ""
    replaces: Word | None = None
    why: Note = ""
    void: StrictBool = False


class MoneyLine(Body):
    """Money granted to a region for a year, or spent there beside the log of services."""

    year: Annotated[StrictInt, Field(ge=YEARS[0], le=YEARS[1])]
    region: Word
    kind: Literal["granted", "spent"]
    amount_fen: Annotated[StrictInt, Field(ge=0, le=LINE_MAX_FEN)]
    what: Annotated[Line, Field(min_length=1)]
    replaces: Word | None = None
    why: Note = ""


@router.get("/care-lines")
def list_lines(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("care.read")],
    person: QueryWord = None,
    provider: QueryWord = None,
    referral: QueryWord = None,
    region: QueryWord = None,
    from_: FromTime = None,
    to: QueryWord = None,
    limit: Limit = LIMIT_DEFAULT,
    before: QueryWord = None,
) -> Response:
    """What was done, latest first; corrected lines are among them, with what replaced them."""
    wanted = select(CARE_LINE).where(caller.known_persons(CARE_LINE.c.region, CARE_LINE.c.person))
    asked = (
        (CARE_LINE.c.person, person),
        (CARE_LINE.c.provider, provider),
        (CARE_LINE.c.referral, referral),
    )
    for column, value in asked:
        if value:
            wanted = wanted.where(column == value)
    if region:
        wanted = wanted.where(CARE_LINE.c.region.startswith(region, autoescape=True))
    from_ms, to_ms = instant_ms(from_, "from"), instant_ms(to, "to")
    if from_ms is not None:
        wanted = wanted.where(CARE_LINE.c.served_at_ms >= from_ms)
    if to_ms is not None:
        wanted = wanted.where(CARE_LINE.c.served_at_ms < to_ms)
    if before:
        at_ms, line = _cursor(before)
        at = CARE_LINE.c.served_at_ms
        wanted = wanted.where(or_(at < at_ms, and_(at == at_ms, CARE_LINE.c.id < line)))
    wanted = wanted.order_by(CARE_LINE.c.served_at_ms.desc(), CARE_LINE.c.id.desc())
    with hub.engine.connect() as connection:
        found = rows(connection, wanted.limit(limit + 1))
        documents = line_documents(connection, found[:limit])
    trail.note(caller.username, "listed", f"care:{person or 'all'}", f"{len(documents)} shown")
    shown = [present_care(document, caller) for document in documents]
    return page(shown, [f"{row['served_at_ms']}.{row['id']}" for row in found], limit)


@router.post("/care-lines", status_code=CREATED)
async def write_line(
    body: CareLine, request: Request, hub: Hub, caller: Annotated[Caller, needs("care.write")]
) -> Response:
    """Write down what was done, or correct what was written."""
    served_at_ms = instant_ms(body.served_at, "served_at") or 0
    if served_at_ms > hub.clock.now_ms() + AHEAD_MAX_MS:
        raise bad_field("served_at", "a service is written down after it was done")
    _check_words(body)
    region = await run_in_threadpool(_check_line, hub, caller, body)
    name = _name(request, caller)
    given: dict[str, Any] = {
        **body.model_dump(exclude={"served_at", "items"}),
        "id": name,
        "region": region,
        "served_at_ms": served_at_ms,
        "items": as_json(body.items),
    }

    async def work() -> Document:
        await _write(hub, lambda unit: CareBook().write_line(unit, given, caller.username))
        return await run_in_threadpool(_line, hub, name)

    return await once(request, caller, work, CREATED)


@router.get("/money")
def get_money(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("care.read")],
    year: Annotated[int, Query(ge=YEARS[0], le=YEARS[1])],
    region: QueryWord = None,
) -> Response:
    """A region's year and that of each one right below it: needed (800 yuan a person), granted,
    spent, left; and the lines."""
    code = region or caller.region
    if not code.startswith(caller.region):
        raise bad_field("region", "there is no such region")
    below = MONEY_LINE.c.region.startswith(code, autoescape=True)
    wanted = select(MONEY_LINE).where(MONEY_LINE.c.year == year, below)
    newest = wanted.order_by(MONEY_LINE.c.at_ms.desc(), MONEY_LINE.c.id).limit(MONEY_SHOWN_MAX)
    with hub.engine.connect() as connection:
        span_ms = year_ms(year, hub.timezone)
        state = money_state(connection, code, year, span_ms)
        regions = money_by_region(connection, code, year, span_ms)
        lines = money_documents(connection, rows(connection, newest))
    return answer(
        {
            "year": year,
            "region": code,
            **money_object(state),
            "regions": regions,
            "lines": lines,
        }
    )


@router.post("/money", status_code=CREATED)
async def write_money(
    body: MoneyLine, request: Request, hub: Hub, caller: Annotated[Caller, needs("money.write")]
) -> Response:
    """Write down what was granted or spent, or correct it."""
    await run_in_threadpool(_check_region, hub, caller, body.region)
    if body.replaces is not None and not body.why.strip():
        raise bad_field("why", "a correction says why")
    name = _name(request, caller)
    given = {**body.model_dump(), "id": name}

    async def work() -> Document:
        await _write(hub, lambda unit: CareBook().write_money(unit, given, caller.username))
        return await run_in_threadpool(_money, hub, name)

    return await once(request, caller, work, CREATED)


async def _write(hub: Deps, change: Any) -> None:
    try:
        await hub.writer.change(change)
    except IllegalReferral as error:
        status = 422 if error.code == "no_line" else 409
        raise Problem(status, error.code, str(error), field="replaces") from None


def _check_words(body: CareLine) -> None:
    if body.service not in CARE_WORDS:
        raise bad_field("service", f"one of {', '.join(sorted(CARE_WORDS))}")
    if not set(body.items) <= SERVICE_BY_NUMBER.keys():
        raise bad_field("items", f"numbers of annex 2, 1 to {len(SERVICES)}")
    if body.replaces is None and (body.void or body.why):
        raise bad_field("replaces", "what is corrected or taken back")
    if body.replaces is not None and not body.why.strip():
        raise bad_field("why", "a correction says why")


def _check_line(hub: Deps, caller: Caller, body: CareLine) -> str:
    with hub.engine.connect() as connection:
        person = find_person(connection, body.person)
        if person is None or not caller.knows(person["home_region"], person["home"]):
            raise bad_field("person", "there is no such person")
        for table, value, field in (
            (PROVIDER, body.provider, "provider"),
            (REFERRAL, body.referral, "referral"),
            (CARE_LINE, body.replaces, "replaces"),
        ):
            found = (
                None if value is None else one(connection, select(table).where(table.c.id == value))
            )
            other = found is not None and found.get("person", body.person) != body.person
            if value is not None and (found is None or other):
                raise bad_field(field, f"there is no such {field} of this person")
    return str(person["home_region"])


def _check_region(hub: Deps, caller: Caller, code: str) -> None:
    with hub.engine.connect() as connection:
        if find_region(connection, code) is None or not caller.sees(code):
            raise bad_field("region", "there is no such region")


def _name(request: Request, caller: Caller) -> str:
    key = request.headers.get(HEADER)
    return str(uuid.uuid5(_NAMESPACE, f"{caller.username}:{key}") if key else uuid.uuid4())


def _line(hub: Deps, line: str) -> Document:
    with hub.engine.connect() as connection:
        found = rows(connection, select(CARE_LINE).where(CARE_LINE.c.id == line))
        return line_documents(connection, found)[0]


def _money(hub: Deps, line: str) -> Document:
    with hub.engine.connect() as connection:
        found = rows(connection, select(MONEY_LINE).where(MONEY_LINE.c.id == line))
        return money_documents(connection, found)[0]


def year_ms(year: int, timezone: str) -> tuple[int, int]:
    """From its first moment in the county's time to the next one's."""
    zone = ZoneInfo(timezone)
    first, last = (datetime(y, 1, 1, tzinfo=zone) for y in (year, year + 1))
    return int((first - EPOCH).total_seconds() * 1000), int((last - EPOCH).total_seconds() * 1000)


def _cursor(before: str) -> tuple[int, str]:
    at, _, line = before.partition(".")
    # Fifteen digits of milliseconds reach the year 33658.
    if not (at.isascii() and at.isdigit() and len(at) <= 15):
        raise bad_field("before", "the `next` of the page before")
    return int(at), line
