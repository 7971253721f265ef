"""How people live and what stands in their homes: one person and household, drawn by a seed. Pure.

The spread is that of poor mountain villages: standing loads from 1 W to 45 W, kitchens with a wood
stove beside kitchens with an induction hob, homes without refrigerator or television, and loads
with a thermostat (refrigerator, its defrost heater, a water tank) that go on when nobody is there.
"""

import random
from dataclasses import dataclass, replace
from typing import Final

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
# The county's clock; routines follow it.
ZONE_MS: Final = 8 * HOUR_MS
WATER_HEATER: Final = "water_heater"
# Homes with panels on the roof.
PV_SHARE: Final = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Thermostat:
    """A load that switches itself: on for about `on_ms` in about every `period_ms`."""

    name: str
    watts: float
    period_ms: int
    on_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """One person and the appliances; hours are local, 0 W means there is none."""

    seed: int
    wakes_h: float
    sleeps_h: float
    standing_w: float
    thermostats: tuple[Thermostat, ...]
    kettle_w: float
    kettles_a_day: int
    cooker_w: float
    television_w: float
    likes_television: float
    lamp_w: float
    heater_w: float
    blanket_w: float
    fan_w: float
    washes_every_days: int
    market_weekday: int
    visited_chance: float
    unwell_chance: float
    trip_chance: float
    moves_an_hour: float
    rice_w: float
    pump_w: float
    wash_w: float
    hot_washing: bool
    # Peak of the panels on the roof; what the home doesn't use itself goes to the grid.
    pv_w: float

    @property
    def water_heater_w(self) -> float:
        """A tank's heating rod; 0 W without one."""
        return sum(t.watts for t in self.thermostats if t.name == WATER_HEATER)


def habits(seed: int) -> Habits:
    """A person and a household; the same for the same seed."""
    r = random.Random(seed)
    wood_stove = r.random() < 0.2
    # What came later to the simulator draws apart, so that people stay who they were.
    late = random.Random(f"{seed} appliances")
    return Habits(
        seed=seed,
        wakes_h=r.uniform(5.2, 7.0),
        sleeps_h=r.uniform(20.0, 22.2),
        standing_w=r.choice([1.0, 2.0, 3.0, 5.0, 5.0, 8.0, 12.0, 20.0, 30.0, 45.0]),
        thermostats=_thermostats(r),
        kettle_w=r.uniform(1200, 1800) if r.random() < 0.9 else 0.0,
        kettles_a_day=r.randint(1, 4),
        cooker_w=0.0 if wood_stove else r.uniform(400, 1200),
        television_w=r.uniform(45, 120) if r.random() < 0.85 else 0.0,
        likes_television=r.uniform(0.5, 1.0),
        lamp_w=r.choice([5.0, 7.0, 9.0, 12.0, 18.0, 40.0]),
        heater_w=r.uniform(400, 1200) if r.random() < 0.5 else 0.0,
        blanket_w=r.uniform(60, 120) if r.random() < 0.6 else 0.0,
        fan_w=r.uniform(35, 60) if r.random() < 0.7 else 0.0,
        washes_every_days=r.randint(3, 9),
        market_weekday=r.randint(0, 6),
        visited_chance=r.uniform(0.0, 0.3),
        unwell_chance=r.uniform(0.0, 0.06),
        trip_chance=r.uniform(0.0, 0.5),
        moves_an_hour=r.uniform(2.0, 6.0),
        rice_w=late.uniform(350, 800) if late.random() < 0.7 else 0.0,
        pump_w=late.uniform(370, 750) if late.random() < 0.3 else 0.0,
        wash_w=late.uniform(180, 400) if late.random() < 0.85 else 0.0,
        hot_washing=late.random() < 0.15,
        pv_w=late.uniform(1500, 5000) if late.random() < PV_SHARE else 0.0,
    )


def equipped(person: Habits, *, pv: bool = False, water_heater: bool = False) -> Habits:
    """The same person in a home that has panels, or a water tank, for certain."""
    r = random.Random(f"{person.seed} equipped")
    pv_w, tank = r.uniform(1500, 5000), _water_heater(r)
    if pv and person.pv_w == 0:
        person = replace(person, pv_w=pv_w)
    if water_heater and person.water_heater_w == 0:
        person = replace(person, thermostats=(*person.thermostats, tank))
    return person


def _thermostats(r: random.Random) -> tuple[Thermostat, ...]:
    found = []
    if r.random() < 0.9:
        period_ms = int(r.uniform(35, 75) * MINUTE_MS)
        on_ms = int(period_ms * r.uniform(0.25, 0.4))
        watts = r.uniform(60, 110)
        found.append(Thermostat(name="refrigerator", watts=watts, period_ms=period_ms, on_ms=on_ms))
        if r.random() < 0.35:
            found.append(
                Thermostat(
                    name="defrost",
                    watts=r.uniform(150, 320),
                    period_ms=int(r.uniform(11, 24) * HOUR_MS),
                    on_ms=int(r.uniform(15, 30) * MINUTE_MS),
                )
            )
    if r.random() < 0.3:
        found.append(_water_heater(r))
    return tuple(found)


def _water_heater(r: random.Random) -> Thermostat:
    """What a tank loses by standing is heated again night and day."""
    return Thermostat(
        name=WATER_HEATER,
        watts=r.uniform(1000, 2000),
        period_ms=int(r.uniform(5, 10) * HOUR_MS),
        on_ms=int(r.uniform(8, 16) * MINUTE_MS),
    )
