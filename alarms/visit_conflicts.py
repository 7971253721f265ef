"""Two reports that may be of one visit: found as they come, both kept, decided by a human."""

from typing import Final, Literal

from alarms.lifecycle import IllegalMove
from alarms.rows import Row, fetch
from alarms.visit_rows import VisitRows, check_counts
from ledger.database import insert_sql
from ledger.schema import VISIT_CONFLICT
from ledger.unit_of_work import SYSTEM, UnitOfWork
from ledger.visits import SAME_VISIT_MS, may_be_same

_INSERT: Final = insert_sql(VISIT_CONFLICT, conflict='ON CONFLICT ("one", "other") DO NOTHING')
_NEAR: Final = (
    "SELECT * FROM visit WHERE home = ? AND id <> ? AND voided_at_ms IS NULL"
    " AND (task = ? OR visited_at_ms BETWEEN ? AND ?) ORDER BY id"
)


class VisitConflicts:
    def __init__(self, rows: VisitRows) -> None:
        self._rows = rows

    def look(self, unit: UnitOfWork, row: Row) -> None:
        around = (row["visited_at_ms"] - SAME_VISIT_MS, row["visited_at_ms"] + SAME_VISIT_MS)
        for other in fetch(unit.cursor, _NEAR, (row["home"], row["id"], row["task"], *around)):
            told_by = {row["id"], other["id"]} & {row["duplicate_of"], other["duplicate_of"]}
            # What a task wrote by itself is never at odds with those who were there for it.
            stub = {row["id"], other["id"]} & {row["task"], other["task"]} - {None}
            if told_by or (stub and row["task"] == other["task"]) or not may_be_same(row, other):
                continue
            one, two = sorted((row["id"], other["id"]))
            unit.execute(_INSERT, (one, two, unit.now_ms, None, None, None))
            if unit.cursor.rowcount:
                for ours, theirs in ((row, other), (other, row)):
                    data = {"other": theirs["id"]}
                    self._rows.entry(unit, ours, "conflict_found", SYSTEM, data=data)

    def decide(
        self, unit: UnitOfWork, visit_id: str, other_id: str, actor: str, keep: str | None
    ) -> None:
        """Two reports are two visits (`keep` None), or one, of which `keep` tells."""
        one, other = sorted((visit_id, other_id))
        rows = {i: self._rows.find(unit, i) for i in (one, other)}
        sql = 'SELECT decision FROM visit_conflict WHERE "one" = ? AND "other" = ?'
        found = unit.execute(sql, (one, other)).fetchone()
        if found is None:
            raise IllegalMove("no_conflict", "these two don't tell of one visit")
        decision: Literal["both", "duplicate"] = "both" if keep is None else "duplicate"
        if found[0] is not None:
            if found[0] == decision and (keep is None or rows[keep]["duplicate_of"] is None):
                return
            raise IllegalMove("decided", f"it was decided: {found[0]}")
        for row in rows.values():
            check_counts(row)
        unit.execute(
            "UPDATE visit_conflict SET decided_at_ms = ?, decided_by = ?, decision = ?"
            ' WHERE "one" = ? AND "other" = ?',
            (unit.now_ms, actor, decision, one, other),
        )
        for row in rows.values():
            lost = keep is not None and row["id"] != keep
            fact = "duplicate" if lost else "kept"
            against = other if row["id"] == one else one
            changes = {"duplicate_of": keep} if lost else {}
            self._rows.set(unit, row, fact, actor, data={"other": against}, **changes)
            if lost:
                # Who told by it tells by the one that is kept.
                unit.execute(
                    "UPDATE visit SET duplicate_of = ? WHERE duplicate_of = ?", (keep, row["id"])
                )
