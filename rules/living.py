"""Whether somebody lives in a home, from its quarter-hours of power: learned per home. Pure.

The newest seen quarter-hours, a little more than a day of them, are the window. Its floor is the
mean of its own low slots, so that a lamp left on lifts the floor and hides nothing. What the window
has above the floor, as a mean and at its highest, is compared with what the home does alone
(`rules.lived_days`); at or below the home's limit (`rules.quiet_limit`) it looks empty.

Each day becomes a part of the memory, a day late: one that turned out to be silent is learned as a
lived day only if somebody was back so soon that nobody had been away.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rules.lived_days import (
    QUIET_HOURS,
    SLOTS_PER_DAY,
    SLOTS_PER_HOUR,
    WATTS_MAX,
    Alone,
    Day,
    activity,
    checked_day,
    day_of_slots,
    day_row,
    learn_alone,
)
from rules.packed import packed, unpacked
from rules.quiet_limit import QuietLimit

# Four weeks: enough quiet hours of each kind, short enough to follow the seasons.
DAYS_MAX: Final = 28
# Days of one silence that are kept until it is known what it was.
AWAY_MAX: Final = 3
# The floor is the mean of this part of the slots, lowest first: a mean doesn't jump with the
# steps of a coarse register as a quantile does, and the lowest are left out as broken readings.
FLOOR_FROM: Final = 0.05
FLOOR_TO: Final = 0.30
# A register whose last digit is more power than this over a step tells of no machine: 0.1 kWh in a
# quarter of an hour does, 1 kWh doesn't.
GRAIN_MAX_W: Final = 500.0
# Slots of a day that must have been seen for it to be remembered.
DAY_SEEN: Final = 72
# Part of the waking hours that must have been seen in a window.
COVERAGE: Final = 0.8
# The highest quarter-hour but one of a window: one may be a defrost heater's.
_PEAK_AT: Final = -2


class Living:
    """The memory of one home."""

    __slots__ = (
        "_alone",
        "_away",
        "_doubt",
        "_low",
        "_numbers",
        "_ordered",
        "_pending",
        "_sum",
        "_watts",
        "activity",
        "base_w",
        "coarse",
        "days",
        "filled",
        "floor_w",
        "lived_w",
        "quiet",
        "window",
    )

    def __init__(self, window_hours: int) -> None:
        self.window = window_hours * SLOTS_PER_HOUR
        # The newest slots, oldest first: watts and slot numbers; the watts by size, their sum.
        self._watts = array("H")
        self._numbers = array("q")
        self._ordered = array("H")
        self._sum = 0
        # Slots since the start or since somebody came back; below a window nothing is judged.
        self.filled = 0
        self.days: list[Day] = []
        self.quiet = QuietLimit()
        # The least activity of the present day, or of the present silence.
        self._low: float | None = None
        # The last day and its least activity, until it is known whether it was lived.
        self._pending: tuple[Day | None, float | None] | None = None
        # Days of the present silence: before it was found, and since then.
        self._doubt: list[Day] = []
        self._away: list[Day] = []
        # The lowest floor of the remembered days: the home never uses less while supplied.
        self.base_w = 0
        # What the poorest remembered day used above its floor, as a mean.
        self.lived_w = 0
        self._alone: Alone | None = None
        # Of the last window measured.
        self.floor_w = 0
        self.activity: float | None = None
        # Whether the newest slot was seen too coarsely to say anything.
        self.coarse = False

    @property
    def alone(self) -> Alone | None:
        return self._alone

    # Input.

    def push(
        self, number: int, watts: float, grain_w: float, *, learn: bool, usual: bool = True
    ) -> None:
        """Take a slot. `learn` is false while the home counts as silent, `usual` on days on which
        nobody or somebody else was at home by what was said.

        A register shows its energy in grains; spreading each slot over its grain keeps a small
        drift of the floor from moving whole heaps of slots at once.
        """
        numbers, kept, ordered = self._numbers, self._watts, self._ordered
        if numbers and number // SLOTS_PER_DAY != numbers[-1] // SLOTS_PER_DAY:
            self._end_day(learn=learn, usual=usual)
        self.coarse = grain_w > GRAIN_MAX_W
        if grain_w:
            # The golden ratio in sixteen bits: successive slots never fall together.
            watts += ((number * 40_503 & 0xFFFF) / 65_536 - 0.5) * grain_w
        value = int(min(max(watts, 0.0), WATTS_MAX))
        numbers.append(number)
        kept.append(value)
        insort(ordered, value)
        self._sum += value
        if len(numbers) > self.window:
            self._sum -= kept[0]
            del ordered[bisect_left(ordered, kept[0])]
            del numbers[0]
            del kept[0]
        self.filled += 1

    def suspect(self) -> None:
        """The home counts as silent from now on: its last day isn't taken for a lived one."""
        self._doubt = []
        if self._pending is not None and self._pending[0] is not None:
            self._doubt.append(self._pending[0])
        self._pending = None
        self._away = []
        self._low = self.activity

    def raised(self) -> None:
        self.quiet.raised(self._today())

    def back(self, *, soon: bool, within_a_day: bool) -> None:
        """Somebody is there. `soon`: so soon that nobody had been away, and those poor days are
        lived days of this home after all. What was silent says nothing of the next hours."""
        low = self._low
        if soon:
            self.days += [*self._doubt, *self._away]
        if low is not None:
            if soon:
                self.quiet.refuted(low, self._today())
            elif within_a_day:
                self.quiet.doubted(low, self._today())
        self._doubt, self._away, self._pending, self._low = [], [], None, None
        self.filled = 0
        self._relearn()

    # Judgement.

    def measure(self) -> float | None:
        """How much the window says that somebody is there; None before one is full."""
        ordered, alone = self._ordered, self._alone
        size = len(ordered)
        if self.coarse or self.filled < self.window or size < self.window or alone is None:
            self.activity = None
            return None
        floor_w = self.floor_w = _floor(ordered)
        bursts, total = alone.bursts, self._sum
        if bursts:
            # As if in these slots there had been what there was in the next one.
            next_w = ordered[-bursts - 1]
            total += next_w * bursts - sum(ordered[-bursts:])
        peak_w = ordered[_PEAK_AT - bursts]
        found = activity(total / size - floor_w, peak_w - floor_w, alone)
        self.activity = found
        if self._low is None or found < self._low:
            self._low = found
        return found

    def covered(self) -> bool:
        """Whether the window has seen the waking hours: nights alone say nothing."""
        start = 0 if self._alone is None else self._alone.quiet_from
        waking = sum(
            (number // SLOTS_PER_HOUR - start) % 24 >= QUIET_HOURS for number in self._numbers
        )
        return waking >= self.window * (24 - QUIET_HOURS) / 24 * COVERAGE

    def window_start_number(self) -> int:
        return self._numbers[0]

    def mean_w(self) -> int:
        return self._sum // max(1, len(self._ordered))

    def peak_w(self) -> int:
        return self._ordered[_PEAK_AT] if len(self._ordered) > 1 else 0

    # Learning.

    def _today(self) -> int:
        return self._numbers[-1] // SLOTS_PER_DAY if self._numbers else 0

    def _day(self) -> Day | None:
        """The day of the newest slot, once most of it was seen."""
        today = self._today()
        slots = {
            number % SLOTS_PER_DAY: watts
            for number, watts in zip(self._numbers, self._watts, strict=True)
            if number // SLOTS_PER_DAY == today
        }
        if len(slots) < DAY_SEEN:
            return None
        return day_of_slots(slots, _floor(sorted(slots.values())))

    def _end_day(self, *, learn: bool, usual: bool) -> None:
        """Close the day: what the last one showed is learned, this one waits a day."""
        day = self._day()
        if not learn:
            self._away = [*self._away, *([day] if day is not None else [])][-AWAY_MAX:]
            return
        pending, self._pending, self._low = self._pending, (day, self._low), None
        if not usual:
            self._pending = None
        if pending is None or not usual:
            return
        if pending[0] is not None:
            self.days.append(pending[0])
        if pending[1] is not None:
            self.quiet.lived(pending[1], self._today())
        self._relearn()

    def _relearn(self) -> None:
        self.days = self.days[-DAYS_MAX:]
        self._know()
        self.quiet.learn(self._today())

    def _know(self) -> None:
        days = self.days
        self.base_w = min((day.floor_w for day in days), default=0)
        self.lived_w = min((day.mean_w - day.floor_w for day in days), default=0)
        self._alone = learn_alone(days)

    # Disk.

    def dump(self) -> dict[str, Any]:
        return {
            "watts": packed(self._watts),
            "runs": _runs(self._numbers),
            "filled": self.filled,
            "days": [day_row(day) for day in self.days],
            "quiet": self.quiet.dump(),
            "low": self._low,
            "pending": None if self._pending is None else _pending_row(*self._pending),
            "doubt": [day_row(day) for day in self._doubt],
            "away": [day_row(day) for day in self._away],
            "floor": self.floor_w,
            "activity": self.activity,
            "coarse": self.coarse,
        }

    @classmethod
    def load(cls, window_hours: int, document: Mapping[str, Any]) -> "Living":
        """The same memory again; a shorter window than before keeps its newest slots."""
        living = cls(window_hours)
        runs = document["runs"]
        numbers = array("q", [n for start, size in runs for n in range(start, start + size)])
        watts = unpacked("H", document["watts"])
        if len(numbers) != len(watts):
            raise ValueError("slots without their times")
        living._numbers = numbers[-living.window :]
        living._watts = watts[-living.window :]
        living._ordered = array("H", sorted(living._watts))
        living._sum = sum(living._watts)
        living.filled = int(document["filled"])
        living.days = [checked_day(row) for row in document["days"]][-DAYS_MAX:]
        living.quiet = QuietLimit.load(document["quiet"])
        living._low = _optional(document["low"])
        pending = document["pending"]
        if pending is not None:
            day, low = pending
            living._pending = (None if day is None else checked_day(day), _optional(low))
        living._doubt = [checked_day(row) for row in document["doubt"]]
        living._away = [checked_day(row) for row in document["away"]][-AWAY_MAX:]
        living.floor_w = int(document["floor"])
        living.activity = _optional(document["activity"])
        living.coarse = bool(document["coarse"])
        living._know()
        return living


def _pending_row(day: Day | None, low: float | None) -> list[Any]:
    return [None if day is None else day_row(day), low]


def _optional(number: Any) -> float | None:
    return None if number is None else float(number)


def _floor(ordered: Sequence[int]) -> int:
    size = len(ordered)
    low, high = int(size * FLOOR_FROM), max(int(size * FLOOR_TO), 1)
    return sum(ordered[low:high]) // (high - low)


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Ascending slot numbers as [start, length] runs: mostly a single one."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][0] + runs[-1][1]:
            runs[-1][1] += 1
        else:
            runs.append([number, 1])
    return runs
