"""Family CREST: homes of the domestic electricity model of Loughborough University, from its
published tables (`bench.absence.packages`); a way of living that was measured, not invented here.

Per ten minutes a chain, from the British time use survey, says how many of the one to four
persons are up and about; appliances are started by activity, lamps by darkness, cold appliances
by themselves. An absence is nobody being about; machines and standby go on. Written anew from the
published description.

Days of the survey are drawn one by one, each with somebody about, so between an early morning and
the next day's evening nobody may be about for longer than a day, without the calendar knowing of
it. Nothing that people start runs then: these stretches are told (`House.nobody_about`), for a home
in which nobody is about for a day looks empty because it is.

Calibrated by the simple methods, never by the rule: on 16 real homes `base+150` found 91 % of the
absences at 5.3 false alarms a home-year, 25 % of them with 120 W left on, `change` 85 % at 1.3.
With the survey's cold appliances of the nineties (190 W) both find less than half. With three
tenths of that, more television, fewer strong loads and no day on which nobody is about for four
hours (such a day of the survey was spent elsewhere) they come near: `base+150` 94 % at 2.1 and 10
%, `change` 69 % at 1.3.
"""

import csv
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.absence.going import travels
from bench.absence.houses import (
    DAY,
    Calendar,
    Chance,
    Flags,
    House,
    Life,
    Span,
    Watts,
    chance,
    live,
    noise,
    pulse,
)
from bench.absence.packages import CREST

NAME: Final = "crest"
STEP: Final = 10
STEPS: Final = DAY // STEP
_TABLES: Final = "richardsonpy/inputs"
Table = NDArray[np.float64]

# Codes of activities in the table of appliances.
_ACTIVE, _LEVEL, _CUSTOM = 6, 7, 8
COOKING: Final = 1
_LAUNDRY: Final = 2
WASHING: Final = 3
_MEAN_ACTIVE: Final = 0.459
_PERSONS: Final = (0.5, 0.3, 0.1, 0.1)
_COLD_PART: Final = 0.3
_BUSY_PART: Final = 0.8
_SCREEN_PART: Final = 2.0
# A day of the survey on which somebody is about for less was spent elsewhere: it is drawn again.
_ABOUT_MIN: Final = 240
_DRAWS_MAX: Final = 20
_YEAR_MIN: Final = 365 * DAY
# Lamps: how people share them, how long they burn (equally likely ranges of minutes), and the
# calibration of the model.
_SHARED: Final = (0.0, 1.0, 1.528, 1.694, 1.983, 2.094)
_BURN_MIN: Final = (
    (1, 1),
    (2, 2),
    (3, 4),
    (5, 8),
    (9, 16),
    (17, 27),
    (28, 49),
    (50, 91),
    (92, 259),
)
_LAMP_SCALE: Final = 0.008153686
_BRIGHT: Final = 0.05
# Heating by electricity has a family of its own.
_HEATING: Final = frozenset({"Storage heaters", "Other electric space heating", "DESWH", "E-INST"})


class Lived(NamedTuple):
    """A home of the model before anything is added to it. about: persons, per step."""

    life: Life
    about: NDArray[np.int64]
    watts: Watts
    traits: list[str]

    def house(self, name: str) -> House:
        return House(
            name=name,
            watts=self.watts,
            absences=self.life.absences,
            traits=self.traits,
            nobody_about=nobody_about(self.about),
        )


def build(seed: int, days: int, calendar: Calendar = travels) -> House:
    return lived(chance(NAME, seed), days, calendar).house(f"{NAME}-{seed}")


def lived(r: Chance, days: int, calendar: Calendar) -> Lived:
    life = live(r, days, calendar)
    persons = 1 + int(r.choice(4, p=_PERSONS))
    about = _about(r, life, persons, days)
    watts = np.zeros(days * DAY, dtype=np.float32)
    traits = _appliances(r, watts, about)
    _lamps(r, watts, about, life)
    noise(r, watts, 0.01)
    return Lived(life, about, watts, traits)


def nobody_about(about: NDArray[np.int64]) -> list[Span]:
    """Stretches of a day and more in which nobody is about. about: persons, per step."""
    steps = np.concatenate([[-1], np.flatnonzero(about > 0), [len(about)]])
    long = np.flatnonzero(np.diff(steps) > STEPS)
    return [Span(start=(int(steps[n]) + 1) * STEP, end=int(steps[n + 1]) * STEP) for n in long]


def _about(r: Chance, life: Life, persons: int, days: int) -> NDArray[np.int64]:
    """Persons who are up and about, per step."""
    chains = {end: _chain(end, persons) for end in ("wd", "we")}
    about = np.zeros((days, STEPS), dtype=np.int64)
    first = int(np.searchsorted(np.cumsum(_start_states("wd", persons)), r.random()))
    for day in range(days):
        chain = chains["we" if day % 7 >= 5 else "wd"]
        for _ in range(_DRAWS_MAX):
            state = first
            for step, draw in enumerate(r.random(STEPS)):
                state = min(int(np.searchsorted(chain[step, state], draw)), persons)
                about[day, step] = state
            if np.count_nonzero(about[day]) >= _ABOUT_MIN // STEP:
                break
        first = state
    return np.where(life.home[::STEP], about.ravel(), 0)


