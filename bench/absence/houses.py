"""What every family of simulated homes shares: a calendar of its people, and the shapes of loads.

Minutes are the unit of time, arrays of watts per minute the material. What differs between the
families (who does what when, and what the machines do) is in their own modules.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

DAY: Final = 1440
Watts = NDArray[np.float32]
Flags = NDArray[np.bool_]
Chance = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Minutes from `start` until before `end`."""

    start: int
    end: int


# Absences within so many days, in their order and apart.
Calendar = Callable[[Chance, int], list[Span]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """When somebody is at home, and what kind of day it is. Per minute: home; stirs (just before
    an outing or after it: certainly not asleep). Per day: vigour
    (1 is the usual, below are days in bed, above are guests), shift (minutes by which the habits
    are late), cold (-1 high summer … 1 midwinter)."""

    home: Flags
    stirs: Flags
    absences: Sequence[Span]
    vigour: NDArray[np.float64]
    shift: NDArray[np.float64]
    cold: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A finished home. `watts` may be negative where the sun feeds in. nobody_about: a day and more
    on end on which nobody was up in it, whatever the calendar of absences says. made: watts of its
    panels, where it has some."""

    name: str
    watts: Watts
    absences: Sequence[Span]
    traits: Sequence[str] = field(default_factory=tuple)
    nobody_about: Sequence[Span] = field(default_factory=tuple)
    made: Watts | None = None


def chance(family: str, seed: int) -> Chance:
    """Families never share a stream of numbers, whatever the seed."""
    return np.random.default_rng([seed, *family.encode()])


def live(r: Chance, days: int, calendar: Calendar) -> Life:
    """Absences of a calendar (`bench.absence.going`), outings until late, days in bed, guests,
    habits that drift by the week and the season."""
    home = np.ones(days * DAY, dtype=bool)
    absences = calendar(r, days)
    out_share = float(r.choice([0.0, 0.03, 0.08, 0.2]))
    for day in range(days):
        if r.random() < out_share:
            start = day * DAY + int(r.uniform(7, 12) * 60)
            # Mostly an afternoon, now and then until close to midnight.
            hours = min(2.5 + r.exponential(3.5), 15.5 - (start % DAY) / 60 + 8)
            home[start : start + int(hours * 60)] = False
    outings = np.flatnonzero(home[:-1] & ~home[1:]) + 1, np.flatnonzero(~home[:-1] & home[1:]) + 1
    stirs = np.zeros(days * DAY, dtype=bool)
    # Who goes out has risen and dressed, who comes home puts something on.
    for leaving in outings[0]:
        stirs[max(0, leaving - int(r.uniform(30, 90))) : leaving] = True
    for coming in outings[1]:
        stirs[coming : coming + int(r.uniform(20, 90))] = True
    for span in absences:
        home[span.start : span.end] = False
    stirs &= home
    vigour = np.ones(days)
    ill_share, guest_share = r.uniform(0.002, 0.012), r.uniform(0, 0.04)
    level = 1.0
    for day in range(days):
        if day % 7 == 0:
            level = 1.0 + 0.7 * (level - 1.0) + r.normal(0, 0.12)
        vigour[day] *= level * r.lognormal(0, 0.2)
        if r.random() < ill_share:
            vigour[day : day + int(r.integers(1, 4))] *= r.uniform(0.4, 0.7)
        if r.random() < guest_share:
            vigour[day : day + int(r.integers(1, 5))] *= r.uniform(1.3, 2)
    phase = r.uniform(0, 2 * np.pi)
    cold = np.cos(2 * np.pi * np.arange(days) / 365 + phase)
    shift = np.cumsum(r.normal(0, 4, days)) * 0.5 + cold * r.uniform(0, 40) + r.normal(0, 15, days)
    return Life(home=home, stirs=stirs, absences=absences, vigour=vigour, shift=shift, cold=cold)


def pulse(watts: Watts, start: float, minutes: float, load_w: float) -> None:
    """A load that is on once; parts of a minute count by their share."""
    first = int(start)
    if first < 0 or first >= len(watts) or minutes <= 0:
        return
    whole = int(minutes)
    watts[first : first + whole] += load_w
    rest = first + whole
    if rest < len(watts):
        watts[rest] += load_w * (minutes - whole)


def cycles(
    r: Chance,
    watts: Watts,
    *,
    load_w: float,
    on_min: float,
    off_min: float,
    scatter: float = 0.06,
    faster: Callable[[int], float] | None = None,
) -> None:
    """A thermostat's own rhythm; `faster` says at a minute by how much the pauses shrink."""
    at = r.uniform(0, on_min + off_min)
    start_up = load_w * r.uniform(0, 0.4)
    while at < len(watts):
        on = on_min * r.lognormal(0, scatter)
        pulse(watts, at, on, load_w * r.normal(1, 0.02))
        pulse(watts, at, 1, start_up)
        pause = off_min * r.lognormal(0, scatter)
        at += on + (pause if faster is None else pause / faster(min(int(at), len(watts) - 1)))


def fridge(
    r: Chance, watts: Watts, life: Life, *, load_w: float, duty: float, period: float
) -> None:
    """A refrigerator: more in summer, more when doors are opened by day and nobody is away."""
    # A door that nobody opens saves about a sixth.
    touched = r.uniform(0.08, 0.2)

    def faster(at: int) -> float:
        warm = 1.0 - 0.2 * life.cold[at // DAY]
        by_day = 7 * 60 < at % DAY < 22 * 60 and life.home[at]
        return float(warm * (1.0 + (touched if by_day else 0.0)))

    cycles(
        r,
        watts,
        load_w=load_w,
        on_min=period * duty,
        off_min=period * (1 - duty),
        scatter=0.08,
        faster=faster,
    )


def defrost(r: Chance, watts: Watts, *, load_w: float, minutes: float, every_h: float) -> None:
    """A frost-free refrigerator's heater, by its own clock."""
    at = r.uniform(0, every_h * 60)
    while at < len(watts):
        pulse(watts, at, minutes * r.lognormal(0, 0.15), load_w)
        at += every_h * 60 * r.lognormal(0, 0.1)


def noise(r: Chance, watts: Watts, part: float) -> None:
    """Loads never hold still: mains voltage, fans, chargers."""
    watts *= 1.0 + part * r.standard_normal(len(watts)).astype(np.float32)
