"""From an alarm to its file: what of the chain is there, and what is still missing."""

from typing import Final

from sqlalchemy import Connection, select

from contract.moment import to_iso
from dashboard.reads import Row, rows
from ledger.schema import ENTRY, TASK, VISIT
from ledger.views import Document

_LOOKS_AGAIN: Final = ("follow_up",)


def chain_of(connection: Connection, alarm: Row) -> Document:
    """`complete`: somebody went and said what was found, wrote the record, the family knows, the
    alarm is closed. Whether somebody looks again is a matter of its outcome."""
    tasks = rows(connection, select(TASK).where(TASK.c.alarm == alarm["id"]))
    went = next((task for task in tasks if task["id"] == alarm["task"]), None)
    again = [task for task in tasks if task["kind"] in _LOOKS_AGAIN]
    again.sort(key=lambda task: task["due_at_ms"] or 0)
    visit = _record(connection, alarm["id"])
    informed = select(ENTRY.c.seq).where(
        ENTRY.c.topic == "alarm",
        ENTRY.c.subject == alarm["id"],
        ENTRY.c.fact == "family_informed",
    )
    family = connection.execute(informed.limit(1)).first() is not None
    closed = alarm["closed_at_ms"] is not None
    found = None if went is None else went["finding"]
    return {
        "task": alarm["task"],
        "task_state": None if went is None else went["state"],
        "found": bool(found),
        "visit": None if visit is None else visit["id"],
        "family_informed": family,
        "closed": closed,
        "follow_ups": [
            {
                "task": task["id"],
                "state": task["state"],
                "due_at": None if task["due_at_ms"] is None else to_iso(task["due_at_ms"]),
            }
            for task in again
        ],
        "complete": bool(found) and visit is not None and family and closed,
    }


def _record(connection: Connection, alarm_id: str) -> Row | None:
    """The visit that tells of it: one that was written down before one that a task made."""
    wanted = select(VISIT).where(
        VISIT.c.alarm == alarm_id, VISIT.c.voided_at_ms.is_(None), VISIT.c.duplicate_of.is_(None)
    )
    found = rows(connection, wanted.order_by(VISIT.c.visited_at_ms, VISIT.c.id))
    written = [row for row in found if row["id"] != row["task"]]
    return written[0] if written else None
