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
from math import log2, sqrt
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
FLOOR_PART: Final = 0.15
# The lived count is that of the day with this part of the days below it: visitors and illness
# make some days poor, and one of them alone must not blunt the rule.
LIVED_PART: Final = 0.1
# Least distance of empty and lived, in units of √count, for a level to have a say.
SEPARATION_MIN: Final = 0.8
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
    """What was learned for a level: counts of an empty and of a poor lived day, and its say."""

    level: int
    empty: float
    lived: float
    weight: float


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
        "_dirty_count",
        "_numbers",
        "_pending",
        "_profile",
        "_scales",
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
        self._profile: list[float] = []
        self.quiet_from = 0
        # Least counts so far today.
        self.low: tuple[int, ...] | None = None
        # Counts of the first full window, before any day is learned.
        self.first: tuple[int, ...] | None = None
        self._scales: tuple[Scale, ...] = ()
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

    def forget(self) -> None:
        """Somebody is back: what was silent before says nothing about the next hours."""
        self.filled = 0
        self._pending = None
        self.low = None

    def drop_pending(self) -> None:
        """The home turned out to be silent: don't take its last day for a lived one."""
        self._pending = None
        self.low = None

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
            low = self.low
            self.low = (
                self._count.all
                if low is None
                else tuple(a if a < b else b for a, b in zip(low, self._count.all, strict=True))
            )
        return self._count

    def scales(self) -> tuple[Scale, ...]:
        return self._scales

    def activity(self, count: Count, empty: Sequence[float] | None = None) -> float:
        """Where this window lies between empty (0) and a poor lived day (1)."""
        total = weights = 0.0
        for scale in self._scales:
            base = scale.empty if empty is None else empty[scale.level]
            low, high = sqrt(base), sqrt(scale.lived)
            if high - low < SEPARATION_MIN / 2:
                continue
            place = (sqrt(count.all[scale.level]) - low) / (high - low)
            total += scale.weight * min(max(place, 0.0), 1.5)
            weights += scale.weight
        return total / weights if weights else 0.0

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
        floor_w = ordered[int(size * FLOOR_PART)]
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
        pending, self._pending = self._pending, None
        if learn and pending is not None:
            self.days.append(pending[0])
            if len(self.days) > DAYS_MAX:
                del self.days[0]
            self._blend(pending[1])
            self._relearn()
        if learn and count is not None and self.low is not None:
            day = Day(self.low, count.quiet, count.quiet_slots, count.floor_w, count.mean_w)
            self._pending = (day, self._hours(count.floor_w))
        self.low = None
        self._dirty_count = True

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
        """The scales from the remembered days."""
        days = self.days
        quiet_slots = sum(day.quiet_slots for day in days)
        if not quiet_slots:
            self._scales = ()
            return
        rank = int(len(days) * LIVED_PART)
        scales = []
        for level in range(len(LEVELS_W)):
            rate = (sum(day.quiet[level] for day in days) + 0.5) / (quiet_slots + 1)
            empty = rate * self.window
            lived = float(sorted(day.low[level] for day in days)[rank])
            distance = sqrt(lived) - sqrt(empty)
            if distance >= SEPARATION_MIN:
                scales.append(Scale(level, empty, lived, distance * distance))
        self._scales = tuple(scales)

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
        living._profile = [float(x) for x in document["profile"]]
        living._find_quiet()
        living.low = _counts(document["low"])
        living.first = _counts(document["first"])
        living._relearn()
        if document["counted"]:
            living._count = living._measure()
            living._dirty_count = False
        return living


def _counts(row: Any) -> tuple[int, ...] | None:
    if row is None:
        return None
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
