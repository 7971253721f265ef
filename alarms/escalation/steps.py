"""Rounds of steps, written into the book: who is told now, by which way, and what comes next.

In the writer's thread. A step, its notifications, its entry and the time of the next are one
commit. A step that has nobody to tell is followed by the next at once; a person whose notification
can't be written costs nobody else theirs.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from alarms.escalation.plan import (
    FIRST_STEP,
    HOLDER_STEP,
    UNKNOWN_LATE_MS,
    Coming,
    TimerKind,
    due_in,
    next_step,
    quiet_for_ms,
    step_of,
)
from alarms.escalation.policy import Policies, Policy, Step
from alarms.escalation.timers import Timer, Timers
from alarms.lifecycle import AlarmState
from alarms.reasons import StepReason
from alarms.responders import ContactPoint, Responder, Responders, Target
from alarms.rows import AlarmRows, Row
from ledger.database import insert_sql
from ledger.schema import ESCALATION_STEP
from ledger.unit_of_work import SYSTEM, UnitOfWork, compact

# A hand that trembles presses five times in two seconds; it is one call. Every press is an entry
# and rings on the board all the same.
REPEAT_WITHIN_MS: Final = 15_000

_INSERT_STEP: Final = insert_sql(
    ESCALATION_STEP, conflict="ON CONFLICT (alarm, round, step) DO NOTHING"
)


class Notify(Protocol):
    """Where a notification is written, in the same transaction."""

    def notify(
        self,
        unit: UnitOfWork,
        alarm: Mapping[str, Any],
        responder: Responder,
        point: ContactPoint,
        *,
        step: int,
        round: int,
        urgent: bool,
        wakes: bool,
        news: str,
    ) -> None: ...


class Steps:
    """`log` hears of what could not be written."""

    def __init__(
        self,
        rows: AlarmRows,
        timers: Timers,
        outbox: Notify,
        *,
        responders: Responders,
        policies: Policies,
        log: Callable[[str, str], None],
    ) -> None:
        self._rows = rows
        self._outbox = outbox
        self._responders = responders
        self._policies = policies
        self._timers = timers
        self._log = log

    def policy_of(self, unit: UnitOfWork, row: Row) -> Policy:
        # Asked for only where a policy does.
        categories = _categories(unit, row["home"]) if self._policies.by_category else ()
        return self._policies.of(row["severity"], row["kind"], row["region"] or "", categories)

    # What others ask for. Each changes the row; the caller has it written or writes it itself.

    def call(
        self, unit: UnitOfWork, row: Row, reason: StepReason, also: Sequence[str] = ()
    ) -> None:
        """A new round: whoever has the alarm first, else from the first step on, told by all
        channels; `also`: accounts that are told with it."""
        first = FIRST_STEP if row["state"] == AlarmState.OPEN else HOLDER_STEP
        self._begin_round(unit, row, row["round"] + 1)
        self._go_on(unit, row, self.policy_of(unit, row), first, reason, also=also)

    @staticmethod
    def begin(row: Row) -> None:
        """The first round of an alarm that is about to be written, as `call` begins any other: so
        that it is written once."""
        row["version"] += 1
        row["round"] += 1
        row["calling"] = True

    def first_call(self, unit: UnitOfWork, row: Row) -> None:
        """As `call`, of an alarm that has been written with its round begun."""
        self._go_on(unit, row, self.policy_of(unit, row), FIRST_STEP, StepReason.RAISED)

    def repeat(self, unit: UnitOfWork, row: Row) -> None:
        """Pressed again: everybody who was told hears it again, and what comes next comes no later
        for it."""
        told_ms = self._timers.told_ms(unit, row["id"], row["round"])
        if told_ms is not None and 0 <= unit.now_ms - told_ms < REPEAT_WITHIN_MS:
            return
        pending = self._timers.find(unit, row["id"], TimerKind.STEP)
        first = FIRST_STEP if row["state"] == AlarmState.OPEN else HOLDER_STEP
        if pending is None or pending.step == first:
            # The new round that waits begins now.
            self.call(unit, row, StepReason.REPEATED)
            return
        also = _people_of(self._fired(unit, row))
        row.update(round=row["round"] + 1, calling=True)
        self._rows.write_heard(unit, row)
        self._timers.goes_on_in(unit, pending, row["round"])
        policy = self.policy_of(unit, row)
        self._tell(unit, row, policy, first, StepReason.REPEATED, also=also)

    def declined(self, unit: UnitOfWork, row: Row) -> None:
        """Somebody who was told can't: the next step now."""
        pending = self._timers.find(unit, row["id"], TimerKind.STEP)
        if pending is not None:
            self.fire(unit, row, pending, 0, StepReason.DECLINED)

    def heard(self, unit: UnitOfWork, row: Row) -> None:
        """Somebody has it, or it is over: nobody is told any more."""
        row["calling"] = False
        self._timers.drop(unit, row["id"], TimerKind.STEP)

    def tell_one(self, unit: UnitOfWork, row: Row, username: str) -> bool:
        """One account, by all its channels, outside of the steps: offered, assigned, given back."""
        responder = self._responders.named(username)
        if responder is None:
            return False
        # Below the policy's steps, and another with each change of the row.
        self._notify(unit, row, responder, responder.points, step=-row["version"])
        return True

    def tell_in_charge(self, unit: UnitOfWork, row: Row, news: str) -> list[str]:
        """Who has the alarm, else who is on duty, by all their channels, outside of the steps:
        there is news of it. Returns who they are."""
        holder = self._responders.named(row["holder"]) if row["holder"] else None
        duty = self._responders.of(Target.DUTY, row, unit.now_ms)
        people = [holder] if holder is not None else _each_once(duty)
        urgent = row["severity"] == "urgent"
        for person in people:
            points = _points(person, None, row["round"], urgent=urgent)
            self._notify(unit, row, person, points, step=-row["version"], news=news)
        return [person.id for person in people]

    def fire(
        self,
        unit: UnitOfWork,
        row: Row,
        timer: Timer,
        late_ms: int,
        reason: StepReason = StepReason.NOT_TAKEN,
    ) -> None:
        """The pending step of an alarm, in time or early."""
        policy = self._policies.named(timer.policy) or self.policy_of(unit, row)
        # Quiet hours put off the holder's step as well.
        known = timer.step == HOLDER_STEP or step_of(policy, timer.step) is not None
        step = timer.step if known else FIRST_STEP
        if timer.round != row["round"] or step != timer.step:
            self._begin_round(unit, row, max(timer.round, row["round"] + 1))
        self._go_on(unit, row, policy, step, reason, late_ms=late_ms)

    # Steps.

    def _begin_round(self, unit: UnitOfWork, row: Row, number: int) -> None:
        row["round"] = number
        row["calling"] = True
        self._rows.write_alarm(unit, row)

    def _go_on(
        self,
        unit: UnitOfWork,
        row: Row,
        policy: Policy,
        step: int,
        reason: StepReason,
        *,
        late_ms: int = 0,
        also: Sequence[str] = (),
    ) -> None:
        """Fire this step, those behind one that had nobody to tell, and promise the next."""
        quiet_ms = quiet_for_ms(policy.quiet, unit.now_ms)
        if quiet_ms:
            later = Coming(step=step, delay_ms=quiet_ms)
            self._promise(unit, row, policy, row["round"], later)
            return
        while True:
            told = self._tell(unit, row, policy, step, reason, late_ms=late_ms, also=also)
            coming = next_step(policy, step)
            if told:
                break
            if coming.new_round:
                data = {"policy": policy.name, "round": row["round"]}
                self._rows.alarm_entry(unit, row, "nobody_told", SYSTEM, reason=reason, data=data)
                break
            step, reason, late_ms, also = coming.step, StepReason.NONE_BEFORE, 0, ()
        number = row["round"] + 1 if coming.new_round else row["round"]
        # A new round is counted from now: the one before may have been late by hours.
        overdue_ms = 0 if coming.new_round else late_ms
        self._promise(unit, row, policy, number, coming, overdue_ms=overdue_ms)

    def _promise(
        self,
        unit: UnitOfWork,
        row: Row,
        policy: Policy,
        number: int,
        coming: Coming,
        *,
        overdue_ms: int = 0,
    ) -> None:
        due = due_in(coming.delay_ms, self._timers.clocks(), overdue_ms=overdue_ms)
        self._timers.promise(
            unit,
            Timer(
                alarm=row["id"],
                kind=TimerKind.STEP,
                policy=policy.name,
                round=number,
                step=coming.step,
                due=due,
            ),
        )

    def _tell(
        self,
        unit: UnitOfWork,
        row: Row,
        policy: Policy,
        step: int,
        reason: StepReason,
        *,
        late_ms: int = 0,
        also: Sequence[str] = (),
    ) -> bool:
        """Whether there was anybody; a step that has been fired already is left alone."""
        wanted = step_of(policy, step)
        # Of an alarm of this moment nobody can have said that she can't come.
        asks = wanted is not None and reason is not StepReason.RAISED
        declined = _declined(unit, row["id"]) if asks else ()
        people = self._people(unit, row, wanted, also, declined)
        urgent, number = row["severity"] == "urgent", row["round"]
        chosen = [(who, _points(who, wanted, number, urgent=urgent)) for who in people]
        told = [[person.id, [point.channel for point in points]] for person, points in chosen]
        # Where no clock could tell, the book says that it doesn't know.
        known_ms = late_ms if late_ms < UNKNOWN_LATE_MS // 2 else -1
        values = (row["id"], number, step, policy.name, reason.value, unit.now_ms, known_ms)
        if unit.execute(_INSERT_STEP, (*values, compact(told))).rowcount == 0:
            return True
        for person, points in chosen:
            self._notify(unit, row, person, points, step=step, wakes=policy.wakes)
        if told:
            data = {"policy": policy.name, "round": number, "step": step, "to": told}
            if known_ms:
                data["late_ms"] = known_ms
            self._rows.alarm_entry(unit, row, "told", SYSTEM, reason=reason, data=data)
        return bool(told)

    def _notify(
        self,
        unit: UnitOfWork,
        row: Row,
        person: Responder,
        points: Iterable[ContactPoint],
        *,
        step: int,
        wakes: bool = False,
        news: str = "",
    ) -> None:
        urgent, number = row["severity"] == "urgent", row["round"]
        for point in points:
            try:
                with unit.savepoint("notification"):
                    self._outbox.notify(
                        unit,
                        row,
                        person,
                        point,
                        step=step,
                        round=number,
                        urgent=urgent,
                        wakes=wakes,
                        news=news,
                    )
            except Exception as error:  # noqa: BLE001 - one that can't be written stops no other
                self._log("not_notified", f"{person.id}: {type(error).__name__}: {error}")

    def _people(
        self,
        unit: UnitOfWork,
        row: Row,
        step: Step | None,
        also: Sequence[str],
        declined: Collection[str],
    ) -> list[Responder]:
        accounts = [name for name in also if not name.startswith("contact:")]
        if step is None:
            having = [name for name in (row["holder"], row["assignee"]) if name]
            return self._named([*having, *accounts])
        found = _each_once(
            person
            for target in step.targets
            for person in self._responders.of(target, row, unit.now_ms)
        )
        # Who can't come is asked again only when there is nobody else.
        able = [person for person in found if person.id not in declined] or found
        if step.persons:
            before = frozenset(_people_of(self._fired(unit, row)))
            able = ([p for p in able if p.id not in before] or able)[: step.persons]
        there = {person.id for person in able}
        return [*able, *self._named(name for name in accounts if name not in there)]

    def _named(self, names: Iterable[str]) -> list[Responder]:
        """Each once, for each is asked for all of the ways to her."""
        found = (self._responders.named(name) for name in dict.fromkeys(names))
        return [person for person in found if person is not None]

    @staticmethod
    def _fired(unit: UnitOfWork, row: Row) -> list[tuple[int, str]]:
        """The steps of this round so far: when, and who was told as JSON."""
        sql = "SELECT at_ms, told FROM escalation_step WHERE alarm = ? AND round = ? ORDER BY step"
        return unit.execute(sql, (row["id"], row["round"])).fetchall()


