"""The steps of a register that is coarse against the home's use: when it went up by a whole step.

    register   7 7 7 7 8 8 8 8 8 8 8 8 8 8 9 9 9      kWh
    steps              |                   |          between them exactly one was used
    stretch            [...................|...]now   less than two, in so much time

Nothing between two steps is known, so nothing is said of machines and peaks. But from any moment to
any other a home has used less than the steps seen plus one, and more than the steps less one. The
longest time between two steps says how little it uses when nobody is up. Times are counted in
quarter-hours that were seen; what was used while nothing was seen may hide one step. Pure.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Final

from rules.lived_days import SLOTS_PER_DAY, SLOTS_PER_HOUR
from rules.packed import packed, unpacked

# What a step of 1 kWh, or of 0.1 kWh, is as a mean of a quarter-hour.
WHOLE_W: Final = 4000.0
TENTH_W: Final = 400.0
# A register of 0.1 kWh is coarse only if it is read so often that a step lies in one quarter-hour.
# One of 1 kWh whose step is so little power was read about every hour, and fills three and more.
_TENTH_GRAIN_W: Final = 1200.5
# Parts of a step that are told apart: a step of an hour's reading lies in four quarter-hours.
PARTS: Final = 1000
_PARTS_MAX: Final = 65_535
# Kept behind a window: the step before it may be so far away in a home that uses little.
_BEHIND: Final = 2 * SLOTS_PER_DAY
# Days whose longest time between two steps is remembered.
DAYS_MAX: Final = 28


class RegisterSteps:
    """size: quarter-hours of a window. seen: quarter-hours seen so far; places count them. step_w:
    one step as a mean of a quarter-hour."""

    __slots__ = (
        "_at",
        "_day",
        "_days",
        "_empty",
        "_lone",
        "_parts",
        "_pending",
        "_size",
        "_unseen",
        "seen",
        "step_w",
    )

    def __init__(self, size: int) -> None:
        self._size = size
        self.step_w = WHOLE_W
        self._begin()

    def _begin(self) -> None:
        self.seen = 0
        # Places at which the register went up, ascending, and by how many parts of a step.
        self._at = array("i")
        self._parts = array("H")
        # Places right behind a time that nobody saw.
        self._unseen = array("i")
        # Quarter-hours without a step so far, -1: since something that nobody saw.
        self._empty = -1
        # The newest is the first with a step behind some without.
        self._lone = False
        # The longest between two steps: of this day, of the last until it is known whether it was
        # lived, of each day that was.
        self._day = self._pending = 0
        self._days = array("H")

    def push(self, watts: float, grain_w: float, *, follows: bool) -> bool:
        """A quarter-hour; follows: it came right behind the last one. True: this register was
        taken for another kind until now, and all begins anew."""
        if follows and self._lone and not watts and self._is_tenth(grain_w):
            self.step_w = TENTH_W
            self._begin()
            return True
        if not follows:
            self._unseen.append(self.seen)
            self._empty = -1
        self._lone = watts > 0.0 and self._empty > 0
        if watts > 0.0:
            if self._lone:
                slots = max(1, round(self.step_w / max(grain_w, 1.0)))
                self._day = max(self._day, min(self._empty + slots, _PARTS_MAX))
            self._empty = 0
            self._at.append(self.seen)
            self._parts.append(min(round(watts / max(grain_w, self.step_w) * PARTS), _PARTS_MAX))
        elif self._empty >= 0:
            self._empty += 1
        self.seen += 1
        kept = self.seen - self._size - _BEHIND
        gone = bisect_left(self._at, kept)
        del self._at[:gone], self._parts[:gone]
        del self._unseen[: bisect_left(self._unseen, kept)]
        return False

    def _is_tenth(self, grain_w: float) -> bool:
        return self.step_w == WHOLE_W and 0.0 < grain_w <= _TENTH_GRAIN_W

    @property
    def step_wh(self) -> float:
        return self.step_w / SLOTS_PER_HOUR

    @property
    def full(self) -> bool:
        return self.seen >= self._size

    def most_w(self, later: int = 0) -> float:
        """The mean power of the newest window, and of the time before it since the last step, is
        less than this; or will be at the least, so many quarter-hours later."""
        start, steps = self._since(self.seen + later - self._size)
        return steps * self.step_w / (self.seen + later - start)

    def least_w(self) -> float:
        """There was a time within the newest window and until now in which the mean power was more
        than this."""
        found, parts = 0.0, -PARTS
        first = max(self.seen - self._size, *self._unseen[-1:], 0)
        for place in range(len(self._at) - 1, bisect_left(self._at, first) - 1, -1):
            slots = self.seen - self._at[place]
            parts += self._parts[place]
            found = max(found, parts / slots)
        return found / PARTS * self.step_w

    @property
    def waits(self) -> float:
        """How long there was no step, in the longest times between two that are known."""
        return self._empty / max(self._days) if self._days else 0.0

    def stretch(self) -> tuple[int, float]:
        """Quarter-hours of what `most_w` speaks of, and the steps seen in it."""
        start, steps = self._since(self.seen - self._size)
        return self.seen - start, steps - 1

    def _since(self, place: int) -> tuple[int, float]:
        """Behind the last step before a place: where that is, and the most that was used since, in
        steps."""
        first = bisect_left(self._at, place)
        start = self._at[first - 1] + 1 if first else max(0, self.seen - self._size - _BEHIND)
        hidden = len(self._unseen) - bisect_left(self._unseen, start + 1)
        return start, sum(self._parts[first:]) / PARTS + hidden + 1

    # Learning.

    @property
    def alone_w(self) -> float:
        """The least that the home uses, as a mean between two steps; 0: not known yet."""
        return self.step_w / max(self._days) if self._days else 0.0

    def day_over(self, *, lived: bool) -> None:
        """lived: neither silent nor away as far as is known; then it is learned a day later."""
        if lived and self._pending:
            self._days.append(self._pending)
            del self._days[:-DAYS_MAX]
        self._pending, self._day = (self._day if lived else 0), 0

    def doubt(self) -> None:
        """The last day and this one may not be lived ones."""
        self._pending = self._day = 0

    # Disk.

    def dump(self) -> dict[str, Any]:
        return {
            "step_w": self.step_w,
            "seen": self.seen,
            "at": packed(self._at),
            "parts": packed(self._parts),
            "unseen": packed(self._unseen),
            "empty": self._empty,
            "lone": self._lone,
            "day": self._day,
            "pending": self._pending,
            "days": packed(self._days),
        }

    @classmethod
    def load(cls, size: int, document: Mapping[str, Any]) -> "RegisterSteps":
        """ValueError, KeyError or TypeError when it is none."""
        steps = cls(size)
        steps.step_w, steps.seen = float(document["step_w"]), int(document["seen"])
        steps._at = unpacked("i", document["at"])
        steps._parts = unpacked("H", document["parts"])
        if len(steps._at) != len(steps._parts):
            raise ValueError("steps without their times")
        steps._unseen = unpacked("i", document["unseen"])
        steps._empty, steps._lone = int(document["empty"]), bool(document["lone"])
        steps._day, steps._pending = int(document["day"]), int(document["pending"])
        steps._days = unpacked("H", document["days"])
        return steps
