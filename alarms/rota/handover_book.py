"""Hand-over sheets in the writer's thread: opened at each change of shift of a duty desk, by hand a
little earlier, and signed by the next shift. Lines and signatures are appended and never changed.
"""

import json
import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final, Literal

from alarms.lifecycle import IllegalMove
from alarms.rota.book import RotaBook
from alarms.rota.handover import (
    LINES_MAX,
    NOTE_MAX,
    Line,
    carried,
    check_signer,
    line_from,
    lines_of,
    signed_alone,
)
from alarms.rota.model import Desk
from alarms.rota.plan import OnDuty
from alarms.rows import fetch
from contract.ids import name_uuid
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.schema import HANDOVER, HANDOVER_LINE, HANDOVER_MARK
from ledger.unit_of_work import SYSTEM, Entry, UnitOfWork, compact
from rules.local_time import DAY_MS, HOUR_MS

Row = dict[str, Any]
Mark = Literal["signed", "remarked"]

# So long before the change of shift a sheet may be begun by hand.
EARLY_MS: Final = 2 * HOUR_MS
# A change of shift that nobody watched over (the hub was off) gets its sheet this long afterwards.
LATE_MS: Final = 12 * HOUR_MS
# When a desk's next change of shift is not known, it is looked for again after this time.
LOOK_MS: Final = HOUR_MS
# Remarks to one line: a conversation belongs into a note.
MARKS_MAX: Final = 20

_NAMESPACE: Final = uuid.UUID("7c0c2a44-5b1f-5ad2-8a25-5c3d0a9f6e10")
_INSERT: Final = insert_sql(HANDOVER, conflict="ON CONFLICT (id) DO NOTHING")
_INSERT_LINE: Final = insert_sql(HANDOVER_LINE)
_MARK_COLUMNS: Final = ("handover", "number", "mark", "at_ms", "actor", "remark")
_INSERT_MARK: Final = insert_sql(HANDOVER_MARK, _MARK_COLUMNS)
_ALARMS: Final = "SELECT * FROM alarm WHERE state <> 'closed' AND region LIKE ? ORDER BY number"
_STAYS: Final = (
    "SELECT s.* FROM stay s JOIN home h ON h.id = s.home"
    " WHERE s.ended_at_ms IS NULL AND h.region LIKE ?"
)
_TASKS: Final = "SELECT * FROM task WHERE state NOT IN ('completed', 'cancelled') AND region LIKE ?"
_LATEST: Final = "SELECT id FROM handover WHERE desk = ? AND at_ms < ? ORDER BY at_ms DESC LIMIT 1"
_LINES: Final = "SELECT * FROM handover_line WHERE handover = ?"
_UNSIGNED: Final = (
    "SELECT * FROM handover_line l WHERE l.handover = ? AND NOT EXISTS (SELECT 1 FROM"
    " handover_mark m WHERE m.handover = l.handover AND m.number = l.number"
    " AND m.mark = 'signed') ORDER BY l.number"
)

# The next shift has begun, and with it the sheet is whole.
_WHOLE: Final = "SELECT 1 FROM handover_mark WHERE handover = ? AND mark = 'begun'"


