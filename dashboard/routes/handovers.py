"""Hand-over sheets: what the next shift takes over and signs."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.rota.handover import LINES_MAX, NOTE_MAX
from alarms.rota.handover_book import Mark
from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import Body, Limit, Line, Note, PathId, QueryWord, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.handover_reads import line_documents, sheet_documents, sheet_rows
from dashboard.masking import present
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import not_found
from dashboard.reads import Row, one
from dashboard.rota_reads import read_names, sees_desk
from dashboard.routes.rota import find_desk
from ledger.schema import HANDOVER
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["handovers"])

# A fortnight of three shifts.
SHEETS_DEFAULT: Final = 42
Number = Annotated[int, Path(ge=1, le=10_000)]


class Begin(Body):
    desk: Word


class NewNote(Body):
    text: Annotated[Note, Field(min_length=1, max_length=NOTE_MAX)]


class Signature(Body):
    remark: Line = ""


class Together(Body):
    lines: Annotated[
        list[Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=1, max_length=LINES_MAX * 2)
    ]


class Remark(Body):
    remark: Annotated[Line, Field(min_length=1)]


@router.get("/handovers")
def list_sheets(
    hub: Hub,
    caller: Annotated[Caller, needs("handover.read")],
    desk: QueryWord = None,
    limit: Limit = SHEETS_DEFAULT,
) -> Response:
    """Sheets, the latest change of shift first, each with how many lines nobody has signed."""
    desks = {d.id: d for d in hub.rota.book.plan.desks.values() if sees_desk(caller, d)}
    wanted = list(desks) if desk is None else [find_desk(hub, caller, desk).id]
    with hub.engine.connect() as connection:
        found = sheet_rows(connection, wanted, limit)
        names = read_names(connection)
        labels = {d.id: d.name for d in desks.values()}
        documents = sheet_documents(connection, found, names, labels)
    return answer({"items": documents})


@router.post("/handovers", status_code=CREATED)
async def begin_sheet(
    body: Begin, request: Request, hub: Hub, caller: Annotated[Caller, needs("handover.sign")]
) -> Response:
    """The sheet of the change of shift that is near, with what is open now; the same one however
    often it is begun."""
    find_desk(hub, caller, body.desk)

    async def work() -> Document:
        try:
            sheet_id = await hub.writer.change(
                lambda unit: hub.rota.sheets.begin(unit, body.desk, caller.username)
            )
        except KeyError:
            raise not_found("desk") from None
        return await run_in_threadpool(_document, hub, caller, sheet_id)

    return await once(request, caller, work, CREATED)


@router.get("/handovers/{sheet_id}")
def get_sheet(
    sheet_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("handover.read")]
) -> Response:
    """A sheet with its lines."""
    document = _document(hub, caller, sheet_id)
    if "person.read" in caller.can:
        trail.note(caller.username, "viewed", f"handover:{sheet_id}")
    return answer(document)


@router.post("/handovers/{sheet_id}/notes")
async def add_note(
    sheet_id: PathId,
    body: NewNote,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("handover.sign")],
) -> Response:
    """A line of one's own: what no record says."""
    await run_in_threadpool(_find, hub, caller, sheet_id)

    async def work() -> Document:
        await hub.writer.change(
            lambda unit: hub.rota.sheets.note(unit, sheet_id, body.text, caller.username)
        )
        return await run_in_threadpool(_document, hub, caller, sheet_id)

    return await once(request, caller, work)


@router.post("/handovers/{sheet_id}/lines/{number}/sign")
async def sign_line(
    *,
    sheet_id: PathId,
    number: Number,
    body: Signature,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("handover.sign")],
) -> Response:
    """The next shift takes this line over."""
    return await _mark(request, hub, caller, (sheet_id, number), "signed", body.remark)


@router.post("/handovers/{sheet_id}/sign")
async def sign_together(
    sheet_id: PathId,
    body: Together,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("handover.sign")],
) -> Response:
    """Take over the lines that are named, each recorded by itself, all or none; there is no
    signing of what came since, nor of urgent lines among others."""

    def change(unit: UnitOfWork) -> None:
        hub.rota.sheets.sign_together(unit, sheet_id, body.lines, caller.username)

    return await _changed(request, hub, caller, sheet_id, change)


@router.post("/handovers/{sheet_id}/lines/{number}/remark")
async def remark_line(
    *,
    sheet_id: PathId,
    number: Number,
    body: Remark,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("handover.sign")],
) -> Response:
    """Say something to a line without signing it."""
    return await _mark(request, hub, caller, (sheet_id, number), "remarked", body.remark)


async def _mark(  # noqa: PLR0917 - two routes and nobody else
    request: Request, hub: Deps, caller: Caller, line: tuple[str, int], mark: Mark, remark: str
) -> Response:
    def change(unit: UnitOfWork) -> None:
        hub.rota.sheets.mark(unit, line, mark, caller.username, remark.strip())

    return await _changed(request, hub, caller, line[0], change)


async def _changed(
    request: Request,
    hub: Deps,
    caller: Caller,
    sheet_id: str,
    change: Callable[[UnitOfWork], None],
) -> Response:
    """The sheet after a change of its lines."""
    await run_in_threadpool(_find, hub, caller, sheet_id)

    async def work() -> Document:
        try:
            await hub.writer.change(change)
        except KeyError:
            raise not_found("line") from None
        return await run_in_threadpool(_document, hub, caller, sheet_id)

    return await once(request, caller, work)


def _find(hub: Deps, caller: Caller, sheet_id: str) -> Row:
    with hub.engine.connect() as connection:
        row = one(connection, select(HANDOVER).where(HANDOVER.c.id == sheet_id))
    if row is None:
        raise not_found("sheet")
    desk = hub.rota.book.plan.desks.get(row["desk"])
    # A sheet names homes of all its region.
    if desk is None or not row["region"].startswith(caller.region):
        raise not_found("sheet")
    return row


def _document(hub: Deps, caller: Caller, sheet_id: str) -> Document:
    row = _find(hub, caller, sheet_id)
    labels = {desk.id: desk.name for desk in hub.rota.book.plan.desks.values()}
    with hub.engine.connect() as connection:
        names = read_names(connection)
        [sheet] = sheet_documents(connection, [row], names, labels)
        lines = line_documents(connection, sheet_id, names)
    return {
        **sheet,
        "may_sign": "handover.sign" in caller.can and _may_sign(sheet, caller.username),
        "items": [present(line, caller.can) for line in lines],
    }


def _may_sign(sheet: Document, username: str) -> bool:
    names = {side: [p["username"] for p in sheet[side]] for side in ("outgoing", "incoming")}
    return username not in names["outgoing"] or username in names["incoming"]
