"""Assessments (考核评价): scores of a quarter, marks by hand, feedback and what is answered."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import Body, Line, Note, QueryWord, Reason, Word
from dashboard.assessment_reads import (
    WhoKind,
    assessments,
    criteria_of,
    fact_documents,
    facts_about,
)
from dashboard.assessment_rows import MEASURES_WITH_ROWS, lost_points
from dashboard.callers import Caller, Hub, needs
from dashboard.masking import present
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, one
from dashboard.report_reads import Asked, region_rows
from dashboard.routes.reports import asked_region, span_of
from ledger.assessment.criteria import (
    BY_HAND,
    CRITERIA_MAX,
    MARK_MAX,
    CriteriaError,
    Criterion,
    check,
    to_document,
)
from ledger.database import insert_sql
from ledger.reports.spans import Span
from ledger.schema import ACCOUNT, ASSESSMENT_FACT, REGION
from ledger.unit_of_work import Entry, UnitOfWork, compact
from ledger.views import Document
from rules.local_time import day_of

router = APIRouter(tags=["assessments"])

_NAMESPACE: Final = uuid.UUID("6d5b2c1e-3a0f-5c7e-8a33-9f1d6c2b7e55")
_COLUMNS: Final = [c.name for c in ASSESSMENT_FACT.columns if c.name != "seq"]
_INSERT: Final = insert_sql(ASSESSMENT_FACT, _COLUMNS, 'ON CONFLICT ("id") DO NOTHING')

PeriodWord = Annotated[str | None, Query(max_length=10)]


class OneCriterion(Body):
    code: Annotated[Word, Field(max_length=32)]
    zh: Line
    en: Line
    measure: Word
    weight: Annotated[int, Field(ge=1, le=100)]
    zero: float
    full: float


class NewCriteria(Body):
    """For the period and those after it, until others are said."""

    period: Annotated[Word, Field(max_length=10)]
    criteria: Annotated[list[OneCriterion], Field(min_length=1, max_length=CRITERIA_MAX)]
    why: Reason


class About(Body):
    """Of whom and when something is said."""

    period: Annotated[Word, Field(max_length=10)]
    who_kind: Literal["region", "visitor"]
    who: Word


class Mark(About):
    criterion: Annotated[Word, Field(max_length=32)]
    points: Annotated[float, Field(ge=0, le=MARK_MAX, allow_inf_nan=False)]
    text: Note = ""


class Words(About):
    text: Annotated[Note, Field(min_length=1)]


@router.get("/assessments")
def list_assessments(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("assessment.read")],
    by: WhoKind = "region",
    period: PeriodWord = None,
    region: QueryWord = None,
) -> Response:
    """Scores of each region right below one, or of each visitor in it, with the criteria."""
    shown = results_shown(hub, caller, by, period, region)
    criteria = to_document(shown.criteria)
    return answer(
        {"period": shown.span.key, "by": by, "criteria": criteria, "items": list(shown.items)}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Results as a caller may see them."""

    span: Span
    criteria: Sequence[Criterion]
    items: Sequence[Document]


def results_shown(
    hub: Deps, caller: Caller, by: WhoKind, period: str | None, region: str | None
) -> Shown:
    span = span_of(period, hub.clock.now_ms())
    with hub.engine.connect() as connection:
        regions = region_rows(connection, REGION)
        asked = asked_region(caller, region, span, regions)
        items = assessments(connection, hub, asked, regions, by)
        criteria = criteria_of(connection, span.key)
    # A visitor sees how she is assessed, and nobody else.
    if "report.read" not in caller.can:
        items = [i for i in items if by == "visitor" and i["who"] == caller.username]
    return Shown(span=span, criteria=criteria, items=items)


@router.get("/assessments/rows")
def list_rows(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("assessment.read")],
    period: Annotated[str, Query(max_length=10)],
    who_kind: WhoKind,
    who: Annotated[str, Query(max_length=64)],
    measure: Annotated[str, Query(max_length=32)],
) -> Response:
    """Where points were lost: people short of a visit, visits, or calls; the first 200."""
    if measure not in MEASURES_WITH_ROWS:
        raise bad_field("measure", f"one of {', '.join(sorted(MEASURES_WITH_ROWS))}")
    span = span_of(period, hub.clock.now_ms())
    with hub.engine.connect() as connection:
        _must_see(connection, hub, caller, who_kind, who)
        region, visitor = (who, None) if who_kind == "region" else ("", who)
        asked = Asked(caller=caller, region=region, span=span)
        lost = lost_points(connection, hub, asked, measure, visitor)
    trail.note(caller.username, "viewed", f"assessment:{who_kind}:{who}", f"rows of {measure}")
    items = [present(item, caller.can) for item in lost.items]
    return answer({"subject": lost.subject, "items": items, "total": lost.total})


@router.get("/assessments/facts")
def list_facts(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("assessment.read")],
    period: Annotated[str, Query(max_length=10)],
    who_kind: WhoKind,
    who: Annotated[str, Query(max_length=64)],
) -> Response:
    """What was said of one: marks, feedback, answers, the result that stands; oldest first."""
    with hub.engine.connect() as connection:
        _must_see(connection, hub, caller, who_kind, who)
        documents = fact_documents(connection, facts_about(connection, period, who_kind, who))
    trail.note(caller.username, "viewed", f"assessment:{who_kind}:{who}")
    return answer({"items": documents})


