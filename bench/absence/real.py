"""Families of real homes, with absences spliced in: what these homes do when nobody is up.

In three families an absence is made of the home's own nights, 01:30 to 04:30, one after another:
the calmer half of the four weeks around it, at random, so that machines go on as they do; but
what a timer does at night comes eight times a day then. In `journeys` it is made of days, at
their own time, on which these homes were evidently empty: two or more on end in which no hour
reached two fifths of a usual day's highest, nor the day two fifths of a usual day. Such days are
left out of all.

All else counts as lived, though these people travelled too and nobody knows when: every alarm
then is called false, so false alarms are an upper bound. A seed chooses where the absences lie;
the homes are what they are, so tuning and held-out seeds share them, and with more seeds than homes
each is judged several times, with absences elsewhere.

    sceaux     a house in France by the minute; a water heater, a family; 4 years in 7 parts
    simbench   five German households by the quarter-hour, scaled to a likely size
    fontana    eleven houses in California by the hour: those whose solar panels never hide them
    journeys   the homes among these of which such days are known
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

import numpy as np

from bench.absence.going import travels
from bench.absence.houses import DAY, Calendar, Chance, House, Span, Watts, chance
from bench.absence.packages import FONTANA, SCEAUX, SIMBENCH

NIGHT_FROM_MIN: Final = 90
NIGHT_TO_MIN: Final = 270
_AROUND_DAYS: Final = 14
_SCEAUX_PARTS: Final = 7
# Annual use of single households of these kinds, kWh (the profiles are parts of their peak).
_SIMBENCH: Final = MappingProxyType(
    {"H0-A": 2000.0, "H0-B": 3000.0, "H0-C": 4000.0, "H0-G": 3500.0, "H0-L": 3000.0}
)
_FONTANA: Final = (1, 2, 4, 5, 8, 9, 10, 11, 13, 16, 17)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """As the modules of simulated families: a name and what builds a home."""

    NAME: str
    homes: Sequence[str]
    nights: bool
    # How far apart the measurements are: finer meters would be made up.
    finest_min: int

    def build(self, seed: int, days: int, calendar: Calendar = travels) -> House:
        part = seed % len(self.homes)
        watts = _lived(self.homes, part)[: days * DAY].copy()
        r = chance(self.NAME, seed)
        empty = _journeys(self.homes[part])[1]
        absent = nights(r, watts) if self.nights else empty_days(r, empty)
        absences = calendar(r, len(watts) // DAY)
        splice(watts, absences, absent)
        return House(name=f"{self.NAME}-{part}-{seed}", watts=watts, absences=absences)


def nights(r: Chance, watts: Watts) -> Callable[[int, int], Watts]:
    """What a home does from a minute on for some minutes when nobody is up."""
    days = len(watts) // DAY
    known = watts[: days * DAY].reshape(days, DAY)[:, NIGHT_FROM_MIN:NIGHT_TO_MIN].copy()
    means = known.mean(axis=1)

    def absent(start: int, length: int) -> Watts:
        day = start // DAY
        near = np.arange(max(0, day - _AROUND_DAYS), min(days, day + _AROUND_DAYS))
        calm = near[np.argsort(means[near])[: len(near) // 2]]
        pieces = [known[night] for night in r.permutation(calm)]
        pieces *= -(-length // (len(pieces) * known.shape[1]))
        return np.concatenate(pieces)[:length]

    return absent


def empty_days(r: Chance, days: Watts) -> Callable[[int, int], Watts]:
    """The same of days that are known, at their own time of the day."""
    known = days.reshape(-1, DAY)

    def absent(start: int, length: int) -> Watts:
        which = r.integers(0, len(known), size=length // DAY + 2)
        return known[which].ravel()[start % DAY :][:length]

    return absent


def splice(watts: Watts, absences: Sequence[Span], absent: Callable[[int, int], Watts]) -> None:
    for span in absences:
        watts[span.start : span.end] = absent(span.start, span.end - span.start)


@cache
def _sceaux() -> Watts:
    lines = SCEAUX.text("EnergyData/data/householdpower.csv")
    next(lines)
    found: list[float] = []
    for line in lines:
        kw = line.split(",", 2)[1]
        found.append(float(kw) * 1000.0 if kw.replace(".", "").isdigit() else np.nan)
    # Dec 16th 2006, 17:24; every minute has a line. Unknown ones (1 %) repeat what was before.
    watts = np.array(found, dtype=np.float32)[DAY - 17 * 60 - 24 :]
    known = np.maximum.accumulate(np.where(np.isnan(watts), 0, np.arange(len(watts))))
    return watts[known]


@cache
def _simbench() -> dict[str, Watts]:
    path = "simbench/networks/1-complete_data-mixed-all-0-sw/LoadProfile.csv"
    rows = csv.reader(SIMBENCH.text(path), delimiter=";")
    head = next(rows)
    columns = {name: head.index(f"{name}_pload") for name in _SIMBENCH}
    values = np.array([[float(row[at]) for at in columns.values()] for row in rows])
    found = {}
    for number, (name, year_kwh) in enumerate(_SIMBENCH.items()):
        part = values[:, number]
        scaled = part / part.mean() * year_kwh / 8.784
        found[name] = np.repeat(scaled, 15).astype(np.float32)
    return found


def _simbench_part(part: int) -> Watts:
    return _simbench()[list(_SIMBENCH)[part]]


@cache
def _fontana_part(part: int) -> Watts:
    folder = "citylearn/data/citylearn_challenge_2022_phase_all"
    rows = csv.DictReader(FONTANA.text(f"{folder}/Building_{_FONTANA[part]}.csv"))
    kwh = [float(row["Equipment Electric Power [kWh]"]) for row in rows]
    return np.repeat(np.array(kwh) * 1000.0, 60).astype(np.float32)


# Journeys.

_EMPTY_HOUR: Final = 0.4
_EMPTY_DAY: Final = 0.4


@cache
def _journeys(home: str) -> tuple[Watts, Watts]:
    """A home without the days on which it was evidently empty, and those days."""
    watts = _sceaux() if home == "sceaux" else _whole(home)
    days = watts[: len(watts) // DAY * DAY].reshape(-1, DAY)
    highest = days.reshape(-1, 24, 60).mean(axis=2).max(axis=1)
    means = days.mean(axis=1)
    quiet = (highest < _EMPTY_HOUR * np.median(highest)) & (means < _EMPTY_DAY * np.median(means))
    beside = np.zeros(len(quiet), dtype=bool)
    beside[1:] |= quiet[:-1]
    beside[:-1] |= quiet[1:]
    empty = quiet & beside
    return days[~empty].ravel(), days[empty].ravel()


def _whole(home: str) -> Watts:
    kind, number = home.split()
    return (_simbench_part if kind == "simbench" else _fontana_part)(int(number))


def _lived(homes: Sequence[str], part: int) -> Watts:
    home = homes[part]
    lived = _journeys(home)[0]
    if home != "sceaux":
        return lived
    size = len(lived) // DAY // _SCEAUX_PARTS * DAY
    return lived[part * size : (part + 1) * size]


# Homes by family; Sceaux comes first, in parts.
_HOMES: Final = MappingProxyType(
    {
        "sceaux": ["sceaux"] * _SCEAUX_PARTS,
        "simbench": [f"simbench {n}" for n in range(len(_SIMBENCH))],
        "fontana": [f"fontana {n}" for n in range(len(_FONTANA))],
        # Those of which journeys are known.
        "journeys": ["sceaux"] * _SCEAUX_PARTS
        + ["simbench 1", "simbench 3", "fontana 5", "fontana 6", "fontana 9", "fontana 10"],
    }
)
_FINEST_MIN: Final = MappingProxyType({"sceaux": 1, "simbench": 15, "fontana": 60, "journeys": 15})
FAMILIES: Final = tuple(
    Family(NAME=name, homes=homes, nights=name != "journeys", finest_min=_FINEST_MIN[name])
    for name, homes in _HOMES.items()
)
