"""Family C, hard: homes where machines make most of the picture, 4 to 25 kWh a day.

People are a renewal process: pauses and stays of log-normal length, loads with heavy tails, no
list of appliances. Around them, by lot: a storage boiler on its thermostat, defrost, a
dehumidifier, an aquarium, a computer that is never off, night storage, a heat pump, and solar
panels behind the meter.
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
    cycles,
    defrost,
    fridge,
    live,
    noise,
    pulse,
)

NAME: Final = "hard"


def build(seed: int, days: int, calendar: Calendar = travels) -> House:
    r = chance(NAME, seed)
    life = live(r, days, calendar)
    people = np.zeros(days * DAY, dtype=np.float32)
    drawn = _people(r, people, life)
    watts = np.full(days * DAY, r.uniform(15, 90), dtype=np.float32)
    watts += people * life.home
    fridge(
        r,
        watts,
        life,
        load_w=r.uniform(70, 140),
        duty=r.uniform(0.3, 0.6),
        period=r.uniform(30, 80),
    )
    traits = _machines(r, watts, life, drawn)
    noise(r, watts, 0.015)
    return House(name=f"{NAME}-{seed}", watts=watts, absences=life.absences, traits=traits)


def _people(r: Chance, watts: Watts, life: Life) -> list[float]:
    """Bouts of use between pauses; the minutes at which hot water was drawn."""
    rise, bed = r.uniform(5.5, 8), r.uniform(21, 23.5)
    pause_min, heavy = r.uniform(20, 60), r.uniform(0.9, 1.3)
    drawn = []
    for day in range(len(life.vigour)):
        at = day * DAY + rise * 60 + life.shift[day] + r.normal(0, 20)
        until = day * DAY + bed * 60 + life.shift[day] + r.normal(0, 30)
        while at < until:
            load_w = min(max(r.lognormal(np.log(220), heavy), 12), 3500)
            # Strong loads are short: what a bout uses is bounded by what people pay for.
            length = min(r.lognormal(np.log(25), 0.8), 30_000 / load_w)
            pulse(watts, at, length, load_w)
            if r.random() < 0.25 and life.home[min(int(at), len(watts) - 1)]:
                drawn.append(at)
            at += length + pause_min * r.lognormal(0, 0.7) / max(life.vigour[day], 0.2)
        for hour, share in ((rise + 0.5, 0.8), (12.2, 0.85), (18.5, 0.85)):
            if r.random() < share * min(1.0, life.vigour[day] + 0.2):
                at = day * DAY + hour * 60 + life.shift[day] + r.normal(0, 30)
                pulse(watts, at, r.lognormal(np.log(10), 0.5), r.uniform(700, 2600))
        evening = until - r.uniform(60, 240)
        pulse(watts, evening, until - evening, r.uniform(40, 150))
    for coming in np.flatnonzero(~life.stirs[:-1] & life.stirs[1:]):
        pulse(watts, coming + r.uniform(1, 15), r.uniform(5, 20), r.uniform(500, 2500))
    return drawn


def _machines(r: Chance, watts: Watts, life: Life, drawn: list[float]) -> list[str]:
    traits = []
    if r.random() < 0.45:
        boiler(r, watts, drawn)
        traits.append("boiler")
    if r.random() < 0.5:
        defrost(
            r,
            watts,
            load_w=r.uniform(150, 450),
            minutes=r.uniform(12, 28),
            every_h=r.uniform(8, 20),
        )
        traits.append("defrost")
    if r.random() < 0.25:
        _dehumidifier(r, watts, life)
        traits.append("dehumidifier")
    if r.random() < 0.25:
        cycles(
            r, watts, load_w=r.uniform(50, 150), on_min=r.uniform(4, 12), off_min=r.uniform(8, 40)
        )
        _timer(watts, r.uniform(7, 10), r.uniform(17, 21), r.uniform(25, 80))
        traits.append("aquarium")
    if r.random() < 0.25:
        _computer(r, watts)
        traits.append("computer")
    kind = r.random()
    if kind < 0.15:
        _storage(r, watts, life)
        traits.append("night storage")
    elif kind < 0.3:
        _heat_pump(r, watts, life)
        traits.append("heat pump")
    if r.random() < 0.25:
        sun(r, watts, life)
        traits.append("solar")
    return traits


def boiler(r: Chance, watts: Watts, drawn: list[float]) -> None:
    """A tank loses heat and is heated again; drawn water brings that forward."""
    load_w, loss_h = r.uniform(1200, 2400), r.uniform(3, 12)
    reheat = r.uniform(6, 18)
    at, missing, waiting = 0.0, 0.0, iter([*drawn, np.inf])
    due = next(waiting)
    while at < len(watts):
        cold_at = at + loss_h * 60 * r.lognormal(0, 0.06) * (1 - min(missing, 0.9))
        if due < cold_at:
            missing += r.uniform(0.1, 1.2)
            at, due = max(at, due), next(waiting)
            if missing < 1:
                continue
        else:
            at = cold_at
        pulse(watts, at, reheat * max(1.0, missing), load_w)
        at += reheat * max(1.0, missing)
        missing = 0.0


def _dehumidifier(r: Chance, watts: Watts, life: Life) -> None:
    load_w = r.uniform(180, 350)
    at = 0.0
    while at < len(watts) - 1:
        damp = 0.6 - 0.3 * life.cold[int(at) // DAY] + 0.1 * np.sin(at / DAY * 2 * np.pi)
        on = r.uniform(15, 45) * damp
        pulse(watts, at, on, load_w)
        at += on + r.uniform(20, 70) / max(damp, 0.2)


def _timer(watts: Watts, begin: float, end: float, load_w: float) -> None:
    hour = np.arange(len(watts)) % DAY / 60
    watts[(hour >= begin) & (hour < end)] += load_w


def _computer(r: Chance, watts: Watts) -> None:
    """Never off: 40 to 120 W, and work of its own at any hour."""
    watts += np.float32(r.uniform(40, 120))
    for _ in range(r.poisson(len(watts) / DAY * r.uniform(1, 6))):
        pulse(watts, r.uniform(0, len(watts)), r.lognormal(np.log(15), 0.8), r.uniform(15, 90))


def _storage(r: Chance, watts: Watts, life: Life) -> None:
    """Charged at the night tariff, longer when it was cold."""
    load_w, begin = r.uniform(1500, 4000), r.choice([22.0, 23.0, 0.5])
    for day, cold in enumerate(life.cold):
        hours = min(8.0, max(0.0, 2 + 5 * cold + r.normal(0, 0.4)))
        pulse(watts, day * DAY + begin * 60, hours * 60, load_w)


def _heat_pump(r: Chance, watts: Watts, life: Life) -> None:
    load_w = r.uniform(500, 1500)
    at = 0.0
    while at < len(watts) - 1:
        cold = max(0.05, 0.4 + 0.5 * life.cold[int(at) // DAY])
        night = 0.6 if int(at) % DAY < 360 else 1.0
        on = r.uniform(12, 25)
        pulse(watts, at, on, load_w * r.uniform(0.8, 1.1))
        at += on + r.uniform(20, 40) / (cold * night)


def sun(r: Chance, watts: Watts, life: Life) -> None:
    """Panels behind the meter: what they give is taken off, below nothing where it is more."""
    peak_w = r.uniform(600, 5000)
    minutes = np.arange(len(watts))
    day = minutes // DAY
    half = 5.5 - 1.5 * life.cold[day]
    height = np.cos(np.clip((minutes % DAY / 60 - 12.5) / half, -1, 1) * np.pi / 2)
    sky = np.repeat(r.beta(1.2, 1.0, len(life.cold)), DAY)
    clouds = np.repeat(r.uniform(0.5, 1.0, len(watts) // 20 + 1), 20)[: len(watts)]
    watts -= (peak_w * height * sky * clouds).astype(np.float32)
