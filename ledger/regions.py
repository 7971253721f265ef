"""Regions that are added, renamed, closed and opened again: each a fact of the book, with why.

A region is never removed: what happened there keeps its place and its name. Whether it is closed is
what its newest fact says, so that who closed it, when and why can't be told apart from it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from ledger.cursor import Cursor
from ledger.database import insert_sql, upsert_sql
from ledger.outlines import Shape
from ledger.schema import ENTRY, REGION, REGION_OUTLINE
from ledger.unit_of_work import Entry, UnitOfWork, compact

TOPIC: Final = "region"
# Each level and what it lies in.
ABOVE: Final[Mapping[str, str]] = {"town": "county", "village": "town", "group": "village"}

_INSERT: Final = insert_sql(REGION, conflict="ON CONFLICT DO NOTHING")
_OUTLINE: Final = upsert_sql(REGION_OUTLINE)
_NEWEST: Final = (
    "SELECT fact FROM entry WHERE topic = 'region' AND subject = ? "
    "AND fact IN ('closed', 'reopened') ORDER BY seq DESC LIMIT 1"
)
# What must have gone elsewhere before a region can be closed, in the order in which it is told.
_IN_USE: Final[tuple[tuple[str, str], ...]] = (
    (
        "persons",
        "SELECT count(*) FROM service_user JOIN home ON home.id = service_user.home "
        "WHERE home.region = ? AND service_user.left_on = ''",
    ),
    (
        "devices",
        'SELECT count(*) FROM "device" JOIN home ON home.id = "device".home WHERE home.region = ?',
    ),
    ("gateways", "SELECT count(*) FROM gateway WHERE region = ?"),
    ("accounts", "SELECT count(*) FROM account WHERE region = ? AND NOT disabled"),
)

Row = Mapping[str, Any]


class RegionError(ValueError):
    """Why this can't be done; `counts` says what is still there."""

    def __init__(
        self, code: str, field: str, detail: str, counts: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.field = field
        self.detail = detail
        self.counts = dict(counts or {})


def closed_codes(connection: Connection) -> frozenset[str]:
    """Those whose newest fact says so."""
    wanted = select(ENTRY.c.subject, ENTRY.c.fact).where(
        ENTRY.c.topic == TOPIC, ENTRY.c.fact.in_(("closed", "reopened"))
    )
    state = {row.subject: row.fact for row in connection.execute(wanted.order_by(ENTRY.c.seq))}
    return frozenset(code for code, fact in state.items() if fact == "closed")


def is_closed(cursor: Cursor, code: str) -> bool:
    found = cursor.execute(_NEWEST, (code,)).fetchone()
    return found is not None and found[0] == "closed"


def open_codes(cursor: Cursor) -> frozenset[str]:
    codes = [str(code) for (code,) in cursor.execute("SELECT code FROM region").fetchall()]
    return frozenset(code for code in codes if not is_closed(cursor, code))


def add(unit: UnitOfWork, row: Row, actor: str, reason: str = "") -> None:
    """RegionError when the code is taken, would lie in another's, or has another's in it; when a
    sibling has the name, or what it lies in is closed."""
    if is_closed(unit.cursor, row["parent"]):
        raise RegionError("closed", "parent", "what it would lie in is closed")
    _check_code(unit, row)
    unit.execute(_INSERT, (row["code"], row["name"], row["level"], row["parent"]))
    if unit.cursor.rowcount == 0:
        raise RegionError("taken", "code", "this code is taken")
    _check_name(unit, row)
    _say(unit, row, "added", actor, {"name": row["name"], "reason": reason})


def rename(unit: UnitOfWork, code: str, name: str, actor: str, reason: str) -> None:
    row = _row(unit, code)
    if row["name"] == name:
        return
    unit.update(REGION, {"code": code}, {"name": name})
    new = {**row, "name": name}
    _check_name(unit, new)
    _say(unit, new, "renamed", actor, {"old": row["name"], "new": name, "reason": reason})


def close(unit: UnitOfWork, code: str, actor: str, reason: str) -> None:
    """RegionError `in_use` while anybody or anything is still there."""
    row = _row(unit, code)
    if row["level"] == "county":
        raise RegionError("county", "code", "a county is never closed")
    if is_closed(unit.cursor, code):
        return
    counts = in_use(unit.cursor, code)
    if counts:
        told = ", ".join(f"{count} {what}" for what, count in counts.items())
        raise RegionError("in_use", "code", f"still there: {told}", counts)
    _say(unit, row, "closed", actor, {"reason": reason})


def reopen(unit: UnitOfWork, code: str, actor: str, reason: str) -> None:
    row = _row(unit, code)
    if not is_closed(unit.cursor, code):
        return
    if row["parent"] is not None and is_closed(unit.cursor, row["parent"]):
        raise RegionError("closed", "parent", "what it lies in is closed; open that first")
    _say(unit, row, "reopened", actor, {"reason": reason})


def outline(unit: UnitOfWork, code: str, shape: Shape | None, actor: str, grid: str) -> None:
    """Its border on the map as the county gave it; None takes it away. KeyError without one."""
    row = _row(unit, code)
    if shape is None:
        unit.execute("DELETE FROM region_outline WHERE region = ?", (code,))
        if unit.cursor.rowcount > 0:
            _say(unit, row, "outline_removed", actor, {})
        return
    positions = sum(len(ring) for polygon in shape for ring in polygon)
    unit.execute(_OUTLINE, (code, compact(shape), unit.now_ms, actor))
    _say(unit, row, "outlined", actor, {"positions": positions, "grid": grid})


def in_use(cursor: Cursor, code: str) -> dict[str, int]:
    """What is right there, by kind; nothing: it may be closed."""
    below = cursor.execute("SELECT code FROM region WHERE parent = ?", (code,)).fetchall()
    counts = {"regions": sum(not is_closed(cursor, str(child)) for (child,) in below)}
    for what, sql in _IN_USE:
        [count] = cursor.execute(sql, (code,)).fetchone() or (0,)
        counts[what] = int(count)
    return {what: count for what, count in counts.items() if count}


def _row(unit: UnitOfWork, code: str) -> dict[str, Any]:
    names = tuple(column.name for column in REGION.columns)
    # Names of the schema, never of input.
    listed = ", ".join(names)
    found = unit.execute(f"SELECT {listed} FROM region WHERE code = ?", (code,)).fetchone()  # noqa: S608
    if found is None:
        raise KeyError(code[:32])
    return dict(zip(names, found, strict=True))


def _check_code(unit: UnitOfWork, row: Row) -> None:
    """What an account sees is all that begins with its region's code: beside 6101 nobody adds
    61011, whose people the accounts of 6101 would see, nor 610."""
    code, above = str(row["code"]), set[str]()
    parent: str | None = row["parent"]
    while parent is not None and parent not in above:
        above.add(parent)
        parent = _row(unit, parent)["parent"]
    known = {str(one) for (one,) in unit.execute("SELECT code FROM region").fetchall()}
    others = sorted(
        one for one in known - above - {code} if code.startswith(one) or one.startswith(code)
    )
    if others:
        raise RegionError("overlaps", "code", f"what lies in it would be mixed with {others[0]}")


def _check_name(unit: UnitOfWork, row: Row) -> None:
    """Lists name a village and its town: of two with one name nobody could say which is meant."""
    found = unit.execute(
        "SELECT code FROM region WHERE parent = ? AND name = ? AND code <> ?",
        (row["parent"], row["name"], row["code"]),
    ).fetchall()
    if any(not is_closed(unit.cursor, str(code)) for (code,) in found):
        raise RegionError("same_name", "name", "another one right beside it has this name")


def _say(unit: UnitOfWork, row: Row, fact: str, actor: str, data: Mapping[str, object]) -> None:
    document = {**row, "closed": fact == "closed"}
    payload: Callable[[], bytes] = compact(document).encode
    unit.entry(
        Entry(
            topic=TOPIC,
            subject=row["code"],
            fact=fact,
            payload=payload,
            actor=actor,
            region=row["code"],
            data=data,
        )
    )
    action = {"added": "created", "renamed": "changed"}.get(fact, fact)
    unit.audit(actor, action, f"region:{row['code']}", str(data.get("reason", "")))
