"""What is kept in memory follows what other processes have written (ADR 0022).

In the writer's thread, at the beginning of a transaction. Rows of the kind that changes with every
press are read one by one, by their keys; what is small, or changes once a week, as a whole. What
only this process has heard (when devices were last heard, heartbeats that are not written yet)
stays as it is.
"""

from collections.abc import Callable
from typing import Final

from hearthwatch.urgent_side import UrgentSide
from ledger.changes import Changes
from ledger.cursor import Cursor
from ledger.keyed_rows import keyed_rows
from ledger.register_changes import Changed, Touched
from ledger.sealing.ring import Ring
from ledger.unit_of_work import UnitOfWork

_NOTHING: Final = Changed()


class Following:
    """`ring`: of the book's connections, None where nothing is sealed."""

    def __init__(self, side: UrgentSide, ring: Ring | None) -> None:
        self._side = side
        self._ring = ring
        # Of the lane that hears readings, where this process has it: others have stored
        # activations; anybody has changed the roster (None: much of it).
        self.on_events: Callable[[Cursor], None] = lambda _cursor: None
        self.on_roster: Callable[[Touched | None], None] = lambda _touched: None

    def follow(self, unit: UnitOfWork, changes: Changes) -> None:
        side, cursor = self._side, unit.cursor
        if changes.has("person_key"):
            # First: what others have erased is not read again with a key that is still here.
            self._forget_keys(unit, changes)
        roster = changes.roster()
        if roster != _NOTHING:
            self._roster(unit, roster)
        if changes.has("rule_setting"):
            self._settings(unit, changes)
        if changes.has("spool"):
            side.marks.follow(cursor, changes.of("spool"))
        if changes.has("backup"):
            side.backups.changed(cursor)
        side.book.follow(unit, changes)
        if changes.has("rule_state"):
            side.urgent.follow(cursor, changes.of("rule_state"), unit.now_ms)
        if changes.has("rota"):
            side.rota.book.follow(cursor)
        if changes.has("event"):
            self.on_events(cursor)
        if changes.has("outbox"):
            side.note_foreign_outbox()

    def _forget_keys(self, unit: UnitOfWork, changes: Changes) -> None:
        if self._ring is None:
            return
        for row in keyed_rows(unit.cursor, "person_key", "owner", changes.of("person_key")):
            if row["wrapped"] is None:
                self._ring.forget(row["owner"])

    def _roster(self, unit: UnitOfWork, roster: Changed) -> None:
        side = self._side
        roster |= side.presence.take_discovered()
        touched = side.register.follow(unit.cursor, roster)
        side.presence.follow(unit.cursor, roster)
        if touched:
            side.urgent.roster_changed(unit.now_ms, touched)
        self.on_roster(touched)

    def _settings(self, unit: UnitOfWork, changes: Changes) -> None:
        side = self._side
        side.settings.reload(unit.cursor)
        for name in changes.of("rule_setting"):
            rule = side.settings.current.rule(name)
            if rule is not None and rule.kind.lane == "urgent":
                side.urgent.roster_changed(unit.now_ms)
                return
