"""The trail of looks and changes: read, taken along, its chain checked. Looks at it are on it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.answers import Trail, answer, page
from dashboard.asked import LIMIT_DEFAULT, FromTime, Limit, Number, QueryWord, instant_ms, words
from dashboard.audit_reads import Asked, changes_of, documents, find_row, trail
from dashboard.audit_words import KINDS, action_word
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file, download
from dashboard.export_requests import marked, number_of
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import one, roster_for
from ledger.chain_check import CHAINS, LISTED_MAX, Step, check_on
from ledger.documents.comma_file import Encoding, write_csv
from ledger.documents.sheets import local
from ledger.documents.table import Column, Table
from ledger.documents.workbook import ROWS_MAX
from ledger.schema import AUDIT
from ledger.unit_of_work import UnitOfWork, compact
from ledger.views import Document, document_of

router = APIRouter(tags=["records"])

# Some seconds of one core beside everything else; the whole book is `hearthwatch doctor`'s.
CHECKED_MAX: Final = 100_000
CHECKED: Final = "chain_checked"

Reader = Annotated[Caller, needs("audit.read")]
Object = Annotated[str | None, Query(alias="object", max_length=160)]

_COLUMNS: Final = (
    Column(key="seq", zh="序号", kind="integer", width=10),
    Column(key="at", zh="时间", kind="instant", width=17),
    Column(key="actor", zh="账号", width=14),
    Column(key="actor_name", zh="姓名", width=14),
    Column(key="action", zh="做了什么", width=16),
    Column(key="object", zh="对象", width=26),
    Column(key="name", zh="对象名称", width=20),
    Column(key="detail", zh="说明", width=30),
    Column(key="from", zh="登录地址", width=18),
)


def asked_for(
    *,
    actor: QueryWord = None,
    kind: QueryWord = None,
    object_: Object = None,
    person: QueryWord = None,
    from_: FromTime = None,
    to: QueryWord = None,
    before: Number = None,
) -> Asked:
    from_ms, to_ms = instant_ms(from_, "from"), instant_ms(to, "to")
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise bad_field("from", "`from` lies before `to`")
    return Asked(
        actor=actor,
        kinds=words(kind, KINDS, "kind"),
        object=object_,
        person=person,
        from_ms=from_ms,
        to_ms=to_ms,
        before=before,
    )


AskedFor = Annotated[Asked, Depends(asked_for)]


@router.get("/audit")
def list_audit(
    *,
    hub: Hub,
    noted: Trail,
    caller: Reader,
    asked: AskedFor,
    limit: Limit = LIMIT_DEFAULT,
) -> Response:
    """The trail, newest first. `person`: what names her, her home, her visits and alarms; `object`
    as `person:person-0001`; `kind` of look, change, out, access and board (what an open board
    asks by itself), several with commas."""
    with hub.engine.connect() as connection:
        found = trail(connection, asked, limit)
        items = documents(connection, found, caller)
    noted.note(caller.username, "listed", "audit", _told(asked, f"{len(items[:limit])} shown"))
    return page(items, [row["seq"] for row in found], limit)


@router.get("/audit/all.csv", response_class=Response, responses=as_file("csv"))
def export_audit(
    *,
    hub: Hub,
    noted: Trail,
    caller: Reader,
    asked: AskedFor,
    encoding: Annotated[Encoding, Query()] = "utf-8",
) -> Response:
    """The same as a table; 422 `too_long` beyond 50,000 rows."""
    with hub.engine.connect() as connection:
        found = trail(connection, asked, ROWS_MAX)
        if len(found) > ROWS_MAX:
            raise Problem(422, "too_long", f"more than {ROWS_MAX} rows; take a shorter span")
        items = documents(connection, found, caller)
    lines = [
        [
            *(row["seq"], row["at_ms"], row["actor"], item["actor_name"]),
            *(action_word(row["action"]), row["object"], item["name"], row["detail"]),
            "、".join(item["from"]),
        ]
        for row, item in zip(found, items, strict=True)
    ]
    now_ms = hub.clock.now_ms()
    number = number_of(now_ms)
    told = _told(asked, f"{number}, {len(lines)} rows, csv")
    noted.note(caller.username, "exported", "audit", told)
    table = marked(Table(title="操作记录", columns=_COLUMNS, rows=lines), caller, number, now_ms)
    return download(write_csv(table, encoding), f"操作记录-{local(now_ms):%Y%m%d}", "csv")


@router.get("/audit/chain")
def get_chain(hub: Hub, _caller: Reader) -> Response:
    """How far the links of the book were checked from here, and what the newest ones are."""
    with hub.engine.connect() as connection:
        tables = []
        for table, _fields in CHAINS:
            newest = select(table.c.seq, table.c.at_ms, table.c.link)
            row = one(connection, newest.order_by(table.c.seq.desc()).limit(1))
            tables.append(
                {
                    "table": str(table.name),
                    "newest": None if row is None else row["seq"],
                    "at": None if row is None else to_iso(row["at_ms"]),
                    "head": "" if row is None else bytes(row["link"] or b"").hex(),
                }
            )
        checked = _last_check(hub)
    return answer({"tables": tables, "checked": checked, "command": "hearthwatch doctor"})


@router.post("/audit/chain")
async def check_chain(request: Request, hub: Hub, caller: Reader) -> Response:
    """Check what was written since the last time, at most 100,000 rows of each table; `more`: ask
    again. What is found goes on the trail."""
    if request.app.state.checking_chain:
        raise Problem(409, "in_progress", "the chain is being checked")
    request.app.state.checking_chain = True
    try:
        before = await run_in_threadpool(_last_check, hub)
        steps = await run_in_threadpool(_steps, hub, before)
    finally:
        request.app.state.checking_chain = False
    detail = {step.table: _step(step, before) for step in steps}

    def change(unit: UnitOfWork) -> None:
        unit.audit(caller.username, CHECKED, "chain", compact(detail))

    await hub.writer.change(change)
    return answer(await run_in_threadpool(_last_check, hub))


@router.get("/audit/{seq}")
def get_entry(
    seq: Annotated[int, Path(ge=0, le=2**62)], hub: Hub, noted: Trail, caller: Reader
) -> Response:
    """One line with `changes`: each field before and after, where the book has it."""
    with hub.engine.connect() as connection:
        row = find_row(connection, seq)
        if row is None:
            raise not_found("line of the trail")
        document = documents(connection, [row], caller)[0]
        changes = changes_of(connection, row, caller)
    noted.note(caller.username, "viewed", f"audit:{seq}", row["object"])
    return answer({**document, "changes": changes})


def _told(asked: Asked, count: str) -> str:
    said = (
        ("account", asked.actor),
        ("person", asked.person),
        ("object", asked.object),
        ("kind", ",".join(asked.kinds)),
        ("from", None if asked.from_ms is None else to_iso(asked.from_ms)),
        ("to", None if asked.to_ms is None else to_iso(asked.to_ms)),
    )
    return ", ".join([count, *(f"{name} {value}" for name, value in said if value)])


def _last_check(hub: Deps) -> Document | None:
    newest = select(AUDIT).where(AUDIT.c.action == CHECKED).order_by(AUDIT.c.seq.desc()).limit(1)
    with hub.engine.connect() as connection:
        row = one(connection, newest)
        if row is None:
            return None
        account = roster_for(connection, usernames=[row["actor"]]).accounts.get(row["actor"])
    tables: dict[str, Any] = document_of(row["detail"])
    return {
        "at": to_iso(row["at_ms"]),
        "by": row["actor"] if account is None else account["name"],
        "holds": not any(part.get("broken") for part in tables.values()),
        "more": any(part.get("more") for part in tables.values()),
        "tables": tables,
    }


def _steps(hub: Deps, before: Document | None) -> list[Step]:
    last = {} if before is None else before["tables"]
    with hub.engine.connect() as connection:
        return [
            check_on(
                connection,
                table.name,
                int(last.get(table.name, {}).get("seq", -1)),
                str(last.get(table.name, {}).get("link", "")),
                CHECKED_MAX,
            )
            for table, _fields in CHAINS
        ]


def _step(step: Step, before: Document | None) -> dict[str, object]:
    # What was found broken once stays told: the next check goes on behind it.
    last = () if before is None else before["tables"].get(step.table, {}).get("broken", ())
    return {
        "seq": step.seq,
        "link": step.link,
        "rows": step.rows,
        "broken": sorted({*last, *step.broken})[:LISTED_MAX],
        "more": step.more,
    }
