"""For how long a window stays lively whatever comes next: a bound below its activity. Pure.

    window now      [ leaves within k slots |            stays for k slots at least            ]
    window then                             [            stays             | k slots, unknown ]

However the unknown slots turn out, the numbers of the window spread at least as far as those that
stay do by themselves, its highest is at least theirs, and its floor at most theirs, for a slot more
can only push lower ones into it. So the activity (`rules.lived_days`) is at least that of such a
spread and peak: while this is above the limit, no slot need be judged. Whoever changes what the
activity is must change this with it; `tests/rules/test_lively.py` holds the two together.
"""

from array import array
from collections.abc import Sequence
from math import sqrt
from typing import Final

from rules.lived_days import Alone, activity

# As many slots as can wait (`rules.waiting`), then fewer: what isn't sure for these is asked again
# when fewer have come.
TRIES: Final[Sequence[int]] = (48, 24, 12, 6, 3, 1)
# So that a bound is none by the last digit of a float.
_SURELY: Final = 1.0 + 1e-9


def lively_slots(
    window: "array[int]", floor: tuple[float, float], alone: Alone, limit: float
) -> int:
    """How many slots can come before the activity can be at or below the limit. window: the watts
    of its slots, oldest first; floor: of which part of them, lowest first, it is the mean."""
    size = len(window)
    low, high = int(size * floor[0]), max(int(size * floor[1]), 1)
    for slots in TRIES:
        staying = window[slots:]
        count = len(staying)
        if count < high:
            continue
        ordered = sorted(staying)
        total, squares = sum(ordered), sum(watts * watts for watts in ordered)
        spread_w = sqrt((squares * count - total * total) / count / size)
        peak_w = ordered[-1] - sum(ordered[low:high]) // (high - low)
        if activity(spread_w, peak_w, alone) > limit * _SURELY:
            return slots
    return 0
