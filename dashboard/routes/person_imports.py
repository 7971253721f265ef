"""Lists of persons as spreadsheets: the template, and an import with its preview."""

from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard import person_sheets
from dashboard.answers import Trail, answer
from dashboard.asked import LIMIT_DEFAULT, Body, Limit, PathId, QueryWord
from dashboard.callers import Caller, Hub, needs
from dashboard.contact_masks import masked_phone
from dashboard.downloads import as_file
from dashboard.person_imports import Decision, Imports, ImportsFull, NotNow, PersonImport
from dashboard.person_known import theirs
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row as Record
from dashboard.spreadsheets import XLSX_TYPE
from ledger.forms.file_document import masked_number
from ledger.forms.file_fields import FIELD
from ledger.persons.columns import COLUMN
from ledger.persons.files import register_of
from ledger.persons.sheet import Row
from ledger.views import Document

router = APIRouter(tags=["service users"])

ACCEPTED: Final = 202
# A list has at most 20,000 rows.
DECISIONS_MAX: Final = 20_000

May = Annotated[Caller, needs("person.write")]
After = Annotated[int, Query(ge=0, le=10_000_000)]


class Decisions(Body):
    """`rows`: by the number of the row. `all`: for every double that may be decided so and was not
    decided yet."""

    rows: Annotated[dict[int, Decision], Field(default_factory=dict, max_length=DECISIONS_MAX)]
    all: Decision | None = None


@router.get("/person-imports/template", response_class=Response, responses=as_file("xlsx"))
async def get_template(_caller: May) -> Response:
    """A workbook to fill in: drop-downs, an example, and a sheet that explains."""
    made = await run_in_threadpool(person_sheets.template)
    return _workbook(made, "老人信息导入模板.xlsx")


@router.post("/person-imports", status_code=ACCEPTED)
async def begin_import(request: Request, hub: Hub, caller: May, file: QueryWord = None) -> Response:
    """A CSV or XLSX file as the body; `file` is its name. Nothing is written before `confirm`."""
    payload = await request.body()
    if not payload:
        raise bad_field("body", "a file")
    _check_caller(caller)
    try:
        one = _imports(request).begin(caller, (file or "")[:200], payload)
    except ImportsFull:
        raise Problem(429, "too_many", "others are importing; try again in a while") from None
    except NotNow:
        raise Problem(409, "taking", "your list before is being written; wait for it") from None
    await hub.writer.change(
        lambda unit: unit.audit(caller.username, "import_begun", "persons", f"{len(payload)} bytes")
    )
    return answer(_document(one), ACCEPTED)


@router.get("/person-imports/{import_id}")
def get_import(import_id: PathId, request: Request, caller: May) -> Response:
    """How far it is, and how many rows of each kind there are."""
    return answer(_document(_find(request, caller, import_id)))


@router.get("/person-imports/{import_id}/rows")
def get_rows(
    *,
    import_id: PathId,
    request: Request,
    hub: Hub,
    trail: Trail,
    caller: May,
    verdict: Literal["new", "double", "rejected", "failed"] | None = None,
    after: After = 0,
    limit: Limit = LIMIT_DEFAULT,
) -> Response:
    """Rows as they were judged, in the order of the file: what is wrong with each, or who is there
    already, side by side."""
    one = _find(request, caller, import_id)
    wanted = [row for row in one.rows if row.number > after and _is(one, row, verdict)]
    some = wanted[:limit]
    documents = _rows(hub, one, some, phones="contact.read" in caller.can)
    trail.note(caller.username, "listed", "persons:import", f"{len(documents)} shown")
    next_ = str(some[-1].number) if len(wanted) > limit else None
    return answer({"items": documents, "next": next_})


@router.post("/person-imports/{import_id}/decisions")
def decide(import_id: PathId, body: Decisions, request: Request, caller: May) -> Response:
    """What becomes of rows whose person is there already."""
    one = _find(request, caller, import_id)
    decisions = dict(body.rows)
    if body.all is not None:
        for row in one.rows:
            if one.undecided(row) and body.all in one.may_be(row):
                decisions.setdefault(row.number, body.all)
    try:
        wrong = _imports(request).decide(one, decisions)
    except NotNow:
        raise Problem(409, "not_ready", "this list can't be decided about now") from None
    if wrong:
        raise bad_field("rows", f"can't be decided so: {', '.join(map(str, wrong[:20]))}")
    return answer(_document(one))


@router.post("/person-imports/{import_id}/confirm")
async def confirm(import_id: PathId, request: Request, caller: May) -> Response:
    """Write what can be written; what was rejected stays out and can be fetched."""
    one = _find(request, caller, import_id)
    try:
        _imports(request).confirm(one)
    except NotNow:
        detail = "somebody has to decide about the doubles first, or it is not ready"
        raise Problem(409, "not_ready", detail) from None
    return answer(_document(one), ACCEPTED)


@router.get(
    "/person-imports/{import_id}/rejected", response_class=Response, responses=as_file("xlsx")
)
async def get_rejected(import_id: PathId, request: Request, trail: Trail, caller: May) -> Response:
    """The rows that can't be taken as a workbook, whole and with the reason of each, to be mended
    and brought again."""
    one = _find(request, caller, import_id)
    if one.heads is None:
        raise not_found("list of rejected rows")
    made = await run_in_threadpool(person_sheets.rejected, one.heads, one.unwanted())
    trail.note(caller.username, "exported", "persons:import", f"{len(one.unwanted())} rows, xlsx")
    return _workbook(made, "未导入的行.xlsx")


