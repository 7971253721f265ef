"""Whether a home has power at all, by its quarter-hours: a pause, or a dead supply. Pure.

Slots with less than the home ever uses are held until it is clear what they are: a pause is told
after all, a dead supply never. Where the floor is next to nothing, only nothing at all is dark, and
only if the home has a machine that comes on by itself: it would have moved the register meanwhile.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

from rules.lived_days import Alone
from rules.metering import Slot

# Dark is below this part of the least floor ever seen, in homes that have a floor …
DARK_PART: Final = 0.25
FLOOR_MIN_W: Final = 8
# … and dead after two hours: a coarse register shows shorter pauses that are none.
DEAD_SLOTS: Final = 8
# A machine of so many watts is on for some part of the time, and must have been due for so many
# units of the register's last digit.
MACHINE_MIN_W: Final = 20.0
MACHINE_ON_PART: Final = 0.15
DEAD_DIGITS: Final = 3
# In a home without a floor a pause of more than half as long may be a short blackout; below it a
# refrigerator rests, or a coarse register stands still.
PAUSE_PART: Final = 0.5
# Waiting longer than this for a coarse digit would hide a silence.
DEAD_SLOTS_MAX: Final = 24


class Supply:
    """_held: dark slots on end. _dead_after: how many of them are no pause."""

    __slots__ = ("_dead_after", "_held")

    def __init__(self) -> None:
        self._held: tuple[Slot, ...] = ()
        self._dead_after = DEAD_SLOTS

    @property
    def dead(self) -> bool:
        return len(self._held) >= self._dead_after

    @property
    def held(self) -> int:
        return len(self._held)

    @property
    def newest(self) -> int:
        """The number of the last slot that is held, -1: none."""
        return self._held[-1].number if self._held else -1

    def holds(self, slot: Slot, base_w: int, alone: Alone | None) -> bool:
        """Whether this slot is dark, and so held. base_w: the least floor ever seen."""
        if base_w >= FLOOR_MIN_W:
            dark, dead_after = slot.watts < base_w * DARK_PART, DEAD_SLOTS
        else:
            dead_after = _without_floor(slot.grain_w, alone)
            dark = slot.watts == 0.0 and dead_after <= DEAD_SLOTS_MAX
        if not dark:
            return False
        if not self._held:
            # It stays what it was when the dark began.
            self._dead_after = dead_after
        if not self.dead:
            self._held = (*self._held, slot)
        return True

    def doubtful(self, base_w: int) -> bool:
        """Whether what is held may have been a short blackout."""
        held = len(self._held)
        return held > 0 and (base_w >= FLOOR_MIN_W or held > self._dead_after * PAUSE_PART)

    def release(self) -> Sequence[Slot]:
        """What was held, once it is over: a pause; nothing if the supply was dead."""
        held = () if self.dead else self._held
        self._held = ()
        return held

    def forget(self) -> None:
        self._held = ()

    def dump(self) -> dict[str, Any]:
        return {"held": self._held, "dead_after": self._dead_after}

    @classmethod
    def load(cls, document: Any) -> "Supply":
        """Also of the list that states of before had."""
        supply = cls()
        held = document
        if not isinstance(document, list):
            held, supply._dead_after = document["held"], int(document["dead_after"])
        supply._held = tuple(Slot(int(n), float(w), float(g)) for n, w, g in held)
        return supply


def _without_floor(grain_w: float, alone: Alone | None) -> int:
    if alone is None or alone.peak_w < MACHINE_MIN_W:
        return DEAD_SLOTS_MAX + 1
    return max(DEAD_SLOTS, ceil(DEAD_DIGITS * grain_w / (MACHINE_ON_PART * alone.peak_w)))
