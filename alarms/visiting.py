"""Tasks at the door: made by hand or after a closing, given to somebody else, proved by an arrival.

In the writer's thread, each in the transaction that it is given; the book of alarms has the open
tasks and moves them. `IllegalMove` says why not, and nothing has changed then.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from alarms.arrival import (
    PRESS_WITHIN_MS,
    Proof,
    is_visitors,
    may_ask_press,
    waits_for_press,
)
from alarms.lifecycle import IllegalMove, Outcome, TaskMove, TaskState
from alarms.reviews import check_review, write_review
from alarms.rows import (
    INSERT_TASK,
    TASK_COLUMNS,
    AlarmRows,
    Row,
    fetch,
    find_alarm,
    find_task,
    task_values,
)
from alarms.vacated import tasks_for_nobody
from contract.ids import name_uuid
from contract.moment import to_iso
from ledger.unit_of_work import SYSTEM, UnitOfWork
from rules.finding import Finding

_NAMESPACE: Final = uuid.UUID("5be2f1d6-0c53-5d0e-9a55-7f0d5c1f6a42")
DAY_MS: Final = 86_400_000
# Days until somebody looks again, by how the alarm ended; the others ask for nothing.
FOLLOW_UP_DAYS: Final[Mapping[Outcome, int]] = {
    Outcome.REAL_EMERGENCY: 1,
    Outcome.NO_ANSWER_VISITED: 1,
    Outcome.MEDICAL_ADVICE: 3,
    Outcome.SOCIAL: 7,
}
FOLLOW_UP_DAYS_MAX: Final = 90

TaskKind = Literal["routine", "follow_up"]
FamilyWay = Literal["phone", "message", "there"]
MoveTask = Callable[[UnitOfWork, str, str, TaskMove, str], Row]


class Item(Protocol):
    """An activation as the lane has it."""

    @property
    def device(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def attrs(self) -> Mapping[str, Any]: ...
    @property
    def measured_at_ms(self) -> int: ...


class Outbox(Protocol):
    def on_the_way(self, unit: UnitOfWork, alarm: Mapping[str, Any], task: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """Work that no alarm asks for; the same id again changes nothing."""

    id: str
    kind: TaskKind
    home: str
    region: str | None
    due_at_ms: int
    assignee: str | None = None
    note: str = ""
    alarm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyTold:
    """Who of the family was told of an alarm, when, how."""

    name: str
    relation: str
    way: FamilyWay
    at_ms: int
    note: str = ""


class Visiting:
    def __init__(
        self,
        rows: AlarmRows,
        outbox: Outbox,
        move_task: MoveTask,
        next_number: Callable[[], int],
    ) -> None:
        self._rows = rows
        self._outbox = outbox
        self._move_task = move_task
        self._next_number = next_number
        self._tasks: dict[str, Row] = {}
        # Those whose visitors were asked to press: a press looks at these few only.
        self._asked: set[str] = set()

    def reload(self, tasks: dict[str, Row]) -> None:
        """`tasks`: the open ones, by id, as the book keeps them from now on."""
        self._tasks = tasks
        self._asked = {i for i, task in tasks.items() if task["press_until_ms"] is not None}

    def follow(self, tasks: Iterable[str]) -> None:
        """Tasks that others have written; those that are open are known already."""
        for i in tasks:
            task = self._tasks.get(i)
            if task is not None and task["press_until_ms"] is not None:
                self._asked.add(i)
            else:
                self._asked.discard(i)

    # The visitor's own press.

    def ask_press(self, unit: UnitOfWork, task_id: str, actor: str) -> None:
        """From now on a press of the home's button within two minutes is the visitor's."""
        task = self._task(unit, task_id)
        may_ask_press(task, self._rows.open_alarms.get(task["alarm"] or ""))
        task["press_asked_ms"] = unit.now_ms
        task["press_until_ms"] = unit.now_ms + PRESS_WITHIN_MS
        self._keep(task)
        self._asked.add(task_id)
        self._rows.write_task(unit, task)
        data = {"until": to_iso(task["press_until_ms"])}
        self._rows.task_entry(unit, task, "press_asked", actor, data=data)

    def joined(self, unit: UnitOfWork, finding: Finding) -> tuple[Row | None, Finding]:
        """Where no call of the home is open, a visitor's press is another event of the urgent
        alarm that brought the visitor there, whose own reason and evidence stay."""
        if finding.kind != "sos" or finding.reason != "pressed" or finding.phase != "raised":
            return None, finding
        for task in self._waiting(finding.home, unit.now_ms):
            if is_visitors(task, "sos", "press", finding.raised_at_ms, unit.now_ms):
                alarm = self._rows.open_alarms.get(task["alarm"] or "")
                if alarm is not None and alarm["severity"] == "urgent":
                    heard = json.loads(alarm["evidence"])
                    return alarm, replace(finding, reason=alarm["reason"], evidence=heard)
        return None, finding

    def pressed(
        self, unit: UnitOfWork, home: str, gateway: str, item: Item, alarm: str | None
    ) -> str | None:
        """An activation that was heard as every other: the task whose visitor has arrived with
        it. One that belongs to no alarm proves nothing."""
        if alarm is None:
            return None
        for task in self._waiting(home, unit.now_ms):
            action = item.attrs.get("action")
            if is_visitors(task, item.kind, action, item.measured_at_ms, unit.now_ms):
                proof = Proof(kind="button", of=f"{gateway}/{item.device}")
                self.arrive(unit, str(task["id"]), str(task["assignee"] or SYSTEM), proof)
                return str(task["id"])
        return None

    def arrive(self, unit: UnitOfWork, task_id: str, actor: str, proof: Proof | None) -> None:
        """Somebody is there; who has said so without a proof may bring it later."""
        task = self._task(unit, task_id)
        proves = proof is not None and task["state"] == TaskState.ARRIVED
        if proof is not None:
            task.update(proof=proof.kind, proof_of=proof.of, proof_at_ms=unit.now_ms)
        task.update(press_asked_ms=None, press_until_ms=None)
        self._asked.discard(task_id)
        self._keep(task)
        if proves:
            self._rows.write_task(unit, task)
        else:
            self._move_task(unit, task_id, actor, TaskMove.ARRIVE, "")
        if proof is not None:
            self._rows.task_entry(unit, task, "arrival_proved", actor, reason=proof.kind)

    def moved(self, unit: UnitOfWork, task: Row, move: TaskMove) -> None:
        """What a move of a task brings besides: the elder hears that somebody is on the way."""
        alarm = self._rows.open_alarms.get(task["alarm"] or "")
        if move is TaskMove.DEPART and task["kind"] == "emergency" and alarm is not None:
            self._outbox.on_the_way(unit, alarm, str(task["id"]))

    # Tasks without an open alarm.

    def create(self, unit: UnitOfWork, new: NewTask, actor: str) -> None:
        if fetch(unit.cursor, "SELECT id FROM task WHERE id = ?", (new.id,)):
            return
        task: Row = dict.fromkeys(TASK_COLUMNS)
        task.update(
            id=new.id,
            number=self._next_number(),
            kind=new.kind,
            state=TaskState.OPEN.value,
            version=1,
            alarm=new.alarm,
            home=new.home,
            region=new.region,
            assignee=new.assignee,
            created_at_ms=unit.now_ms,
            due_at_ms=new.due_at_ms,
            note=new.note,
        )
        unit.execute(INSERT_TASK, task_values(unit, task))
        self._keep(task)
        data = {"assignee": new.assignee} if new.assignee else None
        self._rows.task_entry(unit, task, "created", actor, reason=new.kind, data=data)

    def follow_up(self, unit: UnitOfWork, alarm: Row, actor: str, days: int | None) -> str | None:
        """After an alarm was closed: somebody looks again in `days`, or as its outcome asks for;
        0: nobody. Returns the id of the task."""
        outcome = Outcome(alarm["outcome"])
        days = FOLLOW_UP_DAYS.get(outcome, 0) if days is None else days
        if days == 0 or alarm["home"] is None:
            return None
        new = NewTask(
            id=name_uuid(_NAMESPACE, f"{alarm['id']}|follow_up|{alarm['closed_at_ms']}"),
            kind="follow_up",
            home=alarm["home"],
            region=alarm["region"],
            due_at_ms=unit.now_ms + days * DAY_MS,
            assignee=self.responsible(unit, alarm["home"]),
            note=str(alarm["note"] or ""),
            alarm=alarm["id"],
        )
        self.create(unit, new, actor)
        return new.id

    def responsible(self, unit: UnitOfWork, home: str) -> str | None:
        """The visitor of the home's people, of the first who has one."""
        found = unit.execute(
            "SELECT visitor FROM service_user WHERE home = ? AND visitor IS NOT NULL"
            " AND left_on = '' ORDER BY id LIMIT 1",
            (home,),
        ).fetchone()
        return None if found is None else str(found[0])

    def reassign(self, unit: UnitOfWork, task_id: str, actor: str, assignee: str) -> None:
        """Somebody else goes; until that person says yes nobody has it."""
        task = self._task(unit, task_id)
        if task["state"] in (TaskState.COMPLETED, TaskState.CANCELLED):
            raise IllegalMove("wrong_state", f"the task is {task['state']}")
        if task["state"] != TaskState.OPEN:
            task = self._move_task(unit, task_id, actor, TaskMove.RETURN, "")
            task.update(accepted_at_ms=None, departed_at_ms=None, arrived_at_ms=None)
            task.update(proof=None, proof_of=None, proof_at_ms=None)
        task.update(assignee=assignee, press_asked_ms=None, press_until_ms=None)
        self._keep(task)
        self._rows.write_task(unit, task)
        self._rows.task_entry(unit, task, "assigned", actor, data={"assignee": assignee})

    def cancel(self, unit: UnitOfWork, task_id: str, actor: str) -> None:
        """Only what no open alarm asks for: that one ends with its alarm."""
        task = self._task(unit, task_id)
        if (task["alarm"] or "") in self._rows.open_alarms:
            raise IllegalMove("alarm_open", "the alarm of this task is open: close that")
        self._move_task(unit, task_id, actor, TaskMove.CANCEL, "")

    def vacate(self, unit: UnitOfWork, persons: Iterable[str]) -> None:
        """Of these people some may have left, and with the last of a home what was to be done
        there for them: nobody is sent any more. Who is under way finishes."""
        for person in persons:
            for task in tasks_for_nobody(unit.cursor, person):
                self.cancel(unit, task, SYSTEM)

    def review(self, unit: UnitOfWork, alarm_id: str, actor: str, cause: str, note: str) -> None:
        """Why a call was answered late; KeyError: there is no such alarm."""
        chosen = check_review(cause, note)
        row = self._rows.open_alarms.get(alarm_id) or find_alarm(unit.cursor, alarm_id)
        write_review(unit, alarm_id, actor, chosen, note)
        self._rows.alarm_entry(unit, row, "reviewed", actor, reason=chosen.value)

    def inform_family(self, unit: UnitOfWork, alarm_id: str, actor: str, told: FamilyTold) -> None:
        """Who of the family knows; KeyError: there is no such alarm."""
        row = self._rows.open_alarms.get(alarm_id) or find_alarm(unit.cursor, alarm_id)
        data = {
            "name": told.name,
            "relation": told.relation,
            "way": told.way,
            "at": to_iso(told.at_ms),
            "note": told.note,
        }
        self._rows.alarm_entry(unit, row, "family_informed", actor, data=data)

    def _task(self, unit: UnitOfWork, task_id: str) -> Row:
        return self._tasks.get(task_id) or find_task(unit.cursor, task_id)

    def _keep(self, task: Row) -> None:
        self._tasks[task["id"]] = task

    def _waiting(self, home: str, now_ms: int) -> list[Row]:
        """By number, so that two visitors of one home prove their arrivals one after the other."""
        known = [task for i in self._asked if (task := self._tasks.get(i)) is not None]
        found = [task for task in known if task["home"] == home and waits_for_press(task, now_ms)]
        return sorted(found, key=lambda task: int(task["number"]))
