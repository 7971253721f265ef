"""The notice's forms of people and visits as PDF and Word; a person's whole file; FHIR.

Every print is in the audit trail. Making one takes a processor for a moment: worker threads, one
after the other (`ledger.documents.pdf`).
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import Trail
from dashboard.asked import DAY_MS, FromTime, PathId, QueryWord, local_day, span_ms
from dashboard.callers import SIGNED_IN, Caller, Hub, check_not_stale, needs
from dashboard.downloads import as_file, download
from dashboard.images import PRINTED
from dashboard.paper_marks import Mark, mark_of
from dashboard.paper_reads import (
    VITALS_MAX,
    fhir_person,
    lives_alone,
    person_sheet,
    vital_devices,
    vitals_of,
)
from dashboard.person_photos import shown
from dashboard.person_reads import purpose_states
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row
from dashboard.register_reads import find_person
from dashboard.visit_papers import visit_row, visit_sheet
from dashboard.whole_files import whole_file
from ledger.documents.annex3 import annex3
from ledger.documents.annex4 import annex4
from ledger.documents.dossier import dossier
from ledger.documents.fhir import bundle
from ledger.documents.form import Form
from ledger.documents.paper import Paper
from ledger.documents.sheets import local
from ledger.documents.word import write_docx
from ledger.persons.asking import refusal
from ledger.persons.files import Refused
from ledger.sealing.ring import Erased
from ledger.unit_of_work import UnitOfWork
from ledger.views import to_json

router = APIRouter(tags=["documents"])

VITALS_DEFAULT_MS: Final = 90 * DAY_MS
VITALS_SPAN_MAX_MS: Final = 366 * DAY_MS

# A word that somebody in a year understands.
REASON_MIN: Final = 3

Ending = Literal["pdf", "docx"]
# Each copy on its sheet, marked for who keeps it (一式三份).
Copies = Annotated[bool, Query()]
_BLANKS: Final[dict[str, Callable[[], Form]]] = {
    "annex3": lambda: annex3(None),
    "annex4": lambda: annex4(None),
}


@router.get("/forms/{form}.{ending}", response_class=Response, responses=as_file("docx", "pdf"))
def empty_form(
    *,
    form: Literal["annex3", "annex4"],
    ending: Ending,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, SIGNED_IN],
    copies: Copies = False,
) -> Response:
    """An empty form to fill in by hand."""
    empty = _BLANKS[form]()
    mark = mark_of(caller, f"form:{form}", hub.clock.now_ms())
    paper = _paper(mark, empty, f"{empty.mark}{empty.title}（空表）", copies)
    made = _made(hub, paper, ending)
    trail.note(caller.username, "printed", f"form:{form}", f"{form}.{ending}, {mark.number}")
    return made


async def _numbers(
    numbers: bool = False, reason: Annotated[str | None, Query(max_length=500)] = None
) -> str | None:
    """Why identity numbers are wanted whole; None: they are not."""
    why = (reason or "").strip()
    if numbers and len(why) < REASON_MIN:
        raise bad_field("reason", f"why the numbers are needed: at least {REASON_MIN} characters")
    return why if numbers else None


Numbers = Annotated[str | None, Depends(_numbers)]


@router.get(
    "/service-users/{person_id}/annex3.{ending}",
    response_class=Response,
    responses=as_file("docx", "pdf"),
)
async def print_annex3(
    *,
    person_id: PathId,
    ending: Ending,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("person.print")],
    numbers: Numbers,
    copies: Copies = False,
) -> Response:
    """Annex 3 of one person; `numbers=true` with a `reason` prints identity numbers whole."""
    row = await run_in_threadpool(_person, hub, caller, person_id)
    await _reveal(hub, caller, person_id, numbers)
    mark = mark_of(caller, f"annex3:{person_id}", hub.clock.now_ms())

    def work() -> Response:
        with hub.engine.connect() as connection:
            sheet = person_sheet(
                connection,
                row,
                caller.can_at(row["home"]),
                hub.clock.now_ms(),
                numbers=numbers is not None,
            )
        name = f"附件3信息记录表-{row['name']}"
        return _made(hub, _paper(mark, annex3(sheet), name, copies), ending)

    made = await run_in_threadpool(work)
    said = f"annex3.{ending}, {mark.number}"
    trail.note(caller.username, "printed", f"person:{person_id}", said)
    return made


@router.get(
    "/visits/{visit_id}/annex4.{ending}", response_class=Response, responses=as_file("docx", "pdf")
)
def print_annex4(
    *,
    visit_id: PathId,
    ending: Ending,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("person.print")],
    copies: Copies = False,
) -> Response:
    """Annex 4 of one visit."""
    with hub.engine.connect() as connection:
        row = visit_row(connection, visit_id)
        if row is None or not caller.knows(row["home_region"], row["home"]):
            raise not_found("visit")
        sheet = visit_sheet(connection, row, caller.can)
    name = f"附件4探访记录表-{sheet.name}-{local(sheet.visited_at_ms):%Y%m%d}"
    mark = mark_of(caller, f"annex4:{visit_id}", hub.clock.now_ms())
    made = _made(hub, _paper(mark, annex4(sheet), name, copies), ending)
    said = f"annex4.{ending}, {mark.number}"
    trail.note(caller.username, "printed", f"visit:{visit_id}", said)
    return made


@router.get(
    "/service-users/{person_id}/file.pdf", response_class=Response, responses=as_file("pdf")
)
async def print_file(
    *,
    person_id: PathId,
    request: Request,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("person.print")],
    numbers: Numbers,
) -> Response:
    """Annex 3, then every visit, call, stay and consent that the book has, and her photo."""
    row = await run_in_threadpool(_person, hub, caller, person_id)
    await _reveal(hub, caller, person_id, numbers)
    mark = mark_of(caller, f"file:{person_id}", hub.clock.now_ms())

    def work() -> bytes:
        now_ms = hub.clock.now_ms()
        today = local_day(now_ms, hub.timezone).isoformat()
        with hub.engine.connect() as connection:
            face = shown(connection, person_id, today)
            # As small as it is printed.
            picture = None if face is None else request.app.state.pictures.photo(face, PRINTED)
            found = whole_file(
                connection,
                row,
                caller.can_at(row["home"]),
                now_ms,
                numbers=numbers is not None,
                photo=None if picture is None else picture.content,
            )
        return hub.printer.pdf(dossier(found, mark.foot, mark.at_ms))

    made = await run_in_threadpool(work)
    trail.note(caller.username, "printed", f"person:{person_id}", f"file.pdf, {mark.number}")
    return download(made, f"服务档案-{row['name']}", "pdf", inline=True)


def _must_share(hub: Deps, person_id: str) -> None:
    """Health data leave the hub for somebody else's: not of who said no to sharing."""
    today = local_day(hub.clock.now_ms(), hub.timezone).isoformat()
    with hub.engine.connect() as connection:
        state = purpose_states(connection, [person_id], "sharing", today).get(person_id, "unasked")
    if state not in ("given", "unasked"):
        raise Refused([refusal("sharing", state, "person")])


