"""Homes of the published model with one machine more.

Panels on the roof, under a sky whose clouds change every twenty minutes on every day, or under one
as it is measured (`bench.absence.sky`; `crest-sky-used`: the same homes by what they use); a tank
of hot water as in American homes (3 to 4.5 kW), or a smaller boiler (1.2 to 2.4 kW), as Chinese
homes have it, which water that is drawn brings forward; and a tank of 40 to 60 litres told from its
physics (`bench.absence.cistern`), which heats once or twice a day alone.

Each alone, for in the families of our own they come beside boilers, pumps and heat pumps, and what
is not found there says little of any of them. But for the last the machine is the one of our own
families.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bench.absence.cistern import cistern
from bench.absence.crest import Lived, lived
from bench.absence.going import travels
from bench.absence.houses import Calendar, Chance, House, chance
from bench.absence.machines import boiler, sun
from bench.absence.sky import panels
from bench.absence.subtropical import tank

# Of the ten minutes in which somebody is about those in which hot water is drawn.
_DRAWS: Final = 0.1


@dataclass(frozen=True, slots=True)
class With:
    """A family: `add` puts its machine behind the meter. feeds_in: now and then it gives. homes_of:
    another family, whose homes these are but for the machine."""

    NAME: str
    add: Callable[[Chance, Lived], None]
    feeds_in: bool = False
    homes_of: str = ""

    def build(self, seed: int, days: int, calendar: Calendar = travels) -> House:
        r = chance(self.homes_of or self.NAME, seed)
        home = lived(r, days, calendar)
        used = home.watts.copy()
        self.add(r, home)
        house = home.house(f"{self.NAME}-{seed}")
        return replace(house, made=used - house.watts) if self.feeds_in else house


def _panels(r: Chance, home: Lived) -> None:
    sun(r, home.watts, home.life)


def _under_sky(r: Chance, home: Lived) -> None:
    panels(r, home.watts, home.life)


def _nothing(_r: Chance, _home: Lived) -> None:
    """As a meter at the panels beside one that counts both ways would tell it."""


def _hot_water(r: Chance, home: Lived) -> None:
    """Drawn by who is up and about, and by nobody else."""
    about = np.repeat(home.about > 0, len(home.watts) // len(home.about))
    tank(r, home.watts, replace(home.life, home=about))


def _boiler(r: Chance, home: Lived) -> None:
    """Of who is up and about somebody draws water every hour or three, now a cup, now a bath."""
    step = len(home.watts) // len(home.about)
    times = step * np.flatnonzero((home.about > 0) & (r.random(len(home.about)) < _DRAWS))
    boiler(r, home.watts, [float(at) for at in times])


PANELS: Final = With("crest-panels", _panels, feeds_in=True)
SKY: Final = With("crest-sky", _under_sky, feeds_in=True)
USED: Final = With("crest-sky-used", _nothing, homes_of=SKY.NAME)
TANK: Final = With("crest-tank", _hot_water)
BOILER: Final = With("crest-boiler", _boiler)
CISTERN: Final = With("crest-cistern", cistern)
FAMILIES: Final = (PANELS, SKY, USED, TANK, BOILER, CISTERN)
