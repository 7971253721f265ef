"""Whether somebody lives in a home, from its quarter-hours of power: learned per home. Pure.

The newest day of seen quarter-hours is the window. Its floor is the mean of its own low slots,
so that a lamp left on lifts the floor and hides nothing; what each slot has above the floor says,
by the home's own scale (`rules.lived_days`), how much it speaks for somebody being there. A
window whose sum is at or below the scale's limit looks empty.

Each day becomes a row of the memory, a day late: one that turned out to be silent is learned as
a lived day only if somebody was back so soon that nobody had been away; else it is kept as what
this home looks like when it is empty.
"""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rules.lived_days import (
    LEVELS_W,
    QUIET_HOURS,
    SLOTS_PER_DAY,
    SLOTS_PER_HOUR,
    Day,
    Scale,
    checked_row,
    learn_scale,
    row_of,
)

# Eight weeks: enough for the quiet quarter of each hour, short enough to follow the seasons.
DAYS_MAX: Final = 56
# Rows of known absences that are kept, the newest; journeys are alike.
ABSENT_MAX: Final = 7
# The floor is the mean of this part of the slots, lowest first: a mean doesn't jump with the
# steps of a coarse register as a quantile does, and the lowest are left out as broken readings.
FLOOR_FROM: Final = 0.05
FLOOR_TO: Final = 0.30
# Part of the waking hours that must have been seen in a window.
COVERAGE: Final = 0.8
_WATTS_MAX: Final = 65_535


