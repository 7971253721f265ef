"""Where points were lost: people, visits or calls behind a measure, of a region or a visitor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from dashboard.ports import Deps
from dashboard.reads import rows
from dashboard.report_people import people_behind, people_documents
from dashboard.report_reads import Asked, rows_of
from dashboard.response_reads import call_documents, calls_of
from dashboard.visit_reads import visit_documents
from ledger.reports.sheet import Figure, figures_of
from ledger.response_figures import ATTEND_GOALS, Call, owes_review
from ledger.schema import VISIT
from ledger.views import Document

# Gone through by hand.
LOST_SHOWN: Final = 200
_PEOPLE: Final = frozenset({"visits_done", "nobody_short"})
_ATTENDED_WITHIN_MS: Final = ATTEND_GOALS[0][0]


def _at_home_without_service(figures: list[Figure]) -> bool:
    return ("contacts", "met_at_home") in figures and ("contacts", "with_service") not in figures


def _nobody_at_home(figures: list[Figure]) -> bool:
    return ("contacts", "nobody_met") in figures and ("way", "home_visit") in figures


def _dissatisfied(figures: list[Figure]) -> bool:
    return ("satisfaction", "dissatisfied") in figures


_VISITS: Final[Mapping[str, Callable[[list[Figure]], bool]]] = {
    "met": _nobody_at_home,
    "with_service": _at_home_without_service,
    "satisfied": _dissatisfied,
}
_CALLS: Final = frozenset({"answered", "attended"})
# Of which measures there are rows; a mark has its own words.
MEASURES_WITH_ROWS: Final = frozenset({*_PEOPLE, *_VISITS, *_CALLS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """`subject` says what the rows are: tally, visit or response."""

    subject: str
    items: list[Document]
    total: int


def lost_points(
    connection: Connection, hub: Deps, asked: Asked, measure: str, visitor: str | None
) -> Lost:
    """`asked`: of the region that is assessed, or all that the caller sees of a visitor's."""
    if measure in _PEOPLE:
        return _people(connection, hub, asked, visitor)
    if measure in _VISITS:
        return _visits(connection, asked, visitor, _VISITS[measure])
    return _calls(connection, hub, asked, measure) if visitor is None else _nothing("response")


def _nothing(subject: str) -> Lost:
    return Lost(subject=subject, items=[], total=0)


def _people(connection: Connection, hub: Deps, asked: Asked, visitor: str | None) -> Lost:
    found = people_behind(connection, hub.clock.now_ms(), asked, "people_short")
    if visitor is not None:
        found = [one for one in found if one.situation.rows[one.person]["visitor"] == visitor]
    items = people_documents(connection, found[:LOST_SHOWN], asked.caller.can)
    return Lost(subject="tally", items=items, total=len(found))


def _visits(
    connection: Connection,
    asked: Asked,
    visitor: str | None,
    lost: Callable[[list[Figure]], bool],
) -> Lost:
    ids = [
        row["id"]
        for row in rows_of(connection, "visit", asked)
        if (visitor is None or row["visitor"] == visitor)
        and lost(figures_of("visit", row, asked.span.last))
    ]
    found = rows(connection, select(VISIT).where(VISIT.c.id.in_(ids[:LOST_SHOWN])))
    found.sort(key=lambda row: row["visited_at_ms"])
    return Lost(subject="visit", items=visit_documents(connection, found), total=len(ids))


def _calls(connection: Connection, hub: Deps, asked: Asked, measure: str) -> Lost:
    now_ms = hub.clock.now_ms()
    every = calls_of(connection, asked.caller, asked.region or None, asked.from_ms, asked.to_ms)
    late = [
        call
        for call in every
        if (owes_review(call, now_ms) if measure == "answered" else _came_late(call, now_ms))
    ]
    items = call_documents(connection, hub, late[:LOST_SHOWN])
    return Lost(subject="response", items=items, total=len(late))


def _came_late(call: Call, now_ms: int) -> bool:
    if call.called_off:
        return False
    wait_ms = call.attend_wait_ms
    return (now_ms - call.called_ms if wait_ms is None else wait_ms) > _ATTENDED_WITHIN_MS
