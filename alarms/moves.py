"""What people do with an open alarm and its task: taken, assigned, gone to, ended.

In the writer's thread, each in the transaction that it is given; `IllegalMove` says why not, and
nothing has changed then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from alarms.cases import Cases
from alarms.escalation.plan import TimerKind, due_in
from alarms.escalation.steps import Notify, Steps
from alarms.escalation.timers import Timer, Timers
from alarms.holds import Holds
from alarms.lifecycle import (
    TASK_FACTS,
    AlarmMove,
    AlarmState,
    Outcome,
    TaskMove,
    TaskState,
    move_alarm,
    move_task,
)
from alarms.questions import AskOutbox, Questions
from alarms.rows import AlarmRows, Row, find_task
from contract.moment import to_iso
from ledger.unit_of_work import SYSTEM, UnitOfWork
from rules.found_out import FoundOut


class Outbox(AskOutbox, Notify, Protocol):
    """Where what must be sent is written, in the same transaction."""

    def alarm_raised(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None: ...
    def reassure(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None: ...
    def on_the_way(self, unit: UnitOfWork, alarm: Mapping[str, Any], task: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What every move works with; put together by the book."""

    rows: AlarmRows
    cases: Cases
    outbox: Outbox
    questions: Questions
    holds: Holds
    steps: Steps
    timers: Timers


