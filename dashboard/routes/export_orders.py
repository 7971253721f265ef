"""Files for departments: what each gets and how often, and the page they fetch them from."""

import hashlib
import uuid
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import Body, PathId, Reason, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.department_files import OFFERED
from dashboard.downloads import download
from dashboard.export_registry import SUBJECTS
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, one, rows
from ledger.database import insert_sql
from ledger.schema import ACCOUNT, EXPORT_FILE, EXPORT_ORDER
from ledger.unit_of_work import UnitOfWork, compact
from ledger.views import Document, document_list, document_of, instant

router = APIRouter(tags=["documents"])

COLUMNS_MAX: Final = 100
FILES_SHOWN: Final = 200
_INSERT: Final = insert_sql(EXPORT_ORDER)

Columns = Annotated[list[Word], Field(min_length=1, max_length=COLUMNS_MAX)]


class NewOrder(Body):
    """`tables`: columns by subject (`GET exports`). `plain`: `subject.column`, not masked."""

    name: Word
    account: Word
    region: str = ""
    tables: Annotated[dict[Word, Columns], Field(min_length=1, max_length=len(OFFERED))]
    plain: Annotated[list[Word], Field(default_factory=list, max_length=COLUMNS_MAX)]
    every: Literal["day", "week", "month"]
    reason: Reason


class OrderChange(Body):
    active: bool
    reason: Reason


@router.get("/export-orders")
def list_orders(hub: Hub, _caller: Annotated[Caller, needs("export.order")]) -> Response:
    """What departments get; `offered` are the tables and columns that may be named."""
    with hub.engine.connect() as connection:
        found = rows(connection, select(EXPORT_ORDER).order_by(EXPORT_ORDER.c.created_at_ms))
    offered = [
        {
            "subject": name,
            "zh": SUBJECTS[name].zh,
            "columns": [{"column": c.key, "zh": c.zh} for c in SUBJECTS[name].columns],
        }
        for name in OFFERED
    ]
    return answer({"items": [_order(row) for row in found], "offered": offered})


@router.post("/export-orders", status_code=CREATED)
async def create_order(
    body: NewOrder, request: Request, hub: Hub, caller: Annotated[Caller, needs("export.order")]
) -> Response:
    """A file of these tables for a department, each night, week or month."""
    _check(body)
    await run_in_threadpool(_check_account, hub, caller, body)
    row: dict[str, Any] = {
        **body.model_dump(),
        "id": f"export-{uuid.uuid4().hex[:12]}",
        "tables": compact(body.tables),
        "plain": compact(sorted(set(body.plain))),
        "active": True,
        "created_by": caller.username,
    }

    def change(unit: UnitOfWork) -> None:
        row["created_at_ms"] = unit.now_ms
        unit.execute(_INSERT, tuple(row[column.name] for column in EXPORT_ORDER.columns))
        told = f"{body.name}, {body.every}: {row['tables']}, plain {row['plain']}; {body.reason}"
        unit.audit(caller.username, "ordered", f"export_order:{row['id']}", told[:500])

    async def work() -> Document:
        await hub.writer.change(change)
        return _order(row)

    return await once(request, caller, work, CREATED)


@router.patch("/export-orders/{order_id}")
async def change_order(
    order_id: PathId,
    body: OrderChange,
    hub: Hub,
    caller: Annotated[Caller, needs("export.order")],
) -> Response:
    """Stop it, or let it go on. What it has is never changed: that is another order."""

    def change(unit: UnitOfWork) -> None:
        unit.update(EXPORT_ORDER, {"id": order_id}, {"active": body.active})
        if unit.cursor.rowcount == 0:
            raise not_found("order")
        fact = "resumed" if body.active else "stopped"
        unit.audit(caller.username, fact, f"export_order:{order_id}", body.reason)

    await hub.writer.change(change)
    return answer({"id": order_id, "active": body.active})


@router.get("/export-files")
def list_files(hub: Hub, caller: Annotated[Caller, needs("export.fetch")]) -> Response:
    """The files of this account's orders, newest first; all of them for who keeps orders."""
    with hub.engine.connect() as connection:
        newest = _files(caller).order_by(EXPORT_FILE.c.at_ms.desc(), EXPORT_FILE.c.id)
        found = rows(connection, newest.limit(FILES_SHOWN))
    return answer({"items": [_file(row) for row in found]})


@router.get("/export-files/{file_id}/content")
def get_file(
    file_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("export.fetch")]
) -> Response:
    """The file, after its checksum was compared."""
    with hub.engine.connect() as connection:
        row = one(connection, _files(caller).where(EXPORT_FILE.c.id == file_id))
    if row is None or row["state"] != "made" or hub.outbox is None:
        raise not_found("file")
    content = _content(hub.outbox / row["file"])
    if content is None or hashlib.sha256(content).hexdigest() != row["sha256"]:
        raise Problem(410, "damaged", "this file is no longer as it was made")
    trail.note(
        caller.username, "fetched", f"export_file:{file_id}", f"{row['name']} {row['period']}"
    )
    return download(content, f"{row['name']}-{row['period']}", "xlsx")


def _content(path: FilePath) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _files(caller: Caller) -> Any:
    wanted = select(EXPORT_FILE, EXPORT_ORDER.c.name, EXPORT_ORDER.c.every).join(
        EXPORT_ORDER, EXPORT_ORDER.c.id == EXPORT_FILE.c.order_id
    )
    if "export.order" not in caller.can:
        wanted = wanted.where(EXPORT_ORDER.c.account == caller.username)
    return wanted


def _check(body: NewOrder) -> None:
    for name, columns in body.tables.items():
        if name not in OFFERED:
            raise bad_field("tables", f"{name}: of {', '.join(OFFERED)}")
        known = {column.key for column in SUBJECTS[name].columns}
        if strange := sorted(set(columns) - known):
            raise bad_field("tables", f"{name} has no {', '.join(strange)}")
    named = {f"{name}.{column}" for name, columns in body.tables.items() for column in columns}
    if strange := sorted(set(body.plain) - named):
        raise bad_field("plain", f"{', '.join(strange)} is in none of the tables")


def _check_account(hub: Deps, caller: Caller, body: NewOrder) -> None:
    """A department gets nothing of outside its own region."""
    with hub.engine.connect() as connection:
        account = one(connection, select(ACCOUNT).where(ACCOUNT.c.username == body.account))
    if account is None or account["role"] != "department" or account["disabled"]:
        raise bad_field("account", "an account of the role department")
    if not body.region.startswith(account["region"]) or not caller.sees(body.region):
        raise bad_field("region", "within the region of the account, and of your own")


def _order(row: Row) -> Document:
    return {
        **{name: row[name] for name in ("id", "name", "account", "region", "every", "reason")},
        "tables": document_of(row["tables"]),
        "plain": document_list(row["plain"]),
        "active": bool(row["active"]),
        "created_at": instant(row["created_at_ms"]),
        "created_by": row["created_by"],
    }


def _file(row: Row) -> Document:
    names = ("id", "period", "state", "sha256", "size", "rows", "withheld", "detail", "attempts")
    return {
        **{name: row[name] for name in names},
        "order": row["order_id"],
        "for": row["name"],
        "every": row["every"],
        "at": instant(row["at_ms"]),
    }
