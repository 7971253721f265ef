"""The newest quarter-hours of a home: the window that is judged, and some behind it. Pure.

    watts    [ behind ................ | window ...................... ]   oldest first
    numbers  [ run of slots on end     ][ run ...                      ]   mostly a single run

In order of size they are kept only while each is judged by itself: a home of which many wait, and
are judged together (`rules.together`), has no use for it.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence, Set
from typing import Any, Final

from rules.lived_days import HIDDEN, SLOTS_PER_DAY, SLOTS_PER_HOUR
from rules.metering import VEILED
from rules.packed import packed, unpacked

# Two bytes a slot: more than any house connection.
WATTS_MAX: Final = 65_534
# The golden ratio in sixteen bits: successive slots never fall together.
_GOLDEN: Final = 40_503
_MASK: Final = 0xFFFF
_WHOLE: Final = 65_536


def whole_watts(number: int, watts: float, grain_w: float) -> int:
    """What is kept of a slot. A register shows its energy in grains; spreading each slot over its
    grain keeps a small drift of the floor from moving whole heaps of slots at once."""
    if grain_w:
        if grain_w == VEILED:
            return HIDDEN
        watts += ((number * _GOLDEN & _MASK) / _WHOLE - 0.5) * grain_w
    return int(min(max(watts, 0.0), WATTS_MAX))


def floor_of(ordered: Sequence[int], part: tuple[float, float]) -> int:
    """The mean of a part of the slots, from and to, lowest first."""
    size = len(ordered)
    low, high = int(size * part[0]), max(int(size * part[1]), 1)
    return sum(ordered[low:high]) // (high - low)


class Window:
    """size: slots of the window. keep: slots at all, as the caller says with each."""

    __slots__ = ("_ordered", "_runs", "_squares", "_sum", "_watts", "hidden", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._watts = array("H")
        # First number and length of each run.
        self._runs = array("i")
        # Of the window alone: its watts by size, their sum, the sum of their squares.
        self._ordered: array[int] | None = None
        self._sum = self._squares = 0
        # How many of all slots are hidden.
        self.hidden = 0

    def __len__(self) -> int:
        return len(self._watts)

    @property
    def full(self) -> bool:
        return len(self._watts) >= self.size

    @property
    def newest(self) -> int:
        """The number of the newest slot, -1: none."""
        return self._runs[-2] + self._runs[-1] - 1 if self._runs else -1

    @property
    def watts(self) -> "array[int]":
        """Of the window, oldest first, without what is hidden."""
        watts = self._watts[-self.size :]
        return watts if not self.hidden else array("H", (w for w in watts if w != HIDDEN))

    @property
    def ordered(self) -> "array[int]":
        """The watts of the window, ascending; not to be changed."""
        ordered = self._ordered
        if ordered is None:
            ordered = self._ordered = array("H", sorted(self.watts))
            self._sum = sum(ordered)
            self._squares = sum(w * w for w in ordered)
        return ordered

    def outside(self, hours: Set[int]) -> Sequence[int]:
        """The watts of the window outside of these hours of the day (UTC), ascending."""
        if not hours:
            return self.ordered
        numbers = self.numbers(self.size)
        slots = zip(numbers, self._watts[-len(numbers) :], strict=True)
        return sorted(
            watts
            for number, watts in slots
            if watts != HIDDEN and number % SLOTS_PER_DAY // SLOTS_PER_HOUR not in hours
        )

    def shown(self, floor_w: int) -> Sequence[int]:
        """The watts of the window; what is hidden is at the floor."""
        return [floor_w if watts == HIDDEN else watts for watts in self._watts[-self.size :]]

    @property
    def total(self) -> int:
        return self._sum if self._ordered is not None else sum(self.watts)

    @property
    def squares(self) -> int:
        return self._squares if self._ordered is not None else sum(w * w for w in self.watts)

    @property
    def on_end(self) -> "array[int]":
        """The watts of the newest run; none where some are hidden."""
        return self._watts[-self._runs[-1] :] if self._runs and not self.hidden else array("H")

    def numbers(self, count: int | None = None) -> list[int]:
        """Of all slots, or of the newest so many."""
        runs = self._runs
        found = [
            number
            for place in range(0, len(runs), 2)
            for number in range(runs[place], runs[place] + runs[place + 1])
        ]
        return found if count is None else found[-count:]

    def all(self) -> "zip[tuple[int, int]]":
        """(number, watts) of all slots; `HIDDEN` are those that say nothing."""
        return zip(self.numbers(), self._watts, strict=True)

    def follows(self, number: int) -> bool:
        """Whether a slot comes right behind the newest."""
        return bool(self._runs) and number == self.newest + 1

    def append(self, number: int, watts: int, keep: int) -> None:
        self.count(number)
        kept = self._watts
        kept.append(watts)
        ordered = self._ordered
        if watts == HIDDEN:
            self.hidden += 1
        elif ordered is not None:
            insort(ordered, watts)
            self._sum += watts
            self._squares += watts * watts
        if ordered is not None and len(kept) > self.size:
            leaving = kept[-self.size - 1]
            if leaving != HIDDEN:
                self._sum -= leaving
                self._squares -= leaving * leaving
                del ordered[bisect_left(ordered, leaving)]
        self._drop(len(kept) - keep)

    def count(self, number: int) -> None:
        """A slot of this number comes; its watts are told by `extend`."""
        if self.follows(number):
            self._runs[-1] += 1
        else:
            self._runs.extend((number, 1))

    def with_more(self, watts: Sequence[int]) -> list[int]:
        """All that the windows need that end with each of these."""
        return [*self._watts[1 - self.size :], *watts]

    def extend(self, watts: Sequence[int], keep: int) -> None:
        """As by `append` of each, once all are counted; none of them is hidden."""
        self._watts.extend(watts)
        self._ordered = None
        self._drop(len(self._watts) - keep)

    def _drop(self, count: int) -> None:
        """Forget the oldest."""
        if count <= 0:
            return
        if self.hidden:
            self.hidden -= self._watts[:count].count(HIDDEN)
        del self._watts[:count]
        runs = self._runs
        while count >= runs[1]:
            count -= runs[1]
            del runs[:2]
        runs[0] += count
        runs[1] -= count

    # Disk.

    def dump(self) -> dict[str, Any]:
        runs = self._runs
        return {
            "watts": packed(self._watts),
            "runs": [[runs[place], runs[place + 1]] for place in range(0, len(runs), 2)],
        }

    def load(self, watts: Any, runs: Any, keep: int) -> None:
        """ValueError when they don't fit each other."""
        self._watts = unpacked("H", watts)
        self.hidden = self._watts.count(HIDDEN)
        self._runs = array("i", [part for start, size in runs for part in (start, size)])
        if sum(self._runs[1::2]) != len(self._watts) or any(n <= 0 for n in self._runs[1::2]):
            raise ValueError("slots without their times")
        self._drop(len(self._watts) - keep)
