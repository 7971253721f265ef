"""The open alarms and tasks: kept in memory for the hot path, written with every change.

Runs in the writer's thread only. Every method takes the unit of work of the transaction it
belongs to and appends the entries that say what happened; after a failed commit `reload` reads
everything back from the tables.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from alarms.holding import holding
from alarms.holds import Holds
from alarms.intake import (
    decide,
    merged_evidence,
    needs_task,
    open_alarm,
)
from alarms.lifecycle import (
    REPAIR_KINDS,
    SELF_CLOSING,
    AlarmMove,
    AlarmState,
    Outcome,
    TaskMove,
    TaskState,
    move_alarm,
    move_task,
)
from alarms.question import asking
from alarms.questions import AskFirst, AskOutbox, Questions, never
from alarms.rows import (
    ALARM_COLUMNS,
    INSERT_ALARM,
    INSERT_TASK,
    TASK_COLUMNS,
    UPSERT_TASK,
    AlarmRows,
    Objects,
    Row,
    evidence_text,
    fetch,
    find_alarm,
    find_task,
    finding_of,
    known,
    new_alarm,
    new_task,
    next_number,
    place_of,
    values,
)
from alarms.shadow import IsShadowed, Shadow, nothing_shadowed
from alarms.stays import BACK_EARLY, Stays
from ledger.cursor import Cursor
from ledger.unit_of_work import SYSTEM, UnitOfWork
from rules.finding import Finding

Cause = tuple[str, str, str]


class Outbox(AskOutbox, Protocol):
    """Where what must be sent is written, in the same transaction."""

    def alarm_raised(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None: ...
    def reassure(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None: ...


class AlarmBook:
    """Findings and human moves in, rows and entries out. `ask_first`: seconds that a rule asks in
    a home before anybody is sent; `is_shadowed`: whether what a rule finds is told to nobody."""

    def __init__(
        self,
        objects: Objects,
        outbox: Outbox,
        ask_first: AskFirst = never,
        is_shadowed: IsShadowed = nothing_shadowed,
    ) -> None:
        self._objects = objects
        self._outbox = outbox
        self._rows = AlarmRows(objects)
        self._alarms: dict[str, Row] = {}
        self._by_cause: dict[Cause, str] = {}
        self._tasks: dict[str, Row] = {}
        # By subject: the ids of its alarms about devices.
        self._troubles: dict[str, set[str]] = {}
        self._next_alarm = 1
        self._next_task = 1
        self.shadow = Shadow(objects, is_shadowed)
        self._questions = Questions(
            self._rows, outbox, ask_first, send=self._send, close=self._close_answered
        )
        self.stays = Stays(objects)
        self._holds = Holds(self._rows, self.stays, go_on=self._go_on)

    def reload(self, cursor: Cursor) -> None:
        """Read back what is open; called at the start and after a failed commit."""
        rows = fetch(cursor, "SELECT * FROM alarm WHERE state <> 'closed'")
        self._alarms = {row["id"]: row for row in rows}
        self._rows.open_alarms = self._alarms
        self._questions.reload(rows)
        self.stays.reload(cursor)
        self._holds.reload(rows)
        self._by_cause = {_cause(row): row["id"] for row in rows}
        self._troubles = {}
        for row in rows:
            self._note_trouble(row)
        tasks = fetch(cursor, "SELECT * FROM task WHERE state NOT IN ('completed', 'cancelled')")
        self._tasks = {row["id"]: row for row in tasks}
        self._next_alarm = next_number(cursor, "SELECT max(number) FROM alarm")
        self._next_task = next_number(cursor, "SELECT max(number) FROM task")

    # Findings.

    def take(
        self,
        unit: UnitOfWork,
        finding: Finding,
        *,
        gateway: str | None = None,
        replayable: bool = True,
    ) -> str | None:
        """Apply a finding; returns the id of the alarm it now belongs to, if any."""
        if self.shadow.keeps(unit, finding, gateway):
            return None
        if finding.kind == BACK_EARLY:
            self.stays.came_back(unit, finding)
            return None
        current_id = self._by_cause.get((finding.home, finding.rule, finding.part))
        current = self._alarms[current_id] if current_id is not None else None
        action = decide(finding, open_alarm(current), replayable=replayable)
        alarm = str(current["id"]) if current is not None else None
        if action == "raise":
            alarm = self._raise(unit, finding, gateway)
        elif current is not None and action in ("join", "worsen"):
            self._join(unit, current, finding, worsened=action == "worsen")
        elif current is not None and action == "clear":
            self._clear(unit, current, finding)
        self._questions.heard(unit, finding)
        return alarm

    def said_well(self, unit: UnitOfWork, home: str, device: str, at_ms: int) -> None:
        """The elder pressed "I'm well" at `device` (gateway/device); a repeat changes nothing."""
        self._questions.said_well(unit, home, device, at_ms)

    def fire_due(self, unit: UnitOfWork) -> bool:
        """What its time has come for; True when more waits for a transaction of its own."""
        self.stays.fire_due(unit)
        asked = self._questions.fire_due(unit)
        return self._holds.fire_due(unit) or asked

    def _raise(self, unit: UnitOfWork, finding: Finding, gateway: str | None) -> str | None:
        if known(unit.cursor, finding.episode):
            return None
        place = place_of(finding, gateway, self._objects)
        row = new_alarm(finding, place, number=self._next_alarm, now_ms=unit.now_ms)
        self._next_alarm += 1
        hold = self._holds.wanted(unit, row)
        asked = None if hold is not None else self._questions.wanted(unit, finding)
        if hold is not None:
            row.update(held_at_ms=unit.now_ms, held_until_ms=hold.until_ms)
            row.update(held_for=hold.held_for, held_by=hold.by)
        elif asked is not None:
            row.update(asked_at_ms=unit.now_ms, ask_until_ms=asked[1])
        task = self._owed_task(unit, row) if hold is None and asked is None else None
        unit.execute(INSERT_ALARM, values(row, ALARM_COLUMNS))
        self._alarms[row["id"]] = row
        self._by_cause[_cause(row)] = row["id"]
        self._note_trouble(row)
        self._rows.alarm_entry(unit, row, "raised", SYSTEM, reason=finding.reason)
        self._holds.raised(row)
        if hold is not None:
            self._holds.put(unit, row)
        elif asked is not None:
            self._questions.put(unit, row, asked[0])
        else:
            self._told(unit, row, task)
        return str(row["id"])

    def _join(self, unit: UnitOfWork, row: Row, finding: Finding, *, worsened: bool) -> None:
        move_alarm(row["state"], AlarmMove.REPEAT)
        row["event_count"] += 1
        row["last_event_ms"] = max(row["last_event_ms"], finding.at_ms)
        row["reason"] = finding.reason
        row["evidence"] = evidence_text(merged_evidence(json.loads(row["evidence"]), finding))
        row["cleared_at_ms"] = None
        if worsened:
            row["severity"] = finding.severity
            row["worsened_at_ms"] = unit.now_ms
        if finding.repair_within_ms is not None:
            row["repair_within_ms"] = finding.repair_within_ms
        quiet = asking(row) or holding(row)
        task = None if quiet else self._owed_task(unit, row)
        self._rows.write_alarm(unit, row)
        fact = "worsened" if worsened else "repeated"
        self._rows.alarm_entry(unit, row, fact, SYSTEM, reason=finding.reason)
        if not quiet:
            self._told(unit, row, task)
        elif worsened and holding(row):
            self._holds.release(unit, row)
        elif worsened:
            self._questions.unanswered(unit, row)

    def _clear(self, unit: UnitOfWork, row: Row, finding: Finding) -> None:
        if row["cleared_at_ms"] is not None:
            return
        row["cleared_at_ms"] = finding.at_ms
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, "cleared", SYSTEM, reason=finding.reason)
        if row["kind"] in SELF_CLOSING:
            self.close(unit, row["id"], SYSTEM, Outcome.RECOVERED, "")

    def _send(self, unit: UnitOfWork, row: Row) -> None:
        """Nobody answered that all is well: what a finding without a question brings at once."""
        task = self._owed_task(unit, row)
        if task is not None:
            self._rows.write_alarm(unit, row)
        self._told(unit, row, task)

    def _go_on(self, unit: UnitOfWork, row: Row) -> None:
        """Nothing holds it any more: what a finding of now would bring."""
        asked = self._questions.wanted(unit, finding_of(row))
        if asked is None:
            self._send(unit, row)
            return
        row.update(asked_at_ms=unit.now_ms, ask_until_ms=asked[1])
        self._rows.write_alarm(unit, row)
        self._questions.put(unit, row, asked[0])

    def _told(self, unit: UnitOfWork, row: Row, task: Row | None) -> None:
        if task is not None:
            self._rows.task_entry(unit, task, "created", SYSTEM, reason=row["reason"])
        self._outbox.alarm_raised(unit, row)

    def _close_answered(self, unit: UnitOfWork, row: Row) -> None:
        self.close(unit, row["id"], SYSTEM, Outcome.ANSWERED_WELL, "")

    # Human moves (and the system's own closing of technical alarms).

    def acknowledge(self, unit: UnitOfWork, alarm_id: str, actor: str) -> None:
        row = self._open(unit, alarm_id)
        row_state = move_alarm(row["state"], AlarmMove.ACKNOWLEDGE, row["acknowledged_by"])
        self._take_over(unit, row, row_state, actor)
        # A question or a hold has kept back the task.
        task = self._owed_task(unit, row)
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, "acknowledged", actor)
        if task is not None:
            self._rows.task_entry(unit, task, "created", SYSTEM, reason=row["reason"])
        self._outbox.reassure(unit, row)

    def assign(self, unit: UnitOfWork, alarm_id: str, actor: str, assignee: str) -> None:
        row = self._open(unit, alarm_id)
        state = move_alarm(row["state"], AlarmMove.ASSIGN)
        newly = row["acknowledged_at_ms"] is None
        self._take_over(unit, row, state, actor)
        row["assignee"] = assignee
        task = self._tasks.get(row["task"]) if row["task"] else None
        if task is None and row["task"] is None:
            task = self._new_task(unit, row)
            row["task"] = task["id"]
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, "assigned", actor, data={"assignee": assignee})
        if task is not None:
            task["assignee"] = assignee
            self._rows.write_task(unit, task)
            self._rows.task_entry(unit, task, "assigned", actor, data={"assignee": assignee})
        if newly:
            self._outbox.reassure(unit, row)

    def close(
        self, unit: UnitOfWork, alarm_id: str, actor: str, outcome: Outcome, note: str
    ) -> None:
        row = self._open(unit, alarm_id)
        state = move_alarm(row["state"], AlarmMove.CLOSE)
        self._questions.taken(unit, row)
        self._holds.taken(row)
        row.update(
            state=state.value,
            closed_at_ms=unit.now_ms,
            closed_by=None if actor == SYSTEM else actor,
            outcome=outcome.value,
            note=note,
        )
        self._rows.write_alarm(unit, row)
        del self._alarms[alarm_id]
        del self._by_cause[_cause(row)]
        self._holds.closed(unit, row)
        self._troubles.get(row["subject"], set()).discard(alarm_id)
        self._rows.alarm_entry(unit, row, "closed", actor, data={"outcome": outcome, "note": note})
        task = self._tasks.get(row["task"]) if row["task"] else None
        if task is not None:
            self.move_task(unit, task["id"], actor, TaskMove.CANCEL, "", reason=outcome)

    def move_task(
        self,
        unit: UnitOfWork,
        task_id_: str,
        actor: str,
        move: TaskMove,
        finding: str,
        *,
        reason: str = "",
    ) -> Row:
        """Move a task on; returns its row. A task taken up puts its alarm in response; `reason`:
        why it is cancelled, the outcome of its alarm."""
        task = self._tasks.get(task_id_) or find_task(unit.cursor, task_id_)
        state = move_task(task["state"], move, task["assignee"])
        task["state"] = state.value
        task["version"] += 1
        fact, column = _TASK_FACTS[move]
        if column is not None:
            task[column] = unit.now_ms
        if move in (TaskMove.ACCEPT, TaskMove.ARRIVE) and task["assignee"] is None:
            task["assignee"] = actor
        if move is TaskMove.ACCEPT:
            task["assignee"] = actor
        if move is TaskMove.COMPLETE:
            task["finding"] = finding
        unit.execute(UPSERT_TASK, values(task, TASK_COLUMNS))
        if state in (TaskState.COMPLETED, TaskState.CANCELLED):
            self._tasks.pop(task_id_, None)
        self._rows.task_entry(unit, task, fact, actor, reason=reason)
        alarm = self._alarms.get(task["alarm"] or "")
        if alarm is not None and move is TaskMove.ACCEPT:
            self._in_response(unit, alarm, actor)
        return task

    def _in_response(self, unit: UnitOfWork, alarm: Row, actor: str) -> None:
        newly = alarm["acknowledged_at_ms"] is None
        state = move_alarm(alarm["state"], AlarmMove.RESPOND)
        self._take_over(unit, alarm, state, actor)
        alarm["assignee"] = actor
        self._rows.write_alarm(unit, alarm)
        self._rows.alarm_entry(unit, alarm, "in_response", actor)
        if newly:
            self._outbox.reassure(unit, alarm)

    def _take_over(self, unit: UnitOfWork, row: Row, state: AlarmState, actor: str) -> None:
        self._questions.taken(unit, row)
        self._holds.taken(row)
        row["state"] = state.value
        if row["acknowledged_at_ms"] is None:
            row["acknowledged_at_ms"] = unit.now_ms
            row["acknowledged_by"] = actor

    # Rows and entries.

    def _open(self, unit: UnitOfWork, alarm_id: str) -> Row:
        """The row of an alarm that is not closed; KeyError when there is none of this id."""
        row = self._alarms.get(alarm_id)
        if row is not None:
            return row
        return find_alarm(unit.cursor, alarm_id)

    def _owed_task(self, unit: UnitOfWork, alarm: Row) -> Row | None:
        """The task that is wanted and not there yet, written into the row."""
        if not needs_task(alarm) or alarm["task"] is not None:
            return None
        task = self._new_task(unit, alarm)
        alarm["task"] = task["id"]
        return task

    def _new_task(self, unit: UnitOfWork, alarm: Row) -> Row:
        task = new_task(alarm, number=self._next_task, now_ms=unit.now_ms)
        self._next_task += 1
        unit.execute(INSERT_TASK, values(task, TASK_COLUMNS))
        self._tasks[task["id"]] = task
        return task

    @property
    def open_count(self) -> int:
        return len(self._alarms)

    def troubles(self, subject: str) -> list[tuple[Row, Row | None]]:
        """The open alarms about devices of a home or gateway, each with its task, by age."""
        alarms = [self._alarms[i] for i in self._troubles.get(subject, ())]
        alarms.sort(key=lambda row: row["number"])
        return [(row, self._tasks.get(row["task"] or "")) for row in alarms]

    def _note_trouble(self, row: Row) -> None:
        if row["kind"] in REPAIR_KINDS:
            self._troubles.setdefault(row["subject"], set()).add(row["id"])


_TASK_FACTS: Final[Mapping[TaskMove, tuple[str, str | None]]] = {
    TaskMove.ACCEPT: ("accepted", "accepted_at_ms"),
    TaskMove.DEPART: ("departed", "departed_at_ms"),
    TaskMove.ARRIVE: ("arrived", "arrived_at_ms"),
    TaskMove.COMPLETE: ("completed", "completed_at_ms"),
    TaskMove.CANCEL: ("cancelled", None),
}


def _cause(row: Row) -> Cause:
    """What joins findings to an open alarm."""
    return row["subject"], row["rule"], row["part"]