def _points(
    person: Responder, step: Step | None, round_: int, *, urgent: bool
) -> tuple[ContactPoint, ...]:
    """By which ways; once it has been in vain, and for who has the alarm, by all of them. A way
    that may not carry what is urgent takes no other's place."""
    order = {} if step is None else {name: place for place, name in enumerate(step.channels)}
    able = (point for point in person.points if point.urgent or not urgent)
    points = sorted(able, key=lambda point: order.get(point.channel, len(order)))
    if step is None or step.points == "all" or round_ > 1:
        return tuple(points)
    return tuple(points[1:2] or points[:1]) if step.points == "second" else tuple(points[:1])


def _each_once(people: Iterable[Responder]) -> list[Responder]:
    return list({person.id: person for person in people}.values())


def _people_of(fired: Iterable[tuple[int, str]]) -> list[str]:
    """Who was told in these steps, in order."""
    return list(dict.fromkeys(p[0] for _at_ms, told in fired for p in json.loads(told)))


def _declined(unit: UnitOfWork, alarm: str) -> frozenset[str]:
    sql = (
        "SELECT actor FROM entry WHERE topic = 'alarm' AND subject = ?"
        " AND fact IN ('declined', 'given_up', 'given_back')"
    )
    return frozenset(actor for (actor,) in unit.execute(sql, (alarm,)).fetchall())


def _categories(unit: UnitOfWork, home: str | None) -> list[str]:
    if home is None:
        return []
    sql = "SELECT categories FROM service_user WHERE home = ? AND left_on = ''"
    found = unit.execute(sql, (home,)).fetchall()
    return [str(word) for (text,) in found for word in json.loads(text)]
