"""The hand-over sheet: what the next shift takes over, line by line. Pure.

Rows of alarms, stays and tasks in, lines out. A line is about one subject and is written once; what
it says is what was true then, without names of people of the homes, which the page adds for those
who may read them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from alarms.holding import holding
from alarms.lifecycle import CALL_KINDS, REPAIR_KINDS, IllegalMove, TaskState
from alarms.question import asking

Row = Mapping[str, Any]
LineKind = Literal["alarm", "question", "hold", "stay", "device", "task", "note"]

# In this order they stand on the sheet: people first.
LINE_KINDS: Final[tuple[LineKind, ...]] = (
    "alarm",
    "question",
    "hold",
    "task",
    "stay",
    "device",
    "note",
)
# A sheet of more lines isn't read by anybody at eight in the morning; the board has the rest.
LINES_MAX: Final = 400
# A note is a sentence or two.
NOTE_MAX: Final = 1000
# Tasks somebody has taken up and not finished.
_UNDER_WAY: Final = frozenset({TaskState.ACCEPTED, TaskState.DEPARTED, TaskState.ARRIVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    kind: LineKind
    subject: str
    body: Mapping[str, Any]
    carried: bool = False


def lines_of(
    alarms: Iterable[Row], stays: Iterable[Row], tasks: Iterable[Row], at_ms: int
) -> list[Line]:
    """What is open at a change of shift, in the order of the sheet."""
    found = [_alarm_line(row) for row in alarms]
    found += [_stay_line(row) for row in stays if row["from_ms"] <= at_ms]
    found += [_task_line(row) for row in tasks if row["state"] in _UNDER_WAY]
    return sorted(found, key=place_of)[:LINES_MAX]


def place_of(line: Line) -> tuple[int, int, bool, int]:
    """Where a line stands on the sheet, whenever it was written: as on the board, who calls now
    before what a rule concluded; of equals, who has waited longest."""
    return (
        LINE_KINDS.index(line.kind),
        -_weight(line),
        line.body.get("alarm_kind") not in CALL_KINDS,
        line.body["since_ms"],
    )


def carried(unsigned: Iterable[Line], now: Sequence[Line]) -> list[Line]:
    """Today's lines with what the shift before left unsigned: marked where it is still open, and
    added where it isn't, so that it is seen until somebody signs it."""
    left = {(line.kind, line.subject): line for line in unsigned}
    marked = [
        Line(kind=line.kind, subject=line.subject, body=line.body, carried=True)
        if left.pop((line.kind, line.subject), None) is not None
        else line
        for line in now
    ]
    return marked + [
        Line(kind=line.kind, subject=line.subject, body=line.body, carried=True)
        for line in left.values()
    ]


def check_signer(actor: str, outgoing: Sequence[str], incoming: Sequence[str]) -> None:
    """Whoever leaves does not sign for who comes; anybody else of the desk may, if need be."""
    if actor in outgoing and actor not in incoming:
        raise IllegalMove("not_the_next_shift", "the next shift signs what it takes over")


def signed_alone(line: Line) -> bool:
    """Somebody's emergency is read and signed by itself, never among others."""
    return line.body.get("severity") == "urgent"


def _alarm_line(row: Row) -> Line:
    kind: LineKind = "alarm"
    if asking(row):
        kind = "question"
    elif holding(row):
        kind = "hold"
    elif row["kind"] in REPAIR_KINDS:
        kind = "device"
    body = {
        "number": row["number"],
        "alarm_kind": row["kind"],
        "severity": row["severity"],
        "reason": row["reason"],
        "state": row["state"],
        "home": row["home"],
        "region": row["region"],
        "gateway": row["gateway"],
        "part": row["part"],
        "since_ms": row["raised_at_ms"],
        # Who has it now: whoever acknowledged it first may have given it up, or let it lapse.
        "holder": row["holder"],
        "goes": row["assignee"],
        "offered_to": row["handover_to"],
        # Who has taken it has to go on until then, or it wakes again.
        "until_ms": row["ask_until_ms"]
        if kind == "question"
        else row["held_until_ms"]
        if kind == "hold"
        else row["ack_until_ms"],
        "held_for": row["held_for"],
    }
    return Line(kind=kind, subject=row["id"], body=body)


def _stay_line(row: Row) -> Line:
    body = {
        "stay_kind": row["kind"],
        "home": row["home"],
        "person": row["person"],
        "since_ms": row["from_ms"],
        "until_ms": row["until_ms"],
    }
    return Line(kind="stay", subject=row["id"], body=body)


def _task_line(row: Row) -> Line:
    body = {
        "number": row["number"],
        "task_kind": row["kind"],
        "state": row["state"],
        "home": row["home"],
        "region": row["region"],
        "alarm": row["alarm"],
        "holder": row["assignee"],
        "since_ms": row["created_at_ms"],
        "until_ms": row["due_at_ms"],
    }
    return Line(kind="task", subject=row["id"], body=body)


def _weight(line: Line) -> int:
    return {"urgent": 2, "watch": 1}.get(str(line.body.get("severity")), 0)


def line_from(row: Row) -> Line:
    """A line as the table keeps it."""
    return Line(
        kind=row["kind"],
        subject=row["subject"],
        body=json.loads(row["body"]),
        carried=bool(row["carried"]),
    )
