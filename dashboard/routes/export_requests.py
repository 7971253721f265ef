"""Large exports: one asks, another approves or refuses, and the file is fetched once."""

import hashlib
import io
import zipfile
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard import export_requests as requests
from dashboard.answers import CREATED, answer
from dashboard.asked import Body, Line, PathId, Reason, Word, instant_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file, download
from dashboard.export_registry import SUBJECTS
from dashboard.export_requests import ALL, Wanted
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row
from dashboard.routes.exports import file_name, table_of
from ledger.documents.comma_file import write_csv
from ledger.documents.workbook import write_xlsx
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["documents"])

# The whole archive in memory; a county's is some tens.
ARCHIVE_BYTES_MAX: Final = 256 * 1024 * 1024

May = Annotated[Caller, needs("data.export")]


class NewRequest(Body):
    """`subject` of `GET exports`, or `all` as an archive of CSV files (`zip`)."""

    subject: Word
    ending: Literal["xlsx", "csv", "zip"]
    region: Line = ""
    from_: Word | None = None
    to: Word | None = None
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    reason: Reason


class Decision(Body):
    reason: Reason


class Nothing(Body):
    """A move that needs no words."""


@router.get("/export-requests")
def list_requests(hub: Hub, caller: May) -> Response:
    """One's own and those that one may decide about, newest first."""
    with hub.engine.connect() as connection:
        return answer({"items": requests.listed(connection, caller, hub.clock.now_ms())})


@router.post("/export-requests", status_code=CREATED)
async def ask_for_export(body: NewRequest, request: Request, hub: Hub, caller: May) -> Response:
    """Ask for an export that a second person has to approve."""
    wanted = _wanted(body, caller)

    async def work() -> Document:
        id_ = await hub.writer.change(lambda unit: requests.ask(unit, wanted, caller))
        return await run_in_threadpool(_document, hub, id_, caller)

    return await once(request, caller, work, CREATED)


@router.post("/export-requests/{request_id}/approve")
async def approve_export(request_id: PathId, body: Decision, hub: Hub, caller: May) -> Response:
    """Somebody else who may export all of it says yes; it is fetched within a day."""
    return await _decided(hub, request_id, caller, "approved", body.reason)


@router.post("/export-requests/{request_id}/refuse")
async def refuse_export(request_id: PathId, body: Decision, hub: Hub, caller: May) -> Response:
    """As `approve`, and nothing leaves."""
    return await _decided(hub, request_id, caller, "refused", body.reason)


@router.post("/export-requests/{request_id}/withdraw")
async def withdraw_export(request_id: PathId, _body: Nothing, hub: Hub, caller: May) -> Response:
    """Who asked needs it no more."""
    await hub.writer.change(lambda unit: requests.withdraw(unit, request_id, caller))
    return answer(await run_in_threadpool(_document, hub, request_id, caller))


@router.post(
    "/export-requests/{request_id}/content",
    response_class=Response,
    responses=as_file("csv", "xlsx", "zip"),
)
async def fetch_export(request_id: PathId, _body: Nothing, hub: Hub, caller: May) -> Response:
    """The file, once, to whoever asked for it. That it left is on record before it does."""
    made, count, name, ending, row = await run_in_threadpool(_made, hub, request_id, caller)
    digest = hashlib.sha256(made).hexdigest()

    def take(unit: UnitOfWork) -> None:
        requests.take(unit, row, caller, digest, count)

    await hub.writer.change(take)
    return download(made, name, ending)


async def _decided(hub: Deps, id_: str, caller: Caller, state: str, reason: str) -> Response:
    def decide(unit: UnitOfWork) -> None:
        requests.decide(unit, id_, caller, state, reason)

    await hub.writer.change(decide)
    return answer(await run_in_threadpool(_document, hub, id_, caller))


def _wanted(body: NewRequest, caller: Caller) -> Wanted:
    if (body.subject == ALL) != (body.ending == "zip"):
        raise bad_field("ending", "zip for all of it, xlsx or csv for one subject")
    if body.subject != ALL:
        subject = SUBJECTS.get(body.subject)
        if subject is None or not subject.needs <= caller.can:
            raise bad_field("subject", "one of `GET exports`")
    region = body.region or caller.region
    if not caller.sees(region):
        raise bad_field("region", "a region of yours")
    from_ms, to_ms = instant_ms(body.from_, "from_"), instant_ms(body.to, "to")
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise bad_field("from_", "`from_` lies before `to`")
    return Wanted(
        subject=body.subject,
        ending=body.ending,
        region=region,
        from_ms=from_ms,
        to_ms=to_ms,
        encoding=body.encoding,
        reason=body.reason,
    )


def _made(hub: Deps, id_: str, caller: Caller) -> tuple[bytes, int, str, str, Row]:
    """The file with its marks, how many rows it has, its name and form, and the request."""
    now_ms = hub.clock.now_ms()
    with hub.engine.connect() as connection:
        row = requests.find(connection, id_)
        if row is None or row["asked_by"] != caller.username:
            raise not_found("request")
        state = requests.state_at(row, now_ms)
        if state != "approved":
            code = "fetched_before" if state == "fetched" else "not_approved"
            raise Problem(409, code, f"nothing to fetch: this request is {state}")
        subject, ending, encoding, asked = requests.asked_of(row, caller)
        names = [subject] if subject != ALL else list(SUBJECTS)
        tables = {
            name: requests.marked(
                table_of(connection, SUBJECTS[name], asked), caller, row["number"], now_ms
            )
            for name in names
            # Rights may have changed since it was asked for.
            if SUBJECTS[name].needs <= caller.can
        }
    if not tables:
        raise Problem(403, "forbidden", f"the role {caller.role} may not read this any more")
    count = sum(len(table.rows) for table in tables.values())
    zh = SUBJECTS[subject].zh if subject != ALL else "全部台账"
    name = f"{file_name(hub, zh)}-{row['number']}"
    if ending == "xlsx":
        return write_xlsx(list(tables.values())), count, name, ending, row
    if ending == "csv":
        [table] = tables.values()
        return write_csv(table, encoding), count, name, ending, row
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, table in tables.items():
            archive.writestr(f"{key}-{SUBJECTS[key].zh}.csv", write_csv(table, encoding))
            if out.tell() > ARCHIVE_BYTES_MAX:
                raise Problem(422, "too_long", "more than an archive may hold; take a region")
    return out.getvalue(), count, name, ending, row


def _document(hub: Deps, id_: str, caller: Caller) -> Document:
    with hub.engine.connect() as connection:
        row = requests.find(connection, id_)
    if row is None:
        raise not_found("request")
    return requests.document(row, caller, hub.clock.now_ms())
