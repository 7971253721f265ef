"""A person's vital signs: own norm, course of the day, illness, noise. Seeded and pure.

Without an illness nobody calls for help: what is drawn stays below the limits at which somebody
would have to act at once, so that an alarm in a demonstration is one the story told.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import cos, exp, pi
from types import MappingProxyType
from typing import Final

from device_sims.habits import DAY_MS, HOUR_MS, ZONE_MS

HYPERTENSION: Final = "高血压"
DIABETES: Final = "糖尿病"
LUNGS: Final = "慢阻肺"
HEART: Final = "冠心病"

SYSTOLIC_MAX: Final = 168.0
DIASTOLIC_MAX: Final = 102.0
# Hour of the highest pressure, and half the swing between it and the night's lowest.
_PEAK_H: Final = 9.0
_SWING_MMHG: Final = 7.0
# A body is warmest in the evening.
_WARMEST_H: Final = 18.0
_WARMTH_C: Final = 0.25
_MEALS_H: Final = (7.0, 11.8, 18.2)
# Hours from a meal until its sugar is highest.
_DIGESTION_H: Final = 1.0
# An illness comes over the first quarter of its time and goes over the last third.
_COMES: Final = 0.25
_GOES: Final = 0.35
SPELL_BLOCK_DAYS: Final = 30
_SPELL_CHANCE: Final = 0.3
# Bodies whose norms are kept.
BODIES_CACHED: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What devices would measure at one moment."""

    systolic_mmhg: float
    diastolic_mmhg: float
    pulse_bpm: float
    irregular: bool
    spo2_pct: float
    temperature_c: float
    glucose_mmol_l: float
    weight_kg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Illness:
    """`adds` at its height, by the names of `Vitals`; `who` may get it (None: anybody)."""

    adds: Mapping[str, float]
    hours: tuple[float, float]
    who: str | None = None
    irregular: bool = False


