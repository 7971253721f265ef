"""The book of alarms: findings in, rows and entries out; the door to what people do with them.

Runs in the writer's thread only. Every method takes the unit of work of the transaction it
belongs to and appends the entries that say what happened; after a failed commit `reload` reads
everything back from the tables.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from alarms.cases import Cases
from alarms.contact_answers import ContactAnswers
from alarms.escalation.policy import Policies
from alarms.escalation.steps import Steps
from alarms.escalation.timers import Clocks, Timers
from alarms.found_out import FoundOutWords
from alarms.handing import Handing
from alarms.heard_from import HeardFrom
from alarms.holding import ABSENCE_KINDS, holding
from alarms.holds import Holds
from alarms.intake import decide, is_milder, merged_evidence, open_alarm
from alarms.lifecycle import (
    SELF_CLOSING,
    AlarmMove,
    Outcome,
    TaskMove,
    move_alarm,
)
from alarms.moves import Moves, Outbox, Parts
from alarms.openings import Openings
from alarms.promises import Promises
from alarms.questions import AskFirst, Questions, never
from alarms.reasons import StepReason
from alarms.responders import Responders
from alarms.rows import (
    INSERT_ALARM,
    AlarmRows,
    Objects,
    Row,
    alarm_values,
    evidence_text,
    find_alarm,
    finding_of,
    known,
    new_alarm,
    place_of,
)
from alarms.shadow import IsShadowed, Shadow, nothing_shadowed
from alarms.stays import BACK_EARLY, Stays
from alarms.vacated import is_vacated
from alarms.visiting import Visiting
from ledger.changes import Changes
from ledger.cursor import Cursor
from ledger.keyed_rows import keyed_rows
from ledger.unit_of_work import SYSTEM, UnitOfWork
from rules.finding import Finding
from rules.found_out import FoundOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalating:
    """Who is told, in which order, by which clocks; `log` hears of what could not be done."""

    responders: Responders
    policies: Policies
    clocks: Clocks
    log: Callable[[str, str], None]


class AlarmBook:
    """Findings and human moves in, rows and entries out. `ask_first`: seconds that a rule asks in
    a home before anybody is sent; `is_shadowed`: whether what a rule finds is told to nobody."""

    def __init__(
        self,
        objects: Objects,
        outbox: Outbox,
        escalating: Escalating,
        ask_first: AskFirst = never,
        is_shadowed: IsShadowed = nothing_shadowed,
    ) -> None:
        self._objects = objects
        self._outbox = outbox
        self._rows = AlarmRows(objects)
        self._cases = Cases(self._rows)
        self.shadow = Shadow(objects, is_shadowed)
        self._questions = Questions(
            self._rows, outbox, ask_first, send=self._send, close=self._close_answered
        )
        self.stays = Stays(objects)
        self.openings = Openings(self._rows)
        self.heard = HeardFrom()
        self.found_out = FoundOutWords()
        self._holds = Holds(self._rows, self.stays, go_on=self._go_on)
        timers = Timers(escalating.clocks)
        self._steps = Steps(
            self._rows,
            timers,
            outbox,
            responders=escalating.responders,
            policies=escalating.policies,
            log=escalating.log,
        )
        parts = Parts(
            rows=self._rows,
            cases=self._cases,
            outbox=outbox,
            questions=self._questions,
            holds=self._holds,
            steps=self._steps,
            timers=timers,
        )
        self.moves = Moves(parts)
        self.handing = Handing(parts, self.moves)
        self.contacts = ContactAnswers(parts, self.handing)
        self._promises = Promises(parts, self.moves, self.handing, escalating.log)
        # Hears of presses that were made to test the way.
        self.on_test: Callable[[UnitOfWork, Finding], object] = lambda _unit, _finding: None
        self.visiting = Visiting(
            self._rows, outbox, self.moves.move_task, self._cases.next_task_number
        )

    def reload(self, cursor: Cursor) -> None:
        """Read back what is open; called at the start and after a failed commit."""
        rows = self._cases.reload(cursor)
        self._questions.reload(rows)
        self.stays.reload(cursor)
        self.heard.reload(cursor)
        self.found_out.reload(cursor)
        self._holds.reload(rows)
        self._promises.reload(cursor)
        self.visiting.reload(self._cases.tasks)

    def follow(self, unit: UnitOfWork, changes: Changes) -> None:
        """What other processes have written, before anything is decided."""
        alarms, tasks = changes.of("alarm"), changes.of("task")
        rows = self._cases.follow(unit.cursor, alarms, tasks)
        self._questions.follow(rows)
        self._holds.follow(rows)
        self.visiting.follow(tasks)
        if changes.has("stay"):
            self.stays.follow(unit, changes.of("stay"))
        visits = changes.of("visit")
        written = keyed_rows(unit.cursor, "visit", "id", visits)
        self.heard.follow(visits, written)
        self.found_out.follow(unit.cursor, rows, written)
        if changes.has("timer"):
            self._promises.follow()

    def look(self, unit: UnitOfWork) -> None:
        """What the rules are told of, where another process does what its time has come for."""
        self.stays.look(unit)
        self.heard.fire_due(unit.now_ms)
        self.found_out.fire_due(unit.now_ms)

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
        current = self._cases.by_cause((finding.home, finding.rule, finding.part))
        if current is None:
            current, finding = self.visiting.joined(unit, finding)
        action = decide(finding, open_alarm(current), replayable=replayable)
        alarm = str(current["id"]) if current is not None else None
        if action == "raise":
            alarm = self._raise(unit, finding, gateway)
        elif current is not None and action in ("join", "worsen"):
            self._join(unit, current, finding, worsened=action == "worsen")
        elif current is not None and action == "clear" and finding.rule == current["rule"]:
            # Of an alarm that was merged into this one: the cause of this one is still there.
            self._clear(unit, current, finding)
        elif action == "note":
            self.on_test(unit, finding)
        self._questions.heard(unit, finding)
        return alarm

    def said_well(self, unit: UnitOfWork, home: str, device: str, at_ms: int) -> None:
        """The elder pressed "I'm well" at `device` (gateway/device); a repeat changes nothing."""
        self._questions.said_well(unit, home, device, at_ms)

    def fire_due(self, unit: UnitOfWork) -> bool:
        """What its time has come for; True when more waits for a transaction of its own."""
        self.stays.fire_due(unit)
        self.heard.fire_due(unit.now_ms)
        self.found_out.fire_due(unit.now_ms)
        asked = self._questions.fire_due(unit)
        held = self._holds.fire_due(unit)
        return self._promises.fire_due(unit) or held or asked

    def next_in_ms(self) -> int | None:
        """How long no step is due; None: look. Questions and holds are looked for every second."""
        return self._promises.next_in_ms()

    def _raise(self, unit: UnitOfWork, finding: Finding, gateway: str | None) -> str | None:
        if known(unit.cursor, finding.episode):
            return None
        if finding.kind in ABSENCE_KINDS and is_vacated(unit.cursor, finding.home):
            # A doubt about nobody.
            return None
        place = place_of(finding, gateway, self._objects)
        row = new_alarm(finding, place, number=self._cases.next_number(), now_ms=unit.now_ms)
        hold = self._holds.wanted(unit, row)
        asked = None if hold is not None else self._questions.wanted(unit, finding)
        if hold is not None:
            row.update(held_at_ms=unit.now_ms, held_until_ms=hold.until_ms)
            row.update(held_for=hold.held_for, held_by=hold.by)
        elif asked is not None:
            row.update(asked_at_ms=unit.now_ms, ask_until_ms=asked[1])
        task = None
        if hold is None and asked is None:
            task = self._cases.owed_task(unit, row)
            self._steps.begin(row)
        unit.execute(INSERT_ALARM, alarm_values(unit, row))
        self._cases.add(row)
        self._rows.alarm_entry(unit, row, "raised", SYSTEM, reason=finding.reason)
        self._holds.raised(row)
        if hold is not None:
            self._holds.put(unit, row)
        elif asked is not None:
            self._questions.put(unit, row, asked[0])
        else:
            self._told(unit, row, task, StepReason.RAISED)
        return str(row["id"])

    def _join(self, unit: UnitOfWork, row: Row, finding: Finding, *, worsened: bool) -> None:
        move_alarm(row["state"], AlarmMove.REPEAT)
        row["event_count"] += 1
        row["last_event_ms"] = max(row["last_event_ms"], finding.at_ms)
        milder = is_milder(finding, row["severity"])
        before = msgspec.json.decode(row["evidence"])
        row["evidence"] = evidence_text(merged_evidence(before, finding, milder=milder))
        if not milder:
            row["reason"] = finding.reason
        row["cleared_at_ms"] = None
        if worsened:
            row["severity"] = finding.severity
            row["worsened_at_ms"] = unit.now_ms
        if finding.repair_within_ms is not None:
            row["repair_within_ms"] = finding.repair_within_ms
        quiet = self._cases.quiet(row)
        task = None if quiet else self._cases.owed_task(unit, row)
        self._rows.write_heard(unit, row)
        fact = "worsened" if worsened else "repeated"
        self._rows.alarm_entry(unit, row, fact, SYSTEM, reason=finding.reason)
        if not quiet:
            self._told(unit, row, task, StepReason.WORSENED if worsened else StepReason.REPEATED)
        elif worsened and holding(row):
            self._holds.release(unit, row)
        elif worsened:
            self._questions.unanswered(unit, row)

    def _clear(self, unit: UnitOfWork, row: Row, finding: Finding) -> None:
        if row["cleared_at_ms"] is not None:
            return
        row["cleared_at_ms"] = finding.at_ms
        if row["severity"] != "urgent":
            # It stays on the board for a human; nobody is woken for what is over.
            self._steps.heard(unit, row)
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, "cleared", SYSTEM, reason=finding.reason)
        if row["kind"] in SELF_CLOSING:
            self.close(unit, row["id"], SYSTEM, Outcome.RECOVERED, "")

    def _send(self, unit: UnitOfWork, row: Row) -> None:
        """Nobody answered that all is well: what a finding without a question brings at once."""
        self._go(unit, row, StepReason.NOT_ANSWERED)

    def _go(self, unit: UnitOfWork, row: Row, reason: StepReason) -> None:
        task = self._cases.owed_task(unit, row)
        if task is not None:
            self._rows.write_alarm(unit, row)
        self._told(unit, row, task, reason)

    def _go_on(self, unit: UnitOfWork, row: Row) -> None:
        """Nothing holds it any more: what a finding of now would bring."""
        asked = self._questions.wanted(unit, finding_of(row))
        if asked is None:
            self._go(unit, row, StepReason.HOLD_ENDED)
            return
        row.update(asked_at_ms=unit.now_ms, ask_until_ms=asked[1])
        self._rows.write_alarm(unit, row)
        self._questions.put(unit, row, asked[0])

    def _told(self, unit: UnitOfWork, row: Row, task: Row | None, reason: StepReason) -> None:
        if task is not None:
            self._rows.task_entry(unit, task, "created", SYSTEM, reason=row["reason"])
        self._outbox.alarm_raised(unit, row)
        if reason is StepReason.RAISED:
            self._steps.first_call(unit, row)
        elif reason is StepReason.REPEATED:
            self._steps.repeat(unit, row)
        else:
            self._steps.call(unit, row, reason)

    def _close_answered(self, unit: UnitOfWork, row: Row) -> None:
        self.close(unit, row["id"], SYSTEM, Outcome.ANSWERED_WELL, "")

    # The moves that rules and the system make too; people's others are in `moves` and `handing`.

    def acknowledge(self, unit: UnitOfWork, alarm_id: str, actor: str) -> None:
        self.moves.acknowledge(unit, alarm_id, actor)

    def assign(self, unit: UnitOfWork, alarm_id: str, actor: str, assignee: str) -> None:
        self.moves.assign(unit, alarm_id, actor, assignee)

    def close(  # noqa: PLR0917 - what an end is made of
        self,
        unit: UnitOfWork,
        alarm_id: str,
        actor: str,
        outcome: Outcome,
        note: str,
        found_out: FoundOut | None = None,
    ) -> None:
        self.moves.close(unit, alarm_id, actor, outcome, note, found_out)
        self.found_out.changed(unit.cursor, find_alarm(unit.cursor, alarm_id))

    def visit_changed(self, unit: UnitOfWork, visit: Row) -> None:
        """One was written down, corrected or voided: the rules may want to know."""
        self.heard.noted(visit)
        self.found_out.visited(unit.cursor, visit)

    def move_task(
        self, unit: UnitOfWork, task_id: str, actor: str, move: TaskMove, finding: str
    ) -> Row:
        return self.moves.move_task(unit, task_id, actor, move, finding)

    @property
    def open_count(self) -> int:
        return self._cases.open_count

    def troubles(self, subject: str) -> list[tuple[Row, Row | None]]:
        return self._cases.troubles(subject)
