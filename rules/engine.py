"""The engine: observations and time in, findings out. Pure and deterministic.

For each home it holds one monitor per rule. Observations go to the monitors that listen to their
kind; timers wait in a heap with lazy entries (an entry may be older than the monitor's wish: it
is checked and put back when it comes up). Before a monitor sees an observation, its timers due
by then are fired, so findings don't depend on how often `advance` is called.

                    observe(home, item, now)         advance(now)
                              |                           |
        home -> kind -> (cell, cell)        heap of (due, home, rule, cell)
          (those of its region last)
                              \\                         /
                               monitor.observe / monitor.fire -> findings
                               feed: -> observations for other cells (rules.derived)

Quarter-hours of electricity wait until somebody needs them (rules.waiting).
"""

from collections.abc import Sequence
from typing import Any, cast

from rules.cells import Cell, HomeCells
from rules.derived import POWER_SLOT
from rules.finding import Finding
from rules.listeners import POWER, REGISTER_KWH
from rules.opinions import Opinions
from rules.rule import NOTHING, UNCHANGED, Observation
from rules.timers import Sleeper
from rules.waiting import Patient


class Engine(Opinions):
    """All rules for all homes of one lane. Not thread-safe: one thread owns it."""

    def observe(self, home: str, observation: Observation, now_ms: int) -> list[Finding]:
        """What the rules say to an observation of this home.

        KeyError when the home was never added. The empty answer is one shared list: don't
        change it.
        """
        known = self._homes[home]
        kind = observation.kind
        if kind == POWER:
            values = observation.values
            if len(values) == 1 and REGISTER_KWH in values:
                cells = known.registers
                if cells is None:
                    cells = self._hear_registers(known)
                return self._tell(known, cells, observation, now_ms)
        cells = known.hears.get(kind)
        if cells is None:
            cells = self._hear(known, kind)
        return self._tell(known, cells, observation, now_ms)

    def advance(self, now_ms: int) -> list[Finding]:
        """Fire every timer due by now, in the order of (due, home, rule)."""
        timers = self._timers
        found = NOTHING
        while (entry := timers.take(now_ms)) is not None:
            due_ms, home, rule, cell = entry
            if isinstance(cell, Sleeper):
                self._rouse(home, rule)
                continue
            if cell.monitor.due_ms == due_ms:
                self._catch_up(cell)
                new = cell.monitor.fire(due_ms)
                self._touch(cell)
                self._tune(cell)
                if new:
                    found = found + new
            timers.plan(cell)
        return found

    def next_due_ms(self) -> int | None:
        """The earliest moment at which `advance` has something to do."""
        while (entry := self._timers.first()) is not None:
            due_ms, home, rule, cell = entry
            if not isinstance(cell, Sleeper):
                return due_ms
            self._timers.take(due_ms)
            self._rouse(home, rule)
        return None

    # Inside.

    def _tell(
        self, known: HomeCells, cells: Sequence[Cell], observation: Observation, now_ms: int
    ) -> list[Finding]:
        found = NOTHING
        for cell in cells:
            # Anything else is asked of each monitor here, so this loop is most of a reading's cost.
            monitor: Any = cell.monitor
            waiting = cell.waiting
            minds = waiting is not None and monitor.minds(observation, now_ms)
            if minds and waiting is not None and cell.seen != waiting.count:
                self._catch_up(cell)
            due_ms = monitor.due_ms
            if due_ms is not None and due_ms <= now_ms:
                self._touch(cell)
                found = found + self._fire(cell, now_ms)
            new = monitor.observe(observation, now_ms)
            if new is UNCHANGED and not cell.dirty:
                continue
            if new:
                found = found + new
            if not cell.dirty:
                cell.dirty = True
                self._dirty.append(cell)
            if cell.feeds:
                derived = monitor.take_derived()
                if derived:
                    found = found + self._pass_all(known, derived, now_ms)
            if minds:
                self._tune(cell)
            due_ms = monitor.due_ms
            if due_ms is not None and (cell.scheduled_ms is None or due_ms < cell.scheduled_ms):
                self._timers.plan(cell)
        return found

    def _pass_all(
        self, known: HomeCells, made: Sequence[Observation], now_ms: int
    ) -> list[Finding]:
        found = NOTHING
        for derived in made:
            found = found + self._pass_on(known, derived, now_ms)
        return found

    def _pass_on(self, known: HomeCells, derived: Observation, now_ms: int) -> list[Finding]:
        """What a feed has made, to all who hear it; of a quarter-hour to those who can't wait."""
        waiting = known.waiting
        if derived.kind != POWER_SLOT or waiting is None:
            return self.observe(known.facts.home, derived, now_ms)
        cells = known.hears.get(POWER_SLOT)
        if cells is None:
            cells = self._hear(known, POWER_SLOT)
        end_ms, watts = derived.measured_at_ms, derived.values["watts"]
        room = waiting.has_room(end_ms, derived.device, now_ms)
        pressed, alone = [], True
        for cell in cells:
            if cell.waiting is None:
                alone = False
            else:
                calm, due_ms = cast("Patient", cell.monitor).calm(), cell.monitor.due_ms
                calm_now = end_ms <= calm.until_ms and watts < calm.below_w
                if room and calm_now and (due_ms is None or due_ms > now_ms):
                    continue
                self._catch_up(cell)
            pressed.append(cell)
        if room:
            waiting.add(end_ms, watts, derived.values["grain_w"], now_ms)
        waiting.device = derived.device
        for cell in pressed:
            cell.seen = waiting.count
        found = self._tell(known, pressed, derived, now_ms)
        waiting.settle(alone=alone)
        return found

    def _fire(self, cell: Cell, now_ms: int) -> list[Finding]:
        self._catch_up(cell)
        found = NOTHING
        due_ms = cell.monitor.due_ms
        while due_ms is not None and due_ms <= now_ms:
            found = found + cell.monitor.fire(due_ms)
            due_ms = cell.monitor.due_ms
        self._tune(cell)
        return found