ILLNESSES: Final[Mapping[str, Illness]] = MappingProxyType(
    {
        "fever": Illness(
            adds={"temperature_c": 2.6, "pulse_bpm": 24.0, "spo2_pct": -1.5}, hours=(36, 120)
        ),
        "exacerbation": Illness(
            adds={"spo2_pct": -8.0, "pulse_bpm": 20.0, "temperature_c": 0.6},
            hours=(72, 168),
            who=LUNGS,
        ),
        "hypoglycaemia": Illness(
            adds={"glucose_mmol_l": -8.0, "pulse_bpm": 16.0}, hours=(2, 5), who=DIABETES
        ),
        "hyperglycaemia": Illness(adds={"glucose_mmol_l": 11.0}, hours=(24, 96), who=DIABETES),
        "arrhythmia": Illness(
            adds={"pulse_bpm": 58.0, "systolic_mmhg": -10.0},
            hours=(1, 30),
            who=HEART,
            irregular=True,
        ),
        "high_pressure": Illness(
            adds={"systolic_mmhg": 62.0, "diastolic_mmhg": 30.0}, hours=(8, 48), who=HYPERTENSION
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    illness: str
    began_ms: int
    ended_ms: int

    def severity(self, at_ms: int) -> float:
        """0 outside, 1 at its height."""
        if not self.began_ms <= at_ms < self.ended_ms:
            return 0.0
        part = (at_ms - self.began_ms) / (self.ended_ms - self.began_ms)
        return min(1.0, part / _COMES, (1.0 - part) / _GOES)


@dataclass(slots=True)
class Body:
    """One person. `ails`: falls ill by the seed as well, not only when a story says so."""

    seed: int
    conditions: tuple[str, ...] = ()
    ails: bool = False
    spells: list[Spell] = field(default_factory=list)

    def fall_ill(self, illness: str, at_ms: int, hours: float) -> None:
        ended_ms = at_ms + int(hours * HOUR_MS)
        self.spells.append(Spell(illness=illness, began_ms=at_ms, ended_ms=ended_ms))

    def recover(self, at_ms: int) -> None:
        """Whatever it was is over; what has not begun yet never comes."""
        self.spells = [
            Spell(illness=e.illness, began_ms=e.began_ms, ended_ms=min(e.ended_ms, at_ms))
            for e in self.spells
            if e.began_ms < at_ms
        ]

    def ill_with(self, at_ms: int) -> tuple[Spell, ...]:
        return tuple(e for e in self.spells_around(at_ms) if e.severity(at_ms) > 0)

    def spells_around(self, at_ms: int) -> Iterator[Spell]:
        """The story's, and those of the seed that can touch this moment."""
        yield from self.spells
        if self.ails:
            block = at_ms // DAY_MS // SPELL_BLOCK_DAYS
            for number in (block - 1, block):
                drawn = drawn_spell(self.seed, self.conditions, number)
                if drawn is not None:
                    yield drawn

    def vitals(self, at_ms: int) -> Vitals:
        """What would be measured now; the same whenever it is asked for."""
        norm = _norm(self.seed, self.conditions)
        r = random.Random(self.seed * 1_000_033 + at_ms // 1000)
        values, irregular = _well(norm, self.conditions, at_ms, r), False
        for spell in self.spells_around(at_ms):
            severity = spell.severity(at_ms)
            if severity > 0:
                illness = ILLNESSES[spell.illness]
                irregular = irregular or illness.irregular
                for name, more in illness.adds.items():
                    values[name] += more * severity
                if illness.irregular:
                    values["pulse_bpm"] += r.gauss(0, 14) * severity
        return Vitals(irregular=irregular, **_possible(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Norm:
    systolic_mmhg: float
    gap_mmhg: float
    pulse_bpm: float
    spo2_pct: float
    temperature_c: float
    fasting_mmol_l: float
    meal_mmol_l: float
    weight_kg: float


@lru_cache(maxsize=BODIES_CACHED)
def _norm(seed: int, conditions: tuple[str, ...]) -> _Norm:
    person = random.Random(seed * 31 + 17)
    # Treated hypertension: at the cuff's hours most stay below a home mean of 135/85, some don't.
    systolic = person.gauss(126 if HYPERTENSION in conditions else 117, 5)
    gap, pulse = person.gauss(53, 4), person.gauss(70, 6)
    sweet = DIABETES in conditions
    return _Norm(
        systolic_mmhg=systolic,
        gap_mmhg=gap,
        pulse_bpm=pulse,
        spo2_pct=person.gauss(90.5 if LUNGS in conditions else 97.0, 0.7),
        temperature_c=person.gauss(36.4, 0.15),
        fasting_mmol_l=person.gauss(7.0 if sweet else 5.2, 0.6 if sweet else 0.3),
        meal_mmol_l=person.gauss(3.6 if sweet else 1.8, 0.4),
        weight_kg=person.uniform(42.0, 78.0),
    )


def _well(
    norm: _Norm, conditions: tuple[str, ...], at_ms: int, r: random.Random
) -> dict[str, float]:
    """A good day: nothing beyond the limits of the routine."""
    hour = (at_ms + ZONE_MS) % DAY_MS / HOUR_MS
    course = _SWING_MMHG * cos((hour - _PEAK_H) / 24 * 2 * pi)
    systolic = _within(norm.systolic_mmhg + course + r.gauss(0, 6), 98.0, SYSTOLIC_MAX)
    diastolic = _within(systolic - norm.gap_mmhg + r.gauss(0, 4), 52.0, DIASTOLIC_MAX)
    pulse = _within(norm.pulse_bpm + course / 3 + r.gauss(0, 4), 52.0, 104.0)
    spo2_low = 88.0 if LUNGS in conditions else 96.0
    warmth = _WARMTH_C * cos((hour - _WARMEST_H) / 24 * 2 * pi)
    sugar = norm.fasting_mmol_l + sum(
        norm.meal_mmol_l * _digested(hour - meal_h) for meal_h in _MEALS_H
    )
    return {
        "systolic_mmhg": systolic,
        "diastolic_mmhg": min(diastolic, systolic - 20),
        "pulse_bpm": pulse,
        "spo2_pct": _within(norm.spo2_pct + r.gauss(0, 0.5), spo2_low, 99.0),
        "temperature_c": _within(norm.temperature_c + warmth + r.gauss(0, 0.1), 36.2, 37.6),
        "glucose_mmol_l": _within(sugar + r.gauss(0, 0.3), 4.2, 10.8),
        "weight_kg": norm.weight_kg + r.gauss(0, 0.3) + 0.3 * cos(hour / 24 * 2 * pi),
    }


def _possible(values: dict[str, float]) -> dict[str, float]:
    """What a person who is ill can still be measured with."""
    systolic = _within(values["systolic_mmhg"], 70.0, 240.0)
    return {
        **values,
        "systolic_mmhg": systolic,
        "diastolic_mmhg": min(_within(values["diastolic_mmhg"], 40.0, 140.0), systolic - 15),
        "pulse_bpm": _within(values["pulse_bpm"], 38.0, 190.0),
        "spo2_pct": _within(values["spo2_pct"], 70.0, 100.0),
        "temperature_c": _within(values["temperature_c"], 34.0, 41.5),
        "glucose_mmol_l": _within(values["glucose_mmol_l"], 1.8, 32.0),
    }


@lru_cache(maxsize=BODIES_CACHED)
def drawn_spell(seed: int, conditions: tuple[str, ...], block: int) -> Spell | None:
    """What the seed has for this person in a block of thirty days, at most one."""
    r = random.Random(f"{seed} ill {block}")
    if r.random() >= _SPELL_CHANCE:
        return None
    can_have = [n for n, i in ILLNESSES.items() if i.who is None or i.who in conditions]
    illness = r.choice(can_have)
    began_ms = int((block + r.random()) * SPELL_BLOCK_DAYS * DAY_MS)
    ended_ms = began_ms + int(r.uniform(*ILLNESSES[illness].hours) * HOUR_MS)
    return Spell(illness=illness, began_ms=began_ms, ended_ms=ended_ms)


def _digested(since_meal_h: float) -> float:
    """How much of a meal's sugar is in the blood: up in an hour, gone after four."""
    if not 0 < since_meal_h < 8:
        return 0.0
    part = since_meal_h / _DIGESTION_H
    return part * exp(1 - part)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