class Moves:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._rows, self._cases = parts.rows, parts.cases

    def acknowledge(self, unit: UnitOfWork, alarm_id: str, actor: str) -> None:
        row = self._cases.open(unit, alarm_id)
        if row["handover_to"] == actor:
            self._take_over(unit, row, actor)
            return
        if row["calling"] and row["state"] != AlarmState.OPEN:
            self._confirm(unit, row, actor)
            return
        state = move_alarm(row["state"], AlarmMove.ACKNOWLEDGE, row["holder"])
        self._taken(unit, row, state, actor)
        # A question or a hold has kept back the task.
        task = self._cases.owed_task(unit, row)
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, "acknowledged", actor, data=_until(row))
        if task is not None:
            self._rows.task_entry(unit, task, "created", SYSTEM, reason=row["reason"])
        self._parts.outbox.reassure(unit, row)

    def _confirm(self, unit: UnitOfWork, row: Row, actor: str) -> None:
        """It called again and somebody has heard it: who had it, or whoever was faster."""
        move_alarm(row["state"], AlarmMove.CONFIRM, row["holder"])
        before = row["holder"]
        row["holder"] = actor
        self._parts.steps.heard(unit, row)
        if row["state"] == AlarmState.ACKNOWLEDGED:
            self.watch(unit, row, TimerKind.TAKEN)
        elif self._on_the_way(row):
            self.watch(unit, row, TimerKind.ARRIVAL)
        self._rows.write_alarm(unit, row)
        fact = "confirmed" if before == actor else "taken_over"
        self._rows.alarm_entry(unit, row, fact, actor, data={"from": before})

    def _take_over(self, unit: UnitOfWork, row: Row, actor: str) -> None:
        """The person to whom it was handed over says yes."""
        move_alarm(row["state"], AlarmMove.TAKE_OVER, row["holder"])
        before = row["holder"]
        row.update(holder=actor, handover_to=None, handover_until_ms=None)
        self._parts.timers.drop(unit, row["id"], TimerKind.HANDOVER)
        self._parts.steps.heard(unit, row)
        if row["state"] == AlarmState.ACKNOWLEDGED:
            self.watch(unit, row, TimerKind.TAKEN)
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, "handed_over", actor, data={"from": before})

    def assign(self, unit: UnitOfWork, alarm_id: str, actor: str, assignee: str) -> None:
        row = self._cases.open(unit, alarm_id)
        before = AlarmState(row["state"])
        state = move_alarm(before, AlarmMove.ASSIGN, row["holder"])
        task = self._cases.task_of(row)
        again = task is None and row["task"] is not None
        if before is AlarmState.IN_RESPONSE and (again or row["assignee"] != assignee):
            # Somebody else is to go, or once more: until there is a yes nobody is on the way.
            state = move_alarm(before, AlarmMove.GIVE_BACK)
            self._parts.timers.drop(unit, row["id"], TimerKind.ARRIVAL)
        if task is not None and task["assignee"] not in (None, assignee):
            self._cases.return_task(unit, row)
        self._taken(unit, row, state, row["holder"] or actor)
        row["assignee"] = assignee
        made = task is None
        if task is None:
            # One that is over has its end, its visit and its times: this is another.
            task = self._cases.new_task(unit, row)
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, "assigned", actor, data={"assignee": assignee})
        if made:
            self._rows.task_entry(unit, task, "created", actor, reason=row["reason"])
        task.update(assignee=assignee, press_until_ms=None)
        self._rows.write_task(unit, task)
        self._rows.task_entry(unit, task, "assigned", actor, data={"assignee": assignee})
        if assignee != actor:
            self._parts.steps.tell_one(unit, row, assignee)
        if before is AlarmState.OPEN:
            self._parts.outbox.reassure(unit, row)

    def close(  # noqa: PLR0917 - as `end`
        self,
        unit: UnitOfWork,
        alarm_id: str,
        actor: str,
        outcome: Outcome,
        note: str,
        found_out: FoundOut | None = None,
    ) -> None:
        row = self._cases.open(unit, alarm_id)
        state = move_alarm(row["state"], AlarmMove.CLOSE, row["holder"])
        row["found_out"] = found_out
        self.end(unit, row, state, actor, outcome, note)
        said = {} if found_out is None else {"found_out": found_out}
        data = {"outcome": outcome, "note": note, **said}
        self._rows.alarm_entry(unit, row, "closed", actor, data=data)
        self.cancel_task(unit, row, actor, outcome)

    def end(  # noqa: PLR0917 - what an end is made of
        self,
        unit: UnitOfWork,
        row: Row,
        state: AlarmState,
        actor: str,
        outcome: Outcome,
        note: str,
    ) -> None:
        """Write the end of an alarm and forget it."""
        self._parts.questions.taken(unit, row)
        self._parts.holds.taken(row)
        self._parts.timers.drop(unit, row["id"])
        row.update(
            state=state.value,
            closed_at_ms=unit.now_ms,
            closed_by=None if actor == SYSTEM else actor,
            outcome=outcome.value,
            note=note,
            calling=False,
            holder=None,
            ack_until_ms=None,
            handover_to=None,
            handover_until_ms=None,
        )
        self._rows.write_alarm(unit, row)
        self._cases.remove(row)
        self._parts.holds.closed(unit, row)

    def cancel_task(self, unit: UnitOfWork, row: Row, actor: str, outcome: Outcome) -> None:
        task = self._cases.task_of(row)
        if task is not None:
            self.move_task(unit, task["id"], actor, TaskMove.CANCEL, "", reason=outcome)

    def move_task(
        self,
        unit: UnitOfWork,
        task_id: str,
        actor: str,
        move: TaskMove,
        finding: str,
        *,
        reason: str = "",
    ) -> Row:
        """Move a task on; returns its row. A task taken up puts its alarm in response; `reason`:
        why it is cancelled, the outcome of its alarm."""
        task = self._cases.tasks.get(task_id) or find_task(unit.cursor, task_id)
        state = move_task(task["state"], move, task["assignee"])
        task["state"] = state.value
        fact, column = TASK_FACTS[move]
        if column is not None:
            task[column] = unit.now_ms
        if move in (TaskMove.ACCEPT, TaskMove.ARRIVE) and task["assignee"] is None:
            task["assignee"] = actor
        if move is TaskMove.ACCEPT:
            task["assignee"] = actor
        if move is TaskMove.COMPLETE:
            task["finding"] = finding
        self._rows.write_task(unit, task)
        if state in (TaskState.COMPLETED, TaskState.CANCELLED):
            self._cases.tasks.pop(task_id, None)
        self._rows.task_entry(unit, task, fact, actor, reason=reason)
        alarm = self._cases.alarms.get(task["alarm"] or "")
        if alarm is not None and move is TaskMove.ACCEPT:
            self._in_response(unit, alarm, actor)
        elif alarm is not None and move in (TaskMove.ARRIVE, TaskMove.COMPLETE):
            self._there(unit, alarm)
        return task

    def _in_response(self, unit: UnitOfWork, row: Row, actor: str) -> None:
        newly = row["state"] == AlarmState.OPEN
        state = move_alarm(row["state"], AlarmMove.RESPOND, row["holder"])
        self._taken(unit, row, state, row["holder"] or actor)
        row["assignee"] = actor
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, "in_response", actor)
        if newly:
            self._parts.outbox.reassure(unit, row)

    def _on_the_way(self, row: Row) -> bool:
        task = self._cases.task_of(row)
        return task is not None and task["state"] in (TaskState.ACCEPTED, TaskState.DEPARTED)

    def _there(self, unit: UnitOfWork, row: Row) -> None:
        """Somebody is with the person: nobody is waited for any more."""
        self._parts.timers.drop(unit, row["id"], TimerKind.ARRIVAL)
        if row["calling"]:
            self._parts.steps.heard(unit, row)
            self._rows.write_alarm(unit, row)

    def _taken(self, unit: UnitOfWork, row: Row, state: AlarmState, holder: str) -> None:
        """From now on somebody has it; the caller writes the row."""
        self._parts.questions.taken(unit, row)
        self._parts.holds.taken(row)
        self._parts.steps.heard(unit, row)
        row.update(state=state.value, holder=holder)
        if row["acknowledged_at_ms"] is None:
            row.update(acknowledged_at_ms=unit.now_ms, acknowledged_by=holder)
        if state is AlarmState.ACKNOWLEDGED:
            self.watch(unit, row, TimerKind.TAKEN)
        elif state is AlarmState.IN_RESPONSE:
            row["ack_until_ms"] = None
            self._parts.timers.drop(unit, row["id"], TimerKind.TAKEN)
            if self._on_the_way(row):
                self.watch(unit, row, TimerKind.ARRIVAL)

    def watch(self, unit: UnitOfWork, row: Row, kind: TimerKind) -> None:
        """See that what was taken goes on: somebody on the way, somebody there."""
        policy = self._parts.steps.policy_of(unit, row)
        delay_ms = policy.taken_ms if kind is TimerKind.TAKEN else policy.arrive_ms
        if kind is TimerKind.TAKEN:
            row["ack_until_ms"] = unit.now_ms + delay_ms
        if delay_ms:
            self.promise(unit, row, kind, policy.name, delay_ms)

    def promise(
        self, unit: UnitOfWork, row: Row, kind: TimerKind, policy: str, delay_ms: int
    ) -> None:
        timers = self._parts.timers
        due = due_in(delay_ms, timers.clocks())
        timer = Timer(
            alarm=row["id"], kind=kind, policy=policy, round=row["round"], step=0, due=due
        )
        timers.promise(unit, timer)


def _until(row: Row) -> dict[str, object]:
    return {"until": to_iso(row["ack_until_ms"])} if row["ack_until_ms"] is not None else {}
