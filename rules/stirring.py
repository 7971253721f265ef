"""Whether somebody stirs, from one quarter-hour of a home's electricity. Pure.

In the dead of night nearly nobody is up: what the home uses then is made by machines. Each night
gives a ceiling, the highest but one of its slots; the home's ceiling is the median of the last
fourteen nights, so that one night awake moves nothing. Above it by a margin somebody stirs.
"""

from array import array
from collections.abc import Mapping
from statistics import median
from typing import Any, Final

from rules.local_time import DAY_MS, HOUR_MS, ZONE_MS
from rules.metering import SLOT_MS
from rules.packed import packed, unpacked
from rules.waiting import Slots

# One to four o'clock: who is up then is up seldom.
NIGHT_FROM_MS: Final = 1 * HOUR_MS
NIGHT_TO_MS: Final = 4 * HOUR_MS
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
    """The memory of one home: ceilings of its nights, and the slots of the present one.

    `above_w`: the power above which somebody stirs, made anew when a night has ended; `night`: the
    local day of the last slot.
    """

    __slots__ = ("_ceilings", "_slots", "above_w", "night")

    def __init__(self) -> None:
        # Three rules of each home have one: lists of numbers would take four times the room.
        self._ceilings = array("d")
        self.night = -1
        # None by day.
        self._slots: array[float] | None = None
        self.above_w: float | None = None

    @property
    def nights(self) -> int:
        return len(self._ceilings)

    @property
    def ceiling_w(self) -> float | None:
        """What the machines of this home do by themselves; None while it isn't known."""
        return median(self._ceilings) if len(self._ceilings) >= NIGHTS_MIN else None

    @property
    def tells(self) -> bool:
        return self.above_w is not None

    def slot(self, start_ms: int, watts: float) -> bool:
        """Take a slot; True when somebody stirred in it."""
        day, within_ms = divmod(start_ms + ZONE_MS, DAY_MS)
        if day != self.night:
            self._end_night()
            self.night = day
        if NIGHT_FROM_MS <= within_ms < NIGHT_TO_MS:
            self._note(watts)
        above_w = self.above_w
        return above_w is not None and watts > above_w

    def see(self, slots: Slots) -> int | None:
        """Take slots that come one behind the other; the end of the last in which somebody
        stirred."""
        stirred_ms = None
        day_ms = 0
        for end_ms, watts, _now_ms, _grain_w in slots:
            within_ms = end_ms - SLOT_MS - day_ms
            if not 0 <= within_ms < DAY_MS or not day_ms:
                day, within_ms = divmod(end_ms - SLOT_MS + ZONE_MS, DAY_MS)
                day_ms = day * DAY_MS - ZONE_MS
                if day != self.night:
                    self._end_night()
                    self.night = day
            if NIGHT_FROM_MS <= within_ms < NIGHT_TO_MS:
                self._note(watts)
            above_w = self.above_w
            if above_w is not None and watts > above_w:
                stirred_ms = end_ms
        return stirred_ms

    def forget(self) -> None:
        """Another meter speaks for the home from now on."""
        del self._ceilings[:]
        self.night = -1
        self._slots = self.above_w = None

    def _end_night(self) -> None:
        if self._slots is not None and len(self._slots) >= SLOTS_MIN:
            self._ceilings.append(sorted(self._slots)[-2])
            del self._ceilings[:-NIGHTS_MAX]
            self.above_w = self._made_above_w()
        self._slots = None

    def _note(self, watts: float) -> None:
        if self._slots is None:
            self._slots = array("d")
        self._slots.append(watts)

    def _made_above_w(self) -> float | None:
        ceiling_w = self.ceiling_w
        if ceiling_w is None or ceiling_w > CEILING_MAX_W:
            return None
        return ceiling_w + max(MARGIN_W, ceiling_w * MARGIN_PART)

    def dump(self) -> dict[str, Any]:
        return {
            "ceilings": packed(self._ceilings),
            "night": self.night,
            "slots": packed(array("d") if self._slots is None else self._slots),
        }

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "Stirring":
        stirring = cls()
        stirring._ceilings = unpacked("d", document["ceilings"])[-NIGHTS_MAX:]
        stirring.night = int(document["night"])
        stirring._slots = unpacked("d", document["slots"]) or None
        stirring.above_w = stirring._made_above_w()
        return stirring
