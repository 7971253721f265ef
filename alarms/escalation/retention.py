"""Forgets the steps of alarms that are long over, a portion at a time, in the writer's thread.

`escalation_step` keeps a step from being fired twice and knows who was told in a round: questions
of an alarm that is open, or can be opened again. Who was told, when, by which way and how late
stands in the book's entries, and those are never taken out.
"""

from typing import Final

from ledger.unit_of_work import UnitOfWork
from rules.local_time import DAY_MS

# As long as messages that were sent are kept: both are looked at together.
KEEP_STEPS_MS: Final = 30 * DAY_MS
# Looked at and deleted in one transaction: a press waits for no more.
FORGET_ALARMS: Final = 100
FORGET_STEPS: Final = 500
# Between two walks through all alarms.
WALK_EVERY_MS: Final = DAY_MS

_FORGET: Final = (
    "DELETE FROM escalation_step WHERE (alarm, round, step) IN"
    " (SELECT s.alarm, s.round, s.step FROM alarm a JOIN escalation_step s ON s.alarm = a.id"
    " WHERE a.number > ? AND a.number <= ? AND a.state = 'closed' AND a.closed_at_ms < ? LIMIT ?)"
)


class StepRetention:
    """Walks by the alarms' numbers, which have an index; begins anew after a restart."""

    def __init__(self, portion: int = FORGET_STEPS) -> None:
        self._portion = portion
        self._after = 0
        self._walk_ms: int | None = None

    def forget(self, unit: UnitOfWork) -> None:
        """Called every few seconds; once a day there is something to do."""
        walked_ms = self._walk_ms
        if walked_ms is not None and 0 <= unit.now_ms - walked_ms < WALK_EVERY_MS:
            return
        until = self._after + FORGET_ALARMS
        before_ms = unit.now_ms - KEEP_STEPS_MS
        gone = unit.execute(_FORGET, (self._after, until, before_ms, self._portion)).rowcount
        if gone >= self._portion:
            return
        highest = unit.execute("SELECT max(number) FROM alarm").fetchone()[0] or 0
        over = until >= highest
        self._after, self._walk_ms = (0, unit.now_ms) if over else (until, None)
