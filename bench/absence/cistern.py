"""A small tank of hot water, as it hangs in Chinese bathrooms: 40 to 60 litres, 1.2 to 2 kW.

From its physics: one body of water that loses heat to the room, is heated from some kelvin below
its set point up to it, and gives what the home's people draw. Left alone it heats for a quarter of
an hour or so, every five hours to once a day; a shower has it heat for most of an hour.

    usual     always on; some are switched on for the evening alone, some before a shower and off
              behind it, by somebody who is up and about; nobody touches it while they are away
    hands     some times a day, when somebody washes by the survey; a few litres of warm water
    dishes    in most homes, when somebody cooks
    a shower  every day to every third, in the evening or in the morning, of each person

Written before the rule was tried on it, and not changed since; nothing of the rule is set by it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.absence.crest import COOKING, STEP, WASHING, Lived, activity
from bench.absence.houses import DAY, Chance, Flags

# Watt-hours that heat a litre by a kelvin.
_WATER_WH: Final = 1.163
# Warm water as it leaves the tap.
_WARM_C: Final = 40.0
_ALWAYS, _EVENING, _BEFORE_USE = "always on", "on in the evening", "on before use"
# The last two are what people are told to do, and what a third of them does.
_HABITS: Final = ((_ALWAYS, 0.65), (_EVENING, 0.15), (_BEFORE_USE, 0.20))
# It takes most of an hour until a shower's water is hot.
_AHEAD_MIN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Cistern:
    """loss: watts for each kelvin above the room; dead_k: so far it cools before it heats again."""

    volume_l: float
    power_w: float
    set_c: float
    dead_k: float
    loss: float


def cistern(r: Chance, home: Lived) -> None:
    """Puts one into a home."""
    tank = Cistern(
        volume_l=float(r.choice([40.0, 50.0, 60.0])),
        power_w=float(r.choice([1200.0, 1500.0, 2000.0])) * float(r.normal(1, 0.03)),
        set_c=float(r.uniform(55, 75)),
        dead_k=float(r.uniform(5, 10)),
        # 0.8 to 1.5 kWh a day, at 45 K above the room.
        loss=float(r.uniform(0.74, 1.39)),
    )
    habit = str(r.choice([name for name, _ in _HABITS], p=[part for _, part in _HABITS]))
    showers = _showers(r, home)
    litres = _taps(r, home)
    for minute, mixed_l in showers:
        litres[minute] += mixed_l
    _heat(home, tank, litres, _switched(r, home, habit, [minute for minute, _ in showers]))
    home.traits.append(f"cistern, {habit}")


def _showers(r: Chance, home: Lived) -> list[tuple[int, float]]:
    """Minutes, and litres of warm water."""
    every_days = float(r.choice([1.0, 1.5, 2.0, 3.0]))
    hour = float(r.normal(20.3, 1.0) if r.random() < 0.7 else r.normal(7.3, 0.7))
    usual_l = float(r.uniform(20, 45))
    about = np.flatnonzero(home.about > 0)
    found = []
    for _person in range(int(home.about.max())):
        at = r.uniform(0, every_days)
        while at < len(home.watts) // DAY:
            wished = int(at) * DAY + (hour + r.normal(0, 0.6)) * 60
            place = int(np.searchsorted(about, wished / STEP))
            # Who is out or asleep then does without.
            if place < len(about) and about[place] * STEP < wished + 120:
                minute = int(about[place]) * STEP + int(r.integers(0, STEP))
                found.append((minute, usual_l * float(r.lognormal(0, 0.25))))
            at += max(1.0, every_days + r.normal(0, 0.5))
    return sorted(found)


def _taps(r: Chance, home: Lived) -> np.ndarray:
    """Litres of warm water per minute, for hands and faces and dishes."""
    litres = np.zeros(len(home.watts))
    kinds = (
        (WASHING, float(r.uniform(1.5, 7)), 3.0),
        (COOKING, float(r.uniform(0.5, 2)) if r.random() < 0.6 else 0.0, 6.0),
    )
    for profile, a_day, usual_l in kinds:
        likely = np.where(home.about > 0, activity(profile, home.about), 0.0)
        likely *= a_day * len(likely) * STEP / DAY / max(float(likely.sum()), 1.0)
        for step in np.flatnonzero(r.random(len(likely)) < likely):
            minute = int(step) * STEP + int(r.integers(0, STEP))
            litres[minute] += usual_l * float(r.lognormal(0, 0.6))
    return litres


def _switched(r: Chance, home: Lived, habit: str, showers: list[int]) -> Flags:
    """Whether it is switched on, per minute."""
    minutes = len(home.watts)
    if habit == _ALWAYS:
        return np.ones(minutes, dtype=bool)
    wanted = np.zeros(minutes, dtype=bool)
    if habit == _EVENING:
        on, off = r.normal(17.5, 0.7), r.normal(22.3, 0.5)
        hour = np.arange(minutes) % DAY / 60
        wanted[:] = (hour >= on) & (hour < off)
    else:
        for minute in showers:
            wanted[max(0, minute - _AHEAD_MIN) : minute + 10] = True
    about = np.repeat(home.about > 0, STEP)
    # It stays as whoever was last about left it.
    last = np.maximum.accumulate(np.where(about, np.arange(minutes), 0))
    return wanted[last]


def _heat(home: Lived, tank: Cistern, litres: np.ndarray, on: Flags) -> None:
    holds_wh = tank.volume_l * _WATER_WH
    cold = home.life.cold
    water_c, heating = tank.set_c, False
    warmed_k = tank.power_w / 60 / holds_wh
    for minute in range(len(home.watts)):
        season = cold[minute // DAY]
        water_c -= tank.loss * (water_c - (22 - 5 * season)) / 60 / holds_wh
        if litres[minute]:
            inlet_c = 15 - 7 * season
            drawn_wh = litres[minute] * _WATER_WH * (_WARM_C - inlet_c)
            water_c = max(inlet_c, water_c - drawn_wh / holds_wh)
        if water_c >= tank.set_c or not on[minute]:
            heating = False
        elif water_c <= tank.set_c - tank.dead_k:
            heating = True
        if heating:
            water_c += warmed_k
            home.watts[minute] += np.float32(tank.power_w)
