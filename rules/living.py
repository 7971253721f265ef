"""Whether somebody lives in a home, from its quarter-hours of power: learned per home. Pure.

A day is told from an empty one by how many of its slots stand out. Over the last 24 seen hours
the floor is a low quantile of the slots themselves, so that a lamp left on lifts the floor and
hides nothing. Above it, slots are counted at twelve levels from 8 W to 1.8 kW.

    empty   λ(level): what nobody causes (refrigerator, defrost, a heater's thermostat), from the
            home's own quietest hours of the day, which are found by themselves
    lived   m(level): the count on the quietest days of the last weeks
    now     c(level)

On the square-root scale counts scatter evenly, so the place of now between empty (0) and lived
(1) is t = (√c - √λ) / (√m - √λ), and the home's activity is the mean of t over the levels, those
counting most that tell lived from empty best. Where no level can, the home is not judged.

Days are learned a day late, and not at all when the home turned out to be silent.
"""

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import log, log2, sqrt
from typing import Any, Final, NamedTuple

# Half-way steps on the way from an LED lamp to a kettle, each about 1.6 times the last.
LEVELS_W: Final = (8, 14, 25, 40, 65, 100, 160, 250, 400, 650, 1000, 1800)
SLOTS_PER_HOUR: Final = 4
SLOTS_PER_DAY: Final = 96
# Four weeks: a whole cycle of markets and visits, and short enough to follow the seasons.
DAYS_MAX: Final = 28
# Hours of the day that are the quietest for this home.
QUIET_HOURS: Final = 5
# Part of the slots below the floor: a refrigerator rests longer than this.
FLOOR_FROM: Final = 0.05
FLOOR_TO: Final = 0.30
# The lived count is that of the day with this part of the days below it: visitors and illness
# make some days poor, and one of them alone must not blunt the rule.
POOR_PART: Final = 0.1
DEVIATIONS: Final = 1.0
DEVIATIONS_MIN: Final = 0.5
POOR_SHARE: Final = 0.3
PRIOR: Final = 0.03
LEAK: Final = 0.05
WEIGHT_MAX: Final = 3.0
CLUSTER: Final = 1.5
SCATTER: Final = 0.5
_WATTS_MAX: Final = 65_535
# Weight of the newest day in the profile of the hours.
_PROFILE_WEIGHT: Final = 0.15


class Day(NamedTuple):
    """What is remembered of a day, per level: the least count of any 24 hours that ended in it,
    and the count in its quiet hours (of `quiet_slots` seen ones); floor and mean in watts."""

    low: tuple[int, ...]
    quiet: tuple[int, ...]
    quiet_slots: int
    floor_w: int
    mean_w: int


class Scale(NamedTuple):
    """What was learned. weights: what a slot of each band says; empty, deviation: score of an
    empty window and its scatter; usual, poor: of the middle and the poor lived days."""

    weights: tuple[float, ...]
    empty: float
    deviation: float
    usual: float
    poor: float

    @property
    def limit(self) -> float:
        """Below it a window looks empty, and poor days keep half their way clear of it."""
        return min(
            self.empty + DEVIATIONS * self.deviation,
            self.empty + POOR_SHARE * (self.poor - self.empty),
        )

    @property
    def tells(self) -> bool:
        return self.limit >= self.empty + DEVIATIONS_MIN * self.deviation


class Count(NamedTuple):
    """The last window: slots above floor + level, in all and in the quiet hours."""

    floor_w: int
    mean_w: int
    all: tuple[int, ...]
    quiet: tuple[int, ...]
    quiet_slots: int
    busy_slots: int


