"""The rota in the writer's thread: what is said of it is appended, checked before, and replaces
the plan in memory as a whole. Other threads may read `plan` at any time.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from alarms.lifecycle import IllegalMove
from alarms.rota.days import DayKind
from alarms.rota.facts import (
    Fact,
    change_fact,
    day_fact,
    desk_fact,
    leave_fact,
    pattern_fact,
    plan_of,
    swap_fact,
    swap_of,
    unchanged_fact,
)
from alarms.rota.model import REACH_DAYS, Change, Desk, Leave, Pattern, RotaError, ShiftKey
from alarms.rota.plan import Plan
from alarms.rota.swaps import (
    WAITING,
    Swap,
    SwapMove,
    SwapState,
    changes_of,
    check_swap,
    is_over,
    move_swap,
)
from alarms.rows import fetch
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.schema import ROTA_FACT
from ledger.unit_of_work import DRAWN, SYSTEM, Entry, UnitOfWork, compact
from rules.local_time import DAY_MS, day_of

# Days of a look, an import or an export at most: two months of a wall calendar and a bit.
WINDOW_DAYS_MAX: Final = 100
LEAVE_MS_MAX: Final = 400 * DAY_MS
# Planning further ahead is a mistake of a year.
AHEAD_DAYS_MAX: Final = 800
# Desks of a county: one a town, and a few.
DESKS_MAX: Final = 200
PATTERNS_MAX: Final = 20
WAITING_MAX: Final = 20
LEAVES_MAX: Final = 20

_COLUMNS: Final = ("kind", "key", "desk", "day", "at_ms", "actor", "reason", "body")
_INSERT: Final = insert_sql(ROTA_FACT, _COLUMNS, DRAWN)
# A shift's facts are read for a window of days, all others whole: there are few of them.
SELECT_PLAN: Final = (
    "SELECT kind, key, desk, day, body FROM rota_fact WHERE kind IN ('desk', 'pattern', 'leave',"
    " 'day') OR (kind = 'shift' AND day BETWEEN ? AND ?) ORDER BY seq"
)
_SELECT_SINCE: Final = (
    "SELECT seq, kind, key, desk, day, body FROM rota_fact WHERE seq > ? ORDER BY seq"
)
_SELECT_SWAPS: Final = (
    "SELECT key, body FROM rota_fact WHERE kind = 'swap' AND seq IN"
    " (SELECT max(seq) FROM rota_fact WHERE kind = 'swap' GROUP BY key)"
)
_ROLES: Final = ("admin", "duty", "manager", "visitor")


class RotaBook:
    """RotaError names the field that makes no sense, IllegalMove why a move is not possible."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self.plan = Plan()
        self._swaps: dict[str, Swap] = {}
        # The last fact that is in memory.
        self._seq = -1
        # Counts what changes who is on duty, for those who remember what they saw.
        self.version = 0

    def reload(self, cursor: Cursor) -> None:
        """Read back at the start and after any change that failed, which was mostly not one of the
        rota: a year of it takes half a second to read, and a press would wait for that."""
        self.version += 1
        last = int(cursor.execute("SELECT max(seq) FROM rota_fact").fetchone()[0] or 0)
        if last == self._seq:
            return
        self._seq = last
        today = day_of(self._now_ms())
        window = (today - REACH_DAYS - 1, today + AHEAD_DAYS_MAX)
        self.plan = plan_of(fetch(cursor, SELECT_PLAN, window))
        waiting = [swap_of(row["key"], _loaded(row)) for row in fetch(cursor, _SELECT_SWAPS)]
        self._swaps = {swap.id: swap for swap in waiting if swap.state in WAITING}

    def follow(self, cursor: Cursor) -> None:
        """Facts that others have said since; they are added to what is in memory, as ours are."""
        rows = fetch(cursor, _SELECT_SINCE, (self._seq,))
        if not rows:
            return
        self._seq = rows[-1]["seq"]
        self.version += 1
        self.plan = plan_of([row for row in rows if row["kind"] != "swap"], self.plan)
        for row in rows:
            if row["kind"] == "swap":
                self._follow_swap(swap_of(row["key"], _loaded(row)))

    def _follow_swap(self, swap: Swap) -> None:
        if swap.state in WAITING:
            self._swaps[swap.id] = swap
        else:
            self._swaps.pop(swap.id, None)

    # What is said.

    def set_desk(self, unit: UnitOfWork, desk: Desk, actor: str, reason: str) -> None:
        found = unit.execute("SELECT 1 FROM region WHERE code = ?", (desk.region,)).fetchone()
        if found is None:
            raise RotaError("region", "there is no such region")
        known = self.plan.desks.get(desk.id)
        if known is None and len(self.plan.desks) >= DESKS_MAX:
            raise RotaError("id", f"at most {DESKS_MAX} desks")
        fact = "desk_made" if known is None else "desk_changed"
        self._say(unit, desk_fact(desk), fact, actor, reason, region=desk.region)

    def set_pattern(self, unit: UnitOfWork, pattern: Pattern, actor: str, reason: str) -> None:
        """A revision counts from its first day on, which is not in the past."""
        self._desk(pattern.desk)
        known = self.plan.patterns.get(pattern.id)
        if known and known[-1].desk != pattern.desk:
            raise RotaError("id", f"this pattern is of the desk {known[-1].desk!r}")
        today = day_of(unit.now_ms)
        if pattern.from_day < today:
            raise RotaError("from", "not before today: what was stays as it was")
        if pattern.from_day > today + AHEAD_DAYS_MAX:
            raise RotaError("from", f"at most {AHEAD_DAYS_MAX} days ahead")
        mine = {k: r for k, r in self.plan.patterns.items() if r and r[-1].desk == pattern.desk}
        if pattern.id not in mine and len(mine) >= PATTERNS_MAX:
            raise RotaError("id", f"at most {PATTERNS_MAX} patterns of a desk")
        self.plan.check_names(pattern)
        self._check_people(unit, {p for turn in pattern.turns for p in turn.people})
        fact = "pattern_changed" if known else "pattern_made"
        self._say(unit, pattern_fact(pattern), fact, actor, reason)

    def change_shifts(
        self,
        unit: UnitOfWork,
        changes: Sequence[Change],
        actor: str,
        reason: str,
        fact: str = "shift_changed",
    ) -> None:
        """All of them or none."""
        self._check_people(unit, {p for change in changes for p in change.people or ()})
        for change in changes:
            self._check_change(unit, change)
        facts = [change_fact(change) for change in changes]
        self._say_all(unit, facts, fact, actor, reason)

    def take_back(self, unit: UnitOfWork, key: ShiftKey, actor: str, reason: str) -> None:
        """A changed shift is as its pattern has it again."""
        self._not_over(unit, key)
        if key.name not in self.plan.changes.get((key.desk, key.day), {}):
            raise KeyError(str(key))
        self._say(unit, unchanged_fact(key), "shift_taken_back", actor, reason)

    def set_leave(self, unit: UnitOfWork, leave: Leave, actor: str, reason: str) -> None:
        """The same id again changes nothing."""
        if leave.id in self.plan.leaves:
            return
        if leave.until_ms <= max(leave.from_ms, unit.now_ms):
            raise RotaError("until", "it ends after it begins, and not in the past")
        if leave.until_ms - leave.from_ms > LEAVE_MS_MAX:
            raise RotaError("until", "at most 400 days")
        mine = [one for one in self.plan.leaves.values() if one.person == leave.person]
        if len([one for one in mine if one.until_ms > unit.now_ms]) >= LEAVES_MAX:
            raise IllegalMove("too_many_leaves", f"at most {LEAVES_MAX} of one person")
        self._check_people(unit, {leave.person})
        self._say(unit, leave_fact(leave), "leave_set", actor, reason)

    def end_leave(self, unit: UnitOfWork, leave_id: str, actor: str, reason: str) -> None:
        """Back now, or not gone at all; KeyError: no such leave."""
        leave = self.plan.leaves[leave_id]
        if leave.until_ms <= unit.now_ms:
            return
        until_ms = max(leave.from_ms, unit.now_ms)
        ended = replace(leave, until_ms=until_ms)
        self._say(unit, leave_fact(ended), "leave_ended", actor, reason)

    def set_days(
        self, unit: UnitOfWork, days: Mapping[int, DayKind | None], actor: str, reason: str
    ) -> None:
        """What a notice says of days; None: as the tables have it."""
        facts = [day_fact(day, kind) for day, kind in days.items()]
        self._say_all(unit, facts, "days_set", actor, reason)

    # Swaps.

    def ask_swap(self, unit: UnitOfWork, swap: Swap) -> None:
        """The same id again changes nothing."""
        if swap.id in self._swaps:
            return
        check_swap(self.plan, swap, unit.now_ms)
        mine = [one for one in self._swaps.values() if one.asker == swap.asker]
        if len(mine) >= WAITING_MAX:
            raise IllegalMove("too_many_swaps", f"at most {WAITING_MAX} wait at a time")
        self._check_people(unit, {swap.asker, swap.other})
        self._put_swap(unit, swap, swap.asker, "")

    def move_swap(
        self,
        unit: UnitOfWork,
        swap_id: str,
        move: SwapMove,
        actor: str,
        *,
        may_approve: bool,
        note: str = "",
    ) -> None:
        """KeyError: no such swap. An approved one has changed the rota in the same transaction."""
        swap = self._swaps.get(swap_id) or find_swap(unit.cursor, swap_id)
        state = move_swap(swap, move, actor, may_approve=may_approve)
        if state is SwapState.APPROVED:
            changes = changes_of(self.plan, swap, unit.now_ms)
            self.change_shifts(unit, changes, actor, f"swap {swap.id}", "shift_swapped")
        self._put_swap(unit, replace(swap, state=state), actor, note)

    def fire_due(self, unit: UnitOfWork) -> None:
        """Swaps whose shift has begun are over."""
        for swap in list(self._swaps.values()):
            if is_over(self.plan, swap, unit.now_ms):
                self._put_swap(unit, replace(swap, state=SwapState.EXPIRED), SYSTEM, "")

    @property
    def waiting(self) -> Sequence[Swap]:
        return tuple(self._swaps.values())

    def _put_swap(self, unit: UnitOfWork, swap: Swap, actor: str, note: str) -> None:
        self._follow_swap(swap)
        fact = swap_fact(swap, unit.now_ms)
        self._append(unit, fact, actor, note)
        self._entry(unit, fact, f"swap_{swap.state}", actor, note)

    # Checks, rows and entries.

    def _desk(self, desk_id: str) -> Desk:
        desk = self.plan.desks.get(desk_id)
        if desk is None:
            raise RotaError("desk", "there is no such desk")
        return desk

    def _check_change(self, unit: UnitOfWork, change: Change) -> None:
        self._desk(change.key.desk)
        if change.key.day > day_of(unit.now_ms) + AHEAD_DAYS_MAX:
            raise RotaError("date", f"at most {AHEAD_DAYS_MAX} days ahead")
        planned = self._not_over(unit, change.key)
        if not planned and change.start_min is None:
            raise RotaError("start", "no pattern has this shift: say when it starts and ends")

    def _not_over(self, unit: UnitOfWork, key: ShiftKey) -> bool:
        """Whether there is such a shift; what is over stays as it was."""
        shift = self.plan.find(key)
        end_ms = shift.end_ms if shift is not None else (key.day + REACH_DAYS) * DAY_MS
        if end_ms <= unit.now_ms:
            raise RotaError("date", "this shift is over: what was stays as it was")
        return shift is not None or self.plan.is_planned(key)

    def _check_people(self, unit: UnitOfWork, people: Iterable[str]) -> None:
        for person in sorted(people):
            row = unit.execute(
                "SELECT role, disabled FROM account WHERE username = ?", (person,)
            ).fetchone()
            if row is None or row[1]:
                raise RotaError("people", f"there is no enabled account {person[:64]!r}")
            if row[0] not in _ROLES:
                raise RotaError("people", f"{person[:64]!r} is {row[0]}: not for shifts")

    def _say(
        self,
        unit: UnitOfWork,
        fact: Fact,
        name: str,
        actor: str,
        reason: str,
        *,
        region: str | None = None,
    ) -> None:
        self._say_all(unit, [fact], name, actor, reason, region=region)

    def _say_all(
        self,
        unit: UnitOfWork,
        facts: Sequence[Fact],
        name: str,
        actor: str,
        reason: str,
        *,
        region: str | None = None,
    ) -> None:
        rows = [self._append(unit, fact, actor, reason) for fact in facts]
        self.plan = plan_of(rows, self.plan)
        self.version += 1
        for fact in facts:
            self._entry(unit, fact, name, actor, reason, region=region)

    def _append(self, unit: UnitOfWork, fact: Fact, actor: str, reason: str) -> dict[str, Any]:
        row = {
            "kind": fact.kind,
            "key": fact.key,
            "desk": fact.desk,
            "day": fact.day,
            "at_ms": unit.now_ms,
            "actor": actor,
            "reason": reason,
            "body": compact(fact.body),
        }
        self._seq = unit.numbered(_INSERT, tuple(row[name] for name in _COLUMNS))
        return row

    def _entry(
        self,
        unit: UnitOfWork,
        fact: Fact,
        name: str,
        actor: str,
        why: str,
        *,
        region: str | None = None,
    ) -> None:
        desk = self.plan.desks.get(fact.desk or "")
        where = desk.region if desk is not None else region
        unit.entry(
            Entry(
                topic="rota",
                subject=fact.key,
                fact=name,
                actor=actor,
                region=where,
                data={"kind": fact.kind, "desk": fact.desk, "why": why},
                payload=lambda: b"null",
            )
        )


def find_swap(cursor: Cursor, swap_id: str) -> Swap:
    """KeyError: no such swap."""
    sql = (
        "SELECT key, body FROM rota_fact WHERE kind = 'swap' AND key = ? ORDER BY seq DESC LIMIT 1"
    )
    found = fetch(cursor, sql, (swap_id,))
    if not found:
        raise KeyError(swap_id[:64])
    return swap_of(swap_id, _loaded(found[0]))


def _loaded(row: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(row["body"])
    return document
