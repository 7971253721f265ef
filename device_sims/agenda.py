"""What the devices of one home have to say on one day, in order of time. Pure.

Only what happens by itself is here; meters wait to be asked, buttons to be pressed.
"""

import random
from dataclasses import dataclass
from typing import Final, Literal

from device_sims.day import day_start_ms
from device_sims.devices.zigbee_motion import CLEARS_AFTER_MS
from device_sims.habits import HOUR_MS, MINUTE_MS
from device_sims.roster import HYPERTENSION, Household
from device_sims.world import Home

PLUG_EVERY_MS: Final = 15 * MINUTE_MS
# Who has high blood pressure measures mornings and evenings, others on some mornings.
CUFF_HOURS: Final = (7.0, 19.0)
_OTHERS_MEASURE: Final = 0.4

What = Literal["move", "still", "door", "plug", "cuff"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Due:
    """`is_open` is for the door."""

    at_ms: int
    what: What
    is_open: bool = False


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
    if household.fitted("cuff"):
        due += [Due(at_ms=at_ms, what="cuff") for at_ms in cuff_times(household, home, day)]
    return sorted(due)


def cuff_times(household: Household, home: Home, day: int) -> list[int]:
    """When this person measures the blood pressure on this day."""
    r = random.Random(household.seed * 1_000_081 + day)
    hours = CUFF_HOURS if HYPERTENSION in household.conditions else CUFF_HOURS[:1]
    if len(hours) == 1 and r.random() >= _OTHERS_MEASURE:
        return []
    times = [day_start_ms(day) + int((hour + r.uniform(0, 0.8)) * HOUR_MS) for hour in hours]
    return [at_ms for at_ms in times if not home.is_quiet(at_ms)]


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