class Living:
    """The memory of one home."""

    __slots__ = (
        "_count",
        "_doubt",
        "_dirty_count",
        "_numbers",
        "_pending",
        "_profile",
        "_scale",
        "_watts",
        "days",
        "filled",
        "first",
        "low",
        "quiet_from",
        "window",
    )

    def __init__(self, window_hours: int) -> None:
        self.window = window_hours * SLOTS_PER_HOUR
        # The newest slots, oldest first: watts and slot numbers.
        self._watts = array("H")
        self._numbers = array("q")
        # Slots since the start or the last `forget`; below the window nothing is judged.
        self.filled = 0
        self.days: list[Day] = []
        self._pending: tuple[Day, list[float]] | None = None
        # The day that looked empty, until it is known whether it was.
        self._doubt: Day | None = None
        self._profile: list[float] = []
        self.quiet_from = 0
        # Least counts so far today.
        self.low: tuple[int, ...] | None = None
        # Counts of the first full window, before any day is learned.
        self.first: tuple[int, ...] | None = None
        self._scale: Scale | None = None
        self._count: Count | None = None
        self._dirty_count = True

    # Input.

    def push(self, number: int, watts: float, *, learn: bool) -> None:
        """Take a slot. `learn` is false while the home is silent."""
        numbers = self._numbers
        if numbers and number // SLOTS_PER_DAY != numbers[-1] // SLOTS_PER_DAY:
            self._end_day(learn=learn)
        numbers.append(number)
        self._watts.append(min(int(watts), _WATTS_MAX))
        if len(numbers) > self.window:
            del numbers[0]
            del self._watts[0]
        self.filled += 1
        self._dirty_count = True

    def suspect(self) -> None:
        """The home counts as silent from now on: its last day isn't taken for a lived one."""
        self._pending = None
        self.low = None
        count = self._count
        if count is not None:
            self._doubt = _day(count.all, count)

    def back(self, *, soon: bool) -> None:
        """Somebody is there. `soon`: so soon that nobody had been away, and that poor day is one
        of this home's lived days after all. What was silent says nothing of the next hours."""
        if soon and self._doubt is not None:
            self._learn(self._doubt)
        self._doubt = None
        self._pending = None
        self.low = None
        self.filled = 0

    # Judgement.

    def count(self) -> Count | None:
        """The counts of the last window; None before one is full."""
        if self.filled < self.window or len(self._numbers) < self.window:
            return None
        if self._dirty_count or self._count is None:
            self._count = self._measure()
            self._dirty_count = False
            if self.first is None:
                self.first = self._count.all
            if self.low is None or self.score(self._count.all) < self.score(self.low):
                self.low = self._count.all
        return self._count

    def score(self, counts: Sequence[int]) -> float:
        """How much the slots of a window say that somebody is there."""
        if self._scale is None:
            return float(sum(counts))
        weights = self._scale.weights
        return sum((a - b) * w for a, b, w in zip(counts, (*counts[1:], 0), weights, strict=True))

    def scale(self) -> Scale | None:
        """What was learned, None before the first day."""
        return self._scale

    def recent(self, slots: int, floor_w: int) -> list[int]:
        """Counts of the newest slots per level over a given floor."""
        tail = sorted(self._watts[-slots:])
        return [len(tail) - bisect_right(tail, floor_w + level) for level in LEVELS_W]

    def window_start_number(self) -> int:
        return self._numbers[0]

    def last_above(self, watts: int) -> int | None:
        """Number of the newest slot above this power."""
        for number, value in zip(reversed(self._numbers), reversed(self._watts), strict=True):
            if value > watts:
                return number
        return None

    def base_w(self) -> int:
        """The lowest floor of the remembered days: the home never uses less while supplied."""
        return min((day.floor_w for day in self.days), default=0)

    def is_quiet_hour(self, number: int) -> bool:
        return (number // SLOTS_PER_HOUR % 24 - self.quiet_from) % 24 < QUIET_HOURS

    # Learning.

    def _measure(self) -> Count:
        watts, numbers = self._watts, self._numbers
        ordered = sorted(watts)
        size = len(ordered)
        low, high = int(size * FLOOR_FROM), int(size * FLOOR_TO)
        floor_w = sum(ordered[low:high]) // (high - low)
        above = tuple([size - bisect_right(ordered, floor_w + level) for level in LEVELS_W])
        start = self.quiet_from
        night = sorted(
            [
                w
                for n, w in zip(numbers, watts, strict=True)
                if (n // SLOTS_PER_HOUR - start) % 24 < QUIET_HOURS
            ]
        )
        quiet = tuple([len(night) - bisect_right(night, floor_w + level) for level in LEVELS_W])
        return Count(floor_w, sum(ordered) // size, above, quiet, len(night), size - len(night))

    def _end_day(self, *, learn: bool) -> None:
        """Close the day: what the last one showed is learned, this one waits a day."""
        count = self.count()
        if count is not None and not self._profile:
            # The first full day: find its quiet hours before they are counted.
            self._profile = self._hours(count.floor_w)
            self._find_quiet()
            count = self._measure()
        pending, self._pending = self._pending, None
        if learn and pending is not None:
            self._learn(pending[0])
            self._blend(pending[1])
        if learn and count is not None and self.low is not None:
            self._pending = (_day(self.low, count), self._hours(count.floor_w))
        self.low = None
        self._dirty_count = True

    def _learn(self, day: Day) -> None:
        self.days.append(day)
        if len(self.days) > DAYS_MAX:
            del self.days[0]
        self._relearn()

    def _hours(self, floor_w: int) -> list[float]:
        """How busy each hour of the day was in the last window, on a scale of doublings."""
        sums, seen = [0.0] * 24, [0] * 24
        for number, watts in zip(self._numbers, self._watts, strict=True):
            hour = number // SLOTS_PER_HOUR % 24
            sums[hour] += log2(1.0 + max(0, watts - floor_w) / LEVELS_W[0])
            seen[hour] += 1
        usual = sum(sums) / max(1, sum(seen))
        return [s / n if n else usual for s, n in zip(sums, seen, strict=True)]

    def _blend(self, hours: list[float]) -> None:
        if not self._profile:
            self._profile = hours
        else:
            # The first days count equally, later ones fade slowly.
            part = max(_PROFILE_WEIGHT, 1.0 / len(self.days))
            self._profile = [
                round(a + (b - a) * part, 6) for a, b in zip(self._profile, hours, strict=True)
            ]
        self._find_quiet()

    def _find_quiet(self) -> None:
        profile = self._profile
        if profile:
            sums = [sum(profile[(h + k) % 24] for k in range(QUIET_HOURS)) for h in range(24)]
            self.quiet_from = sums.index(min(sums))

    def _relearn(self) -> None:
        """The scale from the remembered days."""
        days = self.days
        quiet_slots = sum(day.quiet_slots for day in days)
        if not quiet_slots:
            self._scale = None
            return
        part = self.window / quiet_slots
        lived = [_bands(day.low) for day in days]
        quiet = [_bands(day.quiet) for day in days]
        empties = [sum(column) * part for column in zip(*quiet, strict=True)]
        empties = [e + LEAK * below for e, below in zip(empties, [0.0, *empties], strict=False)]
        means = [sum(column) / len(days) for column in zip(*lived, strict=True)]
        weights = tuple(
            min(max(log((m + PRIOR) / (e + PRIOR)), 0.0), WEIGHT_MAX)
            for m, e in zip(means, empties, strict=True)
        )
        empty = sum(e * w for e, w in zip(empties, weights, strict=True))
        variance = sum(e * w * w for e, w in zip(empties, weights, strict=True))
        scores = sorted(sum(n * w for n, w in zip(row, weights, strict=True)) for row in lived)
        self._scale = Scale(
            weights=weights,
            empty=empty,
            deviation=sqrt(CLUSTER * variance + SCATTER),
            usual=scores[len(scores) // 2],
            poor=scores[int(len(scores) * POOR_PART)],
        )

    # Disk.

    def dump(self) -> dict[str, Any]:
        return {
            "watts": self._watts.tolist(),
            "runs": _runs(self._numbers),
            "filled": self.filled,
            "days": [_pack(day) for day in self.days],
            "pending": None
            if self._pending is None
            else [_pack(self._pending[0]), self._pending[1]],
            "doubt": None if self._doubt is None else _pack(self._doubt),
            "profile": self._profile,
            "low": self.low,
            "first": self.first,
            "counted": not self._dirty_count,
        }

    @classmethod
    def load(cls, window_hours: int, document: Mapping[str, Any]) -> "Living":
        """The same memory again; a shorter window than before keeps its newest slots."""
        living = cls(window_hours)
        numbers = array(
            "q", [n for start, size in document["runs"] for n in range(start, start + size)]
        )
        watts = array("H", document["watts"])
        if len(numbers) != len(watts):
            raise ValueError("slots without their times")
        living._numbers = numbers[-living.window :]
        living._watts = watts[-living.window :]
        living.filled = int(document["filled"])
        living.days = [_unpack(row) for row in document["days"]][-DAYS_MAX:]
        pending = document["pending"]
        if pending is not None:
            living._pending = (_unpack(pending[0]), [float(x) for x in pending[1]])
        living._doubt = None if document["doubt"] is None else _unpack(document["doubt"])
        living._profile = [float(x) for x in document["profile"]]
        living._find_quiet()
        living.low = _counts(document["low"])
        living.first = _counts(document["first"])
        living._relearn()
        if document["counted"]:
            living._count = living._measure()
            living._dirty_count = False
        return living


def _day(low: tuple[int, ...], count: Count) -> Day:
    return Day(low, count.quiet, count.quiet_slots, count.floor_w, count.mean_w)


def _counts(row: Any) -> tuple[int, ...] | None:
    if row is None:
        return None
    if len(row) != len(LEVELS_W):
        raise ValueError(f"counts of {len(row)} levels")
    return tuple(int(n) for n in row)


def _bands(counts: Sequence[int]) -> list[int]:
    """Slots between each level and the next."""
    return [a - b for a, b in zip(counts, (*counts[1:], 0), strict=True)]


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Ascending slot numbers as [start, length] runs: mostly a single one."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][0] + runs[-1][1]:
            runs[-1][1] += 1
        else:
            runs.append([number, 1])
    return runs


def _pack(day: Day) -> str:
    """A day as hexadecimal text: short in JSON, and quick to write again and again."""
    counts = bytes([*(min(255, n) for n in day.low), *(min(255, n) for n in day.quiet)])
    tail = bytes([min(255, day.quiet_slots)])
    return counts.hex() + tail.hex() + f"{day.floor_w:04x}{day.mean_w:04x}"


def _unpack(text: str) -> Day:
    size = len(LEVELS_W)
    raw = bytes.fromhex(text)
    if len(raw) != 2 * size + 5:
        raise ValueError(f"a day of {len(raw)} bytes")
    return Day(
        low=tuple(raw[:size]),
        quiet=tuple(raw[size : 2 * size]),
        quiet_slots=raw[2 * size],
        floor_w=int.from_bytes(raw[-4:-2], "big"),
        mean_w=int.from_bytes(raw[-2:], "big"),
    )
