"""Whether silences of a home keep a time of the week: somebody is away at weekends. Pure.

A home that is left every other weekend without a word is found silent each time, rightly: nobody
can tell the third such weekend from a fall on a Saturday. So nothing is held back and nothing waits
longer; the finding says what is known, and whoever gets it can ask the family first:

    this silence began within so many hours of the time of the week at which earlier ones of the
    last year began: how many, and by when somebody had been back each time

Times of the week are those of quarter-hours since the epoch, so no zone matters.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from rules.finding import EvidenceValue
from rules.lived_days import SLOTS_PER_DAY, SLOTS_PER_HOUR
from rules.metering import SLOT_MS

WEEK: Final = 7 * SLOTS_PER_DAY
YEAR: Final = 365 * SLOTS_PER_DAY
# People leave on Friday afternoon or on Saturday morning; a home's last kettle is an hour or ten
# before. By chance two of a few silences a year lie so near in one of fifty.
NEAR: Final = 15 * SLOTS_PER_HOUR
# Longer than a weekend with a day before it: a journey.
LONG: Final = 72 * SLOTS_PER_HOUR
# So many before make it a habit.
HABIT: Final = 2
KEPT_MAX: Final = 12


class Ended(NamedTuple):
    """A silence that is over: its first slot, and how many it had."""

    start: int
    slots: int


class WeeklyAway:
    """The silences of one home. `_start`: the first slot of the one that is open, -1: none."""

    __slots__ = ("_ended", "_start")

    def __init__(self) -> None:
        # Most homes have none: one empty tuple for all.
        self._ended: tuple[Ended, ...] = ()
        self._start = -1

    def begin(self, start: int) -> None:
        self._start = start

    def end(self, newest: int) -> None:
        """Somebody is back, as the newest slot shows."""
        slots = newest + 1 - self._start
        if self._start >= 0 and 0 < slots <= LONG:
            self._ended = (*self._ended, Ended(self._start, slots))[-KEPT_MAX:]
        self._start = -1

    def shown(self) -> dict[str, EvidenceValue]:
        """What is known of the open silence's time of the week; nothing where it is no habit."""
        alike = [
            each
            for each in self._ended
            if 0 < self._start - each.start <= YEAR and _apart(each.start, self._start) <= NEAR
        ]
        if self._start < 0 or len(alike) < HABIT:
            return {}
        # Each as if it had begun in this week.
        until = max(_this_week(each.start, self._start) + each.slots for each in alike)
        return {"weekly_times": len(alike), "weekly_until_ms": until * SLOT_MS}

    def dump(self) -> list[Any]:
        return [self._start, [list(each) for each in self._ended]]

    @classmethod
    def load(cls, document: Any) -> "WeeklyAway":
        """None: a state of before anybody asked."""
        weekly = cls()
        if document is not None:
            start, ended = document
            weekly._start = int(start)
            weekly._ended = _checked(ended)
        return weekly


def _apart(one: int, other: int) -> int:
    apart = abs(one - other) % WEEK
    return min(apart, WEEK - apart)


def _this_week(start: int, near: int) -> int:
    """The same time of the week as `start`, in the week around `near`."""
    return start + round((near - start) / WEEK) * WEEK


def _checked(rows: Sequence[Any]) -> tuple[Ended, ...]:
    return tuple(Ended(int(start), int(slots)) for start, slots in rows)[-KEPT_MAX:]
