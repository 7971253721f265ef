"""A person's blood pressure over the day: base, course of the day, noise. Seeded and pure.

The routine never calls for help: what is drawn stays below the limits at which somebody would have
to act at once, so that an alarm in a demonstration is one the story told.
"""

import random
from dataclasses import dataclass
from math import cos, pi
from typing import Final

from device_sims.habits import DAY_MS, HOUR_MS, ZONE_MS

SYSTOLIC_MAX: Final = 168.0
DIASTOLIC_MAX: Final = 102.0
# Hour of the highest pressure, and half the swing between it and the night's lowest.
_PEAK_H: Final = 9.0
_SWING_MMHG: Final = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    systolic_mmhg: float
    diastolic_mmhg: float
    pulse_bpm: float


def pressure_at(seed: int, at_ms: int, *, hypertensive: bool) -> Pressure:
    """What a cuff would measure now."""
    person = random.Random(seed * 31 + 17)
    # Treated hypertension: at the cuff's hours most stay below a home mean of 135/85, some don't.
    base = person.gauss(126 if hypertensive else 117, 5)
    gap = person.gauss(53, 4)
    resting = person.gauss(70, 6)
    r = random.Random(seed * 1_000_033 + at_ms // 1000)
    hour = (at_ms + ZONE_MS) % DAY_MS / HOUR_MS
    course = _SWING_MMHG * cos((hour - _PEAK_H) / 24 * 2 * pi)
    systolic = min(max(base + course + r.gauss(0, 6), 98.0), SYSTOLIC_MAX)
    diastolic = min(max(systolic - gap + r.gauss(0, 4), 52.0), DIASTOLIC_MAX, systolic - 20)
    pulse = min(max(resting + course / 3 + r.gauss(0, 4), 52.0), 104.0)
    return Pressure(systolic_mmhg=systolic, diastolic_mmhg=diastolic, pulse_bpm=pulse)
