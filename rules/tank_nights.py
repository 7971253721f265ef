"""When the nights of a home are, in which a tank of hot water is alone. Pure."""

from typing import Final

from rules.lived_days import BLOCK_H, HOURS, SLOTS_PER_DAY, SLOTS_PER_HOUR, Alone
from rules.local_time import HOUR_MS, ZONE_MS

# From eleven to four, local time: even those who rise early cook later. Only where three of the six
# hours that are quietest by their electricity are of them, for with a strong refrigerator these may
# be hours in which people are in the fields …
_NIGHT_HOUR: Final = (23 - ZONE_MS // HOUR_MS) % HOURS
_NIGHT_H: Final = 5
NIGHT_SLOTS: Final = _NIGHT_H * SLOTS_PER_HOUR
_QUIET_H: Final = 3
# … or, of those who live by night, the first of the quietest, where what a home does alone goes so
# high that no six hours of the day are without a heating on most days.
ALONE_PEAK_MIN_W: Final = 300.0
NO_NIGHT: Final = -1


def night_hour(alone: Alone | None) -> int:
    """When nights begin (UTC), of a home that does this alone."""
    if alone is None:
        return NO_NIGHT
    since = (alone.quiet_from - _NIGHT_HOUR + BLOCK_H - _QUIET_H) % HOURS
    if since <= BLOCK_H + _NIGHT_H - 2 * _QUIET_H:
        return _NIGHT_HOUR
    return alone.quiet_from if alone.peak_w >= ALONE_PEAK_MIN_W else NO_NIGHT


def into_night(begins: int, number: int) -> int:
    """Slots since a night began, of those that begin at this hour."""
    return (number - begins * SLOTS_PER_HOUR) % SLOTS_PER_DAY
