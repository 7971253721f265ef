"""Family A: flats and houses as European studies metered them (2 to 12 kWh a day).

An occupancy chain in steps of ten minutes (asleep, about, sitting) decides when appliances may be
started; each has rates by the hour. Imitated traits: kettles of two to four minutes, ovens and
hobs that cycle by themselves, washing in phases, an electric shower, the pump of a gas boiler
that goes on in an empty house, standby from 10 to 150 W, some electric heating.
"""

from typing import Final, NamedTuple

import numpy as np

from bench.absence.going import travels
from bench.absence.houses import (
    DAY,
    Calendar,
    Chance,
    Flags,
    House,
    Life,
    Watts,
    chance,
    defrost,
    fridge,
    live,
    noise,
    pulse,
)

NAME: Final = "european"
STEP: Final = 10
# How likely somebody is about, by the hour: morning, meals and evening.
_ABOUT: Final = np.array(
    [2, 1, 1, 1, 2, 8, 35, 60, 65, 55, 50, 55, 65, 55, 45, 45, 50, 60, 70, 65, 60, 50, 30, 10]
) / 100.0  # fmt: skip


class Appliance(NamedTuple):
    """A load that people start: how often a day, when, how long and how strong."""

    owned: float
    per_day: tuple[float, float]
    hours: tuple[tuple[float, float], ...]
    minutes: tuple[float, float]
    watts: tuple[float, float]
    # On for this share of its minutes, in cycles, once it is hot.
    duty: float = 1.0


_MEALS: Final = ((6.5, 9), (11.5, 13.5), (17.5, 19.5))
APPLIANCES: Final = {
    "kettle": Appliance(0.95, (3, 8), ((6, 22),), (1.5, 4), (1800, 2900)),
    "toaster": Appliance(0.6, (0.3, 1), ((6.5, 10),), (2, 4), (800, 1200)),
    "microwave": Appliance(0.85, (1, 4), _MEALS, (1, 6), (1000, 1500)),
    "hob": Appliance(0.6, (1, 2.5), _MEALS, (12, 45), (1000, 2200), 0.5),
    "oven": Appliance(0.6, (0.1, 0.6), ((11, 13), (16.5, 19)), (25, 70), (2000, 2800), 0.45),
    "washer": Appliance(0.9, (0.2, 0.6), ((7, 18),), (15, 30), (1900, 2200)),
    "dishes": Appliance(0.35, (0.2, 0.7), ((8, 10), (13, 14), (19, 21)), (12, 25), (1800, 2200)),
    "dryer": Appliance(0.25, (0.1, 0.4), ((9, 19),), (40, 80), (2000, 2600), 0.8),
    "shower": Appliance(0.3, (0.4, 1.2), ((6, 9), (20, 22)), (4, 9), (7000, 9500)),
    "vacuum": Appliance(0.8, (0.1, 0.4), ((9, 17),), (8, 25), (600, 1600)),
    "iron": Appliance(0.4, (0.1, 0.3), ((9, 19),), (15, 50), (1800, 2400), 0.3),
    "radio": Appliance(0.7, (1, 3), ((7, 19),), (30, 150), (5, 20)),
    "screen": Appliance(0.95, (1.5, 3.5), ((12, 14), (17, 22), (19, 22.5)), (40, 170), (40, 160)),
    "computer": Appliance(0.5, (0.5, 2), ((9, 22),), (30, 150), (30, 150)),
}  # fmt: skip


def build(seed: int, days: int, calendar: Calendar = travels) -> House:
    r = chance(NAME, seed)
    life = live(r, days, calendar)
    watts = np.full(days * DAY, r.uniform(10, 60) * r.lognormal(0, 0.6), dtype=np.float32)
    about = _about(r, life)
    _people(r, watts, life, about)
    _meals(r, watts, life)
    _lamps(r, watts, life, about)
    traits = _machines(r, watts, life)
    noise(r, watts, 0.01)
    return House(name=f"{NAME}-{seed}", watts=watts, absences=life.absences, traits=traits)


