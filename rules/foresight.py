"""How long until a home could be found silent, if nothing more is seen of anybody. Pure.

For screens: it judges nothing. The windows to come are imagined with the home at its floor from now
on, which is less than machines do, so that silence is found then at the earliest.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from rules.lived_days import PEAK_MORE_W, SLOTS_PER_HOUR, Alone, activity, spread_of


class Outlook(NamedTuple):
    """slots: quarter-hours still to be seen at the least before the window looks empty, None: it
    would not for a whole window; stirred: the number of the newest quarter-hour that stood out from
    what the home does alone."""

    slots: int | None
    stirred: int | None


NOTHING_KNOWN: Final = Outlook(None, None)


def outlook(
    numbers: Sequence[int], watts: Sequence[int], floor_w: int, alone: Alone, limit: float
) -> Outlook:
    """Of a full window, oldest quarter-hour first."""
    return Outlook(_slots(watts, floor_w, alone, limit), _stirred(numbers, watts, floor_w, alone))


def _slots(watts: Sequence[int], floor_w: int, alone: Alone, limit: float) -> int | None:
    size = len(watts)
    # From the newest backwards: the highest of what has not left the window yet.
    highest = [0] * (size + 1)
    for place in range(size - 1, -1, -1):
        highest[place] = max(highest[place + 1], watts[place])
    total, squares = sum(watts), sum(w * w for w in watts)
    for gone in range(size + 1):
        # An hour at a time: a screen shows no more, and what was left out may have been enough.
        if gone % SLOTS_PER_HOUR == 0:
            peak_w = max(highest[gone], floor_w) - floor_w
            if activity(spread_of(total, squares, size), peak_w, alone) <= limit:
                return max(0, gone - SLOTS_PER_HOUR + 1)
        if gone < size:
            total += floor_w - watts[gone]
            squares += floor_w * floor_w - watts[gone] * watts[gone]
    return None


def _stirred(
    numbers: Sequence[int], watts: Sequence[int], floor_w: int, alone: Alone
) -> int | None:
    more_w = floor_w + alone.peak_w + PEAK_MORE_W
    for number, power_w in zip(reversed(numbers), reversed(watts), strict=True):
        if power_w > more_w:
            return number
    return None