class HandoverBook:
    """IllegalMove says why not; KeyError: no such sheet or line."""

    def __init__(self, rota: RotaBook) -> None:
        self._rota = rota
        self._version = -1
        # When each desk's sheet is due next; looked for anew when the rota changes.
        self._next: dict[str, int] = {}

    def reload(self, _cursor: Cursor) -> None:
        self._next = {}

    def fire_due(self, unit: UnitOfWork) -> None:
        """Open the sheets of the changes of shift that have come."""
        if self._version != self._rota.version:
            self._version, self._next = self._rota.version, {}
        for desk in self._rota.plan.desks.values():
            if desk.kind != "duty" or desk.closed:
                continue
            if self._next.get(desk.id, 0) > unit.now_ms:
                continue
            change = self._last_change(desk, unit.now_ms)
            if change is not None:
                self._open(unit, desk, change, SYSTEM, begun=True)
            self._next[desk.id] = self._next_ms(desk, unit.now_ms)

    def begin(self, unit: UnitOfWork, desk_id: str, actor: str) -> str:
        """The sheet of the change of shift that is near, with all that is open now."""
        desk = self._rota.plan.desks.get(desk_id)
        if desk is None or desk.closed:
            raise KeyError(desk_id[:64])
        ahead = self._rota.plan.next_change_ms(desk.id, unit.now_ms, EARLY_MS)
        at_ms = ahead if ahead is not None else self._last_change(desk, unit.now_ms)
        if at_ms is None:
            raise IllegalMove("no_change_of_shift", "no change of shift is near")
        return self._open(unit, desk, at_ms, actor, begun=ahead is None)

    def note(self, unit: UnitOfWork, sheet_id: str, text: str, actor: str) -> int:
        """What the next shift should know and no record says; returns the line's number."""
        text = text.strip()
        if not text or len(text) > NOTE_MAX:
            raise IllegalMove("bad_note", f"1 to {NOTE_MAX} characters")
        sheet = find_sheet(unit.cursor, sheet_id)
        body = {"text": text, "since_ms": unit.now_ms}
        number = self._next_number(unit, sheet_id)
        if number > LINES_MAX * 2:
            raise IllegalMove("too_many_lines", f"at most {LINES_MAX * 2} lines")
        line = Line(kind="note", subject=f"{sheet_id}/{number}", body=body)
        self._put(unit, sheet_id, number, line, actor)
        self._entry(unit, sheet, "noted", actor, {"number": number})
        return number

    def mark(
        self, unit: UnitOfWork, line: tuple[str, int], mark: Mark, actor: str, remark: str = ""
    ) -> None:
        """Sign a line (sheet and number), or say something to it. Signed a second time it stays as
        it was signed."""
        sheet_id, number = line
        sheet = find_sheet(unit.cursor, sheet_id)
        sql = "SELECT mark FROM handover_mark WHERE handover = ? AND number = ?"
        marks = fetch(unit.cursor, sql, (sheet_id, number))
        exists = "SELECT 1 FROM handover_line WHERE handover = ? AND number = ?"
        if unit.execute(exists, (sheet_id, number)).fetchone() is None:
            raise KeyError(f"{sheet_id[:64]}/{number}")
        if mark == "signed":
            check_signer(actor, json.loads(sheet["outgoing"]), json.loads(sheet["incoming"]))
            if any(row["mark"] == "signed" for row in marks):
                return
        elif len(marks) >= MARKS_MAX:
            raise IllegalMove("too_many_remarks", f"at most {MARKS_MAX} to a line")
        unit.execute(_INSERT_MARK, (sheet_id, number, mark, unit.now_ms, actor, remark))
        self._entry(unit, sheet, mark, actor, {"number": number})

    def sign_together(
        self, unit: UnitOfWork, sheet_id: str, numbers: Collection[int], actor: str
    ) -> None:
        """Lines that were read, in one act, each recorded by itself; all of them or none."""
        sheet = find_sheet(unit.cursor, sheet_id)
        check_signer(actor, json.loads(sheet["outgoing"]), json.loads(sheet["incoming"]))
        lines = {row["number"]: row for row in fetch(unit.cursor, _LINES, (sheet_id,))}
        left = {row["number"] for row in fetch(unit.cursor, _UNSIGNED, (sheet_id,))}
        for number in sorted(set(numbers)):
            if number not in lines:
                raise KeyError(f"{sheet_id[:64]}/{number}")
            if signed_alone(line_from(lines[number])):
                raise IllegalMove("signed_alone", f"line {number} is urgent: it is signed alone")
            if number in left:
                unit.execute(_INSERT_MARK, (sheet_id, number, "signed", unit.now_ms, actor, ""))
                self._entry(unit, sheet, "signed", actor, {"number": number})

    def _open(self, unit: UnitOfWork, desk: Desk, at_ms: int, actor: str, *, begun: bool) -> str:
        """Make the sheet of a change if there is none, and add the lines that it lacks. Once the
        next shift has begun it is whole: what comes later is that shift's own."""
        sheet_id = name_uuid(_NAMESPACE, f"{desk.id}|{at_ms}")
        if unit.execute(_WHOLE, (sheet_id,)).fetchone() is not None:
            return sheet_id
        plan = self._rota.plan
        before, after = plan.on_duty(desk.id, at_ms - 1), plan.on_duty(desk.id, at_ms)
        row: Row = {
            "id": sheet_id,
            "desk": desk.id,
            "region": desk.region,
            "at_ms": at_ms,
            "from_shift": _shift_of(before),
            "to_shift": _shift_of(after),
            "outgoing": compact([on.person for on in before]),
            "incoming": compact([on.person for on in after]),
            "opened_at_ms": unit.now_ms,
            "opened_by": actor,
        }
        unit.execute(_INSERT, tuple(row[column.name] for column in HANDOVER.columns))
        made = unit.cursor.rowcount > 0
        added = self._add_lines(unit, desk, sheet_id, at_ms, actor)
        if begun:
            unit.execute(_INSERT_MARK, (sheet_id, 0, "begun", unit.now_ms, actor, ""))
        if made or added:
            self._entry(unit, row, "opened" if made else "added", actor, {"lines": added})
        return sheet_id

    def _add_lines(
        self, unit: UnitOfWork, desk: Desk, sheet_id: str, at_ms: int, actor: str
    ) -> int:
        below = (f"{desk.region}%",)
        now = lines_of(
            fetch(unit.cursor, _ALARMS, below),
            fetch(unit.cursor, _STAYS, below),
            fetch(unit.cursor, _TASKS, below),
            at_ms,
        )
        has = "SELECT kind, subject FROM handover_line WHERE handover = ?"
        known = {(row["kind"], row["subject"]) for row in fetch(unit.cursor, has, (sheet_id,))}
        lines = carried(self._left(unit, desk, at_ms), now)
        number = self._next_number(unit, sheet_id)
        fresh = [line for line in lines if (line.kind, line.subject) not in known]
        for place, line in enumerate(fresh, start=number):
            self._put(unit, sheet_id, place, line, actor)
        return len(fresh)

    @staticmethod
    def _left(unit: UnitOfWork, desk: Desk, at_ms: int) -> Sequence[Line]:
        """What the sheet before has unsigned; it carried what its own had."""
        latest = unit.execute(_LATEST, (desk.id, at_ms)).fetchone()
        if latest is None:
            return ()
        left = [line_from(row) for row in fetch(unit.cursor, _UNSIGNED, (latest[0],))]
        return [line for line in left if not _mended(unit.cursor, line)]

    @staticmethod
    def _next_number(unit: UnitOfWork, sheet_id: str) -> int:
        sql = "SELECT max(number) FROM handover_line WHERE handover = ?"
        return int(unit.execute(sql, (sheet_id,)).fetchone()[0] or 0) + 1

    @staticmethod
    def _put(unit: UnitOfWork, sheet_id: str, number: int, line: Line, actor: str) -> None:
        body = compact(dict(line.body))
        values = (sheet_id, number, line.kind, line.subject, unit.now_ms, actor, body, line.carried)
        unit.execute(_INSERT_LINE, values)

    def _last_change(self, desk: Desk, now_ms: int) -> int | None:
        """The latest moment at which other people came on duty, not long ago."""
        plan = self._rota.plan
        moments = plan.moments(desk.id, now_ms - LATE_MS, now_ms + 1)
        for moment in reversed(moments):
            after = [on.person for on in plan.on_duty(desk.id, moment)]
            if after and after != [on.person for on in plan.on_duty(desk.id, moment - 1)]:
                return moment
        return None

    def _next_ms(self, desk: Desk, now_ms: int) -> int:
        within = self._rota.plan.next_change_ms(desk.id, now_ms, DAY_MS)
        return within if within is not None else now_ms + LOOK_MS

    @staticmethod
    def _entry(
        unit: UnitOfWork, sheet: Row, fact: str, actor: str, data: dict[str, object]
    ) -> None:
        unit.entry(
            Entry(
                topic="handover",
                subject=sheet["id"],
                fact=fact,
                actor=actor,
                region=sheet["region"],
                data={"desk": sheet["desk"], **data},
                payload=lambda: b"null",
            )
        )


def find_sheet(cursor: Cursor, sheet_id: str) -> Row:
    found = fetch(cursor, "SELECT * FROM handover WHERE id = ?", (sheet_id,))
    if not found:
        raise KeyError(sheet_id[:64])
    return found[0]


def _mended(cursor: Cursor, line: Line) -> bool:
    """Trouble of a thing that has ended by itself: nobody has to sign for it."""
    if line.body.get("severity") != "technical":
        return False
    cursor.execute("SELECT closed_by FROM alarm WHERE id = ? AND state = 'closed'", (line.subject,))
    found = cursor.fetchone()
    return found is not None and found[0] is None


def _shift_of(on_duty: Sequence[OnDuty]) -> str:
    return str(on_duty[0].shift) if on_duty else ""
