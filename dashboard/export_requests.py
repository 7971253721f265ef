"""Exports that leave with everything: asked for by one, decided by another, fetched once.

What may go at once, how long an approval holds, and what stands on each row of what leaves.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from contract.moment import to_iso
from dashboard.callers import Caller
from dashboard.export import Asked
from dashboard.problems import Problem, not_found
from dashboard.reads import Row, one, rows
from ledger.database import insert_sql
from ledger.documents.comma_file import Encoding
from ledger.documents.sheets import local
from ledger.documents.table import Column, Table
from ledger.schema import EXPORT_REQUEST
from ledger.sealing.sealer import EXPORTS
from ledger.unit_of_work import UnitOfWork, compact
from ledger.views import Document

# More persons than one visitor looks after; what has more rows is a register, and not somebody's
# day's work.
ROWS_AT_ONCE_MAX: Final = 200
# Whoever asked is told the same day; what lies longer is asked for again.
ASKED_MS: Final = 7 * 86_400_000
APPROVED_MS: Final = 24 * 3_600_000
# Of one account: a second person reads them all.
OPEN_MAX: Final = 20
SHOWN: Final = 100
ALL: Final = "all"
EXPIRED: Final = "expired"
MARK: Final = Column(key="mark", zh="导出标记", width=40)
_INSERT: Final = insert_sql(EXPORT_REQUEST)
_OPEN: Final = (
    "SELECT count(*) FROM export_request WHERE asked_by = ? AND state = 'asked' AND asked_at_ms > ?"
)
_FETCH: Final = (
    "UPDATE export_request SET state = 'fetched', fetched_at_ms = ?, sha256 = ?"
    " WHERE id = ? AND state = 'approved'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of the hub is to leave: `subject` is one of the registry, or all."""

    subject: str
    ending: str
    region: str
    from_ms: int | None
    to_ms: int | None
    encoding: str
    reason: str


def number_of(now_ms: int) -> str:
    """As it stands on each row, and on the trail: whoever finds a file finds who took it."""
    return f"E{local(now_ms):%Y%m%d}-{uuid.uuid4().hex[:6].upper()}"


def mark_text(caller: Caller, number: str, now_ms: int) -> str:
    return f"{caller.name}（{caller.username}）{local(now_ms):%Y-%m-%d %H:%M} {number}"


def marked(table: Table, caller: Caller, number: str, now_ms: int) -> Table:
    """The same with who took it, when, and its number on each row."""
    mark = mark_text(caller, number, now_ms)
    return Table(
        title=table.title,
        columns=(*table.columns, MARK),
        rows=[[*row, mark] for row in table.rows],
        left_out=table.left_out,
    )


def needed(table: Table) -> bool:
    """Whether a second person has to look at it."""
    return len(table.rows) > ROWS_AT_ONCE_MAX


def refusal(count: int) -> Problem:
    detail = f"{count} rows; above {ROWS_AT_ONCE_MAX} a second person approves: ask for it"
    return Problem(409, "approval_needed", detail)


def ask(unit: UnitOfWork, wanted: Wanted, caller: Caller) -> str:
    """Returns its id."""
    if unit.execute(_OPEN, (caller.username, unit.now_ms - ASKED_MS)).fetchone()[0] >= OPEN_MAX:
        raise Problem(409, "too_many_asked", f"{OPEN_MAX} requests of yours wait; withdraw some")
    asked = {
        "subject": wanted.subject,
        "ending": wanted.ending,
        "from_ms": wanted.from_ms,
        "to_ms": wanted.to_ms,
        "encoding": wanted.encoding,
    }
    row: dict[str, Any] = {
        "id": f"request-{uuid.uuid4().hex[:12]}",
        "number": number_of(unit.now_ms),
        "asked": compact(asked),
        "region": wanted.region,
        "reason": unit.seal.text(EXPORTS, wanted.reason),
        "asked_by": caller.username,
        "asked_at_ms": unit.now_ms,
        "state": "asked",
        **dict.fromkeys(("decided_by", "decided_at_ms", "fetched_at_ms")),
        **dict.fromkeys(("decision", "sha256"), ""),
    }
    unit.execute(_INSERT, tuple(row[column.name] for column in EXPORT_REQUEST.columns))
    detail = f"{row['number']} {wanted.subject}.{wanted.ending}: {wanted.reason}"
    _note(unit, caller, "export_asked", row["id"], detail)
    return str(row["id"])


