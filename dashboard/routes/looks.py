"""Who saw a person's file: for the person herself, on the page and as a sheet of paper."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from dashboard.answers import Trail, answer
from dashboard.asked import PathId
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file, download
from dashboard.look_reads import DAYS_DEFAULT, DAYS_MAX, Looks, document_of, looks_of
from dashboard.paper_marks import mark_of
from dashboard.ports import Deps
from dashboard.problems import not_found
from dashboard.reads import Row
from dashboard.register_reads import find_person
from ledger.documents.looks import looks_paper
from ledger.documents.sheets import local

router = APIRouter(tags=["service users"])

Days = Annotated[int, Query(ge=1, le=DAYS_MAX)]
May = Annotated[Caller, needs("person.print")]


@router.get("/service-users/{person_id}/looks")
def get_looks(
    *, person_id: PathId, hub: Hub, trail: Trail, caller: May, days: Days = DAYS_DEFAULT
) -> Response:
    """Who looked at, changed, printed or exported what is known of a person, by the day."""
    _row, found = _looks(hub, caller, person_id, days)
    trail.note(caller.username, "viewed", f"person:{person_id}", "who saw the file")
    return answer(document_of(found, days))


@router.get(
    "/service-users/{person_id}/looks.pdf", response_class=Response, responses=as_file("pdf")
)
def print_looks(
    *, person_id: PathId, hub: Hub, trail: Trail, caller: May, days: Days = DAYS_DEFAULT
) -> Response:
    """The same as a sheet for the person, in plain words."""
    row, found = _looks(hub, caller, person_id, days)
    today = local(hub.clock.now_ms())
    span = (f"{today - timedelta(days=days):%Y-%m-%d}", f"{today:%Y-%m-%d}")
    mark = mark_of(caller, f"looks:{person_id}", hub.clock.now_ms())
    paper = looks_paper(row["name"], found.looks, span, mark.foot, mark.at_ms)
    said = f"who saw the file, {mark.number}"
    trail.note(caller.username, "printed", f"person:{person_id}", said)
    return download(hub.printer.pdf(paper), paper.title, "pdf", inline=True)


def _looks(hub: Deps, caller: Caller, person_id: str, days: int) -> tuple[Row, Looks]:
    with hub.engine.connect() as connection:
        row = find_person(connection, person_id)
        if row is None or not caller.knows(row["home_region"], row["home"]):
            raise not_found("person")
        return row, looks_of(connection, person_id, hub.clock.now_ms(), days)
