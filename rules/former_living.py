"""What earlier programs remembered of a home (state version 3), as this one remembers it. Pure.

They kept the mean and the highest quarter-hour of every hour above the day's floor, and activities
on another scale. Within an hour the spread is told from how far its highest lies above its mean;
the evening before a day is taken to be like its own. So learned days go on; new ones replace them
within four weeks.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rules.coarse_living import living_told
from rules.lived_days import (
    BEFORE_H,
    HOURS,
    SLOTS_PER_HOUR,
    Day,
    Hour,
    day_of_hours,
    day_row,
    learn_alone,
)
from rules.living import Living
from rules.packed import packed, unpacked
from rules.quiet_limit import QuietLimit

_UNSEEN: Final = 65_535
# The highest of four numbers lies about so many standard deviations above their mean.
_HIGHEST_OF_FOUR: Final = 1.03
# What machines do alone was 0.7 or so of what was called 1.
SCALE: Final = 1.4
_LOW_MAX: Final = 65_535


def living_of(hours: tuple[int, int], living: Mapping[str, Any]) -> tuple[Living, float]:
    """The memory of a state, whichever program wrote it, and by how much activities are higher now
    than then."""
    if "alone" in living:
        return living_told(hours, living), 1.0
    return living_told(hours, migrated(living)), SCALE


def migrated(living: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a memory of version 3 as one of today; ValueError, KeyError, TypeError or
    OverflowError when it is none."""
    days = [_day(row) for row in living["days"]]
    pending = living["pending"]
    if pending is not None:
        row, low = pending
        pending = [None if row is None else day_row(_day(row)), _scaled(low)]
    return {
        "watts": living["watts"],
        "runs": living["runs"],
        "filled": living["filled"],
        "steady": 0,
        "days": [day_row(day) for day in days],
        "alone": learn_alone(days),
        "quiet": _quiet(living["quiet"], _last_day(living["runs"])),
        "low": _scaled(living["low"]),
        "pending": pending,
        "doubt": [day_row(_day(row)) for row in living["doubt"]],
        "away": [day_row(_day(row)) for row in living["away"]],
        "floor": living["floor"],
        "spread": 0.0,
        "activity": None,
        "coarse": living["coarse"],
    }


def _day(row: Any) -> Day:
    written, floor_w, mean_w = row
    values = unpacked("H", written)
    if len(values) != 2 * HOURS:
        raise ValueError(f"no day of hours: {row!r:.120}")
    own = [_hour(values[n], values[HOURS + n]) for n in range(HOURS)]
    blocks = day_of_hours([*own[-BEFORE_H:], *own], 0, 0).blocks
    return Day(blocks, int(floor_w), int(mean_w))


def _hour(mean_w: int, peak_w: int) -> Hour | None:
    """Four quarter-hours of this mean, spread as far as their highest tells."""
    if _UNSEEN in (mean_w, peak_w):
        return None
    spread_w = (peak_w - mean_w) / _HIGHEST_OF_FOUR
    squares = SLOTS_PER_HOUR * (mean_w**2 + round(spread_w**2))
    return Hour(SLOTS_PER_HOUR * mean_w, squares, peak_w)


def _quiet(former: Mapping[str, Any], day: int) -> dict[str, Any]:
    lows = unpacked("H", former["lows"])
    for at, low in enumerate(lows):
        lows[at] = min(round(low * SCALE), _LOW_MAX)
    refuted = [(int(when), round(float(low) * SCALE, 3)) for when, low in former["refuted"]]
    quiet = QuietLimit.load(
        {
            "lows": packed(lows),
            "refuted": refuted,
            "raised": former["raised"],
            "limit": 0.0,
            "usual": 0.0,
        }
    )
    quiet.learn(day)
    return quiet.dump()


def _last_day(runs: Sequence[Any]) -> int:
    return (int(runs[-1][0]) + int(runs[-1][1]) - 1) // (HOURS * SLOTS_PER_HOUR) if runs else 0


def _scaled(low: Any) -> float | None:
    return None if low is None else float(low) * SCALE
