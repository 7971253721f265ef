"""Files for departments: what each gets and how often, and the page they fetch them from."""

import hashlib
import uuid
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import Body, PathId, Reason, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.department_files import AT_MINUTE, OFFERED, next_run, period_before
from dashboard.downloads import as_file, download
from dashboard.export_registry import SUBJECTS
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, one, rows
from ledger.database import insert_sql
from ledger.schema import ACCOUNT, EXPORT_FILE, EXPORT_ORDER
from ledger.sealing.at_connection import content_of
from ledger.sealing.sealer import EXPORTS
from ledger.unit_of_work import UnitOfWork, compact
from ledger.views import Document, document_list, document_of, instant
from rules.local_time import day_of

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


class RunNow(Body):
    reason: Reason


class OrderChange(Body):
    active: bool
    reason: Reason


@router.get("/export-orders")
def list_orders(hub: Hub, caller: Annotated[Caller, needs("export.order")]) -> Response:
    """What departments get and what comes `next`; `offered` are the tables and columns that may be
    named, `accounts` who may get them."""
    now_ms = hub.clock.now_ms()
    with hub.engine.connect() as connection:
        wanted = select(EXPORT_ORDER).order_by(EXPORT_ORDER.c.created_at_ms)
        found = [row for row in rows(connection, wanted) if caller.sees(row["region"])]
        made = _made(connection)
        accounts = _accounts(connection, caller)
    offered = [
        {
            "subject": name,
            "zh": SUBJECTS[name].zh,
            "columns": [{"column": c.key, "zh": c.zh} for c in SUBJECTS[name].columns],
        }
        for name in OFFERED
    ]
    orders = [{**_order(row), "next": _next(row, made, now_ms)} for row in found]
    return answer({"items": orders, "offered": offered, "accounts": accounts})


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
        stored = unit.seal.row(EXPORT_ORDER, EXPORTS, row)
        unit.execute(_INSERT, tuple(stored[column.name] for column in EXPORT_ORDER.columns))
        told = f"{body.name}, {body.every}: {row['tables']}, plain {row['plain']}; {body.reason}"
        order = f"export_order:{row['id']}"
        unit.audit(caller.username, "ordered", order, told[:500], owner=EXPORTS)

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
    await run_in_threadpool(_visible, hub, caller, order_id)

    def change(unit: UnitOfWork) -> None:
        unit.update(EXPORT_ORDER, {"id": order_id}, {"active": body.active})
        if unit.cursor.rowcount == 0:
            raise not_found("order")
        fact = "resumed" if body.active else "stopped"
        unit.audit(caller.username, fact, f"export_order:{order_id}", body.reason, owner=EXPORTS)

    await hub.writer.change(change)
    return answer({"id": order_id, "active": body.active})


@router.post("/export-orders/{order_id}/run")
async def run_order(
    order_id: PathId,
    body: RunNow,
    hub: Hub,
    caller: Annotated[Caller, needs("export.order")],
) -> Response:
    """Make the file of the last period now, anew if it is there; how it went is in the answer."""
    await run_in_threadpool(_visible, hub, caller, order_id)
    await hub.writer.change(
        lambda unit: unit.audit(
            caller.username,
            "asked_now",
            f"export_order:{order_id}",
            body.reason,
            owner=EXPORTS,
        )
    )
    try:
        await hub.departments.run_now(order_id)
    except KeyError:
        raise Problem(
            409, "stopped", "this order was stopped, or this hub makes no files"
        ) from None
    return answer(await run_in_threadpool(_newest, hub, caller, order_id))


@router.get("/export-files")
def list_files(hub: Hub, caller: Annotated[Caller, needs("export.fetch")]) -> Response:
    """The files of this account's orders, newest first; all of them for who keeps orders."""
    with hub.engine.connect() as connection:
        newest = _files(caller).order_by(EXPORT_FILE.c.at_ms.desc(), EXPORT_FILE.c.id)
        found = rows(connection, newest.limit(FILES_SHOWN))
    return answer({"items": [_file(row) for row in found]})


@router.get("/export-files/{file_id}/content", response_class=Response, responses=as_file("xlsx"))
def get_file(
    file_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("export.fetch")]
) -> Response:
    """The file, after its checksum was compared."""
    with hub.engine.connect() as connection:
        row = one(connection, _files(caller).where(EXPORT_FILE.c.id == file_id))
    if row is None or row["state"] != "made" or hub.outbox is None:
        raise not_found("file")
    content = _content(hub, hub.outbox / row["file"])
    if content is None or hashlib.sha256(content).hexdigest() != row["sha256"]:
        raise Problem(410, "damaged", "this file is no longer as it was made")
    trail.note(
        caller.username, "fetched", f"export_file:{file_id}", f"{row['name']} {row['period']}"
    )
    return download(content, f"{row['name']}-{row['period']}", "xlsx")


def _content(hub: Deps, path: FilePath) -> bytes | None:
    try:
        sealed = path.read_bytes()
    except OSError:
        return None
    with hub.engine.connect() as connection:
        return content_of(connection, sealed)


def _files(caller: Caller) -> Any:
    wanted = select(EXPORT_FILE, EXPORT_ORDER.c.name, EXPORT_ORDER.c.every).join(
        EXPORT_ORDER, EXPORT_ORDER.c.id == EXPORT_FILE.c.order_id
    )
    if "export.order" not in caller.can:
        return wanted.where(EXPORT_ORDER.c.account == caller.username)
    return wanted.where(caller.visible(EXPORT_ORDER.c.region))


def _visible(hub: Deps, caller: Caller, order_id: str) -> None:
    with hub.engine.connect() as connection:
        row = one(connection, select(EXPORT_ORDER).where(EXPORT_ORDER.c.id == order_id))
    if row is None or not caller.sees(row["region"]):
        raise not_found("order")


def _newest(hub: Deps, caller: Caller, order_id: str) -> Document:
    newest = _files(caller).where(EXPORT_FILE.c.order_id == order_id)
    with hub.engine.connect() as connection:
        row = one(connection, newest.order_by(EXPORT_FILE.c.at_ms.desc()).limit(1))
    if row is None:
        raise not_found("file")
    return _file(row)


def _made(connection: Connection) -> set[tuple[str, str]]:
    wanted = select(EXPORT_FILE.c.order_id, EXPORT_FILE.c.period)
    found = rows(connection, wanted.where(EXPORT_FILE.c.state != "failed"))
    return {(row["order_id"], row["period"]) for row in found}


def _next(row: Row, made: set[tuple[str, str]], now_ms: int) -> Document | None:
    if not row["active"]:
        return None
    last = period_before(row["every"], day_of(now_ms)).key
    period, at_ms = next_run(row["every"], now_ms, AT_MINUTE, made=(row["id"], last) in made)
    return {"period": period, "at": instant(at_ms)}


def _accounts(connection: Connection, caller: Caller) -> list[Document]:
    names = (ACCOUNT.c.username, ACCOUNT.c.name, ACCOUNT.c.region)
    wanted = select(*names).where(ACCOUNT.c.role == "department", ACCOUNT.c.disabled.is_(False))
    found = rows(connection, wanted.order_by(ACCOUNT.c.username))
    return [dict(row) for row in found if caller.sees(row["region"])]


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
