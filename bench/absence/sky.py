"""A sky as it is measured: clear, broken and overcast by turns, over panels on the roof.

    hours    clear -> broken -> overcast -> broken -> …   a chain, whose neighbours alone change
                                                          into each other
    minutes  ~~~~~~   |_||__|   ---------                 in broken hours shadows and gaps

What is published and is imitated here; nothing of it is copied:

- by the minute the clear-sky index has two heaps, sun and shadow, by the hour hardly (Suehrcke and
  McCormick 1988; Gansler and others 1995): two states, each with a distribution of its own, and
  how long they last, tell it (Munkhammar and Widén 2018);
- hourly cloudiness is a chain of the first order whose neighbours alone change into each other
  (Madsen, Spliid and Thyregod 1985);
- shadows, and gaps brighter than a clear sky beside them, are as long as a power of their length
  says, over orders of magnitude (Mol and others 2023);
- a day resembles the one before (Aguiar, Collares-Pereira and Conde 1988), and a place has its own
  share of sunshine: in China from a quarter of the possible hours (Sichuan) to two thirds (north);
- what is left of a clear sky's light correlates with that a quarter of an hour later by 0.90 to
  0.92, an hour later by 0.69 to 0.77 (persistence of satellite pictures of Athens, Bucharest and
  Helsinki: Energies 15 (2022) 2996).

`tests/bench/test_sky.py` holds it to the heaps, the days, the sunshine and the correlations.
Written
before any rule read a meter that counts both ways, and not changed since.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.absence.houses import DAY, Chance, Life, Watts

Index = NDArray[np.float64]

CLEAR, BROKEN, OVERCAST = range(3)
# The possible hours of sunshine of a place.
SUNSHINE: Final = (0.25, 0.65)
# A day's own share beside it: how far, and how much of it the next day keeps.
_DAY_SD: Final = 0.22
_DAY_KEPT: Final = 0.6
_BROKEN_SHARE: Final = 0.3
# Of broken hours the part that is sun.
_BROKEN_SUN: Final = 0.5
_BROKEN_H: Final = 2.5
_LEAST_SHARE: Final = 0.03
# Shadows and gaps: their shortest and longest minutes, and the power of their length.
_LENGTHS_MIN: Final = (1.0, 90.0)
_POWER: Final = 1.66
# Panels and their roof even out what passes within minutes.
_FIELD_MIN: Final = 3


def panels(r: Chance, watts: Watts, life: Life) -> None:
    """Panels of the size and the days' length of `bench.absence.machines.sun`, under this sky."""
    peak_w = r.uniform(600, 5000)
    minutes = np.arange(len(watts))
    half_h = 5.5 - 1.5 * life.cold[minutes // DAY]
    height = np.cos(np.clip((minutes % DAY / 60 - 12.5) / half_h, -1, 1) * np.pi / 2)
    sky = clear_sky_index(r, len(life.cold))
    watts -= (peak_w * height * sky).astype(np.float32)


def clear_sky_index(r: Chance, days: int) -> Index:
    """Per minute; 1 is a clear sky."""
    index = np.ones(days * DAY)
    shares = _sunshine(r, days)
    at, state = 0, BROKEN
    while at < len(index):
        share = shares[at // DAY]
        length = 1 + int(60 * r.exponential(_mean_h(state, share)))
        part = index[at : at + length]
        part[:] = (_clear, _broken, _overcast)[state](r, len(part))
        at += length
        beside = CLEAR if r.random() < 0.5 else OVERCAST
        state = beside if state == BROKEN else BROKEN
    kernel = np.ones(_FIELD_MIN) / _FIELD_MIN
    return np.convolve(index, kernel, mode="same")


def _sunshine(r: Chance, days: int) -> Index:
    usual, shares, drift = r.uniform(*SUNSHINE), np.zeros(days), 0.0
    for day in range(days):
        drift = _DAY_KEPT * drift + r.normal(0, _DAY_SD * np.sqrt(1 - _DAY_KEPT**2))
        shares[day] = usual + drift
    return shares


def _mean_h(state: int, sunshine: float) -> float:
    """Half of all broken hours turn clear, half overcast: so the shares tell the lengths."""
    if state == BROKEN:
        return _BROKEN_H
    clear = sunshine - _BROKEN_SUN * _BROKEN_SHARE
    share = clear if state == CLEAR else 1 - _BROKEN_SHARE - clear
    return 2 * _BROKEN_H * max(share, _LEAST_SHARE) / _BROKEN_SHARE


def _clear(r: Chance, size: int) -> Index:
    """Haze, and in every fifth such spell thin high cloud."""
    if r.random() < 0.2:
        return r.uniform(0.82, 0.97) * (1 + _slow(r, size, 0.04, 25))
    return r.uniform(0.94, 1.02) * (1 + _slow(r, size, 0.01, 90))


def _broken(r: Chance, size: int) -> Index:
    index, at = np.ones(size), 0
    shadow = bool(r.random() < 0.5)
    while at < size:
        length = _length(r)
        index[at : at + length] = r.uniform(0.25, 0.7) if shadow else r.uniform(0.98, 1.1)
        at, shadow = at + length, not shadow
    return index


def _overcast(r: Chance, size: int) -> Index:
    thick = float(np.clip(r.lognormal(np.log(0.3), 0.45), 0.05, 0.7))
    return thick * np.exp(_slow(r, size, 0.25, 45))


def _length(r: Chance) -> int:
    """By a power of the length, between the shortest and the longest."""
    low, high = (minutes ** (1 - _POWER) for minutes in _LENGTHS_MIN)
    return round(float((low - r.random() * (low - high)) ** (1 / (1 - _POWER))))


def _slow(r: Chance, size: int, sd: float, minutes: float) -> Index:
    """What wanders about nothing, and forgets within so many minutes."""
    every = 5
    kept = np.exp(-every / minutes)
    steps = r.normal(0, sd * np.sqrt(1 - kept**2), size // every + 2)
    steps[0] = r.normal(0, sd)
    for n in range(1, len(steps)):
        steps[n] += kept * steps[n - 1]
    return np.interp(np.arange(size), every * np.arange(len(steps)), steps)
