"""A tank of hot water that heats itself, told from somebody who uses it. Pure.

Once a day or more often, by night as by day and in an empty home too, a storage heater takes more
than all else: a day of that looks lived in. By night it shows what it does alone: how much energy
one heating takes that nothing strong comes before or behind, as where somebody is up; and how long
a tank stays hot from which nobody draws. One night in four of a month is enough: who lives without
a tank has one such night in ten. Where it heats more seldom by night it is told by what it takes at
any hour (`rules.lone_heatings`). A heating of that size, no sooner than that after the last, says
nothing of anybody and is taken out, with the quarter-hours beside it that it may have spilt into. A
larger one, or one that comes sooner, means that hot water was drawn: it stays.

    watts    __|#|______|##|___|#|____      # strong, | beside it
                 own       |     sooner: drawn
                        larger: drawn

So a slot is told when the next is known, and a heating when it is over.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

from rules.lived_days import HOURS, SLOTS_PER_DAY, SLOTS_PER_HOUR, Alone, coded, decoded
from rules.lone_heatings import (
    BEFORE,
    CALM_SLOTS,
    STRONG_SLOTS_MAX,
    STRONG_W,
    lone_heatings,
    remembered,
    usual_size,
)
from rules.metering import Slot
from rules.packed import packed_bytes, unpacked_bytes
from rules.tank_nights import NIGHT_SLOTS, NO_NIGHT, into_night, night_hour

# A night of which less was seen says nothing.
_SEEN_MIN: Final = 16
# Nights that are remembered, and those that must be known.
NIGHTS_MAX: Final = 28
NIGHTS_MIN: Final = 10
HEATINGS_MIN: Final = 8
# Of all nights those with a heating: eight of a month, which hardly a home without a tank has. One
# with no more than one was switched off, and is forgotten.
OFTEN: Final = 0.27
SELDOM: Final = 0.06
# A home that may have one: with so many heatings in nights, in such a part of them.
_LIKELY_NIGHTS: Final = 2
_LIKELY: Final = 0.2
# A heating by night takes so much, a kettle less.
NIGHT_MIN_WH: Final = 150.0
# Between these parts of the heatings of all nights lies what one takes, and a little beyond: a tea
# by night is less, a bath late in the evening more. Wider apart they are no machine's.
SIZE_FROM: Final = 0.15
SIZE_TO: Final = 0.85
SIZE_LESS: Final = 0.6
SIZE_MORE: Final = 1.15
RATIO_MAX: Final = 3.5
RATIO_STILL: Final = 10.0
# A tank cools as fast as it does by night, but no two times alike. Until so many times are known it
# is told from how often it heats by night; one that does seldom may have been drawn from late in
# the evening, so three hours apart is its own then.
APART_PART: Final = 0.47
# … and once more it heats sooner than that, by this part, behind one for which water was drawn.
SOONER_PART: Final = 0.5
GAPS_MIN: Final = 8
GAPS_MAX: Final = 28
APART_FIRST_MAX: Final = 12
# One that is known by heatings of one size: its own take so much more or less at the most.
ALIKE: Final = 1.2
# A fortnight in which nothing was its own: it was switched off.
FORGOTTEN_H: Final = 14 * HOURS
# Ends a night in what is remembered; no heating is so large (`coded`), and no longer apart.
_NIGHT: Final = 255


class Tank:
    """on: what is told is without its heatings; wanted: so it is to be from the next day on.

    `_drawn`: the last heating was not its own, so water had been drawn.
    `_nights`: the energy of each heating that stood alone in a night, as `coded` watt-hours.
    `_tonight`: the number of the night, how many of its slots were seen, its heatings. `_calm`,
    `_burst`: the slot that may be beside a heating, and the strong ones since. `_ended`: the last
    strong one; `_lone`: it ended a heating of tonight that stood alone so far. `_heated`: when the
    last heating began, `_gaps`: how long before those of the nights another had; `_own`: the last
    that was its own. `_sizes`: of heatings at any hour (`rules.lone_heatings`), up to the day that
    ended with `_looked`."""

    __slots__ = (
        "_apart", "_before", "_burst", "_calm", "_drawn", "_ended", "_gaps", "_heated", "_least_wh",
        "_lone", "_long", "_looked", "_most_wh", "_nights", "_own", "_quiet_from", "_sizes",
        "_tonight", "_usual_w", "on", "wanted",
    )  # fmt: skip

    def __init__(self) -> None:
        self.on = self.wanted = self._drawn = False
        self._nights = self._sizes = b""
        self._tonight: tuple[int, int, bytes] | None = None
        self._calm: Slot | None = None
        self._burst: tuple[Slot, ...] = ()
        self._before: tuple[float, ...] = ()
        self._long = False
        self._heated = self._ended = self._own = self._looked = -1
        self._lone, self._gaps = False, b""
        self._usual_w, self._quiet_from = 0, NO_NIGHT
        self._least_wh = self._most_wh = 0.0
        self._apart = 0

    @property
    def held(self) -> int:
        return (self._calm is not None) + len(self._burst)

    def told(self, slot: Slot, usual_w: int, alone: Alone | None) -> Sequence[Slot]:
        """The slots that are clear now, as the home is without its tank. usual_w: the floor of most
        days, 0: unknown; alone: what it does alone, as it is told."""
        if not self.on:
            self._usual_w = usual_w
            if self._tonight is None and not self._burst and not self._long:
                self._quiet_from = night_hour(alone)
        self._usual_w = usual_w or self._usual_w
        into = self._into_night(slot.number)
        if into < NIGHT_SLOTS:
            self._see_night((slot.number - into) // SLOTS_PER_HOUR)
        elif self._tonight is not None and not self._burst:
            self._end_night()
        if self.on:
            return self._pass(slot)
        # By day nothing is kept of a home that has none.
        near = into < NIGHT_SLOTS or SLOTS_PER_DAY - 1 - CALM_SLOTS <= into < SLOTS_PER_DAY
        if near or self._burst or self._long:
            self._pass(slot)
        else:
            self._calm, self._before, self._ended = None, (), -1
        return (slot,)

    def turn(self) -> None:
        """From now on it is as wanted."""
        self.release()
        self.on, self._long, self._heated, self._gaps = self.wanted, False, -1, b""
        self._sizes = b""

    @property
    def likely(self) -> bool:
        """Whether the home may be known to have one soon: what it did meanwhile is kept then."""
        if self.on:
            return False
        nights = self._nights.split(bytes([_NIGHT]))[:-1]
        heated = sum(map(bool, nights))
        return heated >= _LIKELY_NIGHTS and heated >= _LIKELY * len(nights)

    def again(self, slots: Sequence[Slot]) -> list[Slot]:
        """Slots that were told with its heatings, without them; the last are held."""
        tonight, self._tonight = self._tonight, None
        clear = [each for slot in slots for each in self._pass(slot)]
        self._tonight = tonight
        return clear

    def look_over(
        self, watts: Sequence[int], newest: int, usual_w: int, alone: Alone | None
    ) -> None:
        """A day is over, of a home that is told as it is. watts: of its slots on end up to the
        newest; the rest as in `told`."""
        night = night_hour(alone)
        if not usual_w or night == NO_NIGHT or newest <= self._looked:
            return
        found = lone_heatings(watts, newest, usual_w)
        if not found:
            return
        self._looked = newest
        told = ((each.size_wh, into_night(night, each.number) < NIGHT_SLOTS) for each in found)
        self._sizes = remembered(self._sizes, told)
        size_wh = None if self.wanted else usual_size(self._sizes)
        if size_wh is not None:
            self.wanted, self._own = True, newest
            self._least_wh, self._most_wh = size_wh / ALIKE, size_wh * ALIKE
            self._apart = APART_FIRST_MAX

    def _into_night(self, number: int) -> int:
        """Slots since a night began; a day where it has none."""
        if self._quiet_from == NO_NIGHT:
            return SLOTS_PER_DAY
        return into_night(self._quiet_from, number)

    # Heatings.

    def _pass(self, slot: Slot) -> Sequence[Slot]:
        newest = self._burst[-1] if self._burst else self._calm
        clear: Sequence[Slot] = ()
        if newest is not None and slot.number != newest.number + 1:
            clear = self.release()
        strong = slot.watts > self._usual_w + STRONG_W
        if self._long:
            self._long = strong
            if strong:
                return (*clear, slot)
            self._ended = slot.number - 1
            self._calm, self._before = slot, ()
            return clear
        if strong:
            self._burst = (*self._burst, slot)
            self._long = len(self._burst) > STRONG_SLOTS_MAX
            if self._long:
                self._count(0.0)
            return (*clear, *self.release()) if self._long else clear
        if self._burst:
            return (*clear, *self._over(slot))
        calm, self._calm = self._calm, slot
        if calm is None:
            return clear
        self._before = (*self._before, calm.watts)[-BEFORE:]
        return (*clear, calm)

    def release(self) -> Sequence[Slot]:
        """What is held, as it is; of a home without a tank all is told already."""
        held = self._burst if self._calm is None else (self._calm, *self._burst)
        if self._burst:
            self._ended = self._burst[-1].number
            if self.on:
                self._heated, self._drawn = self._burst[0].number, False
        self._calm, self._burst, self._before = None, (), ()
        return held if self.on else ()

    def _over(self, after: Slot) -> Sequence[Slot]:
        """A heating ended in this slot or the one before it."""
        start = self._burst[0].number
        base_w = min(self._before) if self._before else float(self._usual_w)
        slots = (*self._burst, after) if self._calm is None else (self._calm, *self._burst, after)
        size_wh = sum(max(slot.watts - base_w, 0.0) for slot in slots) / SLOTS_PER_HOUR
        self._count(size_wh)
        self._calm, self._burst, self._before = None, (), (base_w,)
        if not self.on or size_wh < self._least_wh:
            return slots
        apart = self._apart * SOONER_PART if self._drawn else self._apart
        own = size_wh <= self._most_wh and start - self._heated >= apart
        self._drawn = not own
        self._heated = start
        self._own = start if own else self._own
        return [slot._replace(watts=min(slot.watts, base_w)) for slot in slots] if own else slots

    def _count(self, size_wh: float) -> None:
        """What is strong ended, and took so much: by night a heating, where it stands alone."""
        start, ended = self._burst[0].number, self._ended
        near, self._ended = start - ended <= CALM_SLOTS, self._burst[-1].number
        if self._tonight is None:
            return
        night, seen, heatings = self._tonight
        if near and self._lone:
            heatings = heatings[:-1]
        self._lone = not near and size_wh >= NIGHT_MIN_WH and self._into_night(start) < NIGHT_SLOTS
        if self._lone:
            heatings += bytes([coded(size_wh)])
            if self._heated >= 0:
                gap = min(start - self._heated, _NIGHT - 1)
                self._gaps = (self._gaps + bytes([gap]))[-GAPS_MAX:]
        self._tonight = (night, seen, heatings)

    # Nights.

    def _see_night(self, night: int) -> None:
        if self._tonight is not None and self._tonight[0] != night:
            self._end_night()
        _night, seen, heatings = self._tonight or (night, 0, b"")
        self._tonight = (night, seen + 1, heatings)

    def _end_night(self) -> None:
        night, seen, heatings = self._tonight or (0, 0, b"")
        self._tonight, self._lone = None, False
        if seen < _SEEN_MIN or not (self.on or self._nights or heatings):
            return
        nights = (self._nights + heatings).split(bytes([_NIGHT]))
        self._nights = bytes([_NIGHT]).join([*nights[-NIGHTS_MAX:], b""])
        self._learn(night)

    def _learn(self, night: int) -> None:
        """At the end of a night of this number."""
        nights = self._nights.split(bytes([_NIGHT]))[:-1]
        often = sum(map(bool, nights)) / len(nights)
        codes = sorted(self._nights.replace(bytes([_NIGHT]), b""))
        last = len(codes) - 1
        least, most = (
            (decoded(codes[round(last * part)]) if codes else 0.0) for part in (SIZE_FROM, SIZE_TO)
        )
        ratio = most / max(least, 1.0)
        known = len(nights) >= NIGHTS_MIN and len(codes) >= HEATINGS_MIN
        if self.on:
            # One that is known is not doubted soon.
            heated = night - self._own // SLOTS_PER_HOUR <= FORGOTTEN_H
            self.wanted = heated or (often >= SELDOM and ratio <= RATIO_STILL)
        else:
            self.wanted = known and often >= OFTEN and ratio <= RATIO_MAX
        if not codes:
            # A home without a tank, or one that is off for weeks.
            self._nights = b""
        elif self.wanted and known and ratio <= RATIO_STILL:
            self._least_wh, self._most_wh = least * SIZE_LESS, most * SIZE_MORE
            self._apart = self._apart_of(NIGHT_SLOTS * len(nights) / len(codes))

    def _apart_of(self, usual_slots: float) -> int:
        """usual_slots: between two heatings, as the nights have them."""
        gaps = sorted(self._gaps)
        if len(gaps) >= GAPS_MIN:
            return ceil(gaps[len(gaps) // 2] * APART_PART)
        return min(ceil(usual_slots * APART_PART), APART_FIRST_MAX)

    # Disk.

    def dump(self) -> Any:
        """None where nothing is known."""
        if not (
            self.on
            or self._nights
            or self._sizes
            or self._tonight
            or self.held
            or self._before
            or self._long
        ):
            return None
        return {
            "on": self.on,
            "wanted": self.wanted,
            "nights": packed_bytes(self._nights),
            "tonight": self._tonight and [*self._tonight[:2], packed_bytes(self._tonight[2])],
            "held": [self._calm, *self._burst],
            "before": self._before,
            "long": self._long,
            "heated": self._heated,
            "quiet_from": self._quiet_from,
            "usual": self._usual_w,
            "own": [self._least_wh, self._most_wh, self._apart],
            "ended": self._ended,
            "lone": self._lone,
            "gaps": packed_bytes(self._gaps),
            "sizes": packed_bytes(self._sizes),
            "last_own": self._own,
            "looked": self._looked,
            "drawn": self._drawn,
        }

    @classmethod
    def load(cls, document: Any) -> "Tank":
        tank = cls()
        if document is None:
            return tank
        tank.on, tank.wanted = bool(document["on"]), bool(document["wanted"])
        if tank.on or "ended" in document:
            # What states of before kept of nights were the quietest hours, at breakfast in some.
            tank._nights = unpacked_bytes(document["nights"])
        tonight = document["tonight"]
        if tonight is not None:
            night, seen, heatings = tonight
            tank._tonight = (int(night), int(seen), unpacked_bytes(heatings))
        calm, *burst = (slot and _slot(slot) for slot in document["held"])
        tank._calm, tank._burst = calm, tuple(burst)
        tank._before = tuple(float(w) for w in document["before"])
        tank._long, tank._heated = bool(document["long"]), int(document["heated"])
        tank._quiet_from, tank._usual_w = int(document["quiet_from"]), int(document["usual"])
        least_wh, most_wh, apart = document["own"]
        tank._least_wh, tank._most_wh = float(least_wh), float(most_wh)
        tank._apart = int(apart)
        # Not said by states of before.
        tank._ended, tank._lone = int(document.get("ended", -1)), bool(document.get("lone"))
        tank._gaps = unpacked_bytes(document.get("gaps", ""))
        tank._sizes = unpacked_bytes(document.get("sizes", ""))
        tank._own = int(document.get("last_own", -1))
        tank._looked = int(document.get("looked", -1))
        tank._drawn = bool(document.get("drawn"))
        return tank


def _slot(row: Any) -> Slot:
    number, watts, grain_w = row
    return Slot(int(number), float(watts), float(grain_w))
