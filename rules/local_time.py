"""Local days and hours. Pure: one zone for the whole county.

China has one time zone and no summer time, so local time is a fixed distance from UTC.
"""

from typing import Final

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
ZONE_MS: Final = 8 * HOUR_MS
# 1970-01-01 was a Thursday; 0 is Monday.
_WEEKDAY_OF_EPOCH: Final = 3
_SATURDAY: Final = 5


def day_of(at_ms: int) -> int:
    """The local calendar day, counted since the epoch."""
    return (at_ms + ZONE_MS) // DAY_MS


def minute_of(at_ms: int) -> int:
    """Minutes since the local midnight."""
    return (at_ms + ZONE_MS) % DAY_MS // MINUTE_MS


def at_minute_ms(day: int, minute: int) -> int:
    """The moment of a local day and minute; minutes beyond a day belong to the next one."""
    return day * DAY_MS - ZONE_MS + minute * MINUTE_MS


def is_weekend(day: int) -> bool:
    return (day + _WEEKDAY_OF_EPOCH) % 7 >= _SATURDAY
