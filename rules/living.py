"""Whether somebody lives in a home, from its quarter-hours of power: learned per home. Pure.

A day is told from an empty one by the slots that stand out. Over the last 24 seen hours the
floor is the mean of the low slots themselves, so that a lamp left on lifts the floor and hides
nothing. What lies above it falls into twelve bands from 8 W to 1.8 kW, and each band has a
weight, the logarithm of how much commoner it is on this home's lived days than in this home's
empty ones:

    lived   the poorest 24 hours of each of the last 28 days
    empty   what nobody causes (refrigerator, defrost, a boiler's thermostat): the five hours of
            the day in which this home is quietest, found by themselves, taken for a whole day

The score of a window is the sum of the weights of its slots. It looks empty below a limit that
lies a little above the score of an empty window and well below that of a poor lived day. Where
no such place is, the home can't be judged. Days are learned a day late, and one that turned out
to be silent only if somebody was back soon, which says that nobody had been away.
"""

from array import array
from bisect import bisect_left, bisect_right, insort
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
# The floor is the mean of this part of the slots, lowest first: a mean doesn't jump with the
# steps of a coarse register as a quantile does, and the lowest are left out as broken readings.
FLOOR_FROM: Final = 0.05
FLOOR_TO: Final = 0.30
# Days poorer than a poor lived day: illness and journeys must not blunt the rule.
POOR_PART: Final = 0.1
# The limit: this many deviations above empty, but no further than this share of the way to a
# poor lived day. Both were chosen on simulated homes of two kinds (docs/rules.md).
DEVIATIONS: Final = 0.8
POOR_SHARE: Final = 0.3
# A limit nearer to empty than this is chance: the home can't be judged.
DEVIATIONS_MIN: Final = 0.5
# Slots added to both sides of a weight, so that a band never seen decides nothing.
PRIOR: Final = 0.03
# No slot says more than this: e³, twenty times as common in lived days.
WEIGHT_MAX: Final = 3.0
# Part of a band that may turn up in the next: floors and compressors drift by some watts.
LEAK: Final = 0.05
# Slots of one machine come in twos and threes, which scatters more than single ones.
CLUSTER: Final = 1.5
# Variance of a score that is left when nothing at all stands out in the quiet hours.
SCATTER: Final = 0.5
# Part of the waking hours that must have been seen in a window.
COVERAGE: Final = 0.8
# Weight of the newest day in the profile of the hours.
_PROFILE_WEIGHT: Final = 0.15
_WATTS_MAX: Final = 65_535
_NO_COUNTS: Final = (0,) * len(LEVELS_W)


class Day(NamedTuple):
    """What is remembered of a day, per level: counts of its poorest window, and in its quiet
    hours (of `quiet_slots` seen ones); floor and mean in watts."""

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
        """Below it a window looks empty."""
        return self.empty + min(DEVIATIONS * self.deviation, POOR_SHARE * (self.poor - self.empty))

    @property
    def tells(self) -> bool:
        """Whether lived and empty lie apart at all."""
        return self.limit >= self.empty + DEVIATIONS_MIN * self.deviation


