"""Records that somebody opens who otherwise may not, while the elder's alarm is open: for an hour,
told to who answers for the region, and looked at afterwards.

Runs in the writer's thread. Who may ask is the caller's business (`dashboard/emergency.py`).
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from alarms import contact_points
from alarms.rows import AlarmRows, fetch, find_alarm
from alarms.telling import send_opened
from contract.ids import name_uuid
from ledger.database import insert_sql
from ledger.schema import BREAK_GLASS
from ledger.unit_of_work import UnitOfWork

# By then who went has come back or handed over; who still needs it says why again.
OPEN_FOR_MS: Final = 60 * 60_000
# Somebody who opens more records in an hour is not helping one elder.
OPENINGS_MAX: Final = 5
DECISIONS: Final = ("justified", "not_justified")

_NAMESPACE: Final = uuid.UUID("5b0a9c6e-0c1f-5d5e-8f57-9d6a3f0b7c21")
_INSERT: Final = insert_sql(BREAK_GLASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """`id` makes the same opening, said again, one."""

    id: str
    alarm: str
    username: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why it was not opened: `closed` (the alarm is over, or leads to no home), `too_many`."""

    why: str


class Openings:
    def __init__(self, rows: AlarmRows) -> None:
        self._rows = rows

    def open(self, unit: UnitOfWork, opening: Opening) -> Refused | None:
        """KeyError: there is no such alarm."""
        alarm = self._rows.open_alarms.get(opening.alarm) or find_alarm(unit.cursor, opening.alarm)
        if alarm["state"] == "closed" or alarm["home"] is None:
            return Refused(why="closed")
        if fetch(unit.cursor, "SELECT id FROM break_glass WHERE id = ?", (opening.id,)):
            return None
        since_ms = unit.now_ms - OPEN_FOR_MS
        counted = "SELECT count(*) AS n FROM break_glass WHERE username = ? AND opened_at_ms > ?"
        if fetch(unit.cursor, counted, (opening.username, since_ms))[0]["n"] >= OPENINGS_MAX:
            return Refused(why="too_many")
        until_ms = unit.now_ms + OPEN_FOR_MS
        row = {
            "id": opening.id,
            "alarm": alarm["id"],
            "home": alarm["home"],
            "region": alarm["region"] or "",
            "username": opening.username,
            "reason": opening.reason,
            "opened_at_ms": unit.now_ms,
            "until_ms": until_ms,
            "review_note": "",
        }
        row = unit.seal.row(BREAK_GLASS, f"home:{alarm['home']}", row)
        unit.execute(_INSERT, tuple(row.get(column.name) for column in BREAK_GLASS.columns))
        # On the timeline of the alarm and every board of the region at once.
        self._rows.alarm_entry(
            unit, alarm, "record_opened", opening.username, data={"reason": opening.reason}
        )
        self._tell_managers(unit, alarm, opening)
        return None

    def review(
        self, unit: UnitOfWork, opening_id: str, *, by: str, decision: str, note: str
    ) -> bool:
        """False: somebody has decided already, or there is none of this id."""
        found = fetch(unit.cursor, "SELECT home FROM break_glass WHERE id = ?", (opening_id,))
        if not found:
            return False
        note = unit.seal.text(f"home:{found[0]['home']}", note)
        unit.execute(
            "UPDATE break_glass SET reviewed_at_ms = ?, reviewed_by = ?, decision = ?,"
            " review_note = ? WHERE id = ? AND reviewed_at_ms IS NULL",
            (unit.now_ms, by, decision, note, opening_id),
        )
        return bool(unit.cursor.rowcount)

    def _tell_managers(self, unit: UnitOfWork, alarm: Mapping[str, Any], opening: Opening) -> None:
        """Those whose region it is, by the way that each wants to be reached first."""
        accounts = fetch(
            unit.cursor,
            "SELECT username, region FROM account WHERE role = 'manager' AND disabled = ?"
            " ORDER BY username",
            (False,),
        )
        for account in accounts:
            if not (alarm["region"] or "").startswith(account["region"]):
                continue
            ways = contact_points.points_of(unit.cursor, account["username"])
            first = next((way for way in ways if contact_points.usable(way)), None)
            if first is not None:
                row_id = name_uuid(_NAMESPACE, f"{opening.id}|{account['username']}")
                send_opened(unit, first, int(alarm["number"]), row_id)