@router.post("/assessments/criteria", status_code=CREATED)
async def set_criteria(
    body: NewCriteria,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("assessment.criteria")],
) -> Response:
    """What is assessed from a period on. What was settled stays as it was."""
    span = span_of(body.period, hub.clock.now_ms())
    try:
        criteria = check(Criterion(**one.model_dump()) for one in body.criteria)
    except CriteriaError as error:
        raise bad_field("criteria", str(error)) from None
    fact = {"kind": "criteria", "period": span.key, "text": body.why}
    fact["data"] = compact(to_document(criteria))
    return await _say(request, hub, caller, fact)


@router.post("/assessments/marks", status_code=CREATED)
async def mark(
    body: Mark, request: Request, hub: Hub, caller: Annotated[Caller, needs("assessment.write")]
) -> Response:
    """Points for a criterion that is judged by hand; the newest counts."""
    span, region = await run_in_threadpool(_about, hub, caller, body, open_only=True)
    with hub.engine.connect() as connection:
        criteria = criteria_of(connection, span.key)
    if body.criterion not in {c.code for c in criteria if c.measure == BY_HAND}:
        raise bad_field("criterion", "one that is marked by hand")
    fact = {"kind": "mark", **body.model_dump(), "period": span.key, "region": region}
    return await _say(request, hub, caller, fact)


@router.post("/assessments/feedback", status_code=CREATED)
async def feed_back(
    body: Words, request: Request, hub: Hub, caller: Annotated[Caller, needs("assessment.write")]
) -> Response:
    """What somebody should do better or does well."""
    span, region = await run_in_threadpool(_about, hub, caller, body)
    fact = {"kind": "feedback", **body.model_dump(), "period": span.key, "region": region}
    return await _say(request, hub, caller, fact)


@router.post("/assessments/answers", status_code=CREATED)
async def reply(
    body: Words, request: Request, hub: Hub, caller: Annotated[Caller, needs("assessment.answer")]
) -> Response:
    """What who was assessed says to it: a visitor of the own work, a manager of the own region."""
    span, region = await run_in_threadpool(_about, hub, caller, body)
    fact = {"kind": "answer", **body.model_dump(), "period": span.key, "region": region}
    return await _say(request, hub, caller, fact)


@router.post("/assessments/settle", status_code=CREATED)
async def settle(
    body: Words, request: Request, hub: Hub, caller: Annotated[Caller, needs("assessment.write")]
) -> Response:
    """The result stands from now on, whatever is written into the book of that time later."""
    span, region = await run_in_threadpool(_about, hub, caller, body, open_only=True)
    if span.last >= day_of(hub.clock.now_ms()):
        raise bad_field("period", "it is over before a result stands")
    result = await run_in_threadpool(_result, hub, caller, body, span)
    kept = {name: result[name] for name in ("total", "judged_weight", "parts")}
    fact = {"kind": "settled", **body.model_dump(), "period": span.key, "region": region}
    return await _say(request, hub, caller, {**fact, "data": compact(kept)})


def _result(hub: Deps, caller: Caller, body: About, span: Span) -> Document:
    with hub.engine.connect() as connection:
        regions = region_rows(connection, REGION)
        above = regions[body.who]["parent"] if body.who_kind == "region" else None
        seen = above if above is not None and caller.sees(above) else ""
        asked = Asked(caller=caller, region=seen, span=span)
        for item in assessments(connection, hub, asked, regions, body.who_kind):
            if item["who"] == body.who:
                return item
    raise bad_field("who", "nothing was measured of it in this period")


async def _say(request: Request, hub: Deps, caller: Caller, fact: dict[str, Any]) -> Response:
    key = request.headers.get(HEADER)
    name = str(uuid.uuid5(_NAMESPACE, f"{caller.username}:{key}") if key else uuid.uuid4())

    def change(unit: UnitOfWork) -> None:
        row: dict[str, Any] = dict.fromkeys(("who_kind", "who", "region", "criterion", "text"), "")
        row |= {"points": None, "data": "{}", **fact, "id": name}
        row |= {"at_ms": unit.now_ms, "actor": caller.username}
        unit.execute(_INSERT, tuple(row[column] for column in _COLUMNS))
        if unit.cursor.rowcount:
            unit.entry(
                Entry(
                    topic="assessment",
                    subject=f"{row['period']}/{row['who'] or 'criteria'}",
                    fact=row["kind"],
                    actor=caller.username,
                    region=row["region"] or None,
                    data={
                        "text": row["text"],
                        "criterion": row["criterion"],
                        "points": row["points"],
                    },
                    payload=lambda: b"null",
                )
            )

    async def work() -> Document:
        await hub.writer.change(change)
        return {"id": name, **{k: v for k, v in fact.items() if k != "data"}}

    return await once(request, caller, work, CREATED)


def _about(hub: Deps, caller: Caller, body: About, *, open_only: bool = False) -> tuple[Span, str]:
    span = span_of(body.period, hub.clock.now_ms())
    with hub.engine.connect() as connection:
        region = _must_see(connection, hub, caller, body.who_kind, body.who)
        facts = facts_about(connection, span.key, body.who_kind, body.who)
    if open_only and any(fact["kind"] == "settled" for fact in facts):
        raise Problem(409, "settled", "this result stands; say it for the next period")
    return span, region


def _must_see(connection: Connection, _hub: Deps, caller: Caller, who_kind: str, who: str) -> str:
    """The region that decides who may see; a visitor sees nobody's assessment but the own."""
    if who_kind == "region":
        regions: dict[str, Row] = region_rows(connection, REGION)
        if who not in regions or not caller.sees(who) or "report.read" not in caller.can:
            raise not_found("region")
        return who
    account = one(connection, select(ACCOUNT.c.region).where(ACCOUNT.c.username == who))
    if account is None or not caller.sees(account["region"]):
        raise not_found("account")
    if "report.read" not in caller.can and who != caller.username:
        raise not_found("account")
    return str(account["region"])
