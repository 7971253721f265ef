"""Whether somebody lives in a home, from its quarter-hours of power: learned per home. Pure.

The newest seen quarter-hours, a day of them, are the window. How far they spread and how high they
go is compared with what the home does alone (`rules.lived_days`); what is slow counts for more
(`rules.slow_part`). At or below the home's limit (`rules.quiet_limit`) it looks empty. A lamp left
on lifts all of them alike and hides nothing.

Each day becomes a part of the memory, a day late: one that turned out to be silent is learned as a
lived day only if somebody was back so soon that nobody had been away.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rules.days import Days
from rules.foresight import NOTHING_KNOWN, Outlook, outlook
from rules.lived_days import (
    BEFORE_H,
    BLOCK_H,
    HOURS,
    SLOTS_PER_DAY,
    SLOTS_PER_HOUR,
    Alone,
    Day,
    Hour,
    activity,
    checked_day,
    day_of_hours,
    day_row,
    hour_of,
    learn_alone,
    spread_of,
)
from rules.lively import lively_slots
from rules.packed import packed, runs_of, unpacked
from rules.quiet_limit import QuietLimit
from rules.slow_part import LIVELY, slow_factor

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
# Slots on end, without a gap or a doubtful supply, before anything is raised: an hour and more.
STEADY: Final = 5
# Slots kept behind the window: a day's first blocks begin the evening before.
_BEHIND: Final = BEFORE_H * SLOTS_PER_HOUR
# Two bytes a slot: more than any house connection.
WATTS_MAX: Final = 65_534


class Living:
    """The memory of one home."""

    __slots__ = (
        "_away",
        "_below",
        "_doubt",
        "_low",
        "_numbers",
        "_ordered",
        "_pending",
        "_squares",
        "_steady",
        "_sum",
        "_watts",
        "activity",
        "alone",
        "base_w",
        "coarse",
        "days",
        "filled",
        "floor_w",
        "lived_w",
        "quiet",
        "spread_w",
        "window",
    )

    def __init__(self, window_hours: int) -> None:
        self.window = window_hours * SLOTS_PER_HOUR
        # The window and some slots behind it, oldest first: watts and slot numbers. Of the window
        # alone: its watts by size, their sum, the sum of their squares.
        self._watts = array("H")
        self._numbers = array("i")
        self._ordered = array("H")
        self._sum = 0
        self._squares = 0
        # Slots since the start or since somebody came back; below a window nothing is judged.
        self.filled = 0
        # Slots on end at or below the limit; since the supply was last in doubt.
        self._below = self._steady = 0
        self.days = Days()
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
        self.alone: Alone | None = None
        # Of the last window measured.
        self.floor_w, self.spread_w = 0, 0.0
        self.activity: float | None = None
        # The newest slot was seen too coarsely to say anything.
        self.coarse = False

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
        self._steady = self._steady + 1 if numbers and number == numbers[-1] + 1 else 0
        numbers.append(number)
        kept.append(value)
        insort(ordered, value)
        self._sum += value
        self._squares += value * value
        if len(ordered) > self.window:
            leaving = kept[-self.window - 1]
            self._sum -= leaving
            self._squares -= leaving * leaving
            del ordered[bisect_left(ordered, leaving)]
        over = len(numbers) - self._kept
        if over > 0:
            del numbers[:over]
            del kept[:over]
        self.filled += 1

    def unsteady(self) -> None:
        """The supply is in doubt: what comes next is to be seen for a while first."""
        self._steady = 0

    def suspect(self) -> None:
        """The home counts as silent from now on: its last day isn't taken for a lived one."""
        self._doubt = []
        if self._pending is not None and self._pending[0] is not None:
            self._doubt.append(self._pending[0])
        self._pending = None
        self._away = []
        self._low = self.activity

    def raised(self) -> None:
        self.quiet.raised(self._today(), self.quiet_from_number())

    def back(self, *, soon: bool, since: int) -> None:
        """Somebody is there. `soon`: so soon that nobody had been away, and those poor days are
        lived days of this home after all. since: the first slot of what looked empty. What was
        silent says nothing of the next hours."""
        low = self._low
        self.quiet.weekly.end(self.newest)
        if soon:
            self.days.extend([*self._doubt, *self._away])
            if low is not None:
                self.quiet.refuted(low, self._today(), self.newest + 1 - since - self.window)
        self._doubt, self._away, self._pending, self._low = [], [], None, None
        self.filled = 0
        self._relearn()

    # Judgement.

    def measure(self) -> float | None:
        """How much the window says that somebody is there; None before one is full."""
        ordered, alone = self._ordered, self.alone
        size = len(ordered)
        if self.coarse or self.filled < self.window or size < self.window or alone is None:
            self.activity, self._below = None, 0
            return None
        floor_w = self.floor_w = _floor(ordered)
        spread_w = self.spread_w = spread_of(self._sum, self._squares, size)
        found = activity(spread_w, ordered[-1] - floor_w, alone)
        low = self._low
        if low is None or found < max(low, LIVELY):
            found *= slow_factor(self._watts[-size:], alone)
        self.activity = found
        if low is None or found < low:
            self._low = found
        self._below = self._below + 1 if found <= self.quiet.limit else 0
        return found

    @property
    def doubt_slots(self) -> int:
        """Slots more that must look empty before it is sure, 0: it is."""
        return max(0, self.quiet.longer + 1 - self._below)

    def patience(self) -> int:
        """How many slots can come, whatever they are, before the window can look empty: until the
        end of the day at most, for then the limit may be another."""
        numbers = self._numbers
        left = SLOTS_PER_DAY - 1 - numbers[-1] % SLOTS_PER_DAY if numbers else 0
        limit, alone = self.quiet.limit, self.alone
        if alone is None or limit <= 0.0:
            return left
        filled = min(self.filled, len(self._ordered))
        if filled < self.window:
            return min(left, self.window - 1 - filled)
        window = self._watts[-self.window :]
        return min(left, lively_slots(window, (FLOOR_FROM, FLOOR_TO), alone, limit))

    @property
    def newest(self) -> int:
        """The number of the newest slot, -1: none."""
        return self._numbers[-1] if self._numbers else -1

    def covered(self) -> bool:
        """Whether the window has seen the waking hours, for nights alone say nothing, and its end
        without a break: what just comes back may still be about to change."""
        if self._steady < STEADY:
            return False
        start = 0 if self.alone is None else self.alone.quiet_from
        waking = sum(
            (number // SLOTS_PER_HOUR - start) % HOURS >= BLOCK_H
            for number in self._numbers[-self.window :]
        )
        return waking >= self.window * (HOURS - BLOCK_H) / HOURS * COVERAGE

    def outlook(self) -> Outlook:
        """For a screen: the soonest that this home could be found silent."""
        alone, size = self.alone, self.window
        if alone is None or self.coarse:
            return NOTHING_KNOWN
        if self.filled < size or len(self._ordered) < size:
            return Outlook(size - min(self.filled, len(self._ordered)), None)
        window = self._numbers[-size:], self._watts[-size:]
        return outlook(*window, self.floor_w, alone, self.quiet.limit)

    @property
    def _kept(self) -> int:
        """Slots that are kept: of a window, and of what is asked for or a day begins with."""
        return self.window + max(_BEHIND, self.quiet.longer)

    @property
    def wrong(self) -> int:
        """Silences of the last year that were none."""
        return len(self.quiet.wrong(self._today()))

    @property
    def asked(self) -> int:
        """Slots that must look empty in this home."""
        return self.window + self.quiet.longer

    def quiet_from_number(self) -> int:
        """The first slot of what looks empty now."""
        before = min(max(0, self._below - 1), self.quiet.longer)
        return self._numbers[-self.window - before :][0]

    def mean_w(self) -> int:
        return self._sum // max(1, len(self._ordered))

    def peak_w(self) -> int:
        return self._ordered[-1] if self._ordered else 0

    # Learning.

    def _today(self) -> int:
        return self._numbers[-1] // SLOTS_PER_DAY if self._numbers else 0

    def _day(self) -> Day | None:
        """The day of the newest slot, once most of it was seen."""
        first = self._today() * SLOTS_PER_DAY - _BEHIND
        hours: list[list[int]] = [[] for _ in range(BEFORE_H + HOURS)]
        for number, watts in zip(self._numbers, self._watts, strict=True):
            if number >= first:
                hours[(number - first) // SLOTS_PER_HOUR].append(watts)
        seen = [watts for hour in hours[BEFORE_H:] for watts in hour]
        if len(seen) < DAY_SEEN:
            return None
        told: list[Hour | None] = [
            hour_of(hour) if len(hour) == SLOTS_PER_HOUR else None for hour in hours
        ]
        return day_of_hours(told, _floor(self._ordered), sum(seen) // len(seen))

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
        self._count_days()
        self.alone = learn_alone(self.days)
        self.quiet.learn(self._today())

    def _count_days(self) -> None:
        self.days.keep(DAYS_MAX)
        self.base_w, self.lived_w = self.days.floor_w, self.days.lived_w

    # Disk.

    def dump(self) -> dict[str, Any]:
        return {
            "watts": packed(self._watts),
            "runs": runs_of(self._numbers),
            "filled": self.filled,
            "steady": min(self._steady, STEADY),
            "below": self._below,
            "days": self.days.dump(),
            "alone": self.alone,
            "quiet": self.quiet.dump(),
            "low": self._low,
            "pending": None if self._pending is None else _pending_row(*self._pending),
            "doubt": [day_row(day) for day in self._doubt],
            "away": [day_row(day) for day in self._away],
            "floor": self.floor_w,
            "spread": self.spread_w,
            "activity": self.activity,
            "coarse": self.coarse,
        }

    @classmethod
    def load(cls, window_hours: int, document: Mapping[str, Any]) -> "Living":
        """The same memory again; a shorter window than before keeps its newest slots."""
        living = cls(window_hours)
        runs = document["runs"]
        numbers = array("i", [n for start, size in runs for n in range(start, start + size)])
        watts = unpacked("H", document["watts"])
        if len(numbers) != len(watts):
            raise ValueError("slots without their times")
        living.quiet = QuietLimit.load(document["quiet"])
        living._numbers = numbers[-living._kept :]
        living._watts = watts[-living._kept :]
        living._ordered = array("H", sorted(watts[-living.window :]))
        living._sum = sum(living._ordered)
        living._squares = sum(w * w for w in living._ordered)
        living.filled = int(document["filled"])
        living._steady = int(document["steady"])
        living._below = int(document.get("below", 0))
        living.days = Days.load(document["days"])
        living._count_days()
        if (alone := document["alone"]) is not None:
            spread_w, peak_w, quiet_from = alone
            living.alone = Alone(float(spread_w), float(peak_w), int(quiet_from))
        living._low = _optional(document["low"])
        pending = document["pending"]
        if pending is not None:
            day, low = pending
            living._pending = (None if day is None else checked_day(day), _optional(low))
        living._doubt = [checked_day(row) for row in document["doubt"]]
        living._away = [checked_day(row) for row in document["away"]][-AWAY_MAX:]
        living.floor_w = int(document["floor"])
        living.spread_w = float(document["spread"])
        living.activity = _optional(document["activity"])
        living.coarse = bool(document["coarse"])
        return living


def _pending_row(day: Day | None, low: float | None) -> list[Any]:
    return [None if day is None else day_row(day), low]


def _optional(number: Any) -> float | None:
    return None if number is None else float(number)


def _floor(ordered: Sequence[int]) -> int:
    size = len(ordered)
    low, high = int(size * FLOOR_FROM), max(int(size * FLOOR_TO), 1)
    return sum(ordered[low:high]) // (high - low)