@router.get(
    "/service-users/{person_id}/vitals.fhir.json",
    response_class=Response,
    responses=as_file("json"),
)
def export_vitals(
    *,
    person_id: PathId,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("data.export")],
    from_: FromTime = None,
    to: QueryWord = None,
) -> Response:
    """Vital signs of [from, to) (the last 90 days) as a FHIR R4 bundle.

    Only of who lives alone: of two in one home nobody can say whose pressure a cuff measured.
    """
    row = _person(hub, caller, person_id)
    if row["erased_at_ms"] is not None:
        raise Erased(person_id)
    now_ms = hub.clock.now_ms()
    from_ms, to_ms = span_ms(from_, to, now_ms, default_ms=VITALS_DEFAULT_MS)
    _must_share(hub, person_id)
    if to_ms - from_ms > VITALS_SPAN_MAX_MS:
        raise bad_field("from", f"at most {VITALS_SPAN_MAX_MS // DAY_MS} days")
    with hub.engine.connect() as connection:
        if not lives_alone(connection, row):
            detail = "several people live in this home: its readings can't be said to be of one"
            raise Problem(409, "several_people", detail)
        person = fhir_person(connection, row, caller.can_at(row["home"]))
        devices = vital_devices(connection, row["home"])
    vitals = vitals_of(hub.readings, devices, from_ms, to_ms)
    if len(vitals) > VITALS_MAX:
        raise bad_field("from", f"more than {VITALS_MAX} measurements; take a shorter span")
    trail.note(caller.username, "exported", f"person:{person_id}", f"{len(vitals)} vitals, FHIR")
    return download(to_json(bundle(person, vitals, now_ms)), f"健康监测-{row['name']}", "json")


async def _reveal(hub: Deps, caller: Caller, person_id: str, why: str | None) -> None:
    """On record before they are told: no record, no number."""
    if why is None:
        return
    if "person.reveal" not in caller.can:
        raise Problem(403, "forbidden", f"the role {caller.role} may not person.reveal")
    check_not_stale(caller)

    def note(unit: UnitOfWork) -> None:
        said = f"printed: {why}"
        unit.audit(caller.username, "revealed", f"person:{person_id}", said, owner=person_id)

    await hub.writer.change(note)


def _person(hub: Deps, caller: Caller, person_id: str) -> Row:
    with hub.engine.connect() as connection:
        row = find_person(connection, person_id)
    if row is None or not caller.knows(row["home_region"], row["home"]):
        raise not_found("person")
    return row


def _paper(mark: Mark, form: Form, name: str, copies: bool) -> Paper:
    return Paper(title=name, printed=mark.foot, at_ms=mark.at_ms, forms=(form,), numbered=copies)


def _made(hub: Deps, paper: Paper, ending: Ending) -> Response:
    if ending == "docx":
        return download(write_docx(paper, hub.printer.drawing), paper.title, ending)
    return download(hub.printer.pdf(paper), paper.title, ending, inline=True)
