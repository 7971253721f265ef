"""Scores of a quarter: of each region right below one, or of each visitor in it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from sqlalchemy import Connection, select

from contract.moment import to_iso
from dashboard.plan_summary import below
from dashboard.ports import Deps
from dashboard.reads import Row, roster_for, rows
from dashboard.report_reads import Asked, Months, county_report, rows_of, visit_tallies
from dashboard.response_reads import calls_of
from ledger.assessment.criteria import DEFAULT, Criterion, from_document, holding
from ledger.assessment.score import Pair, Score, measures, score
from ledger.reports.sheet import Sheet, as_document, figures_of
from ledger.reports.tallies import groups_together
from ledger.response_figures import Call, Figures, grouped
from ledger.schema import ASSESSMENT_FACT
from ledger.views import Document, account_reference

WhoKind = Literal["region", "visitor"]
# What a page shows of one subject: a quarter has a few marks, words and answers.
FACTS_MAX: Final = 200
_ANSWERED_WITHIN_MS: Final = 180_000
_ATTENDED_WITHIN_MS: Final = 45 * 60_000


def criteria_of(connection: Connection, period: str) -> tuple[Criterion, ...]:
    """Those that hold for a period, the county's own or the default."""
    # A county changes them a few times a year.
    wanted = select(ASSESSMENT_FACT.c.seq, ASSESSMENT_FACT.c.period)
    sets = wanted.where(ASSESSMENT_FACT.c.kind == "criteria")
    seq = holding(period, {row["seq"]: row["period"] for row in rows(connection, sets)})
    if seq is None:
        return DEFAULT
    data = select(ASSESSMENT_FACT.c.data).where(ASSESSMENT_FACT.c.seq == seq)
    return from_document(json.loads(connection.scalar(data) or "[]"))


def assessments(
    connection: Connection,
    hub: Deps,
    asked: Asked,
    regions: Mapping[str, Row],
    by: WhoKind,
) -> list[Document]:
    """By name of who is assessed; settled ones as they were settled."""
    criteria = criteria_of(connection, asked.span.key)
    measured = (
        _of_regions(connection, hub, asked, regions)
        if by == "region"
        else _of_visitors(connection, hub, asked, regions)
    )
    said = _said(connection, asked, by)
    roster = roster_for(connection, usernames=measured if by == "visitor" else ())
    documents = []
    for who, (region, values) in sorted(measured.items()):
        facts = said.get(who, [])
        name = regions[who]["name"] if by == "region" and who in regions else ""
        documents.append(
            {
                "who_kind": by,
                "who": who,
                "name": name or roster.accounts.get(who, {}).get("name", who),
                "region": region,
                **_result(criteria, values, facts),
            }
        )
    return documents


def _result(
    criteria: Sequence[Criterion], values: Mapping[str, Pair], facts: Sequence[Row]
) -> Document:
    settled = [fact for fact in facts if fact["kind"] == "settled"]
    if settled:
        return {**json.loads(settled[-1]["data"]), "settled_at": to_iso(settled[-1]["at_ms"])}
    marks = {
        fact["criterion"]: fact["points"]
        for fact in facts
        if fact["kind"] == "mark" and fact["points"] is not None
    }
    return {**score_document(score(criteria, values, marks)), "settled_at": None}


def score_document(found: Score) -> Document:
    return {
        "total": found.total,
        "judged_weight": found.judged_weight,
        "parts": [
            {
                "code": part.code,
                "value": part.value,
                "points": part.points,
                "met": part.met,
                "of": part.of,
            }
            for part in found.parts
        ],
    }


Measured = dict[str, tuple[str, dict[str, Pair]]]


def _of_regions(
    connection: Connection, hub: Deps, asked: Asked, regions: Mapping[str, Row]
) -> Measured:
    report = county_report(connection, hub, asked, regions)
    under = below(regions, asked.region or asked.caller.region)
    speeds = grouped(
        _calls(connection, asked),
        hub.clock.now_ms(),
        lambda call: under(call.region) if call.region else None,
    )
    return {
        part["region"]: (
            part["region"],
            {
                **measures((part["visits"] or {}).get("total", {}), part["figures"]),
                **_speed(speeds.get(part["region"])),
            },
        )
        for part in report["regions"]
        if part["region"]
    }


def _calls(connection: Connection, asked: Asked) -> list[Call]:
    return calls_of(connection, asked.caller, asked.region or None, asked.from_ms, asked.to_ms)


def _speed(found: Figures | None) -> dict[str, Pair]:
    if found is None:
        return {}
    shares = {
        "answered": next(s for s in found.answered.shares if s.within_ms == _ANSWERED_WITHIN_MS),
        "attended": next(s for s in found.attended.shares if s.within_ms == _ATTENDED_WITHIN_MS),
    }
    return {name: (share.met, share.of) for name, share in shares.items() if share.of}


def _of_visitors(
    connection: Connection, hub: Deps, asked: Asked, regions: Mapping[str, Row]
) -> Measured:
    """Visits owed are those of her people; what was found is what she found."""
    sheets: dict[str, Sheet] = {}
    for row in rows_of(connection, "visit", asked):
        sheet = sheets.setdefault(row["visitor"], Counter())
        sheet.update(figures_of("visit", row, asked.span.last))
    read = Months(connection, hub.clock.now_ms(), asked)
    months = [visit_tallies(connection, read.part(m), regions, m) for m in asked.span.months]
    tallies = [{v["username"]: v for v in m["all"]["visitors"] if v["username"]} for m in months]
    measured: Measured = {}
    for who in sorted({name for month in tallies for name in month}):
        mine = [month[who] for month in tallies if who in month]
        values = measures(groups_together(mine)["total"], as_document(sheets.get(who, Counter())))
        measured[who] = (asked.region or asked.caller.region, values)
    return measured


def _said(connection: Connection, asked: Asked, by: WhoKind) -> dict[str, list[Row]]:
    wanted = select(ASSESSMENT_FACT).where(
        ASSESSMENT_FACT.c.period == asked.span.key,
        ASSESSMENT_FACT.c.who_kind == by,
        *asked.inside(ASSESSMENT_FACT.c.region),
    )
    found: dict[str, list[Row]] = {}
    for row in rows(connection, wanted.order_by(ASSESSMENT_FACT.c.seq)):
        found.setdefault(row["who"], []).append(row)
    return found


def fact_documents(connection: Connection, found: Sequence[Row]) -> list[Document]:
    roster = roster_for(connection, usernames=(row["actor"] for row in found))
    return [
        {
            "id": row["id"],
            "kind": row["kind"],
            "period": row["period"],
            "who_kind": row["who_kind"],
            "who": row["who"],
            "criterion": row["criterion"] or None,
            "points": row["points"],
            "text": row["text"],
            "at": to_iso(row["at_ms"]),
            "by": account_reference(row["actor"], roster),
        }
        for row in found
    ]


def facts_about(connection: Connection, period: str, by: str, who: str) -> list[Row]:
    wanted: Any = select(ASSESSMENT_FACT).where(
        ASSESSMENT_FACT.c.period == period,
        ASSESSMENT_FACT.c.who_kind == by,
        ASSESSMENT_FACT.c.who == who,
    )
    newest = wanted.order_by(ASSESSMENT_FACT.c.seq.desc()).limit(FACTS_MAX)
    return rows(connection, newest)[::-1]