def _about(r: Chance, life: Life) -> Flags:
    """Per step, whether somebody is about: a chain that keeps its state for half an hour or so."""
    steps = len(life.home) // STEP
    keep = r.uniform(0.6, 0.85)
    draws, about, now = r.random((steps, 2)), np.zeros(steps, dtype=bool), False
    for step in range(steps):
        day = step * STEP // DAY
        hour = int((step * STEP - life.shift[day]) // 60) % 24
        if draws[step, 0] > keep:
            now = bool(draws[step, 1] < _ABOUT[hour] * min(1.3, 0.4 + 0.6 * life.vigour[day]))
        minute = step * STEP
        about[step] = (now or life.stirs[minute]) and life.home[minute]
    return about


def _people(r: Chance, watts: Watts, life: Life, about: Flags) -> None:
    steps = np.arange(len(about))
    days = steps * STEP // DAY
    hours = (steps * STEP - life.shift[days]) % DAY / 60
    # One elder, two, or a household with children.
    persons = float(r.choice([1.0, 1.4, 2.0], p=[0.4, 0.4, 0.2]))
    for name, kind in APPLIANCES.items():
        if r.random() > kind.owned:
            continue
        open_hours = np.zeros(len(about), dtype=bool)
        for begin, end in kind.hours:
            open_hours |= (hours >= begin) & (hours < end)
        span = sum(end - begin for begin, end in kind.hours) * 60 / STEP * 0.55
        rate = persons * r.uniform(*kind.per_day) / span
        starts = steps[open_hours & about & (r.random(len(about)) < rate * life.vigour[days])]
        load_w = r.uniform(*kind.watts)
        busy_until = -1.0
        for step in starts:
            at = step * STEP + r.uniform(0, STEP)
            if at < busy_until:
                continue
            minutes = r.uniform(*kind.minutes)
            busy_until = at + minutes + 10
            _run(r, watts, at, minutes=minutes, load_w=load_w, duty=kind.duty)
            if name in ("washer", "dishes"):
                pulse(watts, at + minutes, r.uniform(30, 70), r.uniform(60, 200))


def _meals(r: Chance, watts: Watts, life: Life) -> None:
    """Whoever is at home eats: most meals leave a trace, were it only a hot drink."""
    load_w, minutes = r.uniform(800, 2600), r.uniform(2, 12)
    share = r.uniform(0.6, 0.9)
    for day in range(len(life.vigour)):
        for hour, scatter in ((7.8, 30), (12.4, 35), (18.3, 45)):
            at = day * DAY + hour * 60 + life.shift[day] + r.normal(0, scatter)
            eats = r.random() < share * min(1.0, life.vigour[day] + 0.2)
            if eats and 0 <= at < len(watts) and life.home[int(at)]:
                pulse(watts, at, minutes * r.lognormal(0, 0.3), load_w)


def _run(r: Chance, watts: Watts, at: float, *, minutes: float, load_w: float, duty: float) -> None:
    """Hot first, then kept hot in cycles of a few minutes."""
    if duty == 1.0:
        pulse(watts, at, minutes, load_w)
        return
    hot = min(minutes, r.uniform(4, 9))
    pulse(watts, at, hot, load_w)
    cycle, part = r.uniform(2, 5), at + hot
    while part < at + minutes:
        pulse(watts, part, cycle * duty, load_w)
        part += cycle


def _lamps(r: Chance, watts: Watts, life: Life, about: Flags) -> None:
    """Lamps where somebody is, when it is dark, for as long as she is there."""
    load_w = r.uniform(8, 40) * r.lognormal(0, 0.6)
    minutes = np.arange(len(watts))
    hour = minutes % DAY / 60
    day = minutes // DAY
    dark = (hour < 7.2 + 1.2 * life.cold[day]) | (hour > 18.8 - 2.6 * life.cold[day])
    watts[np.repeat(about, STEP) & dark] += load_w
    # … and one that stays on through the evening.
    watts[dark & life.home & (hour > 15) & (hour < 22.3)] += r.uniform(4, 25)


def _machines(r: Chance, watts: Watts, life: Life) -> list[str]:
    traits = []
    fridge(
        r,
        watts,
        life,
        load_w=r.uniform(45, 95),
        duty=r.uniform(0.25, 0.5),
        period=r.uniform(35, 80),
    )
    if r.random() < 0.4:
        fridge(
            r,
            watts,
            life,
            load_w=r.uniform(45, 90),
            duty=r.uniform(0.3, 0.6),
            period=r.uniform(30, 90),
        )
        traits.append("freezer")
    if r.random() < 0.2:
        defrost(
            r,
            watts,
            load_w=r.uniform(150, 350),
            minutes=r.uniform(12, 25),
            every_h=r.uniform(10, 30),
        )
        traits.append("defrost")
    if r.random() < 0.35:
        _gas_boiler(r, watts, life)
        traits.append("gas boiler")
    kind = r.random()
    if kind < 0.08:
        _panels(r, watts, life)
        traits.append("panel heaters")
    elif kind < 0.18:
        _timed_boiler(r, watts, life)
        traits.append("timed boiler")
    return traits


def _gas_boiler(r: Chance, watts: Watts, life: Life) -> None:
    """Pump and fan by the house's thermostat, in the heating season; nobody need be there."""
    load_w = r.uniform(30, 90)
    turned_down = r.random() < 0.5
    for day in np.flatnonzero(life.cold > -0.1):
        for begin, end in ((6.0, 9.0), (16.0, 22.0)):
            at = day * DAY + begin * 60 + r.normal(0, 4)
            until = day * DAY + end * 60
            while at < until:
                if turned_down and not life.home[min(int(at), len(watts) - 1)]:
                    at += 60
                    continue
                on = r.uniform(10, 30) * (0.6 + max(0.0, life.cold[day]))
                pulse(watts, at, on, load_w)
                at += on + r.uniform(10, 40)


def _panels(r: Chance, watts: Watts, life: Life) -> None:
    """Electric heating by thermostats, all day, less by night; frost protection when away."""
    load_w = r.uniform(700, 1800)
    comfort = r.random() < 0.5
    at = 0.0
    while at < len(watts) - 1:
        minute = int(at)
        cold = max(0.0, life.cold[minute // DAY] + 0.2)
        away = not life.home[minute] and comfort
        night = minute % DAY < 6 * 60 or minute % DAY > 22.5 * 60
        part = cold * 0.6 * (0.3 if away else 0.5 if night else 1.0)
        if part < 0.02:
            at += 60
            continue
        period = r.uniform(18, 28)
        pulse(watts, at, period * min(part, 1.0), load_w)
        at += period


def _timed_boiler(r: Chance, watts: Watts, life: Life) -> None:
    """Hot water by a timer; the longer the more was used, and its loss when nobody is there."""
    hours = r.choice([3.0, 5.5, 13.0, 22.5], size=int(r.integers(1, 3)), replace=False)
    load_w = r.uniform(1500, 3000)
    for day in range(len(life.cold)):
        for hour in hours:
            at = day * DAY + hour * 60
            used = life.home[max(0, int(at) - 720) : int(at) + 1].mean()
            pulse(watts, at, r.uniform(12, 22) + used * r.uniform(10, 50), load_w)
