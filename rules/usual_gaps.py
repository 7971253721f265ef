"""For how long sensors of a home usually see nobody, and when that is too long. Pure.

An hour of the night in which nothing stirs says little, one at breakfast much. So a silence is
counted in *missed hours*: each hour of it counts as often as there is a sign of somebody at that
time of day. In a night of eight hours perhaps one is missed, from breakfast to supper nine.

    chance of a sign    night ▁▁▁▁▁▁▁  day ▇█▇▆▆▇▇█▇▆▃
    a silence from noon to midnight misses      ▆▇▇█▇▆▃  = 6.4 hours

Of each of the last 28 days the most missed hours on end are known. What one day in so many exceeds
is told from the tail of those days, as `rules.quiet_limit` does with electricity.
"""

from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.watched_hours import DAYS, HOURS

# Days that must be known, and from when on they are trusted as they are; before that the limits
# are wider.
DAYS_MIN: Final = 7
DAYS_TRUSTED: Final = 14
YOUNG_PART: Final = 1.4
# Hours of a day that must have been watched for it to say anything.
_DAY_SEEN: Final = 16
# Where electricity shows nobody either, one day in two months is rare enough; sensors alone wait
# for what happens on one in half a year. All figures were chosen on
# the tuning homes of `./dev eval`.
JOINT_DAYS: Final = 60
ALONE_DAYS: Final = 180
# That day is further out than those that are known: beyond the fifth of them that are quietest it
# gets rarer by the same part for each step. The step is a mean, and with few days mostly that of
# other homes; it is never below the part of it that other homes have.
TAIL_PART: Final = 0.2
STEP: Final = 0.2
STEP_DAYS: Final = 5
# So that no proportion is taken of nothing.
_LEAST_H: Final = 0.5
# Beyond what was ever seen by this part.
BEYOND_PART: Final = 1.05
# A silence that would have to last for more of a usual day's signs than so many days have can't
# be found in time, if ever.
WEAK_DAYS: Final = 2.0

Flags = NDArray[np.bool_]


class Usual(NamedTuple):
    """chances: of a sign in each hour of the day. joint_h, alone_h: missed hours beyond which it
    is too quiet, where electricity shows nobody either and by sensors alone. longest_h: the longest
    silence by the clock; days: known. middle_h: the usual day's most missed hours."""

    chances: Sequence[float]
    joint_h: float
    alone_h: float
    middle_h: float
    longest_h: int
    days: int

    @property
    def weak(self) -> bool:
        return self.alone_h > WEAK_DAYS * sum(self.chances)


def usual_of(
    seen: Sequence["array[int]"],
    signs: Sequence["array[int]"],
    apart: "array[int]",
    refuted: Sequence[float],
    open_h: int,
) -> Usual | None:
    """Of the sensors that are watched now, without the newest day, which isn't over. apart: hours
    that are not usual ones. refuted: silences that were none. open_h: hours of days that are over
    and of a silence that isn't: it must not be its own measure. None while too little is known."""
    usual = ~_hours(apart)
    usual.ravel()[usual.size - min(open_h, usual.size) :] = False
    for bits in seen:
        usual &= _hours(bits)
    sign = np.zeros_like(usual)
    for bits in signs:
        sign |= _hours(bits)
    days = usual.sum(axis=1)
    known = np.flatnonzero(days >= _DAY_SEEN)
    if len(known) < DAYS_MIN:
        return None
    chances = ((sign & usual).sum(axis=0) + 0.5) / (usual.sum(axis=0) + 1.0)
    missed = _on_end(np.where(usual, chances, 0.0).ravel(), sign.ravel())
    clock = _on_end(usual.ravel().astype(np.float64), sign.ravel())
    most = np.sort(missed.reshape(usual.shape).max(axis=1)[known])
    young = 1.0
    if len(known) < DAYS_TRUSTED:
        young = YOUNG_PART
    least = max([float(most[-1]), *refuted]) * BEYOND_PART
    return Usual(
        chances=tuple(round(float(chance), 4) for chance in chances),
        joint_h=round(max(beyond(most, JOINT_DAYS), *refuted, 0.0) * young, 3),
        alone_h=round(max(beyond(most, ALONE_DAYS), least) * young, 3),
        middle_h=round(float(most[len(most) // 2]), 2),
        longest_h=round(float(clock.max())),
        days=len(known),
    )


def beyond(most: NDArray[np.float64], rare_days: int) -> float:
    """What one day in so many exceeds, from the most missed hours of some days, ascending."""
    number = len(most)
    tail = max(1, round(number * TAIL_PART))
    logs = np.log(np.maximum(most[number - tail - 1 :], _LEAST_H))
    step = (float((logs[1:] - logs[0]).sum()) + STEP * STEP_DAYS) / (tail + STEP_DAYS)
    steps = np.log(max(1.0, tail / number * rare_days))
    return float(np.exp(logs[0] + step * steps))


def _hours(bits: "array[int]") -> Flags:
    """Days and their hours, without the newest."""
    days = np.frombuffer(bits, dtype=np.int32)[: DAYS - 1]
    found: Flags = (days[:, None] >> np.arange(HOURS, dtype=np.int32) & 1).astype(np.bool_)
    return found


def _on_end(weights: NDArray[np.float64], sign: Flags) -> NDArray[np.float64]:
    """What has added up since the last sign."""
    total = np.cumsum(weights)
    found: NDArray[np.float64] = total - np.maximum.accumulate(np.where(sign, total, 0.0))
    return found
