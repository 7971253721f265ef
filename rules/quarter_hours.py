"""Quarter-hours of a home as they are judged: what hides its people is taken away first. Pure.

    as metered -> sun (rules.sunlit) -> tank (rules.tank) -> supply (rules.supply) -> rules.living

Each may hold some until it is clear what they are.
"""

from collections.abc import Sequence
from typing import Any, Final

from rules.lived_days import SLOTS_PER_DAY
from rules.living import GRAIN_MAX_W, Living
from rules.metering import Slot
from rules.sunlit import Sunlit
from rules.supply import Supply
from rules.tank import Tank
from rules.tank_nights import ALONE_PEAK_MIN_W
from rules.together import Step

# So many are kept of a home that may have a tank: told again without it they are as many lived days
# as a limit needs, and more.
WEEK_SLOTS: Final = 7 * SLOTS_PER_DAY


class QuarterHours:
    """Those of one home."""

    __slots__ = ("sunlit", "supply", "tank")

    def __init__(self) -> None:
        self.sunlit, self.tank, self.supply = Sunlit(), Tank(), Supply()

    @property
    def dead(self) -> bool:
        return self.supply.dead

    @property
    def held(self) -> int:
        """How many may come all at once."""
        return self.supply.held + self.tank.held

    def behind_gap(self, number: int, told: int) -> bool:
        """Whether a gap lies between the newest slot and the newest that was told: one that was
        held when it began says nothing of the time behind it."""
        return number - told > self.held

    def turned(self, number: int, living: Living, hours: tuple[int, int]) -> Living:
        """The memory for a slot outside a silence: where a day begins it is another one, if from
        now on the home is judged without its tank, or with it again, or if all that was learned is
        of hours that the sun hides. What humans found out stays. hours: as `Living` wants them."""
        tank, sunlit = self.tank, self.sunlit
        newest, alone = living.newest, living.alone
        if newest // SLOTS_PER_DAY >= number // SLOTS_PER_DAY:
            return living
        if not (tank.on or living.coarse):
            tank.look_over(living.on_end, newest, living.usual_floor_w, alone)
        living.behind = WEEK_SLOTS if tank.likely else 0
        if tank.wanted == tank.on and not sunlit.drowned:
            return living
        if tank.wanted != tank.on:
            tank.turn()
        drowned, sunlit.drowned = sunlit.drowned or bool(living.hidden), False
        anew = type(living)(*hours)
        anew.quiet.silences = living.quiet.silences
        if tank.on and not drowned:
            slots = tank.again(living.since_back())
            if alone is not None and alone.peak_w < ALONE_PEAK_MIN_W:
                # There are hours without a heating on most days: they say the same without it.
                anew.inherit(living.days)
            else:
                first = type(living)(*hours)
                first.take_again(slots)
                anew.inherit(first.days)
            anew.take_again(slots)
        return anew

    def told(self, metered: Slot, living: Living) -> list[Step]:
        """What is clear now."""
        if metered.grain_w > GRAIN_MAX_W:
            # Of a coarse register a step is no machine, and nothing is no sun.
            clear: Sequence[Slot] = (*self.tank.release(), metered)
        else:
            usual_w = living.usual_floor_w
            slot, hours = self.sunlit.seen(metered, usual_w, living.quarter_outside)
            if hours is not living.hidden:
                living.hide(hours)
            clear = self.tank.told(slot, usual_w, living.alone)
        return [step for each in clear for step in self._supplied(each, living)]

    def _supplied(self, slot: Slot, living: Living) -> Sequence[Step]:
        supply = self.supply
        if supply.holds(slot, living.base_w, living.alone):
            return ()
        if not supply.held:
            # Nearly always.
            return (Step(slot, measured=True, doubtful=False),)
        doubtful = supply.doubtful(living.base_w)
        held = [Step(before, measured=False, doubtful=False) for before in supply.release()]
        return (*held, Step(slot, measured=True, doubtful=doubtful))

    def forget(self) -> None:
        """Another meter."""
        self.sunlit.forget()
        self.tank = Tank()
        self.supply.forget()

    @property
    def newest(self) -> int:
        """The number of the last slot that the supply holds, -1: none."""
        return self.supply.newest

    def dump(self) -> dict[str, Any]:
        beside = {"sunlit": self.sunlit.dump(), "tank": self.tank.dump()}
        known = {name: document for name, document in beside.items() if document is not None}
        return {**self.supply.dump(), **known}

    @classmethod
    def load(cls, document: Any) -> "QuarterHours":
        """Also of what states of before had: of the supply alone, as a list."""
        hours = cls()
        hours.supply = Supply.load(document)
        if isinstance(document, dict):
            hours.sunlit = Sunlit.load(document.get("sunlit"))
            hours.tank = Tank.load(document.get("tank"))
        return hours
