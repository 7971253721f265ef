"""Figures of a month or quarter: the whole sheet, how figures went, and the rows behind each."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.answers import Trail, answer
from dashboard.asked import QueryWord
from dashboard.callers import SIGNED_IN, Caller, Hub, needs
from dashboard.problems import bad_field, not_found
from dashboard.reads import Row
from dashboard.report_people import people_behind, people_documents
from dashboard.report_reads import (
    Asked,
    county_report,
    people_course,
    region_rows,
    rows_behind,
    rows_of,
)
from dashboard.report_rows import ROW_KINDS, documents_of
from dashboard.routes.referrals import present_care
from ledger.reports.catalogue import catalogue_document
from ledger.reports.sheet import Subject, add_up, as_document
from ledger.reports.spans import Span, month_now, months_before, parse_span
from ledger.schema import REGION
from ledger.views import Document
from ledger.visiting.days import iso
from ledger.visiting.states import Tally
from rules.local_time import day_of

router = APIRouter(tags=["reports"])

# Shown to be gone through by hand; tables have all.
ROWS_SHOWN: Final = 500
MONTHS_MAX: Final = 36
MONTHS_DEFAULT: Final = 12
PAST_MAX_DAYS: Final = 5 * 366
# What a trend is of where nothing is said; people's figures come from dates on file.
_TREND: Final[tuple[Subject, ...]] = ("visit", "alarm", "referral", "care")

PeriodWord = Annotated[str | None, Query(max_length=10)]


@router.get("/reports/period")
def period_report(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("report.read")],
    period: PeriodWord = None,
    region: QueryWord = None,
) -> Response:
    """Of a month (2026-11) or quarter (2026-Q4), this month where nothing is said: people, visits
    owed and made, what was found, services, alarms, answers, referrals, care; of the region, and of
    each one right below it."""
    now_ms = hub.clock.now_ms()
    span = span_of(period, now_ms)
    with hub.engine.connect() as connection:
        regions = region_rows(connection, REGION)
        asked = asked_region(caller, region, span, regions)
        document = county_report(connection, hub, asked, regions)
    return answer(
        {
            **document,
            "from": iso(span.first),
            "to": iso(span.last),
            "made_at": to_iso(now_ms),
            # The register keeps no lists of earlier days.
            "people_as_of": iso(day_of(now_ms)),
            "whole": asked.to_ms <= now_ms,
        }
    )


@router.get("/reports/trend")
def trend(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("report.read")],
    period: PeriodWord = None,
    region: QueryWord = None,
    months: Annotated[int, Query(ge=2, le=MONTHS_MAX)] = MONTHS_DEFAULT,
    subject: Literal["person"] | None = None,
) -> Response:
    """The figures of each of the last months, oldest first; of people (`subject=person`) those that
    can be told of a past month, `figures` null where the book had not begun."""
    now_ms = hub.clock.now_ms()
    span = span_of(period, now_ms)
    with hub.engine.connect() as connection:
        regions = region_rows(connection, REGION)
        asked = [
            asked_region(caller, region, month, regions) for month in months_before(span, months)
        ]
        if subject == "person":
            course = zip(asked, people_course(connection, asked, now_ms), strict=True)
            items = [{"period": one.span.key, "figures": figures} for one, figures in course]
        else:
            items = [_month(connection, one) for one in asked]
    return answer({"items": items})


def _month(connection: Connection, asked: Asked) -> Document:
    figures: Document = {}
    for subject in _TREND:
        sheet = add_up(subject, rows_of(connection, subject, asked), asked.span.last)
        figures |= as_document(sheet)
    return {"period": asked.span.key, "figures": figures}


@router.get("/reports/figures")
def name_figures(_caller: Annotated[Caller, SIGNED_IN]) -> Response:
    """What each figure is called and how it counts, in both languages; by sections and groups."""
    return answer(catalogue_document())


@router.get("/reports/people")
def report_people(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("report.read", "person.read")],
    figure: Annotated[str, Query(max_length=32)],
    period: PeriodWord = None,
    region: QueryWord = None,
    tier: QueryWord = None,
) -> Response:
    """Of whom a figure of visits owed and made consists: who, with all that is counted of her. The
    values add up to the figure; of a quarter they are those of its months together."""
    if figure not in Tally.__slots__:
        raise bad_field("figure", f"one of {', '.join(Tally.__slots__)}")
    now_ms = hub.clock.now_ms()
    span = span_of(period, now_ms)
    with hub.engine.connect() as connection:
        asked = asked_region(caller, region, span, region_rows(connection, REGION))
        found = people_behind(connection, now_ms, asked, figure, tier)
        shown = people_documents(connection, found[:ROWS_SHOWN], caller.can)
    trail.note(caller.username, "listed", f"figure:visits:{figure}", f"{len(shown)} shown")
    return answer({"items": shown, "total": len(found)})


@router.get("/reports/rows")
def report_rows(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("report.read")],
    subject: Subject,
    group: Annotated[str, Query(max_length=32)],
    word: Annotated[str, Query(max_length=160)],
    period: PeriodWord = None,
    region: QueryWord = None,
) -> Response:
    """The rows behind one figure of the report, as many as it says; the first 500 are shown."""
    kind = ROW_KINDS[subject]
    if kind.needs not in caller.can:
        raise not_found("figure")
    now_ms = hub.clock.now_ms()
    span = span_of(period, now_ms)
    with hub.engine.connect() as connection:
        asked = asked_region(caller, region, span, region_rows(connection, REGION))
        ids = list(rows_behind(connection, subject, asked, (group, word)))
        documents = documents_of(connection, kind, ids[:ROWS_SHOWN], now_ms)
    detail = f"{len(documents)} of {len(ids)} shown"
    trail.note(caller.username, "listed", f"figure:{subject}:{group}:{word}"[:160], detail)
    shown = [present_care(document, caller) for document in documents]
    return answer({"items": shown, "total": len(ids)})


def span_of(period: str | None, now_ms: int) -> Span:
    today = day_of(now_ms)
    if period is None:
        return month_now(today)
    try:
        span = parse_span(period)
    except ValueError:
        raise bad_field("period", "a month, as 2026-11, or a quarter, as 2026-Q4") from None
    if not today - PAST_MAX_DAYS <= span.first <= today:
        raise bad_field("period", "within the last five years")
    return span


def asked_region(caller: Caller, region: str | None, span: Span, regions: dict[str, Row]) -> Asked:
    if region and (region not in regions or not caller.sees(region)):
        raise not_found("region")
    return Asked(caller=caller, region=region or "", span=span)
