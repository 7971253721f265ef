"""Family D, held out: larger homes in the heat, as American and Indian studies metered them.

Never used to set anything of the rule: it exists for the last table alone. Several people of
their own rhythms, each a list of stays in rooms; air conditioning by a thermostat that is set back
when they leave (or is not), a large water heater, a pool or well pump by a timer, fans and lamps
by room, a dryer, phones charging.
"""

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
    fridge,
    live,
    noise,
    pulse,
)

NAME: Final = "subtropical"
_ROOMS: Final = 5


def build(seed: int, days: int, calendar: Calendar = travels) -> House:
    r = chance(NAME, seed)
    life = live(r, days, calendar)
    watts = np.full(days * DAY, r.uniform(20, 120), dtype=np.float32)
    people = np.zeros_like(watts)
    rooms_w = r.uniform(10, 120, _ROOMS)
    for _ in range(int(r.integers(1, 4))):
        _person(r, people, life, rooms_w)
    watts += people * life.home
    fridge(
        r,
        watts,
        life,
        load_w=r.uniform(90, 180),
        duty=r.uniform(0.35, 0.6),
        period=r.uniform(25, 60),
    )
    traits = []
    if r.random() < 0.5:
        _cooling(r, watts, life)
        traits.append("cooling")
    if r.random() < 0.4:
        tank(r, watts, life)
        traits.append("water heater")
    if r.random() < 0.3:
        _pump(r, watts)
        traits.append("timed pump")
    noise(r, watts, 0.01)
    return House(name=f"{NAME}-{seed}", watts=watts, absences=life.absences, traits=traits)


def _person(r: Chance, watts: Watts, life: Life, rooms_w: np.ndarray) -> None:
    """From room to room while awake; some stays have a load of their own."""
    rise, bed = r.normal(6.5, 1), r.normal(22.5, 0.8)
    busy = r.uniform(0.15, 0.4)
    for day, vigour in enumerate(life.vigour):
        at = day * DAY + rise * 60 + life.shift[day] + r.normal(0, 25)
        until = day * DAY + bed * 60 + r.normal(0, 35)
        while at < until:
            stay = r.gamma(1.5, 30)
            pulse(
                watts, at, stay, float(rooms_w[int(r.integers(0, _ROOMS))]) * r.choice([0, 0.5, 1])
            )
            if r.random() < busy * min(vigour, 1.5):
                load_w = float(r.choice([700, 1100, 1500, 1800, 3000]))
                pulse(watts, at + r.uniform(0, 10), r.gamma(2, 4), load_w)
            at += stay


def _cooling(r: Chance, watts: Watts, life: Life) -> None:
    load_w, set_back = r.uniform(800, 3500), r.random() < 0.6
    at = 0.0
    while at < len(watts) - 1:
        minute = int(at)
        sun = np.sin((minute % DAY / DAY - 0.3) * 2 * np.pi)
        heat = max(0.0, -life.cold[minute // DAY] * 0.7 + 0.2 * sun)
        if not life.home[minute] and set_back:
            heat *= 0.2
        if heat < 0.05:
            at += 60
            continue
        on = r.uniform(8, 14)
        pulse(watts, at, on, load_w)
        at += on / min(heat, 0.95)


def tank(r: Chance, watts: Watts, life: Life) -> None:
    """Its own loss two or three times a day, and after every use."""
    load_w = r.uniform(3000, 4500)
    at = r.uniform(0, 600)
    while at < len(watts) - 1:
        minute = int(at)
        awake = life.home[minute] and 6 * 60 < minute % DAY < 22 * 60
        pulse(watts, at, r.uniform(4, 8) + (r.exponential(9) if awake else 0), load_w)
        at += r.uniform(180, 420) if awake else r.uniform(420, 640)


def _pump(r: Chance, watts: Watts) -> None:
    hour = np.arange(len(watts)) % DAY / 60
    begin = r.uniform(6, 14)
    watts[(hour >= begin) & (hour < begin + r.uniform(0.5, 6))] += np.float32(r.uniform(400, 1400))
