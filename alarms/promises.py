"""What was promised for a time, kept: due timers become steps, expiries and lapses.

In the writer's thread. One alarm whose promise can't be kept costs no other its own: it is taken
back to before, told, and tried again a little later.
"""

from collections.abc import Callable
from typing import Final

from alarms.escalation.plan import TimerKind
from alarms.escalation.timers import Timer
from alarms.handing import Handing
from alarms.lifecycle import AlarmState
from alarms.moves import Moves, Parts
from alarms.reasons import StepReason
from alarms.rows import Row
from ledger.cursor import Cursor
from ledger.unit_of_work import UnitOfWork

# What could not be done is tried again after this.
AGAIN_MS: Final = 10_000
# Alarms without a promise are looked after at most so many in one transaction.
ORPHANS_MAX: Final = 50
# Opened before there were steps, or with a promise lost in a way that nobody has thought of.
_ORPHANS: Final = (
    "SELECT a.id, a.number FROM alarm a WHERE a.number > ? AND a.state IN ('open', 'acknowledged')"
    " AND NOT EXISTS (SELECT 1 FROM escalation e WHERE e.alarm = a.id"
    " AND e.timer = CASE a.state WHEN 'open' THEN 'step' ELSE 'taken' END)"
    " AND (a.ask_until_ms IS NULL OR a.answer IS NOT NULL)"
    " AND (a.held_until_ms IS NULL OR a.released_at_ms IS NOT NULL)"
    " AND (a.state <> 'open' OR a.cleared_at_ms IS NULL)"
    " ORDER BY a.number LIMIT ?"
)


class Promises:
    def __init__(
        self, parts: Parts, moves: Moves, handing: Handing, log: Callable[[str, str], None]
    ) -> None:
        self._parts = parts
        self._moves = moves
        self._handing = handing
        self._log = log
        # Looked after up to this number; None: all of them.
        self._orphans_to: int | None = 0

    def reload(self, _cursor: Cursor) -> None:
        self._parts.timers.reload()
        self._orphans_to = 0

    def follow(self) -> None:
        """Another process has promised something."""
        self._parts.timers.follow()

    def fire_due(self, unit: UnitOfWork) -> bool:
        """Keep what is due; True when more waits for a transaction of its own."""
        more = self._orphans_to is not None and self._adopt_orphans(unit, self._orphans_to)
        found = self._parts.timers.due(unit)
        for timer, late_ms in found:
            try:
                with unit.savepoint("promise"):
                    self._keep(unit, timer, late_ms)
            except Exception as error:  # noqa: BLE001 - what follows must not wait for it
                self._log("promise_not_kept", f"{timer.alarm}: {type(error).__name__}: {error}")
                self._again(unit, timer)
        return bool(found) or more

    def next_in_ms(self) -> int | None:
        """How long nothing is due; None: not known."""
        return self._parts.timers.next_in_ms()

    def _keep(self, unit: UnitOfWork, timer: Timer, late_ms: int) -> None:
        if self._parts.timers.find(unit, timer.alarm, timer.kind) != timer:
            return  # what was done before it in this transaction has promised something else
        row = self._parts.cases.alarms.get(timer.alarm)
        if row is None:
            self._parts.timers.drop(unit, timer.alarm)
            return
        if timer.kind is TimerKind.STEP:
            self._parts.steps.fire(unit, row, timer, late_ms)
            return
        self._parts.timers.drop(unit, timer.alarm, timer.kind)
        match timer.kind:
            case TimerKind.TAKEN:
                self._handing.expire(unit, row)
            case TimerKind.ARRIVAL:
                self._handing.not_arrived(unit, row)
            case TimerKind.HANDOVER:
                self._handing.lapse(unit, row)

    def _again(self, unit: UnitOfWork, timer: Timer) -> None:
        """The memory as the tables have it, and the promise a little later."""
        if timer.alarm in self._parts.cases.alarms:
            self._parts.cases.refresh(unit.cursor, timer.alarm)
        self._parts.timers.put_off(unit, timer, AGAIN_MS)

    def _adopt_orphans(self, unit: UnitOfWork, after: int) -> bool:
        """Once after each reading of the book: an open alarm that nothing is promised for."""
        found = unit.execute(_ORPHANS, (after, ORPHANS_MAX)).fetchall()
        for alarm, _number in found:
            row = self._parts.cases.alarms.get(alarm)
            if row is not None:
                self._promise_something(unit, row)
        self._orphans_to = found[-1][1] if len(found) == ORPHANS_MAX else None
        return self._orphans_to is not None

    def _promise_something(self, unit: UnitOfWork, row: Row) -> None:
        if row["state"] == AlarmState.OPEN:
            self._parts.steps.call(unit, row, StepReason.NOT_TAKEN)
            return
        self._moves.watch(unit, row, TimerKind.TAKEN)
        self._parts.rows.write_alarm(unit, row)