def _appliances(r: Chance, watts: Watts, about: NDArray[np.int64]) -> list[str]:
    traits = []
    minutes_about = np.repeat(about, STEP)
    for row in _table("Appliances.csv", skip=1):
        name = row[1]
        numbers = [float(value) for value in row[2:]]
        owned, cycles, length, load_w, standby_w, delay = numbers[1:7]
        profile, mean_chance = int(numbers[8]), numbers[9]
        if profile == _LEVEL:
            load_w *= _COLD_PART
        if name in _HEATING or r.random() > owned:
            continue
        traits.append(name)
        watts += np.float32(standby_w)
        # Each home has its own habits, around those of the survey.
        if profile != _LEVEL:
            cycles *= r.lognormal(0, 0.25) * (_SCREEN_PART if name == "TV 1" else _BUSY_PART)
        open_min = _YEAR_MIN * (1.0 if profile == _LEVEL else _MEAN_ACTIVE)
        rate = cycles / max(1.0, open_min - cycles * (length + delay)) / mean_chance
        likely = rate * activity(profile, about)
        starts = np.flatnonzero(r.random(len(watts)) < np.repeat(likely, STEP))
        mine_w = load_w * r.normal(1, 0.1)
        _run(r, watts, starts, minutes_about, name=name, profile=profile, length=length,
             load_w=mine_w - standby_w, delay=delay)  # fmt: skip
    return traits


def activity(profile: int, about: NDArray[np.int64]) -> Table:
    """The chance of an activity in each step, by who is about and the time of the day."""
    if profile == _LEVEL:
        return np.ones(len(about))
    if profile == _ACTIVE:
        return (about > 0).astype(np.float64)
    if profile == _CUSTOM:
        return np.zeros(len(about))
    steps = np.arange(len(about))
    likely = np.zeros(len(about))
    for end in ("wd", "we"):
        mine = (steps // STEPS % 7 >= 5) == (end == "we")
        likely[mine] = _activities(end)[about[mine], profile, steps[mine] % STEPS]
    return likely


def _run(r: Chance, watts: Watts, starts: NDArray[np.int64], about: NDArray[np.int64], *,
         name: str, profile: int, length: float, load_w: float, delay: float) -> None:  # fmt: skip
    free = 0
    goes_on = profile in (_LEVEL, _LAUNDRY) or name == "Dish washer"
    for start in starts:
        if start < free:
            continue
        minutes = length
        if name.startswith("TV ") and name[3:].isdigit():
            minutes = 70.0 * float(r.exponential()) ** 1.1
        end = int(start + max(1, round(minutes)))
        if name in ("Washing machine", "Washer dryer"):
            _wash(watts, int(start), dries=name == "Washer dryer")
        elif goes_on:
            pulse(watts, int(start), end - start, load_w)
        else:
            # It pauses while nobody is about, as in the model.
            upto = int(min(end + 12 * 60, len(watts)))
            active = start + np.flatnonzero(about[start:upto] > 0)[: end - start]
            watts[active] += np.float32(load_w)
            end = int(active[-1]) + 1 if len(active) else end
        free = int(end + delay)


def _wash(watts: Watts, start: int, *, dries: bool) -> None:
    pulse(watts, start, 138, 73)
    pulse(watts, start + 8, 21, 1983)
    pulse(watts, start + 133, 5, 495)
    if dries:
        pulse(watts, start + 138, 60, 2500)


def _lamps(r: Chance, watts: Watts, about: NDArray[np.int64], life: Life) -> None:
    rows = _table("LightBulbs.csv", skip=0)
    lamps_w = [float(value) for value in rows[int(r.integers(0, len(rows)))] if value]
    # The bulbs of the survey were of 2010; half of the homes have changed to LED since.
    part = 1.0 if r.random() < 0.5 else 0.2
    minute = np.arange(len(watts))
    hour, cold = minute % DAY / 60, life.cold[minute // DAY]
    dark: Flags = (hour < 7.0 + 1.2 * cold) | (hour > 18.6 - 2.4 * cold)
    shared = np.repeat(np.array(_SHARED)[about], STEP)
    base = np.where(dark, 1.0, _BRIGHT) * shared * _LAMP_SCALE
    nobody = np.append(np.flatnonzero(shared == 0), len(watts))
    for lamp_w in lamps_w:
        starts = np.flatnonzero(r.random(len(watts)) < base * r.exponential()).tolist()
        free = 0
        for start in starts:
            if start < free:
                continue
            low, high = _BURN_MIN[int(r.integers(0, len(_BURN_MIN)))]
            gone = int(nobody[np.searchsorted(nobody, start)])
            end = min(start + int(r.uniform(low, high + 1)), gone)
            watts[start:end] += np.float32(lamp_w * part)
            free = end


# The tables.


@cache
def _table(name: str, skip: int) -> list[list[str]]:
    rows = list(csv.reader(CREST.text(f"{_TABLES}/{name}"), delimiter=";"))
    return [row for row in rows[skip:] if row]


@cache
def _chain(end: str, persons: int) -> Table:
    """[step, state] → cumulated chances of the next state."""
    rows = _table(f"constants/tpm{persons}_{end}.csv", 0)
    chances = np.array([[float(v) for v in row[2:9]] for row in rows]).reshape(STEPS, 7, 7)
    return np.cumsum(chances, axis=2)


@cache
def _start_states(end: str, persons: int) -> Table:
    rows = _table(f"constants/occ_start_states_{end}.csv", 0)
    return np.array([float(row[persons]) for row in rows])


@cache
def _activities(end: str) -> Table:
    """[persons about, activity, step] → chance."""
    found = np.zeros((7, 6, STEPS))
    for row in _table(f"constants/ActiveAppliances_{end}.csv", 0):
        persons, activity = int(float(row[0])), int(float(row[1]))
        found[persons, activity] = [float(v) for v in row[2 : 2 + STEPS]]
    return found
