"""An alarm from hand to hand: kept longer, handed over, declined, given up, joined, opened again.

In the writer's thread, as `alarms.moves`.
"""

import json

from alarms.cases import cause_of, takes_in
from alarms.escalation.plan import TimerKind
from alarms.lifecycle import (
    ANSWER_CLOSING,
    HANDOVER_S,
    REOPEN_WITHIN_MS,
    SELF_CLOSING,
    AlarmMove,
    AlarmState,
    IllegalMove,
    Outcome,
    TaskState,
    move_alarm,
)
from alarms.moves import Moves, Parts
from alarms.reasons import DeclineReason, ReopenReason, StepReason
from alarms.rows import Row
from contract.moment import to_iso
from ledger.unit_of_work import SYSTEM, UnitOfWork


class Handing:
    def __init__(self, parts: Parts, moves: Moves) -> None:
        self._parts = parts
        self._moves = moves
        self._rows, self._cases, self._steps = parts.rows, parts.cases, parts.steps

    def extend(self, unit: UnitOfWork, alarm_id: str, actor: str) -> None:
        """The holder needs longer to find somebody who goes."""
        row = self._cases.open(unit, alarm_id)
        move_alarm(row["state"], AlarmMove.EXTEND, row["holder"])
        self._check_holder(row, actor)
        self._steps.heard(unit, row)
        self._moves.watch(unit, row, TimerKind.TAKEN)
        self._rows.write_alarm(unit, row)
        data = {"until": to_iso(row["ack_until_ms"])}
        self._rows.alarm_entry(unit, row, "extended", actor, data=data)

    def hand_over(self, unit: UnitOfWork, alarm_id: str, actor: str, to: str) -> None:
        """Offer it to somebody by name, who has it only after saying yes."""
        row = self._cases.open(unit, alarm_id)
        move_alarm(row["state"], AlarmMove.HAND_OVER, row["holder"])
        self._check_holder(row, actor)
        if to == actor:
            raise IllegalMove("own_case", "it is handed over to somebody else")
        row.update(handover_to=to, handover_until_ms=unit.now_ms + HANDOVER_S * 1000)
        policy = self._steps.policy_of(unit, row).name
        self._moves.promise(unit, row, TimerKind.HANDOVER, policy, HANDOVER_S * 1000)
        self._rows.write_alarm(unit, row)
        data = {"to": to, "until": to_iso(row["handover_until_ms"])}
        self._rows.alarm_entry(unit, row, "handover_offered", actor, data=data)
        self._steps.tell_one(unit, row, to)

    def decline(
        self, unit: UnitOfWork, alarm_id: str, actor: str, reason: DeclineReason, note: str = ""
    ) -> None:
        """Somebody who was told can't come: the next step at once. Said twice, it is said once."""
        row = self._cases.open(unit, alarm_id)
        move_alarm(row["state"], AlarmMove.DECLINE, row["holder"])
        if row["handover_to"] == actor:
            self._not_handed_over(unit, row, "handover_refused", actor, reason)
        elif actor in (row["holder"], row["assignee"]):
            self.release(unit, alarm_id, actor, reason, note)
        elif not _said_so(unit, row, actor):
            data = {"round": row["round"], "note": note}
            self._rows.alarm_entry(unit, row, "declined", actor, reason=reason, data=data)
            self._steps.declined(unit, row)

    def cannot_come(self, unit: UnitOfWork, alarm_id: str, actor: str) -> None:
        """Declined from outside, where there is no room for a reason."""
        self.decline(unit, alarm_id, actor, DeclineReason.OTHER)

    def release(
        self, unit: UnitOfWork, alarm_id: str, actor: str, reason: DeclineReason, note: str = ""
    ) -> None:
        """Who has it gives it up; who was to go, gives it back to who has it."""
        row = self._cases.open(unit, alarm_id)
        before = AlarmState(row["state"])
        if before is not AlarmState.CLOSED and actor == row["assignee"] != row["holder"]:
            self._give_back(unit, row, actor, reason, note)
            return
        state = move_alarm(before, AlarmMove.RELEASE, row["holder"])
        self._check_holder(row, actor)
        self._free(unit, row, state)
        data = {"note": note} if note else None
        self._rows.alarm_entry(unit, row, "given_up", actor, reason=reason, data=data)
        self._steps.call(unit, row, StepReason.GIVEN_UP)

    def _give_back(
        self, unit: UnitOfWork, row: Row, actor: str, reason: DeclineReason, note: str
    ) -> None:
        if row["state"] == AlarmState.IN_RESPONSE:
            row["state"] = move_alarm(row["state"], AlarmMove.GIVE_BACK).value
        row["assignee"] = None
        self._parts.timers.drop(unit, row["id"], TimerKind.ARRIVAL)
        self._moves.watch(unit, row, TimerKind.TAKEN)
        task = self._cases.return_task(unit, row)
        self._rows.write_alarm(unit, row)
        data = {"note": note} if note else None
        self._rows.alarm_entry(unit, row, "given_back", actor, reason=reason, data=data)
        if task is not None:
            self._rows.task_entry(unit, task, "returned", actor, reason=reason)
        self._steps.tell_one(unit, row, row["holder"])

    # Time is up: the promises of `alarms.escalation.timers`.

    def expire(self, unit: UnitOfWork, row: Row) -> None:
        """Taken, and nobody on the way: everybody is told again, and who had it with them."""
        if row["state"] != AlarmState.ACKNOWLEDGED:
            return
        before = [name for name in (row["holder"], row["assignee"]) if name]
        self._free(unit, row, move_alarm(row["state"], AlarmMove.EXPIRE))
        reason = StepReason.ACK_EXPIRED
        self._rows.alarm_entry(
            unit, row, "ack_expired", SYSTEM, reason="nobody_in_response", data={"from": before}
        )
        self._steps.call(unit, row, reason, also=before)

    def not_arrived(self, unit: UnitOfWork, row: Row) -> None:
        """On the way, and nobody there: it calls again, who has it first."""
        if row["state"] != AlarmState.IN_RESPONSE:
            return
        data = {"assignee": row["assignee"]}
        self._rows.alarm_entry(unit, row, "not_arrived", SYSTEM, data=data)
        self._steps.call(unit, row, StepReason.NOT_ARRIVED)

    def lapse(self, unit: UnitOfWork, row: Row) -> None:
        if row["handover_to"] is not None:
            self._not_handed_over(unit, row, "handover_lapsed", SYSTEM, "not_answered")

    def _not_handed_over(
        self, unit: UnitOfWork, row: Row, fact: str, actor: str, reason: str
    ) -> None:
        """Nobody says yes: the holder has it still, and hears of it."""
        data = {"to": row["handover_to"]}
        row.update(handover_to=None, handover_until_ms=None)
        self._parts.timers.drop(unit, row["id"], TimerKind.HANDOVER)
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, fact, actor, reason=reason, data=data)
        self._steps.tell_one(unit, row, row["holder"])

    def _free(self, unit: UnitOfWork, row: Row, state: AlarmState) -> None:
        """Nobody has it any more, written with its task."""
        self._parts.timers.drop(unit, row["id"])
        row.update(
            state=state.value,
            holder=None,
            assignee=None,
            ack_until_ms=None,
            handover_to=None,
            handover_until_ms=None,
        )
        task = self._cases.return_task(unit, row)
        self._rows.write_alarm(unit, row)
        if task is not None:
            self._rows.task_entry(unit, task, "returned", SYSTEM)

    # One event, or not over.

    def merge(self, unit: UnitOfWork, alarm_id: str, actor: str, into: str) -> None:
        """Two alarms of one home are one event: this one ends in the other and keeps its events."""
        row = self._cases.open(unit, alarm_id)
        other = self._cases.open(unit, into)
        state = move_alarm(row["state"], AlarmMove.MERGE, row["holder"])
        _check_one_event(row, other)
        task = self._cases.task_of(row)
        if task is not None and task["state"] != TaskState.OPEN:
            raise IllegalMove("task_under_way", "somebody goes for it: merge the other one into it")
        row["merged_into"] = into
        # What is pressed from now on belongs to the other.
        self._cases.join(row, other)
        self._moves.end(unit, row, state, actor, Outcome.MERGED, "")
        data = {"into": into, "number": other["number"]}
        self._rows.alarm_entry(unit, row, "merged", actor, data=data)
        self._moves.cancel_task(unit, row, actor, Outcome.MERGED)
        severity = other["severity"]
        takes_in(other, row)
        owed = self._cases.owed_task(unit, other)
        self._rows.write_alarm(unit, other)
        data = {"alarm": alarm_id, "number": row["number"]}
        self._rows.alarm_entry(unit, other, "took_in", actor, data=data)
        if owed is not None:
            self._rows.task_entry(unit, owed, "created", SYSTEM, reason=other["reason"])
        if other["severity"] != severity:
            self._steps.call(unit, other, StepReason.WORSENED)

    def reopen(
        self, unit: UnitOfWork, alarm_id: str, actor: str, reason: ReopenReason, note: str = ""
    ) -> None:
        """It was closed by mistake: nobody has it, and everybody is told anew."""
        row = self._cases.open(unit, alarm_id)
        state = move_alarm(row["state"], AlarmMove.REOPEN)
        if unit.now_ms - row["closed_at_ms"] > REOPEN_WITHIN_MS:
            hours = REOPEN_WITHIN_MS // 3_600_000
            raise IllegalMove("too_late", f"an alarm is opened again within {hours} h")
        current = self._cases.by_cause(cause_of(row))
        if current is not None and current["id"] != row["merged_into"]:
            raise IllegalMove("cause_open", f"alarm {current['number']} is open for it already")
        merged, outcome = row["merged_into"], row["outcome"]
        row.update(
            dict.fromkeys(
                ("closed_at_ms", "closed_by", "outcome", "found_out", "note", "merged_into")
            ),
            state=state.value,
            assignee=None,
            cleared_at_ms=None,
            reopened=row["reopened"] + 1,
        )
        # A question or a hold of then is over.
        if row["ask_until_ms"] is not None and row["answer"] is None:
            row["answer"] = "none"
        if row["held_until_ms"] is not None and row["released_at_ms"] is None:
            row["released_at_ms"] = unit.now_ms
        if self._cases.task_of(row) is None:
            row["task"] = None
        task = self._cases.owed_task(unit, row)
        self._rows.write_alarm(unit, row)
        self._cases.add(row)
        self._parts.holds.raised(row)
        data = {"outcome": outcome, "merged_into": merged, "note": note}
        self._rows.alarm_entry(unit, row, "reopened", actor, reason=reason, data=data)
        if task is not None:
            self._rows.task_entry(unit, task, "created", SYSTEM, reason=row["reason"])
        why = StepReason.REOPENED if merged is None else StepReason.UNMERGED
        self._steps.call(unit, row, why)

    @staticmethod
    def _check_holder(row: Row, actor: str) -> None:
        if row["holder"] != actor:
            raise IllegalMove("not_holder", f"{row['holder'] or 'nobody'} has this alarm")


def _check_one_event(row: Row, other: Row) -> None:
    if other["state"] == AlarmState.CLOSED:
        raise IllegalMove("already_closed", "the alarm to merge into is closed")
    if row["id"] == other["id"] or row["subject"] != other["subject"]:
        raise IllegalMove("not_one_event", "only two alarms of one home are one event")
    for ends_by_itself in (SELF_CLOSING, ANSWER_CLOSING):
        if other["kind"] in ends_by_itself and row["kind"] not in ends_by_itself:
            detail = f"{other['kind']} can end without a human: merge it into the other one"
            raise IllegalMove("not_one_event", detail)


def _said_so(unit: UnitOfWork, row: Row, actor: str) -> bool:
    """Whether this person has declined in this round already."""
    sql = (
        "SELECT data FROM entry WHERE topic = 'alarm' AND subject = ? AND fact = 'declined'"
        " AND actor = ? ORDER BY seq DESC LIMIT 1"
    )
    found = unit.execute(sql, (row["id"], actor)).fetchone()
    return found is not None and json.loads(found[0]).get("round") == row["round"]
