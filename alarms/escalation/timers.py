"""What alarms wait for, as rows of the book: promised, taken back, found due.

In the writer's thread. Nothing is counted down in memory. Rows of another boot, or of another hub,
are adopted once after each reading of the book: from then on the running time of this boot decides,
by one index.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from alarms.escalation.plan import SKEW_MS, Due, Now, TimerKind, adopted, by_mark, due_in
from ledger.cursor import Cursor
from ledger.database import upsert_sql
from ledger.schema import ESCALATION
from ledger.unit_of_work import UnitOfWork

_COLUMNS: Final = [c.name for c in ESCALATION.columns]
_UPSERT: Final = upsert_sql(ESCALATION)
_ROUND: Final = "UPDATE escalation SET round = ? WHERE alarm = ? AND timer = ?"
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM escalation"  # noqa: S608 - names of the schema
_DUE: Final = f"{_SELECT} WHERE boot = ? AND due_running_ms <= ? ORDER BY due_running_ms LIMIT ?"
_ONE: Final = f"{_SELECT} WHERE alarm = ? AND timer = ?"
# Each press of an open alarm asks: one number, for a text that is read may have to be opened.
_TOLD: Final = (
    "SELECT (SELECT max(s.at_ms) FROM escalation_step s"
    " WHERE s.alarm = escalation.alarm AND s.round = ?) FROM escalation"
    " WHERE alarm = ? AND timer = ?"
)
_FOREIGN: Final = f"{_SELECT} WHERE boot <> ? ORDER BY alarm, timer LIMIT ?"
_NEXT: Final = "SELECT min(due_running_ms) FROM escalation WHERE boot = ?"
# The latest time that the book holds; heartbeats come every half minute as long as a hub runs.
_SEEN: Final = (
    "SELECT at_ms FROM entry ORDER BY seq DESC LIMIT 1",
    "SELECT max(status_at_ms) FROM gateway",
    "SELECT max(written_at_ms) FROM escalation",
)
# Both clocks side by side, as they last were: `<boot> <wall> <running>`.
_MARKED: Final = "SELECT value FROM meta WHERE key = 'clocks_seen'"
_MARK: Final = (
    "INSERT INTO meta (key, value) VALUES ('clocks_seen', ?)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)

# Fired, or adopted, in one transaction: presses come between two of them.
DUE_MAX: Final = 20
ADOPT_MAX: Final = 500
# While anything is due both clocks are written down this often. After a boot they say where the
# wall stood, also when it was set since a promise was made, and show one that was set back.
MARK_EVERY_MS: Final = 5_000

# The clocks of the hub's process; read only here, inside the transaction of the change.
Clocks = Callable[[], Now]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    alarm: str
    kind: TimerKind
    policy: str
    round: int
    step: int
    due: Due


class Timers:
    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self._foreign = True
        self._skew_ms = 0
        self._next_running_ms: int | None = None
        self._marked_ms: int | None = None

    def reload(self) -> None:
        """The book was read again: perhaps somebody else has written it."""
        self._foreign = True
        self._next_running_ms = None

    def follow(self) -> None:
        """Another process has promised something, perhaps on a machine with another clock."""
        self.reload()
        self._skew_ms = SKEW_MS

    def promise(self, unit: UnitOfWork, timer: Timer) -> None:
        """Of each alarm and kind there is one: a new promise replaces the old."""
        due = timer.due
        unit.execute(_UPSERT, (*_key(timer), *_values(due)))
        # Where it is not known, something else may be due before.
        if self._next_running_ms is not None:
            self._next_running_ms = min(self._next_running_ms, due.due_running_ms)

    @staticmethod
    def goes_on_in(unit: UnitOfWork, timer: Timer, number: int) -> None:
        """It comes as it was promised, in another round."""
        unit.execute(_ROUND, (number, *_key(timer)[:2]))

    def put_off(self, unit: UnitOfWork, timer: Timer, delay_ms: int) -> None:
        """What could not be done now."""
        self.promise(unit, replace(timer, due=due_in(delay_ms, self.clocks())))

    @staticmethod
    def drop(unit: UnitOfWork, alarm: str, *kinds: TimerKind) -> None:
        """The alarm waits for these no more; without kinds for nothing."""
        for kind in kinds or TimerKind:
            sql = "DELETE FROM escalation WHERE alarm = ? AND timer = ?"
            unit.execute(sql, (alarm, kind.value))

    @staticmethod
    def find(unit: UnitOfWork, alarm: str, kind: TimerKind) -> Timer | None:
        found = unit.execute(_ONE, (alarm, kind.value)).fetchone()
        return None if found is None else _timer(found)

    @staticmethod
    def told_ms(unit: UnitOfWork, alarm: str, number: int) -> int | None:
        """When the last step of this round was fired; None: none was, or no other is promised."""
        found = unit.execute(_TOLD, (number, alarm, TimerKind.STEP.value)).fetchone()
        return None if found is None else found[0]

    def due(self, unit: UnitOfWork) -> list[tuple[Timer, int]]:
        """What its time has come for, longest overdue first, with how late it is; at most
        DUE_MAX."""
        if self._foreign:
            self._adopt(unit)
        now = self.clocks()
        if self._next_running_ms is None:
            found = unit.execute(_NEXT, (now.boot,)).fetchone()[0]
            if found is None:
                return []
            self._next_running_ms = int(found)
        self._mark(unit, now)
        if self._next_running_ms > now.running_ms:
            return []
        # Asked anew the next time, whatever is done with these.
        self._next_running_ms = None
        rows = unit.execute(_DUE, (now.boot, now.running_ms, DUE_MAX)).fetchall()
        return [(t, now.running_ms - t.due.due_running_ms) for t in map(_timer, rows)]

    def next_in_ms(self) -> int | None:
        """How long nothing is due; None: not known, look."""
        # Asked on the event loop, set in the writer's thread.
        next_ms = self._next_running_ms
        return None if self._foreign or next_ms is None else next_ms - self.clocks().running_ms

    def _adopt(self, unit: UnitOfWork) -> None:
        now = self.clocks()
        rows = unit.execute(_FOREIGN, (now.boot, ADOPT_MAX)).fetchall()
        if rows:
            marked = _marked(unit.cursor)
            seen_ms = max(_seen_ms(unit.cursor), marked.wall_ms if marked is not None else 0)
            for timer in map(_timer, rows):
                due = adopted(by_mark(timer.due, marked), now, seen_ms, self._skew_ms)
                unit.execute(_UPSERT, (*_key(timer), *_values(due)))
            self._next_running_ms = None
        self._foreign = len(rows) == ADOPT_MAX

    def _mark(self, unit: UnitOfWork, now: Now) -> None:
        if self._marked_ms is None or now.running_ms - self._marked_ms >= MARK_EVERY_MS:
            unit.execute(_MARK, (f"{now.boot} {now.wall_ms} {now.running_ms}",))
            self._marked_ms = now.running_ms


def _seen_ms(cursor: Cursor) -> int:
    found = [cursor.execute(sql).fetchone() for sql in _SEEN]
    return max((int(row[0]) for row in found if row is not None and row[0] is not None), default=0)


def _marked(cursor: Cursor) -> Now | None:
    found = cursor.execute(_MARKED).fetchone()
    if found is None:
        return None
    boot, wall, running = str(found[0]).rsplit(" ", 2)
    return Now(wall_ms=int(wall), boot=boot, running_ms=int(running))


def _key(timer: Timer) -> tuple[Any, ...]:
    return (timer.alarm, timer.kind.value, timer.policy, timer.round, timer.step)


def _values(due: Due) -> tuple[Any, ...]:
    return (due.written_at_ms, due.delay_ms, due.due_at_ms, due.boot, due.due_running_ms)


def _timer(row: tuple[Any, ...]) -> Timer:
    alarm, kind, policy, round_, step, written_at, delay, due_at, boot, due_running = row
    return Timer(
        alarm=alarm,
        kind=TimerKind(kind),
        policy=policy,
        round=round_,
        step=step,
        due=Due(
            written_at_ms=written_at,
            delay_ms=delay,
            due_at_ms=due_at,
            boot=boot,
            due_running_ms=due_running,
        ),
    )