class Living:
    """The memory of one home."""

    __slots__ = (
        "_counts",
        "_doubt",
        "_numbers",
        "_ordered",
        "_pending",
        "_profile",
        "_watts",
        "days",
        "filled",
        "first",
        "floor_w",
        "limit",
        "low",
        "quiet_from",
        "scale",
        "window",
    )

    def __init__(self, window_hours: int) -> None:
        self.window = window_hours * SLOTS_PER_HOUR
        # The newest slots, oldest first: watts and slot numbers; and the watts by size.
        self._watts = array("H")
        self._numbers = array("q")
        self._ordered: list[int] = []
        # Slots since the start or since somebody came back; below a window nothing is judged.
        self.filled = 0
        self.days: list[Day] = []
        self._pending: tuple[Day, list[float]] | None = None
        # The day that looked empty, until it is known whether it was.
        self._doubt: Day | None = None
        self._profile: list[float] = []
        self.quiet_from = 0
        # Poorest counts so far today; counts of the very first window.
        self.low: tuple[int, ...] | None = None
        self.first: tuple[int, ...] | None = None
        self.scale: Scale | None = None
        self.limit = 0.0
        # Of the last window measured.
        self._counts: tuple[int, ...] = _NO_COUNTS
        self.floor_w = 0

    # Input.

    def push(self, number: int, watts: float, *, learn: bool) -> None:
        """Take a slot. `learn` is false while the home counts as silent."""
        numbers, kept, ordered = self._numbers, self._watts, self._ordered
        if numbers and number // SLOTS_PER_DAY != numbers[-1] // SLOTS_PER_DAY:
            self._end_day(learn=learn)
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
        self._pending = None
        self.low = None
        self._doubt = self._day(self._counts)

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

    def measure(self) -> tuple[int, ...] | None:
        """Per level, the slots of the window that lie above it; None before one is full."""
        ordered = self._ordered
        size = len(ordered)
        if self.filled < self.window or size < self.window:
            return None
        low, high = int(size * FLOOR_FROM), int(size * FLOOR_TO)
        floor_w = self.floor_w = sum(ordered[low:high]) // (high - low)
        counts = tuple([size - bisect_right(ordered, floor_w + level) for level in LEVELS_W])
        self._counts = counts
        if self.first is None:
            self.first = counts
        if self.low is None or self.score(counts) < self.score(self.low):
            self.low = counts
        return counts

    def score(self, counts: Sequence[int]) -> float:
        """How much the slots of a window say that somebody is there."""
        if self.scale is None:
            return float(sum(counts))
        total, above = 0.0, 0
        for count, weight in zip(reversed(counts), reversed(self.scale.weights), strict=True):
            total += (count - above) * weight
            above = count
        return total

    def covered(self) -> bool:
        """Whether the window has seen the waking hours: nights alone say nothing."""
        waking = self.window - self._quiet()[1]
        return waking >= self.window * (24 - QUIET_HOURS) / 24 * COVERAGE

    def window_start_number(self) -> int:
        return self._numbers[0]

    def mean_w(self) -> int:
        return sum(self._ordered) // max(1, len(self._ordered))

    def base_w(self) -> int:
        """The lowest floor of the remembered days: the home never uses less while supplied."""
        return min((day.floor_w for day in self.days), default=0)

    # Learning.

    def _quiet(self) -> tuple[tuple[int, ...], int]:
        """Counts in the quiet hours of the window, and how many slots they had."""
        start = self.quiet_from
        night = sorted(
            w
            for n, w in zip(self._numbers, self._watts, strict=True)
            if (n // SLOTS_PER_HOUR - start) % 24 < QUIET_HOURS
        )
        size = len(night)
        return tuple([size - bisect_right(night, self.floor_w + k) for k in LEVELS_W]), size

    def _day(self, low: tuple[int, ...]) -> Day:
        quiet, slots = self._quiet()
        return Day(low, quiet, slots, self.floor_w, self.mean_w())

    def _end_day(self, *, learn: bool) -> None:
        """Close the day: what the last one showed is learned, this one waits a day."""
        counts = self.measure()
        pending, self._pending = self._pending, None
        if learn and pending is not None:
            self._learn(pending[0])
            self._blend(pending[1])
        if learn and counts is not None and self.low is not None:
            hours = self._hours()
            if not self._profile:
                # The first full day: its quiet hours are found before they are counted.
                self._blend(hours)
            self._pending = (self._day(self.low), hours)
        self.low = None

    def _learn(self, day: Day) -> None:
        self.days.append(day)
        if len(self.days) > DAYS_MAX:
            del self.days[0]
        self._relearn()

    def _hours(self) -> list[float]:
        """How busy each hour of the day was in the last window, on a scale of doublings."""
        sums, seen = [0.0] * 24, [0] * 24
        for number, watts in zip(self._numbers, self._watts, strict=True):
            hour = number // SLOTS_PER_HOUR % 24
            sums[hour] += log2(1.0 + max(0, watts - self.floor_w) / LEVELS_W[0])
            seen[hour] += 1
        usual = sum(sums) / max(1, sum(seen))
        return [round(s / n, 6) if n else round(usual, 6) for s, n in zip(sums, seen, strict=True)]

    def _blend(self, hours: list[float]) -> None:
        if not self._profile:
            self._profile = hours
        else:
            # The first days count equally, later ones fade slowly.
            part = max(_PROFILE_WEIGHT, 1.0 / max(1, len(self.days)))
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
        self.scale = learn_scale(self.days, self.window)
        self.limit = 0.0 if self.scale is None or not self.scale.tells else self.scale.limit

    # Disk.

    def dump(self) -> dict[str, Any]:
        pending = self._pending
        return {
            "watts": self._watts.tolist(),
            "runs": _runs(self._numbers),
            "filled": self.filled,
            "days": [_pack(day) for day in self.days],
            "pending": None if pending is None else [_pack(pending[0]), pending[1]],
            "doubt": None if self._doubt is None else _pack(self._doubt),
            "profile": self._profile,
            "low": self.low,
            "first": self.first,
            "counts": self._counts,
            "floor": self.floor_w,
        }

    @classmethod
    def load(cls, window_hours: int, document: Mapping[str, Any]) -> "Living":
        """The same memory again; a shorter window than before keeps its newest slots."""
        living = cls(window_hours)
        runs = document["runs"]
        numbers = array("q", [n for start, size in runs for n in range(start, start + size)])
        watts = array("H", document["watts"])
        if len(numbers) != len(watts):
            raise ValueError("slots without their times")
        living._numbers = numbers[-living.window :]
        living._watts = watts[-living.window :]
        living._ordered = sorted(living._watts)
        living.filled = int(document["filled"])
        living.days = [_unpack(row) for row in document["days"]][-DAYS_MAX:]
        pending, doubt = document["pending"], document["doubt"]
        if pending is not None:
            living._pending = (_unpack(pending[0]), [float(x) for x in pending[1]])
        living._doubt = None if doubt is None else _unpack(doubt)
        living._profile = [float(x) for x in document["profile"]]
        living._find_quiet()
        low, first = document["low"], document["first"]
        living.low = None if low is None else _checked(low)
        living.first = None if first is None else _checked(first)
        living._counts = _checked(document["counts"])
        living.floor_w = int(document["floor"])
        living._relearn()
        return living


def learn_scale(days: Sequence[Day], window: int) -> Scale | None:
    """The scale that these days give; None while no quiet hour was seen."""
    quiet_slots = sum(day.quiet_slots for day in days)
    if not quiet_slots:
        return None
    part = window / quiet_slots
    lived = [_bands(day.low) for day in days]
    quiet = [_bands(day.quiet) for day in days]
    empties = [sum(column) * part for column in zip(*quiet, strict=True)]
    empties = [e + LEAK * below for e, below in zip(empties, [0.0, *empties[:-1]], strict=True)]
    means = [sum(column) / len(days) for column in zip(*lived, strict=True)]
    weights = tuple(
        [
            min(max(log((m + PRIOR) / (e + PRIOR)), 0.0), WEIGHT_MAX)
            for m, e in zip(means, empties, strict=True)
        ]
    )
    scores = sorted(sum(n * w for n, w in zip(row, weights, strict=True)) for row in lived)
    variance = sum(e * w * w for e, w in zip(empties, weights, strict=True))
    return Scale(
        weights=weights,
        empty=sum(e * w for e, w in zip(empties, weights, strict=True)),
        deviation=sqrt(CLUSTER * variance + SCATTER),
        usual=scores[len(scores) // 2],
        poor=scores[int(len(scores) * POOR_PART)],
    )


def _bands(counts: Sequence[int]) -> list[int]:
    """Slots between each level and the next, from slots above each level."""
    return [a - b for a, b in zip(counts, (*counts[1:], 0), strict=True)]


def _checked(row: Any) -> tuple[int, ...]:
    if len(row) != len(LEVELS_W):
        raise ValueError(f"counts of {len(row)} levels")
    return tuple(int(n) for n in row)


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
    counts = bytes([*day.low, *day.quiet, day.quiet_slots])
    return counts.hex() + f"{day.floor_w:04x}{day.mean_w:04x}"


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
