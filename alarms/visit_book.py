"""Visits in the book: recorded, corrected, voided. In the writer's thread, each in the transaction
that it is given.

Nothing that somebody reported is ever lost or changed: a correction is appended, a visit that was
never made is marked, and of two reports of one visit both stay and one counts. `IllegalMove` says
why not, KeyError that there is no such visit; nothing has changed then.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final

from alarms.lifecycle import IllegalMove, TaskState
from alarms.rows import Row, fetch, find_task
from alarms.visit_attachments import VisitAttachments
from alarms.visit_conflicts import VisitConflicts
from alarms.visit_followups import VisitFollowUps
from alarms.visit_rows import VISIT_COLUMNS, VisitObjects, VisitRows, owner_of_visit
from alarms.visiting import Visiting
from contract.moment import to_iso
from ledger.database import insert_sql
from ledger.schema import VISIT_CORRECTION
from ledger.unit_of_work import SYSTEM, UnitOfWork, compact
from ledger.visits import (
    NOBODY_MET_DAYS,
    RECORD_BYTES_MAX,
    Correction,
    NewVisit,
    corrected,
    differences,
    is_met,
)

_CORRECTION_COLUMNS: Final = ("id", "visit", "version", "at_ms", "actor", "reason", "changes")
_INSERT_CORRECTION: Final = insert_sql(VISIT_CORRECTION, _CORRECTION_COLUMNS)
# A person's, and those of the home that name nobody.
_HIGHEST: Final = (
    "SELECT MAX(number) FROM visit WHERE service_user = ? OR (service_user IS NULL AND home = ?)"
)
_HIGHEST_UNNAMED: Final = "SELECT MAX(number) FROM visit WHERE home = ? AND service_user IS NULL"
# Those that a task made by itself, when it was completed, have its id.
_OF_TASK: Final = "SELECT * FROM visit WHERE task = ? AND voided_at_ms IS NULL ORDER BY id"
_MOVABLE: Final = frozenset({TaskState.ACCEPTED, TaskState.DEPARTED, TaskState.ARRIVED})


def _unheard(_unit: UnitOfWork, _row: Row) -> None:
    return None


class VisitBook:
    """`on_change` hears of each visit that was recorded, corrected or voided, as it is then."""

    def __init__(
        self,
        visiting: Visiting,
        objects: VisitObjects,
        *,
        nobody_met_days: int = NOBODY_MET_DAYS,
        on_change: Callable[[UnitOfWork, Row], None] = _unheard,
    ) -> None:
        self._rows = VisitRows(objects)
        self._on_change = on_change
        self.conflicts = VisitConflicts(self._rows)
        self.follow_ups = VisitFollowUps(self._rows, visiting, nobody_met_days)
        self.attachments = VisitAttachments(self._rows)

    def record(
        self, unit: UnitOfWork, visit: NewVisit, actor: str, *, kind: str, proof: str | None = None
    ) -> bool:
        """Write a visit down; the same id again changes nothing and is False."""
        if self._rows.known(unit, visit.id):
            return False
        row = self._row(unit, visit, kind, proof)
        stub = None if visit.task is None else self._stub(unit, row)
        same = stub is not None and stub["service_user"] == row["service_user"]
        row["number"] = stub["number"] if stub and same else self._next_number(unit, row)
        self._rows.insert(unit, row)
        data = {"number": row["number"], "alarm": visit.alarm} if visit.alarm else {}
        self._rows.entry(unit, row, "recorded", actor, data={**data, "met": row["met"]})
        self._on_change(unit, row)
        if stub is not None:
            self._rows.set(
                unit, stub, "told_by", actor, data={"by": row["id"]}, duplicate_of=row["id"]
            )
        self.conflicts.look(unit, row)
        self.follow_ups.nobody_met(unit, row, actor)
        return True

    def completed(self, unit: UnitOfWork, task: Row, visit: NewVisit, actor: str) -> None:
        """A completed task that took somebody to a home is a visit, unless one was recorded."""
        told = [r for r in fetch(unit.cursor, _OF_TASK, (task["id"],)) if r["id"] != task["id"]]
        if not told:
            kind, proof = str(task["kind"]), task["proof"]
            self.record(unit, visit, actor, kind=kind, proof=proof)
            return
        for row in told:
            if row["proof"] is None and task["proof"] is not None:
                unit.execute("UPDATE visit SET proof = ? WHERE id = ?", (task["proof"], row["id"]))

    def may_complete(self, unit: UnitOfWork, visit: NewVisit, actor: str) -> bool:
        """Whether the visit ends its task: one's own, on its way. A report is kept either way."""
        if not visit.completes_task or visit.task is None:
            return False
        task = find_task(unit.cursor, visit.task)
        return task["assignee"] in (None, actor) and task["state"] in _MOVABLE

    def correct(self, unit: UnitOfWork, correction: Correction, actor: str) -> None:
        """Append what was wrong; the same id again changes nothing."""
        sql = "SELECT id FROM visit_correction WHERE id = ?"
        if fetch(unit.cursor, sql, (correction.id,)):
            return
        row = self._rows.counting(unit, correction.visit)
        if correction.version not in (None, row["version"]):
            raise IllegalMove("changed_meanwhile", "somebody has corrected it meanwhile")
        before = json.loads(row["record"])
        record = corrected(before, correction.record or {})
        text = compact(record)
        if len(text.encode()) > RECORD_BYTES_MAX:
            raise IllegalMove("record_too_large", f"at most {RECORD_BYTES_MAX} bytes")
        visited_at_ms = correction.visited_at_ms
        new = {
            "way": row["way"] if correction.way is None else correction.way,
            "visited_at": to_iso(row["visited_at_ms"] if visited_at_ms is None else visited_at_ms),
        }
        old = {"way": row["way"], "visited_at": to_iso(row["visited_at_ms"])}
        changes = differences(old | _named(before), new | _named(record))
        if not changes:
            raise IllegalMove("nothing_changed", "that is what the visit says already")
        self._rows.set(
            unit,
            row,
            "corrected",
            actor,
            data={"reason": correction.reason, "fields": sorted(changes)},
            version=row["version"] + 1,
            way=new["way"],
            visited_at_ms=row["visited_at_ms"] if visited_at_ms is None else visited_at_ms,
            record=text,
            met=is_met(record),
        )
        self._on_change(unit, row)
        said = {
            "id": correction.id,
            "visit": row["id"],
            "version": row["version"],
            "at_ms": unit.now_ms,
            "actor": actor,
            "reason": correction.reason,
            "changes": compact(changes),
        }
        stored = unit.seal.row(VISIT_CORRECTION, owner_of_visit(row), said)
        unit.execute(_INSERT_CORRECTION, tuple(stored[name] for name in _CORRECTION_COLUMNS))
        self.conflicts.look(unit, row)
        self.follow_ups.nobody_met(unit, row, actor)

    def void(self, unit: UnitOfWork, visit_id: str, actor: str, reason: str) -> None:
        """It was never made, or not there: it stays to be seen and doesn't count."""
        row = self._rows.find(unit, visit_id)
        if row["voided_at_ms"] is not None:
            raise IllegalMove("voided", f"{row['voided_by']} has voided it")
        told = {"voided_at_ms": unit.now_ms, "voided_by": actor, "void_reason": reason}
        self._rows.set(unit, row, "voided", actor, data={"reason": reason}, **told)
        self._on_change(unit, row)
        # What it told of instead of others, they tell of again.
        sql = "SELECT * FROM visit WHERE duplicate_of = ? ORDER BY id"
        for other in fetch(unit.cursor, sql, (visit_id,)):
            self._rows.set(unit, other, "counts_again", SYSTEM, duplicate_of=None)

    def _row(self, unit: UnitOfWork, visit: NewVisit, kind: str, proof: str | None) -> Row:
        row: Row = dict.fromkeys(VISIT_COLUMNS)
        row.update(
            id=visit.id,
            service_user=visit.service_user or _only_person(unit, visit.home),
            home=visit.home,
            task=visit.task,
            alarm=visit.alarm,
            kind=kind,
            way=visit.way,
            visitor=visit.visitor,
            visited_at_ms=visit.visited_at_ms,
            recorded_at_ms=unit.now_ms,
            record=compact(dict(visit.record)),
            proof=proof,
            met=is_met(visit.record),
            form=visit.form,
            phone=visit.phone,
            clock_offset_ms=visit.clock_offset_ms,
            version=1,
        )
        return row

    def _stub(self, unit: UnitOfWork, row: Row) -> Row | None:
        """What the task wrote by itself when it was completed, until somebody tells more."""
        found = fetch(unit.cursor, "SELECT * FROM visit WHERE id = ?", (row["task"],))
        if not found or row["id"] == row["task"] or found[0]["duplicate_of"] is not None:
            return None
        people = {row["service_user"], found[0]["service_user"]} - {None}
        if len(people) > 1:
            return None
        row["proof"] = found[0]["proof"]
        return found[0] if found[0]["voided_at_ms"] is None else None

    def _next_number(self, unit: UnitOfWork, row: Row) -> int:
        person, home = row["service_user"], row["home"]
        if person is None:
            highest = unit.execute(_HIGHEST_UNNAMED, (home,)).fetchone()[0]
        else:
            highest = unit.execute(_HIGHEST, (person, home)).fetchone()[0]
        return int(highest or 0) + 1


def _named(record: Mapping[str, object]) -> dict[str, object]:
    return {f"record.{name}": value for name, value in record.items()}


def _only_person(unit: UnitOfWork, home: str) -> str | None:
    sql = "SELECT id FROM service_user WHERE home = ? AND left_on = '' ORDER BY id LIMIT 2"
    found = unit.execute(sql, (home,)).fetchall()
    return str(found[0][0]) if len(found) == 1 else None
