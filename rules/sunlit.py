"""Hours of the day in which the sun hides what a home uses. Pure.

Behind a meter that counts only what is taken from the street, panels hide a home by day: its
quarter-hours fall below its own floor, to nothing for hours, as if the supply were dead. What is
dead comes at any hour; the sun comes about noon, day after day. Hours in which it has been so on
several of the last days are the sun's. There, and in the hours beside them, less than the floor
says nothing of anybody: such a quarter-hour is hidden, and what is judged is what is left of the
day. What somebody takes beyond the sun counts as ever.

    watts   ~~~|\\_____________/|~~~~   ~ as the home uses, _ hidden
    hours          ########            covered as a whole on several days
    hours         ##########           nothing is learned of what the home does alone
               ################        less than the floor is hidden
"""

from array import array
from collections.abc import Callable, Sequence, Set
from functools import lru_cache
from typing import Any, Final

from rules.lived_days import HOURS, SLOTS_PER_DAY, SLOTS_PER_HOUR
from rules.local_time import HOUR_MS, ZONE_MS
from rules.metering import VEILED, Slot

# Below this part of the usual floor something gives what the meter doesn't count …
COVERED_PART: Final = 0.25
# … and below this part of it something gives a little: the floor of a quiet hour is no lower.
VEILED_PART: Final = 0.9
# Whole hours on end: a refrigerator that rests is no sun.
RUN_HOURS: Final = 3
# Each such run has one of the hours from ten to four, local time, in all of China.
_NOON: Final = frozenset((hour - ZONE_MS // HOUR_MS) % HOURS for hour in range(10, 16))
# A floor lower than this is none, or the sun has drowned it: who learns a home with its panels may
# know of nothing else. Then a register that stands still is covered, and beside these hours the
# home must never use less than half of this: else it is one that often uses nothing.
FLOOR_LEAST_W: Final = 8.0
# What a day is worth after one more: the last ten days matter, and in winter no hour is left.
KEPT_PART: Final = 0.9
# Three days of the last ten; two blackouts at the same hour are none.
DAYS_MIN: Final = 2.2
# Summer days are shorter; what is dark for longer is a dead supply, or was switched off.
HOURS_MAX: Final = 16
# Worth less than this is nothing.
_LEAST: Final = 0.05

# Sets of hours whose hours beside them are kept: of one run about noon there are fewer.
VEILED_KEPT: Final = 512
# One for all homes: an empty set takes 216 bytes.
NO_HOURS: Final[frozenset[int]] = frozenset()
# Of each hour.
_NOTHING: Final = bytes(HOURS)

# What a home used in a quarter of the last day, outside of these hours, at the most.
Outside = Callable[[Set[int]], float]


class Sunlit:
    """hours: those of the day (UTC) that the sun covers, and one on each side. drowned: they are
    known only now, and all that was learned of the home is of them. `_worth`: days on which each
    was covered, the older the less, in thousandths; `_today`: quarter-hours of the present day so
    far."""

    __slots__ = ("_day", "_today", "_worth", "drowned", "hours")

    def __init__(self) -> None:
        self._day = -1
        # Each is None while all of it is nothing: most homes have no panels, but nearly all have
        # a quarter-hour in which a coarse register stands still.
        self._worth: array[int] | None = None
        self._today: bytes | None = None
        self.hours = NO_HOURS
        self.drowned = False

    def seen(self, slot: Slot, usual_w: int, outside: Outside) -> tuple[Slot, Set[int]]:
        """The slot, `VEILED` if it says nothing, and the hours that the sun covers. usual_w: the
        floor of most days."""
        bare = self._today is None and self._worth is None
        if bare and slot.watts >= max(usual_w, FLOOR_LEAST_W) * COVERED_PART:
            # Nearly always.
            return slot, NO_HOURS
        self._count(slot, usual_w, outside)
        if not self.hours:
            return slot, NO_HOURS
        hour = slot.number % SLOTS_PER_DAY // SLOTS_PER_HOUR
        least_w = max(usual_w * VEILED_PART, FLOOR_LEAST_W * COVERED_PART)
        if slot.watts >= least_w or hour not in _veiled(self.hours):
            return slot, self.hours
        return Slot(slot.number, max(float(usual_w), FLOOR_LEAST_W), VEILED), self.hours

    def _count(self, slot: Slot, usual_w: int, outside: Outside) -> None:
        day, hour = slot.number // SLOTS_PER_DAY, slot.number % SLOTS_PER_DAY // SLOTS_PER_HOUR
        if day > self._day and (self._today is not None or self._worth is not None):
            self._end_day(day, usual_w, outside)
        if slot.watts >= max(usual_w, FLOOR_LEAST_W) * COVERED_PART or day < self._day:
            return
        today = bytearray(self._today or HOURS)
        today[hour] += 1
        self._day, self._today = day, bytes(today)

    def _end_day(self, day: int, usual_w: int, outside: Outside) -> None:
        covered, low = _covered(self._today or _NOTHING), usual_w < FLOOR_LEAST_W
        if low and covered and outside(_with_beside(covered, 1)) < FLOOR_LEAST_W / 2:
            covered = NO_HOURS
        kept = KEPT_PART ** (day - self._day)
        # As it is written, so that a restart makes no difference.
        worth = [
            round(w * kept + (kept / KEPT_PART if hour in covered else 0.0), 3)
            for hour, w in enumerate(self._days())
        ]
        known, self.hours = bool(self.hours), _hours(worth)
        self.drowned = (self.drowned or (low and not known)) and bool(self.hours)
        self._day, self._today = day, None
        self._worth = _thousandths(worth) if max(worth) >= _LEAST else None

    def _days(self) -> Sequence[float]:
        return [thousandths / 1000 for thousandths in self._worth or _NOTHING]

    def forget(self) -> None:
        """Another meter."""
        self._day, self._worth, self._today = -1, None, None
        self.hours, self.drowned = NO_HOURS, False

    def dump(self) -> Sequence[Any] | None:
        if self._worth is None and self._today is None:
            return None
        drowned = [True] if self.drowned else []
        return [self._day, self._days(), [*(self._today or _NOTHING)], *drowned]

    @classmethod
    def load(cls, document: Any) -> "Sunlit":
        sunlit = cls()
        if document is not None:
            day, worth, today, *drowned = document
            sunlit._day, days = int(day), [float(w) for w in worth]
            sunlit._worth = _thousandths(days) if any(days) else None
            sunlit._today = bytes(map(int, today)) if any(today) else None
            sunlit.hours, sunlit.drowned = _hours(days), bool(drowned)
        return sunlit


def _thousandths(days: Sequence[float]) -> "array[int]":
    """In two bytes each: with what is kept of every day it never comes to more than ten."""
    return array("H", [round(worth * 1000) for worth in days])


def _covered(slots: Sequence[int]) -> frozenset[int]:
    """Of a day's hours those that the sun may have covered. slots: covered ones of each hour."""
    whole = [count == SLOTS_PER_HOUR for count in slots]
    if sum(whole) > HOURS_MAX:
        return NO_HOURS
    # Where the day of UTC ends the sun may stand high.
    runs = _runs(whole)
    return frozenset().union(*(run for run in runs if run & _NOON))


def _runs(whole: Sequence[bool]) -> list[frozenset[int]]:
    """Hours on end, around the clock; at least one isn't whole."""
    begin = list(whole).index(False) if False in whole else 0
    runs: list[frozenset[int]] = []
    run: list[int] = []
    for n in range(begin, begin + HOURS + 1):
        if whole[n % HOURS] and n < begin + HOURS:
            run.append(n % HOURS)
            continue
        if len(run) >= RUN_HOURS:
            runs.append(frozenset(run))
        run = []
    return runs


def _with_beside(hours: Set[int], count: int) -> frozenset[int]:
    return frozenset((hour + n) % HOURS for hour in hours for n in range(-count, count + 1))


def _hours(worth: Sequence[float]) -> frozenset[int]:
    """With one on each side, in which the sun rises over it and sinks. What is dark by turns at all
    hours is no sun, and would leave none to learn from."""
    lit = {hour for hour, w in enumerate(worth) if w >= DAYS_MIN}
    return _with_beside(lit, 1) if 0 < len(lit) <= HOURS_MAX else NO_HOURS


@lru_cache(maxsize=VEILED_KEPT)
def _veiled(hours: frozenset[int]) -> frozenset[int]:
    """Of which less than the floor is hidden: of the longest day, about the same noon. After dull
    weeks the sun comes hours earlier than was seen."""
    return _with_beside(hours, max(0, (HOURS_MAX + 1 - len(hours)) // 2))
