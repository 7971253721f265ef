"""What panels on a roof make over a day: a bell cut by clouds, in steps of five minutes. Pure."""

import random
from functools import lru_cache
from math import cos, pi
from typing import Final

from device_sims.day import coldness, day_start_ms
from device_sims.habits import HOUR_MS, MINUTE_MS

STEP_MS: Final = 5 * MINUTE_MS
# The sun is highest over the county at about a quarter to one by its clock.
_NOON_H: Final = 12.7
# Half the day's light in summer, and how much a winter's day loses of it.
_HALF_DAY_H: Final = 6.8
_WINTER_LOSS_H: Final = 1.7
_WINTER_LOSS: Final = 0.35
# Days kept: two of every tenth home of a county of ten thousand.
DAYS_CACHED: Final = 2_048


@lru_cache(maxsize=DAYS_CACHED)
def sun_steps(seed: int, peak_w: float, day: int) -> tuple[tuple[int, int], ...]:
    """(moment, mW until the next moment) from the first light to the last."""
    r = random.Random(f"{seed} {day} sun")
    half_h = _HALF_DAY_H - _WINTER_LOSS_H * coldness(day)
    top = peak_w * (1.0 - _WINTER_LOSS * coldness(day)) * 1000
    # Overcast days are overcast all day; others have clouds that come and go.
    sky, cloudy = r.choice((0.95, 0.85, 0.6, 0.3, 0.12)), r.uniform(0.0, 0.5)
    found: list[tuple[int, int]] = []
    at_ms = day_start_ms(day) + int((_NOON_H - half_h) * HOUR_MS)
    at_ms -= at_ms % STEP_MS
    end_ms = day_start_ms(day) + int((_NOON_H + half_h) * HOUR_MS)
    shade = 1.0
    while at_ms < end_ms:
        hour = (at_ms + STEP_MS / 2 - day_start_ms(day)) / HOUR_MS
        if r.random() < 0.3:
            shade = r.uniform(0.35, 0.8) if r.random() < cloudy else 1.0
        bell = max(0.0, cos((hour - _NOON_H) / half_h * pi / 2)) ** 1.3
        found.append((at_ms, round(top * sky * shade * bell)))
        at_ms += STEP_MS
    return (*found, (at_ms, 0))
