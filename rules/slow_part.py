"""How much of a day's swing is slow: lamps and a radio, beside a refrigerator. Pure.

    quarter-hours   _|~|_|~|_|~|_|~|_     a thermostat, many times in a few hours
    hours           ___---------------    one evening with a lamp and a radio

A thermostat's turns even out over two hours, hours that somebody spends up don't. So the spread of
the means of two hours, as a part of that of single hours, is larger on a quiet day at home than in
an empty one: that counts as so much more activity. Said only of homes whose machines are small:
tanks, heaters and pumps have slow hours of their own, and real empty homes that own them are as
slow as lived ones. What small machines do by day and not by night is allowed for.
"""

from array import array
from typing import Final

from rules.lived_days import SLOTS_PER_HOUR, Alone, spread_of

# From this part on; on the tuning homes half of the empty days of homes with small machines had
# less, real ones 0.4 to 0.65.
SLOW_FROM: Final = 0.5
# Watts that are added below, so that a home in which nothing swings isn't slow.
SLOW_MORE_W: Final = 4.0
# Machines that spread further by themselves are no small ones.
STRONG_W: Final = 60.0
# Beyond this activity nothing depends on a little more of it.
LIVELY: Final = 3.0

_PAIR: Final = 2 * SLOTS_PER_HOUR


def slow_factor(window: "array[int]", alone: Alone) -> float:
    """By how much the activity of a window (its watts, oldest first) counts for more: 1 to 2."""
    if alone.spread_w > STRONG_W:
        return 1.0
    size = len(window)
    hours = [
        sum(window[at : at + SLOTS_PER_HOUR]) for at in range(size % _PAIR, size, SLOTS_PER_HOUR)
    ]
    pairs = [first + second for first, second in zip(hours[::2], hours[1::2], strict=True)]
    slow_w = _spread(pairs) / _PAIR
    return max(1.0, slow_w / (_spread(hours) / SLOTS_PER_HOUR + SLOW_MORE_W) / SLOW_FROM)


def _spread(sums: list[int]) -> float:
    return spread_of(sum(sums), sum(each * each for each in sums), len(sums)) if sums else 0.0
