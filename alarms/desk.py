"""What people do with alarms and tasks; every call has committed when it returns."""

from typing import Final, Literal, TypeVar

from alarms.arrival import Proof
from alarms.book import AlarmBook
from alarms.found_out import check_found_out
from alarms.lifecycle import NOTE_LENGTH_MAX, IllegalMove, TaskMove, check_outcome
from alarms.openings import Opening, Refused
from alarms.reasons import DeclineReason, ReopenReason
from alarms.rows import Row, find_alarm, find_task
from alarms.stays import NewStay
from alarms.visit_book import VisitBook
from alarms.visit_rows import VisitObjects
from alarms.visiting import FamilyTold, NewTask
from ledger.unit_of_work import UnitOfWork, compact
from ledger.visits import NOBODY_MET_DAYS, RECORD_BYTES_MAX, NewVisit
from ledger.writer import Writer

W = TypeVar("W", DeclineReason, ReopenReason)

_FINDING_FIELDS: Final = ("remarks", "needs", "suggestions")


class Desk:
    """Implements the dashboard's `AlarmDesk` port. IllegalMove says why not; KeyError: no such
    alarm or task."""

    def __init__(
        self,
        writer: Writer,
        book: AlarmBook,
        objects: VisitObjects,
        *,
        nobody_met_days: int = NOBODY_MET_DAYS,
    ) -> None:
        self._writer = writer
        self._book = book
        # What happens to a visit after it was recorded; in the writer's thread.
        self.visits = VisitBook(
            book.visiting, objects, nobody_met_days=nobody_met_days, on_change=book.visit_changed
        )

    async def acknowledge(self, alarm_id: str, actor: str) -> None:
        await self._writer.change(lambda unit: self._book.acknowledge(unit, alarm_id, actor))

    async def assign(self, alarm_id: str, actor: str, assignee: str) -> None:
        await self._writer.change(lambda unit: self._book.assign(unit, alarm_id, actor, assignee))

    async def extend(self, alarm_id: str, actor: str) -> None:
        await self._writer.change(lambda unit: self._book.handing.extend(unit, alarm_id, actor))

    async def hand_over(self, alarm_id: str, actor: str, to: str) -> None:
        await self._writer.change(
            lambda unit: self._book.handing.hand_over(unit, alarm_id, actor, to)
        )

    async def decline(self, alarm_id: str, actor: str, reason: str, note: str = "") -> None:
        """`actor`: an account, or a contact of the register who was told."""
        why = _word(DeclineReason, reason)
        _check_note(note)
        await self._writer.change(
            lambda unit: self._book.handing.decline(unit, alarm_id, actor, why, note)
        )

    async def release(self, alarm_id: str, actor: str, reason: str, note: str = "") -> None:
        why = _word(DeclineReason, reason)
        _check_note(note)
        await self._writer.change(
            lambda unit: self._book.handing.release(unit, alarm_id, actor, why, note)
        )

    async def merge(self, alarm_id: str, actor: str, into: str) -> None:
        await self._writer.change(
            lambda unit: self._book.handing.merge(unit, alarm_id, actor, into)
        )

    async def reopen(self, alarm_id: str, actor: str, reason: str, note: str = "") -> None:
        why = _word(ReopenReason, reason)
        _check_note(note)
        await self._writer.change(lambda unit: self._reopen(unit, alarm_id, actor, why, note))

    def _reopen(
        self, unit: UnitOfWork, alarm_id: str, actor: str, why: ReopenReason, note: str
    ) -> None:
        self._book.handing.reopen(unit, alarm_id, actor, why, note)
        self._book.found_out.changed(unit.cursor, find_alarm(unit.cursor, alarm_id))

    async def close(
        self,
        alarm_id: str,
        actor: str,
        outcome: str,
        note: str,
        follow_up_days: int | None = None,
        *,
        found_out: str | None = None,
    ) -> None:
        """`follow_up_days`: None, as the outcome asks for; 0, nobody looks again. `found_out`: how
        it was in the home, where that teaches a rule."""
        _check_note(note)
        await self._writer.change(
            lambda unit: self._close(
                unit, alarm_id, actor, outcome, note, follow_up_days, found_out
            )
        )

    def _close(  # noqa: PLR0917 - what an end is made of
        self,
        unit: UnitOfWork,
        alarm_id: str,
        actor: str,
        outcome: str,
        note: str,
        days: int | None,
        found_out: str | None,
    ) -> None:
        kind = find_alarm(unit.cursor, alarm_id)["kind"]
        chosen = check_outcome(outcome, kind, by_system=False)
        said = check_found_out(found_out, kind)
        self._book.close(unit, alarm_id, actor, chosen, note, said)
        self._book.visiting.follow_up(unit, find_alarm(unit.cursor, alarm_id), actor, days)

    async def move_task(
        self,
        task_id: str,
        actor: str,
        move: Literal["accept", "depart", "arrive", "complete"],
        finding: str = "",
    ) -> None:
        _check_note(finding)
        await self._writer.change(
            lambda unit: self._move_task(unit, task_id, actor, TaskMove(move), finding)
        )

    def _move_task(
        self, unit: UnitOfWork, task_id: str, actor: str, move: TaskMove, finding: str
    ) -> None:
        """A completed task that took somebody to a home is a visit in the ledger."""
        task = self._book.move_task(unit, task_id, actor, move, finding)
        self._book.visiting.moved(unit, task, move)
        if move is TaskMove.COMPLETE and task["home"] is not None:
            self.visits.completed(unit, task, _visit_of(task, actor, unit.now_ms), actor)

    async def ask_press(self, task_id: str, actor: str) -> None:
        visiting = self._book.visiting
        await self._writer.change(lambda unit: visiting.ask_press(unit, task_id, actor))

    async def arrive(self, task_id: str, actor: str, proof: Proof | None) -> None:
        visiting = self._book.visiting
        await self._writer.change(lambda unit: visiting.arrive(unit, task_id, actor, proof))

    async def create_task(self, new: NewTask, actor: str) -> None:
        if len(new.note) > NOTE_LENGTH_MAX:
            raise IllegalMove("note_too_long", f"at most {NOTE_LENGTH_MAX} characters")
        await self._writer.change(lambda unit: self._book.visiting.create(unit, new, actor))

    async def reassign_task(self, task_id: str, actor: str, assignee: str) -> None:
        """A task without an open alarm; one that has such goes by `assign`."""
        visiting = self._book.visiting
        await self._writer.change(lambda unit: visiting.reassign(unit, task_id, actor, assignee))

    async def cancel_task(self, task_id: str, actor: str) -> None:
        visiting = self._book.visiting
        await self._writer.change(lambda unit: visiting.cancel(unit, task_id, actor))

    async def review(self, alarm_id: str, actor: str, cause: str, note: str) -> None:
        """Why a call was answered late; the newest of an alarm counts."""
        if len(note) > NOTE_LENGTH_MAX:
            raise IllegalMove("note_too_long", f"at most {NOTE_LENGTH_MAX} characters")
        visiting = self._book.visiting
        await self._writer.change(lambda unit: visiting.review(unit, alarm_id, actor, cause, note))

    async def inform_family(self, alarm_id: str, actor: str, told: FamilyTold) -> None:
        visiting = self._book.visiting
        await self._writer.change(lambda unit: visiting.inform_family(unit, alarm_id, actor, told))

    async def open_record(self, opening: Opening) -> Refused | None:
        """In an emergency; KeyError: there is no such alarm."""
        return await self._writer.change(lambda unit: self._book.openings.open(unit, opening))

    async def review_opening(self, opening_id: str, *, by: str, decision: str, note: str) -> bool:
        """False: somebody has decided already."""

        def change(unit: UnitOfWork) -> bool:
            openings = self._book.openings
            return openings.review(unit, opening_id, by=by, decision=decision, note=note)

        return await self._writer.change(change)

    async def set_stay(self, stay: NewStay, actor: str) -> None:
        """Write a stay down; the same id again changes nothing."""
        await self._writer.change(lambda unit: self._book.stays.begin(unit, stay, actor))

    async def end_stay(self, home: str, stay_id: str, actor: str) -> None:
        await self._writer.change(lambda unit: self._book.stays.end(unit, home, stay_id, actor))

    async def record_visit(self, visit: NewVisit, actor: str) -> str:
        """Write a visit down; the same id again changes nothing."""
        if len(compact(dict(visit.record)).encode()) > RECORD_BYTES_MAX:
            raise IllegalMove("record_too_large", f"at most {RECORD_BYTES_MAX} bytes")
        await self._writer.change(lambda unit: self._record(unit, visit, actor))
        return visit.id

    def _record(self, unit: UnitOfWork, visit: NewVisit, actor: str) -> None:
        recorded = self.visits.record(unit, visit, actor, kind=_visit_kind(unit, visit))
        if recorded and self.visits.may_complete(unit, visit, actor):
            self._move_task(unit, str(visit.task), actor, TaskMove.COMPLETE, _finding(visit))


