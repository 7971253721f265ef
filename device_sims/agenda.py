"""What the devices of one home have to say on one day, in order of time. Pure.

Only what happens by itself is here; meters wait to be asked, buttons to be pressed.
"""

import random
from dataclasses import dataclass
from typing import Final, Literal

from device_sims.day import day_start_ms
from device_sims.devices.zigbee_motion import CLEARS_AFTER_MS
from device_sims.habits import HOUR_MS, MINUTE_MS
from device_sims.registry import SIMULATED, Vital
from device_sims.roster import Household
from device_sims.world import Home

PLUG_EVERY_MS: Final = 15 * MINUTE_MS
# Who is ill is measured at these hours as well.
ILL_HOURS: Final = (10.5, 14.5, 17.5, 21.0)

What = Literal[
    "move",
    "still",
    "door",
    "plug",
    "vital",
    "battery",
    "jam",
    "stuck",
    "low",
    "offline",
    "noise",
    "hush",
]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Due:
    """`is_open` is for the door, `model` for a device that measures or is in trouble."""

    at_ms: int
    what: What
    is_open: bool = False
    model: str = ""


def agenda(household: Household, home: Home, day: int) -> list[Due]:
    """Everything due on this local day."""
    plan = home.day(day)
    due: list[Due] = []
    if household.fitted("motion"):
        due += _motion(plan.moves_ms)
    if household.fitted("contact"):
        due += [Due(at_ms=at_ms, what="door", is_open=is_open) for at_ms, is_open in plan.door]
    if household.fitted("plug"):
        offset_ms = household.seed % 15 * MINUTE_MS
        due += [
            Due(at_ms=at_ms, what="plug")
            for at_ms in range(day_start_ms(day) + offset_ms, day_start_ms(day + 1), PLUG_EVERY_MS)
        ]
    for fitted in household.devices:
        vital = SIMULATED[fitted.model].vital
        if vital is not None:
            for at_ms in vital_times(household, home, fitted.model, vital, day):
                seconds = [at_ms + n * 1000 for n in range(vital.count + 1)]
                due += [Due(at_ms=ms, what="vital", model=fitted.model) for ms in seconds[:-1]]
                due.append(Due(at_ms=seconds[-1], what="battery", model=fitted.model))
    return sorted(due)


def vital_times(household: Household, home: Home, model: str, vital: Vital, day: int) -> list[int]:
    """When this person uses the device on this day."""
    r = random.Random(f"{household.seed} {model} {day}")
    start_ms = day_start_ms(day)
    hours: tuple[float, ...] = vital.hours
    if vital.who not in household.conditions:
        hours = hours[:1] if r.random() < vital.share else ()
    times = [start_ms + int((hour + r.uniform(0, 0.8)) * HOUR_MS) for hour in hours]
    for hour in ILL_HOURS:
        at_ms = start_ms + int((hour + r.uniform(0, 0.8)) * HOUR_MS)
        if home.body.ill_with(at_ms):
            times.append(at_ms)
    return sorted(at_ms for at_ms in times if not home.is_quiet(at_ms))


def _motion(moves_ms: tuple[int, ...]) -> list[Due]:
    """ "Somebody moves" at the first movement, "nobody" when there was none for a while."""
    due: list[Due] = []
    last_ms: int | None = None
    for at_ms in moves_ms:
        if last_ms is None or at_ms - last_ms > CLEARS_AFTER_MS:
            if last_ms is not None:
                due.append(Due(at_ms=last_ms + CLEARS_AFTER_MS, what="still"))
            due.append(Due(at_ms=at_ms, what="move"))
        last_ms = at_ms
    if last_ms is not None:
        due.append(Due(at_ms=last_ms + CLEARS_AFTER_MS, what="still"))
    return due
