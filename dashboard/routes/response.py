"""Figures of the service: how fast calls were answered and attended; reviews of late ones."""

import csv
import io
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import DAY_MS, Body, FromTime, Note, PathId, QueryWord, Word, span_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import not_found
from dashboard.reads import find_alarm, roster_for, rows
from dashboard.response_reads import call_documents, calls_of, report
from ledger.documents.comma_file import harmless
from ledger.response_figures import Call, owes_review
from ledger.schema import RESPONSE_REVIEW
from ledger.views import Document

router = APIRouter(tags=["reports"])

REPORT_DEFAULT_MS: Final = 30 * DAY_MS
# Shown to be gone through by hand; the export has all.
CALLS_SHOWN: Final = 500

By = Annotated[Literal["region", "shift", "person"] | None, Query()]
Which = Annotated[Literal["all", "late", "unreviewed"], Query()]
_COLUMNS: Final = (
    "number",
    "alarm",
    "region",
    "place",
    "kind",
    "rule",
    "shift",
    "called_at",
    "answered_at",
    "answered_by",
    "answer_s",
    "went",
    "arrived_at",
    "attend_s",
    "closed_at",
    "outcome",
    "review_due",
    "reviewed",
)


class Review(Body):
    cause: Word
    note: Note


@router.get("/reports/response")
def response_report(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("report.read")],
    from_: FromTime = None,
    to: QueryWord = None,
    region: QueryWord = None,
    by: By = None,
) -> Response:
    """Of the calls raised in a span (the last 30 days), beside the goals; `by` groups them."""
    from_ms, to_ms = span_ms(from_, to, hub.clock.now_ms(), default_ms=REPORT_DEFAULT_MS)
    with hub.engine.connect() as connection:
        calls = calls_of(connection, caller, region, from_ms, to_ms)
        document = report(connection, hub, calls, by, region or caller.region)
    return answer({"from": to_iso(from_ms), "to": to_iso(to_ms), **document})


@router.get("/reports/response/calls")
def response_calls(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("report.read")],
    from_: FromTime = None,
    to: QueryWord = None,
    region: QueryWord = None,
    which: Which = "all",
) -> Response:
    """The calls behind the figures, newest first: `late`, those beyond 180 s; `unreviewed`, those
    of them that still owe a review."""
    from_ms, to_ms = span_ms(from_, to, hub.clock.now_ms(), default_ms=REPORT_DEFAULT_MS)
    now_ms = hub.clock.now_ms()
    with hub.engine.connect() as connection:
        calls = calls_of(connection, caller, region, from_ms, to_ms)[::-1]
        wanted = [call for call in calls if _is(call, which, now_ms)]
        documents = call_documents(connection, hub, wanted[:CALLS_SHOWN])
    return answer({"items": documents, "total": len(wanted)})


@router.get("/reports/response.csv", response_class=Response, responses=as_file("csv"))
def response_csv(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("report.read")],
    from_: FromTime = None,
    to: QueryWord = None,
    region: QueryWord = None,
) -> Response:
    """All calls of the span as a table; nobody's name but those who answered and went."""
    from_ms, to_ms = span_ms(from_, to, hub.clock.now_ms(), default_ms=REPORT_DEFAULT_MS)
    with hub.engine.connect() as connection:
        calls = calls_of(connection, caller, region, from_ms, to_ms)
        documents = call_documents(connection, hub, calls)
    trail.note(caller.username, "exported", "calls", f"{len(documents)} rows")
    headers = {"Content-Disposition": 'attachment; filename="calls.csv"'}
    return Response(_table(documents), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/alarms/{alarm_id}/reviews")
def list_reviews(
    alarm_id: PathId, hub: Hub, caller: Annotated[Caller, needs("report.read")]
) -> Response:
    """What was said of a late call, newest first."""
    return answer({"items": _reviews(hub, caller, alarm_id)})


@router.post("/alarms/{alarm_id}/review", status_code=CREATED)
async def review_call(
    alarm_id: PathId,
    body: Review,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("alarm.review")],
) -> Response:
    """Why the call was answered late, and what is done about it."""
    await run_in_threadpool(_reviews, hub, caller, alarm_id)

    async def work() -> Document:
        await hub.desk.review(alarm_id, caller.username, body.cause, body.note)
        return {"items": await run_in_threadpool(_reviews, hub, caller, alarm_id)}

    return await once(request, caller, work, CREATED)


def _is(call: Call, which: str, now_ms: int) -> bool:
    if which == "all":
        return True
    return owes_review(call, now_ms) and not (which == "unreviewed" and call.reviewed)


def _reviews(hub: Deps, caller: Caller, alarm_id: str) -> list[Document]:
    wanted = select(RESPONSE_REVIEW).where(RESPONSE_REVIEW.c.alarm == alarm_id)
    with hub.engine.connect() as connection:
        alarm = find_alarm(connection, alarm_id)
        if alarm is None or not caller.sees(alarm["region"]):
            raise not_found("alarm")
        found = rows(connection, wanted.order_by(RESPONSE_REVIEW.c.seq.desc()))
        roster = roster_for(connection, usernames=[row["actor"] for row in found])
    accounts = roster.accounts
    return [
        {
            "at": to_iso(row["at_ms"]),
            "by": accounts[row["actor"]]["name"] if row["actor"] in accounts else row["actor"],
            "cause": row["cause"],
            # Why it was late may name the person.
            "note": row["note"] if "person.read" in caller.can else "***",
        }
        for row in found
    ]


def _table(documents: list[Document]) -> bytes:
    """With a byte order mark: without it Excel reads Chinese as something else."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for document in documents:
        row = {**document, "place": " ".join(document["region_path"])}
        writer.writerow([_cell(row[column]) for column in _COLUMNS])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) else value
