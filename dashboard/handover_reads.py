"""Hand-over sheets as documents, each line with what was signed and what has become of it since."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, and_, func, select

from alarms.rota.handover import line_from, place_of, signed_alone
from contract.moment import to_iso
from dashboard.reads import Row, roster_for, rows
from dashboard.rota_reads import Names, person
from ledger.schema import ALARM, HANDOVER, HANDOVER_LINE, HANDOVER_MARK, STAY, TASK
from ledger.views import Document, home_reference, instant, person_references

SIGNED: Final = "signed"


def sheet_rows(connection: Connection, desks: Sequence[str], limit: int) -> list[Row]:
    wanted = select(HANDOVER).where(HANDOVER.c.desk.in_(desks))
    return rows(connection, wanted.order_by(HANDOVER.c.at_ms.desc(), HANDOVER.c.id).limit(limit))


def latest_sheets(connection: Connection, desks: Iterable[str]) -> dict[str, Document]:
    """By desk its newest sheet in short."""
    newest = (
        select(HANDOVER.c.desk, func.max(HANDOVER.c.at_ms).label("at_ms"))
        .where(HANDOVER.c.desk.in_(list(desks)))
        .group_by(HANDOVER.c.desk)
        .subquery()
    )
    wanted = select(HANDOVER).join(
        newest, and_(HANDOVER.c.desk == newest.c.desk, HANDOVER.c.at_ms == newest.c.at_ms)
    )
    found = rows(connection, wanted)
    counts = _counts(connection, [row["id"] for row in found])
    return {
        row["desk"]: {
            "id": row["id"],
            "at": to_iso(row["at_ms"]),
            "lines": counts[row["id"]][0],
            "unsigned": counts[row["id"]][1],
        }
        for row in found
    }


def sheet_documents(
    connection: Connection, found: Sequence[Row], names: Names, desk_names: Mapping[str, str]
) -> list[Document]:
    """Sheets without their lines."""
    counts = _counts(connection, [row["id"] for row in found])
    return [
        {
            "id": row["id"],
            "desk": row["desk"],
            "desk_name": desk_names.get(row["desk"], row["desk"]),
            "at": to_iso(row["at_ms"]),
            "from_shift": row["from_shift"],
            "to_shift": row["to_shift"],
            "outgoing": [person(one, names) for one in json.loads(row["outgoing"])],
            "incoming": [person(one, names) for one in json.loads(row["incoming"])],
            "opened_at": to_iso(row["opened_at_ms"]),
            "opened_by": person(row["opened_by"], names),
            "lines": counts[row["id"]][0],
            "unsigned": counts[row["id"]][1],
        }
        for row in found
    ]


def line_documents(connection: Connection, sheet_id: str, names: Names) -> list[Document]:
    """Every line of a sheet, as it was written, with its home and its marks; what came later stands
    where it belongs, under the number that it was given."""
    wanted = select(HANDOVER_LINE).where(HANDOVER_LINE.c.handover == sheet_id)
    lines = rows(connection, wanted.order_by(HANDOVER_LINE.c.number))
    lines.sort(key=lambda row: place_of(line_from(row)))
    marks = rows(
        connection,
        select(HANDOVER_MARK)
        .where(HANDOVER_MARK.c.handover == sheet_id, HANDOVER_MARK.c.number > 0)
        .order_by(HANDOVER_MARK.c.seq),
    )
    bodies = {row["number"]: json.loads(row["body"]) for row in lines}
    homes = {body.get("home") for body in bodies.values()}
    roster = roster_for(connection, homes=homes)
    states = _states(connection, lines)
    found = []
    for row in lines:
        body = bodies[row["number"]]
        mine = [mark for mark in marks if mark["number"] == row["number"]]
        signed = next((mark for mark in mine if mark["mark"] == SIGNED), None)
        who = {key: body.pop(key, None) for key in ("holder", "goes", "offered_to")}
        home = body.pop("home", None)
        found.append(
            {
                "number": row["number"],
                "kind": row["kind"],
                "subject": row["subject"],
                "carried": bool(row["carried"]),
                "written_at": to_iso(row["at_ms"]),
                "written_by": person(row["actor"], names),
                "since": instant(body.pop("since_ms", None)),
                "until": instant(body.pop("until_ms", None)),
                **{key: name and person(name, names) for key, name in who.items()},
                "home": home_reference(home, roster),
                "persons": person_references(home, roster, row["at_ms"]),
                "region_path": roster.region_path(body.get("region")),
                "note": body.pop("text", None),
                "facts": body,
                "alone": signed_alone(line_from(row)),
                "over": (row["kind"], row["subject"]) in states.over,
                "now": _now(body, who, states.now.get((row["kind"], row["subject"])), names),
                "signed": None if signed is None else _mark(signed, names),
                "remarks": [_mark(mark, names) for mark in mine if mark["remark"]],
            }
        )
    return found


def _mark(row: Row, names: Names) -> Document:
    return {
        "by": person(row["actor"], names),
        "at": to_iso(row["at_ms"]),
        "remark": row["remark"],
    }


def _counts(connection: Connection, sheets: Sequence[str]) -> dict[str, tuple[int, int]]:
    """By sheet: its lines, and how many nobody has signed."""
    line, mark = HANDOVER_LINE, HANDOVER_MARK
    signed = (
        select(mark.c.seq)
        .where(
            mark.c.handover == line.c.handover,
            mark.c.number == line.c.number,
            mark.c.mark == SIGNED,
        )
        .exists()
    )
    mine = select(line.c.handover, func.count()).where(line.c.handover.in_(sheets))
    mine = mine.group_by(line.c.handover)
    total = {row[0]: int(row[1]) for row in connection.execute(mine)}
    left = {row[0]: int(row[1]) for row in connection.execute(mine.where(~signed))}
    return {sheet: (total.get(sheet, 0), left.get(sheet, 0)) for sheet in sheets}


# Where it is written what has become of a line's subject: who has it, and which states end it.
_SUBJECTS: Final[tuple[tuple[frozenset[str], Table, Any, frozenset[str]], ...]] = (
    (
        frozenset({"alarm", "question", "hold", "device"}),
        ALARM,
        func.coalesce(ALARM.c.assignee, ALARM.c.holder),
        frozenset({"closed"}),
    ),
    (frozenset({"task"}), TASK, TASK.c.assignee, frozenset({"completed", "cancelled"})),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _States:
    """By kind and subject: its state by now and who has it; and those that are over."""

    now: Mapping[tuple[str, str], tuple[str, str | None]]
    over: Collection[tuple[str, str]]


def _states(connection: Connection, lines: Sequence[Row]) -> _States:
    now: dict[tuple[str, str], tuple[str, str | None]] = {}
    over: set[tuple[str, str]] = set()
    for kinds, table, who, ends in _SUBJECTS:
        mine = [row for row in lines if row["kind"] in kinds]
        wanted = select(table.c.id, table.c.state, who).where(
            table.c.id.in_([row["subject"] for row in mine])
        )
        found = {row[0]: (row[1], row[2]) for row in connection.execute(wanted)}
        for row in mine:
            if row["subject"] in found:
                now[row["kind"], row["subject"]] = found[row["subject"]]
        over |= {key for key, (state, _who) in now.items() if key[0] in kinds and state in ends}
    stays = [row["subject"] for row in lines if row["kind"] == "stay"]
    ended = select(STAY.c.id).where(STAY.c.id.in_(stays), STAY.c.ended_at_ms.is_not(None))
    over |= {("stay", subject) for subject in connection.scalars(ended)}
    return _States(now=now, over=over)


def _now(
    body: Mapping[str, Any],
    written: Mapping[str, str | None],
    now: tuple[str, str | None] | None,
    names: Names,
) -> Document | None:
    """What has changed since the line was written; None: nothing."""
    if now is None or now == (body.get("state"), written["goes"] or written["holder"]):
        return None
    state, who = now
    return {"state": state, "who": who and person(who, names)}