def _check_note(note: str) -> None:
    if len(note) > NOTE_LENGTH_MAX:
        raise IllegalMove("note_too_long", f"at most {NOTE_LENGTH_MAX} characters")


def _word(words: type[W], word: str) -> W:
    try:
        return words(word)
    except ValueError:
        allowed = ", ".join(words)
        raise IllegalMove("unknown_reason", f"{word[:40]!r} is not one of {allowed}") from None


def _visit_kind(unit: UnitOfWork, visit: NewVisit) -> str:
    """By the task that led there; KeyError: there is none of this id."""
    if visit.task:
        return str(find_task(unit.cursor, visit.task)["kind"])
    return "emergency" if visit.alarm else "routine"


def _visit_of(task: Row, actor: str, now_ms: int) -> NewVisit:
    """The visit that completing a task is; its id is the task's, so it is one."""
    return NewVisit(
        id=str(task["id"]),
        home=str(task["home"]),
        service_user=None,
        way="home_visit",
        visitor=str(task["assignee"] or actor),
        visited_at_ms=int(task["arrived_at_ms"] or now_ms),
        record={"finding": task["finding"] or ""},
        task=str(task["id"]),
        alarm=task["alarm"],
    )


def _finding(visit: NewVisit) -> str:
    """What the task says was found, in the record's own words."""
    said = [visit.record.get(name) for name in _FINDING_FIELDS]
    return "；".join(text for text in said if isinstance(text, str) and text)[:NOTE_LENGTH_MAX]