@router.delete("/person-imports/{import_id}", status_code=204)
async def forget(import_id: PathId, request: Request, caller: May) -> Response:
    """Give it up; what is written already stays."""
    _imports(request).forget(_find(request, caller, import_id))
    return Response(status_code=204)


def _check_caller(caller: Caller) -> None:
    if "home.write" not in caller.can:
        raise Problem(403, "forbidden", f"the role {caller.role} may not home.write")


def _imports(request: Request) -> Imports:
    imports: Imports = request.app.state.imports
    return imports


def _find(request: Request, caller: Caller, import_id: str) -> PersonImport:
    one = _imports(request).find(caller, import_id)
    if one is None:
        raise not_found("import")
    return one


def _document(one: PersonImport) -> Document:
    return {
        "id": one.id,
        "file": one.file,
        "state": one.state,
        "done": one.done,
        "of": one.of,
        "detail": one.detail or None,
        "ignored_columns": [] if one.heads is None else one.heads.ignored,
        "counts": one.counts,
        "result": one.result if one.state in ("taking", "done") else None,
    }


def _is(one: PersonImport, row: Row, verdict: str | None) -> bool:
    if verdict == "failed":
        taken = one.taken.get(row.number)
        return taken is not None and taken.how == "failed"
    return verdict in (None, row.verdict)


def _rows(hub: Deps, one: PersonImport, some: list[Row], *, phones: bool) -> list[Document]:
    persons = {row.double.person for row in some if row.double is not None and row.double.person}
    with hub.engine.connect() as connection:
        known = theirs(connection, persons)
    above = {row.number: row for row in one.rows}
    documents = [_row(one, row, known, above) for row in some]
    return documents if phones else [_without_theirs(document) for document in documents]


def _row(one: PersonImport, row: Row, known: dict[str, Record], above: dict[int, Row]) -> Document:
    taken = one.taken.get(row.number)
    faults = list(row.faults) + (list(taken.refusals) if taken is not None else [])
    return {
        "row": row.number,
        "verdict": row.verdict,
        "name": row.register.get("name", ""),
        "cells": _cells(one, row, {fault.field for fault in faults}),
        "faults": [{"field": f.field, "code": f.code, "zh": f.zh, "en": f.en} for f in faults],
        "double": _double(row, known, above),
        "may_be": list(one.may_be(row)),
        "decision": one.decisions.get(row.number),
        "outcome": taken.how if taken is not None else None,
        "person": (taken.person or None) if taken is not None else None,
    }


def _cells(one: PersonImport, row: Row, faulty: set[str]) -> list[Document]:
    """What the file says, by the heads of our columns. A number that is wrong is shown as it is."""
    columns = () if one.heads is None else one.heads.columns
    found = []
    for key, cell in zip(columns, row.cells, strict=False):
        said = cell.strip()
        if key is None or not said:
            continue
        if key in FIELD and FIELD[key].secret and key not in faulty:
            said = masked_number(said)
        column = COLUMN[key]
        found.append({"field": key, "zh": column.zh, "en": column.en, "text": said[:200]})
    return found


_COMPARED: Final = ("name", "sex", "born", "phone", "categories", "grade", "address", "id_number")


def _double(row: Row, known: dict[str, Record], above: dict[int, Row]) -> Document | None:
    """The two side by side; `same` says of each line whether they agree."""
    if row.double is None:
        return None
    ours = _told(row.register, row.file, row.address)
    person = known.get(row.double.person)
    other = above.get(row.double.row)
    there: Document = {}
    if person is not None:
        document = msgspec.json.decode(person["document"] or "{}")
        there = _told(register_of(person), document, person["address"])
    elif other is not None:
        there = _told(other.register, other.file, other.address)
    lines = [
        {
            "field": field,
            "file": _shown(field, ours.get(field)),
            "there": _shown(field, there.get(field)),
            # What the file leaves empty an update leaves as it is.
            "same": ours.get(field) in (None, "", []) or ours.get(field) == there.get(field),
        }
        for field in _COMPARED
    ]
    return {
        "by": row.double.by,
        "person": row.double.person or None,
        "row": row.double.row or None,
        "lines": lines,
    }


def _without_theirs(document: Document) -> Document:
    """Of who is in the register no telephone, for who sees none there either."""
    double = document["double"]
    if double is None or double["person"] is None:
        return document
    lines = [
        {**line, "there": masked_phone(line["there"])} if line["field"] == "phone" else line
        for line in double["lines"]
    ]
    return {**document, "double": {**double, "lines": lines}}


def _told(register: Any, file: Any, address: str) -> Document:
    told = {name: register.get(name) for name in _COMPARED}
    return {**told, "address": address, "id_number": file.get("id_number")}


def _shown(field: str, value: Any) -> Any:
    return masked_number(str(value)) if field == "id_number" and value else value


def _workbook(payload: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(payload, media_type=XLSX_TYPE, headers=headers)