def decide(unit: UnitOfWork, id_: str, caller: Caller, state: str, reason: str) -> None:
    """Somebody else who sees all of it says yes or no. In the writer's thread, so that two who
    decide at once don't both."""
    row = _row(unit, id_)
    if row is None or not caller.sees(row["region"]):
        raise not_found("request")
    if row["asked_by"] == caller.username:
        raise Problem(409, "own_request", "somebody else decides about what you ask for")
    if state_at(row, unit.now_ms) != "asked":
        raise Problem(409, "request_decided", "this request was decided, or has run out")
    changes = {"state": state, "decided_by": caller.username, "decided_at_ms": unit.now_ms}
    changes["decision"] = unit.seal.text(EXPORTS, reason)
    unit.update(EXPORT_REQUEST, {"id": id_}, changes)
    _note(unit, caller, f"export_{state}", id_, f"{row['number']}: {reason}")


def withdraw(unit: UnitOfWork, id_: str, caller: Caller) -> None:
    row = _row(unit, id_)
    if row is None or row["asked_by"] != caller.username:
        raise not_found("request")
    if row["state"] not in ("asked", "approved"):
        raise Problem(409, "request_decided", "this request was decided, or has run out")
    changes = {"state": "refused", "decided_by": caller.username, "decided_at_ms": unit.now_ms}
    unit.update(EXPORT_REQUEST, {"id": id_}, changes)
    _note(unit, caller, "export_withdrawn", id_, str(row["number"]))


def take(unit: UnitOfWork, row: Row, caller: Caller, sha256: str, count: int) -> None:
    """It leaves now, and never again."""
    unit.execute(_FETCH, (unit.now_ms, sha256, row["id"]))
    if not unit.cursor.rowcount:
        raise Problem(409, "fetched_before", "this file was fetched before; ask for another")
    _note(unit, caller, "exported", row["id"], f"{row['number']}, {count} rows, sha256 {sha256}")


def state_at(row: Row, now_ms: int) -> str:
    """Its state, or that it has run out."""
    until_ms = until(row)
    return EXPIRED if until_ms is not None and now_ms >= until_ms else str(row["state"])


def until(row: Row) -> int | None:
    if row["state"] == "asked":
        return int(row["asked_at_ms"]) + ASKED_MS
    if row["state"] == "approved":
        return int(row["decided_at_ms"]) + APPROVED_MS
    return None


def find(connection: Connection, id_: str) -> Row | None:
    return one(connection, select(EXPORT_REQUEST).where(EXPORT_REQUEST.c.id == id_))


def asked_of(row: Row, caller: Caller) -> tuple[str, str, Encoding, Asked]:
    """Subject, form, encoding and what of it."""
    said = json.loads(row["asked"])
    asked = Asked(
        caller=caller,
        region=row["region"] or None,
        from_ms=said["from_ms"],
        to_ms=said["to_ms"],
        whole=True,
    )
    encoding: Encoding = "gb18030" if said["encoding"] == "gb18030" else "utf-8"
    return said["subject"], said["ending"], encoding, asked


def listed(connection: Connection, caller: Caller, now_ms: int) -> list[Document]:
    """One's own, and those that one may decide about; newest first."""
    mine = EXPORT_REQUEST.c.asked_by == caller.username
    wanted = select(EXPORT_REQUEST).where(or_(mine, caller.visible(EXPORT_REQUEST.c.region)))
    newest = wanted.order_by(EXPORT_REQUEST.c.asked_at_ms.desc())
    return [document(row, caller, now_ms) for row in rows(connection, newest.limit(SHOWN))]


def document(row: Row, caller: Caller, now_ms: int) -> Document:
    said = json.loads(row["asked"])
    own = row["asked_by"] == caller.username
    state = state_at(row, now_ms)
    ends_ms = until(row)
    return {
        "id": row["id"],
        "number": row["number"],
        "subject": said["subject"],
        "ending": said["ending"],
        "region": row["region"],
        "from": None if said["from_ms"] is None else to_iso(said["from_ms"]),
        "to": None if said["to_ms"] is None else to_iso(said["to_ms"]),
        "reason": row["reason"],
        "state": state,
        "asked_by": row["asked_by"],
        "asked_at": to_iso(row["asked_at_ms"]),
        "decided_by": row["decided_by"],
        "decided_at": None if row["decided_at_ms"] is None else to_iso(row["decided_at_ms"]),
        "decision": row["decision"],
        "fetched_at": None if row["fetched_at_ms"] is None else to_iso(row["fetched_at_ms"]),
        "expires_at": None if ends_ms is None else to_iso(ends_ms),
        "may_decide": state == "asked" and not own,
        "may_fetch": state == "approved" and own,
    }


def _row(unit: UnitOfWork, id_: str) -> Row | None:
    names = [column.name for column in EXPORT_REQUEST.columns]
    sql = f"SELECT {', '.join(names)} FROM export_request WHERE id = ?"  # noqa: S608 - own names
    found = unit.execute(sql, (id_,)).fetchone()
    return None if found is None else dict(zip(names, found, strict=True))


def _note(unit: UnitOfWork, caller: Caller, action: str, id_: str, detail: str) -> None:
    unit.audit(caller.username, action, f"export_request:{id_}", detail[:500], owner=EXPORTS)