class Living:
    """The memory of one home."""

    __slots__ = (
        "_absent",
        "_away",
        "_doubt",
        "_numbers",
        "_ordered",
        "_pending",
        "_watts",
        "base_w",
        "days",
        "filled",
        "floor_w",
        "lived_w",
        "scale",
        "score",
        "window",
    )

    def __init__(self, window_hours: int) -> None:
        self.window = window_hours * SLOTS_PER_HOUR
        # The newest slots, oldest first: watts and slot numbers; and the watts by size.
        self._watts = array("i")
        self._numbers = array("q")
        self._ordered: list[int] = []
        # Slots since the start or since somebody came back; below a window nothing is judged.
        self.filled = 0
        self.days: list[Day] = []
        # Rows of times when the home was known to be empty.
        self._absent: list[str] = []
        # The last day, until it is known whether it was lived.
        self._pending: Day | None = None
        # Days of the present silence: before it was found, and since then.
        self._doubt: list[Day] = []
        self._away: list[Day] = []
        # The lowest floor of the remembered days: the home never uses less while supplied.
        self.base_w = 0
        # What the poorest remembered day used above its floor, as a mean.
        self.lived_w = 0
        self.scale: Scale | None = None
        # Of the last window measured.
        self.floor_w = 0
        self.score = 0.0

    @property
    def limit(self) -> float:
        return self.scale.limit if self.scale is not None else 0.0

    # Input.

    def push(self, number: int, watts: float, grain_w: float, *, learn: bool) -> None:
        """Take a slot. `learn` is false while the home counts as silent.

        A register shows its energy in grains; spreading each slot over its grain keeps a small
        drift of the floor from moving whole heaps of slots over the edge of a band.
        """
        numbers, kept, ordered = self._numbers, self._watts, self._ordered
        if numbers and number // SLOTS_PER_DAY != numbers[-1] // SLOTS_PER_DAY:
            self._end_day(learn=learn)
        if grain_w:
            # The golden ratio in sixteen bits: successive slots never fall together.
            watts += ((number * 40_503 & 0xFFFF) / 65_536 - 0.5) * grain_w
        value = int(watts) if watts < _WATTS_MAX else _WATTS_MAX
        numbers.append(number)
        kept.append(value)
        insort(ordered, value)
        if len(numbers) > self.window:
            del ordered[bisect_left(ordered, kept[0])]
            del numbers[0]
            del kept[0]
        self.filled += 1

    def suspect(self) -> None:
        """The home counts as silent from now on: its last day isn't taken for a lived one."""
        self._doubt = [] if self._pending is None else [self._pending]
        self._pending = None
        self._away = []

    def back(self, *, soon: bool) -> None:
        """Somebody is there. `soon`: so soon that nobody had been away, and those poor days are
        lived days of this home after all. What was silent says nothing of the next hours."""
        if soon:
            self.days += [*self._doubt, *self._away]
        else:
            self._absent = [*self._absent, *(day.row for day in self._away)][-ABSENT_MAX:]
        self._doubt, self._away, self._pending = [], [], None
        self.filled = 0
        self._relearn()

    # Judgement.

    def measure(self) -> float | None:
        """How much the window says that somebody is there; None before one is full."""
        ordered, scale = self._ordered, self.scale
        size = len(ordered)
        if self.filled < self.window or size < self.window or scale is None:
            return None
        floor_w = self.floor_w = self._floor()
        total, above = 0.0, size
        for level, weight in zip(LEVELS_W, (0.0, *scale.weights), strict=False):
            count = size - bisect_right(ordered, floor_w + level)
            total += (above - count) * weight
            above = count
        self.score = total + above * scale.weights[-1]
        return self.score

    def covered(self) -> bool:
        """Whether the window has seen the waking hours: nights alone say nothing."""
        start = 0 if self.scale is None else self.scale.quiet_from
        waking = sum(
            (number // SLOTS_PER_HOUR - start) % 24 >= QUIET_HOURS for number in self._numbers
        )
        return waking >= self.window * (24 - QUIET_HOURS) / 24 * COVERAGE

    def window_start_number(self) -> int:
        return self._numbers[0]

    def mean_w(self) -> int:
        return sum(self._ordered) // max(1, len(self._ordered))

    def _floor(self) -> int:
        size = len(self._ordered)
        low, high = int(size * FLOOR_FROM), max(int(size * FLOOR_TO), 1)
        return sum(self._ordered[low:high]) // (high - low)

    # Learning.

    def _today(self) -> Day | None:
        """The day of the newest slot as a row, once a whole day can tell its floor."""
        if len(self._numbers) < min(self.window, SLOTS_PER_DAY) - 1:
            return None
        floor_w, today = self._floor(), self._numbers[-1] // SLOTS_PER_DAY
        slots = {
            number % SLOTS_PER_DAY: bisect_left(LEVELS_W, watts - floor_w)
            for number, watts in zip(self._numbers, self._watts, strict=True)
            if number // SLOTS_PER_DAY == today
        }
        return Day(row_of(slots), max(0, floor_w), max(0, self.mean_w()))

    def _end_day(self, *, learn: bool) -> None:
        """Close the day: what the last one showed is learned, this one waits a day."""
        today = self._today()
        if not learn:
            self._away = [*self._away, *([today] if today is not None else [])][-ABSENT_MAX:]
            return
        pending, self._pending = self._pending, today
        if pending is not None:
            self.days.append(pending)
            self._relearn()

    def _relearn(self) -> None:
        days = self.days = self.days[-DAYS_MAX:]
        self.base_w = min((day.floor_w for day in days), default=0)
        self.lived_w = min((day.mean_w - day.floor_w for day in days), default=0)
        self.scale = learn_scale(days, self._absent, self.window) if days else None

    # Disk.

    def dump(self) -> dict[str, Any]:
        return {
            "watts": self._watts.tolist(),
            "runs": _runs(self._numbers),
            "filled": self.filled,
            "days": self.days,
            "absent": self._absent,
            "pending": self._pending,
            "doubt": self._doubt,
            "away": self._away,
            "floor": self.floor_w,
            "score": self.score,
        }

    @classmethod
    def load(cls, window_hours: int, document: Mapping[str, Any]) -> "Living":
        """The same memory again; a shorter window than before keeps its newest slots."""
        living = cls(window_hours)
        runs = document["runs"]
        numbers = array("q", [n for start, size in runs for n in range(start, start + size)])
        watts = array("i", document["watts"])
        if len(numbers) != len(watts):
            raise ValueError("slots without their times")
        living._numbers = numbers[-living.window :]
        living._watts = watts[-living.window :]
        living._ordered = sorted(living._watts)
        living.filled = int(document["filled"])
        living.days = [_day(row) for row in document["days"]]
        living._absent = [checked_row(row) for row in document["absent"]][-ABSENT_MAX:]
        pending = document["pending"]
        living._pending = None if pending is None else _day(pending)
        living._doubt = [_day(row) for row in document["doubt"]]
        living._away = [_day(row) for row in document["away"]][-ABSENT_MAX:]
        living.floor_w = int(document["floor"])
        living.score = float(document["score"])
        living._relearn()
        return living


def _day(row: Any) -> Day:
    letters, floor_w, mean_w = row
    return Day(checked_row(letters), int(floor_w), int(mean_w))


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Ascending slot numbers as [start, length] runs: mostly a single one."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][0] + runs[-1][1]:
            runs[-1][1] += 1
        else:
            runs.append([number, 1])
    return runs
