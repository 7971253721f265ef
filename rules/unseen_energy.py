"""Energy that a register gained while nobody was looking: whether somebody used it. Pure."""

from typing import Final

from rules.coarse_living import CoarseLiving
from rules.living import Living
from rules.local_time import HOUR_MS
from rules.metering import Gap

# It proves life at this part more than a poor lived day's.
_LIVED_PART: Final = 0.5
_WH_MIN: Final = 100.0


def somebody_used(living: Living, gap: Gap) -> bool:
    if gap.watts is None:
        return False
    hours = (gap.end_ms - gap.start_ms) / HOUR_MS
    if isinstance(living, CoarseLiving):
        return living.somebody_used(gap.watts * hours, hours)
    if not living.days:
        return False
    extra_wh = (gap.watts - living.base_w) * hours
    return extra_wh >= max(_WH_MIN, living.lived_w * hours * (1 + _LIVED_PART))
