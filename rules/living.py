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
from math import log2
from typing import Any, Final

from rules.lived_days import LEVELS_W, Day, Scale, learn_scale, pack, unpack

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
# Part of the waking hours that must have been seen in a window.
COVERAGE: Final = 0.8
# Part of what a machine leaves in a window that must lie in its newest half.
NEWEST_PART: Final = 0.3
# A slot of this weight is rarely a machine's; the last must be this many hours ago.
TELLING: Final = 2.0
STIR_HOURS: Final = 16
# Weight of the newest day in the profile of the hours.
_PROFILE_WEIGHT: Final = 0.15
_WATTS_MAX: Final = 65_535
_NO_COUNTS: Final = (0,) * len(LEVELS_W)


class Living:
    """The memory of one home."""

    __slots__ = (
        "_counts",
        "_doubt",
        "_low_score",
        "_numbers",
        "_ordered",
        "_pending",
        "_profile",
        "_watts",
        "base_w",
        "days",
        "filled",
        "floor_w",
        "last_score",
        "limit",
        "lived_w",
        "low",
        "quiet_from",
        "scale",
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
        # Days in the form of the disk: twenty-eight tuples of numbers take ten times the room.
        self.days: list[bytes] = []
        self._pending: tuple[Day, list[float]] | None = None
        # The day that looked empty, until it is known whether it was.
        self._doubt: Day | None = None
        self._profile: list[float] = []
        self.quiet_from = 0
        # Poorest counts so far today.
        self.low: tuple[int, ...] | None = None
        self._low_score = 0.0
        # The lowest floor of the remembered days: the home never uses less while supplied.
        self.base_w = 0
        # What the poorest remembered day used above its floor, as a mean.
        self.lived_w = 0
        self.scale: Scale | None = None
        self.limit = 0.0
        # Of the last window measured.
        self._counts: tuple[int, ...] = _NO_COUNTS
        self.floor_w = 0
        self.last_score = 0.0

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
        if not self.days:
            # The first full window: its quiet hours are found, and it is the first lived day.
            self._blend(self._hours())
            self._learn(self._day(counts))
        score = self.last_score = self.score(counts)
        if self.low is None or score < self._low_score:
            self.low = counts
            self._low_score = score
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

    def looks_empty(self) -> bool:
        """Whether the window measured last is an empty one.

        What lies above the strict limit must be a machine's, which works all day: if the newest
        half of the window has no part in it, it was a person, who left since then.
        """
        scale = self.scale
        if scale is None or not scale.tells or self.last_score > scale.limit:
            return False
        if self.last_score <= scale.strict:
            return not self._stirred(scale)
        newest = sorted(self._watts[-(self.window // 2) :])
        size = len(newest)
        counts = [size - bisect_right(newest, self.floor_w + level) for level in LEVELS_W]
        rest = self.last_score - scale.empty
        return self.score(counts) - scale.empty / 2 >= rest * NEWEST_PART

    def _stirred(self, scale: Scale) -> bool:
        """Whether a slot that says much is too new for a home that is said to be empty."""
        newest = sorted(self._watts[-int(STIR_HOURS * SLOTS_PER_HOUR) :])
        edges = [bisect_right(newest, self.floor_w + level) for level in LEVELS_W]
        edges.append(len(newest))
        return any(
            weight >= TELLING and edges[band + 1] > edges[band]
            for band, weight in enumerate(scale.weights)
        )

    def covered(self) -> bool:
        """Whether the window has seen the waking hours: nights alone say nothing."""
        waking = self.window - self._quiet()[1]
        return waking >= self.window * (24 - QUIET_HOURS) / 24 * COVERAGE

    def window_start_number(self) -> int:
        return self._numbers[0]

    def mean_w(self) -> int:
        return sum(self._ordered) // max(1, len(self._ordered))

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
        return Day(low, quiet, slots, max(0, self.floor_w), max(0, self.mean_w()))

    def _end_day(self, *, learn: bool) -> None:
        """Close the day: what the last one showed is learned, this one waits a day."""
        counts = self.measure()
        pending, self._pending = self._pending, None
        if learn and pending is not None:
            self._learn(pending[0])
            self._blend(pending[1])
        if learn and counts is not None and self.low is not None:
            self._pending = (self._day(self.low), self._hours())
        self.low = None

    def _learn(self, day: Day) -> None:
        self.days.append(pack(day))
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
        days = [unpack(row) for row in self.days]
        self.base_w = min((day.floor_w for day in days), default=0)
        self.lived_w = min((day.mean_w - day.floor_w for day in days), default=0)
        self.scale = learn_scale(days, self.window)
        self.limit = 0.0 if self.scale is None or not self.scale.tells else self.scale.limit

    # Disk.

    def dump(self) -> dict[str, Any]:
        pending = self._pending
        return {
            "watts": self._watts.tolist(),
            "runs": _runs(self._numbers),
            "filled": self.filled,
            "days": [row.hex() for row in self.days],
            "pending": None if pending is None else [pack(pending[0]).hex(), pending[1]],
            "doubt": None if self._doubt is None else pack(self._doubt).hex(),
            "profile": self._profile,
            "low": self.low,
            "counts": self._counts,
            "floor": self.floor_w,
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
        living.days = [pack(unpack(bytes.fromhex(t))) for t in document["days"]][-DAYS_MAX:]
        pending, doubt = document["pending"], document["doubt"]
        if pending is not None:
            living._pending = (unpack(bytes.fromhex(pending[0])), [float(x) for x in pending[1]])
        living._doubt = None if doubt is None else unpack(bytes.fromhex(doubt))
        living._profile = [float(x) for x in document["profile"]]
        living._find_quiet()
        low = document["low"]
        living.low = None if low is None else _checked(low)
        living._counts = _checked(document["counts"])
        living.floor_w = int(document["floor"])
        living._relearn()
        if living.low is not None:
            living._low_score = living.score(living.low)
        return living


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
