"""Whether somebody stirs, from one quarter-hour of a home's electricity. Pure.

In the dead of night nearly nobody is up: what the home uses then is made by machines. Each night
gives a ceiling, the highest but one of its slots; the home's ceiling is the median of the last
fourteen nights, so that one night awake moves nothing. Above it by a margin somebody stirs.
"""

from collections.abc import Mapping
from statistics import median
from typing import Any, Final

from rules.local_time import day_of, minute_of

# One to four o'clock: who is up then is up seldom.
NIGHT_FROM_MIN: Final = 60
NIGHT_TO_MIN: Final = 240
NIGHTS_MAX: Final = 14
# Nights that must be known, and slots of a night that must have been seen.
NIGHTS_MIN: Final = 3
SLOTS_MIN: Final = 9
# A lamp is more than this above what the machines do; so is a television.
MARGIN_W: Final = 40.0
MARGIN_PART: Final = 0.15
# A boiler that runs every night hides a kettle: then electricity says nothing.
CEILING_MAX_W: Final = 1500.0


class Stirring:
    """The memory of one home: ceilings of its nights, and the slots of the present one."""

    __slots__ = ("_ceilings", "_night", "_slots")

    def __init__(self) -> None:
        self._ceilings: list[float] = []
        self._night = -1
        self._slots: list[float] = []

    @property
    def nights(self) -> int:
        return len(self._ceilings)

    @property
    def ceiling_w(self) -> float | None:
        """What the machines of this home do by themselves; None while it isn't known."""
        return median(self._ceilings) if len(self._ceilings) >= NIGHTS_MIN else None

    @property
    def tells(self) -> bool:
        ceiling_w = self.ceiling_w
        return ceiling_w is not None and ceiling_w <= CEILING_MAX_W

    def slot(self, start_ms: int, watts: float) -> bool:
        """Take a slot; True when somebody stirred in it."""
        minute, day = minute_of(start_ms), day_of(start_ms)
        if day != self._night:
            self._end_night()
            self._night = day
        if NIGHT_FROM_MIN <= minute < NIGHT_TO_MIN:
            self._slots.append(watts)
        ceiling_w = self.ceiling_w
        if ceiling_w is None or ceiling_w > CEILING_MAX_W:
            return False
        return watts > ceiling_w + max(MARGIN_W, ceiling_w * MARGIN_PART)

    def forget(self) -> None:
        """Another meter speaks for the home from now on."""
        self._ceilings, self._slots, self._night = [], [], -1

    def _end_night(self) -> None:
        if len(self._slots) >= SLOTS_MIN:
            self._ceilings.append(sorted(self._slots)[-2])
            del self._ceilings[:-NIGHTS_MAX]
        self._slots = []

    def dump(self) -> dict[str, Any]:
        return {"ceilings": self._ceilings, "night": self._night, "slots": self._slots}

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "Stirring":
        stirring = cls()
        stirring._ceilings = [float(w) for w in document["ceilings"]][-NIGHTS_MAX:]
        stirring._night = int(document["night"])
        stirring._slots = [float(w) for w in document["slots"]]
        return stirring
