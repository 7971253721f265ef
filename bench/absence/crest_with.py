"""Homes of the published model with one machine more: panels on the roof, or a tank of hot water.

Each alone, for in the families of our own they come beside boilers, pumps and heat pumps, and what
is not found there says little of any of them. The machine is the one of our own families.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bench.absence.crest import Lived, lived
from bench.absence.going import travels
from bench.absence.houses import Calendar, Chance, House, chance
from bench.absence.machines import sun
from bench.absence.subtropical import tank


@dataclass(frozen=True, slots=True)
class With:
    """A family: `add` puts its machine behind the meter."""

    NAME: str
    add: Callable[[Chance, Lived], None]

    def build(self, seed: int, days: int, calendar: Calendar = travels) -> House:
        r = chance(self.NAME, seed)
        home = lived(r, days, calendar)
        self.add(r, home)
        return home.house(f"{self.NAME}-{seed}")


def _panels(r: Chance, home: Lived) -> None:
    sun(r, home.watts, home.life)


def _hot_water(r: Chance, home: Lived) -> None:
    """Drawn by who is up and about, and by nobody else."""
    about = np.repeat(home.about > 0, len(home.watts) // len(home.about))
    tank(r, home.watts, replace(home.life, home=about))


PANELS: Final = With("crest-panels", _panels)
TANK: Final = With("crest-tank", _hot_water)
FAMILIES: Final = (PANELS, TANK)
