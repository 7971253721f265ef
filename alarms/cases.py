"""The open alarms and tasks in memory, true to the tables, for the hot path."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from alarms.holding import holding
from alarms.intake import needs_task
from alarms.lifecycle import REPAIR_KINDS, AlarmState, TaskMove, TaskState, move_task
from alarms.question import asking
from alarms.rows import (
    INSERT_TASK,
    UPSERT_TASK,
    AlarmRows,
    Row,
    evidence_text,
    fetch,
    find_alarm,
    find_task,
    new_task,
    next_number,
    task_values,
)
from ledger.cursor import Cursor
from ledger.keyed_rows import keyed_rows
from ledger.unit_of_work import UnitOfWork

Cause = tuple[str, str, str]

_SEVERITIES: Final = ("technical", "watch", "urgent")


class Cases:
    """What belongs together: an alarm, what joins it, its task."""

    def __init__(self, rows: AlarmRows) -> None:
        self._rows = rows
        self.alarms: dict[str, Row] = {}
        self.tasks: dict[str, Row] = {}
        # What joins findings to an open alarm, its own cause and those of alarms merged into it.
        self._by_cause: dict[Cause, str] = {}
        self._causes: dict[str, list[Cause]] = {}
        # By subject: the ids of its alarms about devices.
        self._troubles: dict[str, set[str]] = {}
        self._next_alarm = 1
        self._next_task = 1

    def reload(self, cursor: Cursor) -> list[Row]:
        rows = fetch(cursor, "SELECT * FROM alarm WHERE state <> 'closed'")
        self.alarms = {row["id"]: row for row in rows}
        self._rows.open_alarms = self.alarms
        self._by_cause, self._causes = {}, {}
        merged = fetch(
            cursor,
            "SELECT m.subject, m.rule, m.part, m.merged_into FROM alarm m"
            " JOIN alarm a ON a.id = m.merged_into AND a.state <> 'closed' ORDER BY m.number",
        )
        for row in merged:
            self._joins(cause_of(row), row["merged_into"])
        for row in rows:
            self._joins(cause_of(row), row["id"])
        self._troubles = {}
        for row in rows:
            self._note_trouble(row)
        tasks = fetch(cursor, "SELECT * FROM task WHERE state NOT IN ('completed', 'cancelled')")
        self.tasks = {row["id"]: row for row in tasks}
        self._next_alarm = next_number(cursor, "SELECT max(number) FROM alarm")
        self._next_task = next_number(cursor, "SELECT max(number) FROM task")
        return rows

    def follow(self, cursor: Cursor, alarms: Sequence[str], tasks: Sequence[str]) -> list[Row]:
        """Rows that others have written, as they are now; an open alarm stays the object that it
        is, for questions and holds may have it too. Returns those of the alarms."""
        rows = keyed_rows(cursor, "alarm", "id", alarms)
        over = [row for row in rows if row["state"] == AlarmState.CLOSED]
        found = [self._follow_open(row) for row in rows if row["state"] != AlarmState.CLOSED]
        for row in over:
            known, into = self.alarms.get(row["id"]), self.alarms.get(row["merged_into"] or "")
            if into is not None and known is not None:
                self.join(known, into)
            elif into is not None:
                self._joins(cause_of(row), into["id"])
            if known is not None:
                self.remove(known)
        for task in keyed_rows(cursor, "task", "id", tasks):
            self._next_task = max(self._next_task, task["number"] + 1)
            if task["state"] in (TaskState.COMPLETED, TaskState.CANCELLED):
                self.tasks.pop(task["id"], None)
            else:
                self.tasks.setdefault(task["id"], task).update(task)
        self._next_alarm = max([self._next_alarm, *(row["number"] + 1 for row in rows)])
        return [*found, *over]

    def _follow_open(self, row: Row) -> Row:
        known = self.alarms.get(row["id"])
        if known is None:
            self.add(row)
            return row
        known.update(row)
        return known

    def refresh(self, cursor: Cursor, alarm_id: str) -> None:
        """Back to what the tables hold, after a part of a change was taken back."""
        row = find_alarm(cursor, alarm_id)
        known = self.alarms.get(alarm_id)
        if known is not None:
            # The same object: questions and holds may have it too.
            known.clear()
            known.update(row)
        task = self.tasks.get(row["task"] or "")
        if task is not None:
            task.update(find_task(cursor, task["id"]))

    # Alarms.

    def by_cause(self, cause: Cause) -> Row | None:
        found = self._by_cause.get(cause)
        return None if found is None else self.alarms[found]

    def next_number(self) -> int:
        number = self._next_alarm
        self._next_alarm += 1
        return number

    def add(self, row: Row) -> None:
        self.alarms[row["id"]] = row
        self._joins(cause_of(row), row["id"])
        self._note_trouble(row)

    def remove(self, row: Row) -> None:
        """It is closed; what joined it opens an alarm of its own from now on."""
        del self.alarms[row["id"]]
        for cause in self._causes.pop(row["id"], ()):
            if self._by_cause.get(cause) == row["id"]:
                del self._by_cause[cause]
        self._troubles.get(row["subject"], set()).discard(row["id"])

    def join(self, merged: Row, into: Row) -> None:
        """What would have joined a merged alarm joins the other one."""
        for cause in self._causes.pop(merged["id"], ()):
            self._joins(cause, into["id"])

    def _joins(self, cause: Cause, alarm: str) -> None:
        self._by_cause[cause] = alarm
        self._causes.setdefault(alarm, []).append(cause)

    def open(self, unit: UnitOfWork, alarm_id: str) -> Row:
        """The row of an alarm; KeyError when there is none of this id. A closed one is none of
        those in memory, and every move but opening again is refused by its state."""
        row = self.alarms.get(alarm_id)
        return row if row is not None else find_alarm(unit.cursor, alarm_id)

    @staticmethod
    def quiet(row: Row) -> bool:
        """Seen, and nobody is sent: the elder is being asked, or its cause is known."""
        return asking(row) or holding(row)

    # Tasks.

    def task_of(self, row: Row) -> Row | None:
        """The task of an alarm that is not over yet."""
        return self.tasks.get(row["task"]) if row["task"] else None

    def owed_task(self, unit: UnitOfWork, alarm: Row) -> Row | None:
        """The task that is wanted and not there yet, written into the row."""
        if not needs_task(alarm) or alarm["task"] is not None:
            return None
        return self.new_task(unit, alarm)

    def new_task(self, unit: UnitOfWork, alarm: Row) -> Row:
        task = new_task(alarm, number=self.next_task_number(), now_ms=unit.now_ms)
        unit.execute(INSERT_TASK, task_values(unit, task))
        self.tasks[task["id"]] = task
        alarm["task"] = task["id"]
        return task

    def next_task_number(self) -> int:
        number = self._next_task
        self._next_task += 1
        return number

    def return_task(self, unit: UnitOfWork, row: Row) -> Row | None:
        """Who had the task of this alarm has it no more: anybody may accept it. None: nobody had
        it."""
        task = self.task_of(row)
        if task is None:
            return None
        if task["state"] != TaskState.OPEN:
            task["state"] = move_task(task["state"], TaskMove.RETURN, task["assignee"]).value
        elif task["assignee"] is None:
            return None
        task.update(assignee=None, accepted_at_ms=None, departed_at_ms=None, arrived_at_ms=None)
        task.update(press_asked_ms=None, press_until_ms=None)
        task.update(proof=None, proof_of=None, proof_at_ms=None)
        self._rows.write_task(unit, task)
        return task

    def write_task(self, unit: UnitOfWork, task: Row) -> None:
        unit.execute(UPSERT_TASK, task_values(unit, task))

    @property
    def open_count(self) -> int:
        return len(self.alarms)

    def troubles(self, subject: str) -> list[tuple[Row, Row | None]]:
        """The open alarms about devices of a home or gateway, each with its task, by age."""
        alarms = [self.alarms[i] for i in self._troubles.get(subject, ())]
        alarms.sort(key=lambda row: row["number"])
        return [(row, self.tasks.get(row["task"] or "")) for row in alarms]

    def _note_trouble(self, row: Row) -> None:
        if row["kind"] in REPAIR_KINDS:
            self._troubles.setdefault(row["subject"], set()).add(row["id"])


def cause_of(row: Mapping[str, str]) -> Cause:
    return row["subject"], row["rule"], row["part"]


def takes_in(row: Row, merged: Row) -> None:
    """What one alarm takes over from another that is the same event."""
    row["event_count"] += merged["event_count"]
    row["last_event_ms"] = max(row["last_event_ms"], merged["last_event_ms"])
    row["severity"] = max(row["severity"], merged["severity"], key=_SEVERITIES.index)
    evidence = json.loads(row["evidence"])
    evidence["merged"] = [*evidence.get("merged", []), merged["number"]]
    row["evidence"] = evidence_text(evidence)
