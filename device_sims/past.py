"""What the homes of a run did before it began: their registers reach back four weeks. Pure.

A hub that is shown these readings first knows the homes when the story begins, and the registers
that the run's meters then answer with go on where the past ended.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from device_sims.day import day_number, day_start_ms
from device_sims.habits import habits
from device_sims.roster import Household
from device_sims.world import Home

# The rules remember so many days of a home.
PAST_DAYS: Final = 28
# 2026-01-01: registers are counted on from here, so that a county begun later shows more. The
# allowance is beyond what any of these homes uses in a day.
_REGISTER_SINCE_DAY: Final = 20_454
_REGISTER_KWH_A_DAY: Final = 15.0


def lived_home(household: Household, began_ms: int) -> Home:
    """The home of a run that begins at `began_ms`, with its past."""
    first_day = day_number(began_ms) - PAST_DAYS
    allowance_kwh = max(0, first_day - _REGISTER_SINCE_DAY) * _REGISTER_KWH_A_DAY
    return Home(
        home=household.home,
        person=habits(household.seed),
        began_ms=day_start_ms(first_day),
        initial_kwh=random.Random(household.seed).randint(300, 9000) + allowance_kwh,
        resolution_kwh=household.register_kwh,
        conditions=household.conditions,
    )


def past_registers(
    households: Sequence[Household], began_ms: int, days: int, interval_s: int
) -> Iterator[tuple[Household, int, float]]:
    """(household, time, kWh on the meter) of every home in the days before `began_ms`."""
    for household in households:
        home = lived_home(household, began_ms)
        first_ms = max(home.began_ms, began_ms - days * 86_400_000)
        for at_ms in range(first_ms, began_ms, interval_s * 1000):
            yield household, at_ms, home.register_kwh(at_ms)
