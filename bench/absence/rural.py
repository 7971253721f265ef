"""Family B: one or two old people in a Chinese village, from 6 to 60 kWh a month.

A day is a list of acts (rise, breakfast, lunch, supper, evening, bed), each with its usual time,
its scatter and its chance to be left out; what an act switches on depends on what the home owns.
Imitated traits: a refrigerator that may be the largest load, LED lamps of 5 W, a rice cooker with
its keep-warm, kettles, induction stoves beside wood fires, blankets in winter, fans in summer,
a pump. Some own no refrigerator at all.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.absence.going import travels
from bench.absence.houses import (
    DAY,
    Calendar,
    Chance,
    House,
    Life,
    Watts,
    chance,
    cycles,
    fridge,
    live,
    noise,
    pulse,
)

NAME: Final = "rural"


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What the home owns (0: it doesn't) and when its people do what, in hours."""

    rise: float
    lunch: float
    supper: float
    bed: float
    lamp_w: float
    cooker_w: float
    stove_w: float
    kettle_w: float
    tv_w: float
    blanket_w: float
    fan_w: float
    pump_w: float
    skips: float


def build(seed: int, days: int, calendar: Calendar = travels) -> House:
    r = chance(NAME, seed)
    life = live(r, days, calendar)
    watts = np.full(days * DAY, r.choice([1.0, 4.0, 9.0, 16.0]), dtype=np.float32)
    habits = _habits(r)
    people = np.zeros_like(watts)
    for day in range(days):
        _day(r, people, day, habits, life)
    strongest_w = max(habits.cooker_w, habits.kettle_w, habits.stove_w, habits.lamp_w)
    for coming in np.flatnonzero(~life.stirs[:-1] & life.stirs[1:]).tolist():
        # Before an outing and after it: a lamp, something warm.
        pulse(people, coming + 1, r.uniform(20, 60), habits.lamp_w)
        pulse(people, coming + r.uniform(1, 15), r.uniform(4, 15), strongest_w)
    watts += people * life.home
    traits = []
    if r.random() < 0.9:
        fridge(
            r,
            watts,
            life,
            load_w=r.uniform(50, 110),
            duty=r.uniform(0.22, 0.5),
            period=r.uniform(30, 75),
        )
        traits.append("refrigerator")
    if r.random() < 0.2:
        # An electric fence, a camera with lamps, a pond's air pump: small and all day.
        cycles(
            r, watts, load_w=r.uniform(10, 35), on_min=r.uniform(5, 30), off_min=r.uniform(5, 30)
        )
        traits.append("small cycler")
    noise(r, watts, 0.015)
    return House(name=f"{NAME}-{seed}", watts=watts, absences=life.absences, traits=traits)


def _habits(r: Chance) -> Habits:
    rise = r.uniform(4.8, 7)

    def own(share: float, low: float, high: float) -> float:
        return float(r.uniform(low, high)) if r.random() < share else 0.0

    return Habits(
        rise=rise,
        lunch=r.uniform(11, 12.4),
        supper=r.uniform(16.8, 18.5),
        bed=r.uniform(19.5, 22),
        lamp_w=float(r.uniform(5, 30)),
        cooker_w=own(0.9, 350, 800),
        stove_w=own(0.5, 900, 2000),
        kettle_w=own(0.8, 1300, 1800),
        tv_w=own(0.85, 50, 120),
        blanket_w=own(0.5, 40, 110),
        fan_w=own(0.7, 25, 60),
        pump_w=own(0.35, 400, 1100),
        skips=r.uniform(0.05, 0.25),
    )


def _day(r: Chance, watts: Watts, day: int, h: Habits, life: Life) -> None:
    vigour, cold = life.vigour[day], life.cold[day]
    base = day * DAY + life.shift[day]

    def clock(hour: float, scatter_min: float) -> float:
        return float(base + hour * 60 + r.normal(0, scatter_min))

    def does(share: float = 1.0) -> bool:
        return bool(r.random() < share * (1 - h.skips) * min(vigour, 1.25))

    rise, bed = clock(h.rise, 18), clock(h.bed, 25)
    dawn, dusk = day * DAY + (6.3 + 0.7 * cold) * 60, day * DAY + (18.6 - 0.9 * cold) * 60
    pulse(watts, rise, max(0.0, min(dawn - rise, 120.0)), h.lamp_w)
    pulse(watts, dusk, max(0.0, bed - dusk), h.lamp_w * (1.0 if does(1.2) else 0.4))
    if h.kettle_w:
        for hour in (h.rise + 0.2, h.rise + 4, h.lunch + 2.5, h.supper + 1):
            if does(0.6):
                pulse(watts, clock(hour, 45), r.uniform(3, 7), h.kettle_w)
    for hour, share in ((h.rise + 0.6, 0.4), (h.lunch, 0.9), (h.supper, 0.7)):
        at = clock(hour, 22)
        if h.cooker_w and does(share):
            cooked = r.uniform(15, 40)
            pulse(watts, at, cooked, h.cooker_w)
            pulse(watts, at + cooked, r.uniform(10, 90), 35)
        if h.stove_w and does(share * 0.7):
            pulse(watts, at + 10, r.lognormal(np.log(12), 0.6), h.stove_w)
    if h.tv_w and does(1.3):
        pulse(watts, dusk + r.uniform(-60, 60), max(0.0, bed - dusk) * r.uniform(0.4, 1), h.tv_w)
    if h.tv_w and does(0.3):
        pulse(watts, clock(13, 60), r.lognormal(np.log(60), 0.5), h.tv_w)
    for _ in range(r.poisson(1.5 * vigour)):
        pulse(watts, clock(r.uniform(h.rise, h.bed), 5), r.uniform(2, 20), h.lamp_w)
    _night_and_season(r, watts, day, h, life)


def _night_and_season(r: Chance, watts: Watts, day: int, h: Habits, life: Life) -> None:
    """Blankets in winter, fans in summer, a pump, a lamp on the way to the privy."""
    cold, base = life.cold[day], day * DAY + life.shift[day]
    likely = (1 - h.skips) * min(life.vigour[day], 1.25)
    if r.random() < 0.5 * likely:
        pulse(watts, base + r.uniform(22, 28) * 60, r.uniform(3, 12), h.lamp_w)
    if h.blanket_w and cold > 0.3:
        pulse(watts, base + h.bed * 60 + r.normal(-40, 25), r.uniform(60, 480), h.blanket_w)
    if h.fan_w and cold < -0.4:
        pulse(watts, base + 12.5 * 60 + r.normal(0, 60), r.uniform(60, 400), h.fan_w)
    if h.pump_w and r.random() < 0.4 * likely:
        pulse(watts, base + r.uniform(7, 17) * 60, r.uniform(5, 40), h.pump_w)
