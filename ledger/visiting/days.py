"""Days as numbers since the epoch, in the county's local time. Pure."""

import datetime
from typing import Final

_EPOCH: Final = datetime.date(1970, 1, 1)
WEEK: Final = 7
# Monday is 0; 1970-01-01 was a Thursday.
_WEEKDAY_OF_EPOCH: Final = 3
_MONTHS_EN: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def date_of(day: int) -> datetime.date:
    return _EPOCH + datetime.timedelta(days=day)


def iso(day: int) -> str:
    return date_of(day).isoformat()


def words_zh(day: int) -> str:
    found = date_of(day)
    return f"{found.year}年{found.month}月{found.day}日"


def words_en(day: int) -> str:
    found = date_of(day)
    return f"{_MONTHS_EN[found.month - 1]} {found.day}, {found.year}"


def day_number(text: str) -> int:
    """The day of an ISO date; ValueError when it is none."""
    return (datetime.date.fromisoformat(text) - _EPOCH).days


def weekday(day: int) -> int:
    """0 is Monday."""
    return (day + _WEEKDAY_OF_EPOCH) % WEEK
