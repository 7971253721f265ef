"""Hours of the day in which the sun covers what a home uses. Pure.

Behind a meter that counts only what is taken from the street, panels hide a home by day: its
quarter-hours fall below its own floor, to nothing for hours, as if the supply were dead. What is
dead comes at any hour; the sun comes at the same hours, day after day. Hours in which it has been
so on several of the last days show what somebody takes beyond the sun, and nothing else: there less
than the floor is the floor, and nothing is learned of what the home does alone.
"""

from array import array
from collections.abc import Sequence, Set
from typing import Any, Final

from rules.lived_days import HOURS, SLOTS_PER_DAY, SLOTS_PER_HOUR
from rules.metering import Slot

# Below this part of the usual floor something gives what the meter doesn't count.
COVERED_PART: Final = 0.25
# Whole hours on end: a refrigerator that rests is no sun.
RUN_HOURS: Final = 3
# What a day is worth after one more: the last ten days matter, and in winter no hour is left.
KEPT_PART: Final = 0.9
# Three days of the last ten; two blackouts at the same hour are none.
DAYS_MIN: Final = 2.2
# Summer days are shorter; what is dark for longer is a dead supply, or was switched off.
HOURS_MAX: Final = 16
# Worth less than this is nothing.
_LEAST: Final = 0.05

# One for all homes: an empty set takes 216 bytes.
NO_HOURS: Final[frozenset[int]] = frozenset()
# Of each hour.
_NOTHING: Final = bytes(HOURS)


class Sunlit:
    """hours: those of the day (UTC) that the sun covers. `_worth`: days on which each was covered,
    the older the less, in thousandths; `_today`: quarter-hours of the present day so far."""

    __slots__ = ("_day", "_today", "_worth", "hours")

    def __init__(self) -> None:
        self._day = -1
        # Each is None while all of it is nothing: most homes have no panels, but nearly all have
        # a quarter-hour in which a coarse register stands still.
        self._worth: array[int] | None = None
        self._today: bytes | None = None
        self.hours = NO_HOURS

    def seen(self, slot: Slot, usual_w: int) -> tuple[Slot, Set[int]]:
        """The slot, as the home is by it, and the hours that the sun covers. usual_w: the floor of
        most days."""
        if self._today is None and self._worth is None and slot.watts >= usual_w * COVERED_PART:
            # Nearly always.
            return slot, NO_HOURS
        self._count(slot, usual_w)
        if slot.number % SLOTS_PER_DAY // SLOTS_PER_HOUR not in self.hours:
            return slot, self.hours
        return slot._replace(watts=max(slot.watts, float(usual_w))), self.hours

    def _count(self, slot: Slot, usual_w: int) -> None:
        day, hour = slot.number // SLOTS_PER_DAY, slot.number % SLOTS_PER_DAY // SLOTS_PER_HOUR
        if day > self._day and (self._today is not None or self._worth is not None):
            self._end_day(day)
        if slot.watts >= usual_w * COVERED_PART or day < self._day:
            return
        today = bytearray(self._today or HOURS)
        today[hour] += 1
        self._day, self._today = day, bytes(today)

    def _end_day(self, day: int) -> None:
        covered = _covered(self._today or _NOTHING)
        kept = KEPT_PART ** (day - self._day)
        # As it is written, so that a restart makes no difference.
        worth = [
            round(w * kept + (kept / KEPT_PART if hour in covered else 0.0), 3)
            for hour, w in enumerate(self._days())
        ]
        self._day, self.hours, self._today = day, _hours(worth), None
        self._worth = _thousandths(worth) if max(worth) >= _LEAST else None

    def _days(self) -> Sequence[float]:
        return [thousandths / 1000 for thousandths in self._worth or _NOTHING]

    def forget(self) -> None:
        """Another meter."""
        self._day, self._worth, self._today, self.hours = -1, None, None, NO_HOURS

    def dump(self) -> Sequence[Any] | None:
        if self._worth is None and self._today is None:
            return None
        return [self._day, self._days(), [*(self._today or _NOTHING)]]

    @classmethod
    def load(cls, document: Any) -> "Sunlit":
        sunlit = cls()
        if document is not None:
            day, worth, today = document
            sunlit._day, days = int(day), [float(w) for w in worth]
            sunlit._worth = _thousandths(days) if any(days) else None
            sunlit._today = bytes(map(int, today)) if any(today) else None
            sunlit.hours = _hours(days)
        return sunlit


def _thousandths(days: Sequence[float]) -> "array[int]":
    """In two bytes each: with what is kept of every day it never comes to more than ten."""
    return array("H", [round(worth * 1000) for worth in days])


def _covered(slots: Sequence[int]) -> Set[int]:
    """Of a day's hours those that the sun may have covered. slots: covered ones of each hour."""
    whole = [count == SLOTS_PER_HOUR for count in slots]
    if sum(whole) > HOURS_MAX:
        return frozenset()
    # Where the day of UTC ends the sun may stand high.
    runs = [
        {(hour + n) % HOURS for n in range(RUN_HOURS)}
        for hour in range(HOURS)
        if all(whole[(hour + n) % HOURS] for n in range(RUN_HOURS))
    ]
    return frozenset().union(*runs)


def _hours(worth: Sequence[float]) -> frozenset[int]:
    """With one on each side, in which the sun rises over it and sinks. What is dark by turns at all
    hours is no sun, and would leave none to learn from."""
    lit = [hour for hour, w in enumerate(worth) if w >= DAYS_MIN]
    if not 0 < len(lit) <= HOURS_MAX:
        return NO_HOURS
    return frozenset((hour + n) % HOURS for hour in lit for n in (-1, 0, 1))
