"""What is remembered of a home's days, and the scale that they give: empty here, lived there.

A day keeps its counts at twelve levels of power above the floor. The difference of neighbouring
levels is a band; the weight of a band is the logarithm of how much commoner it is in lived days
than in empty ones.
"""

from collections.abc import Sequence
from math import log, sqrt
from typing import Final, NamedTuple

# Half-way steps on the way from an LED lamp to a kettle, each about 1.6 times the last.
LEVELS_W: Final = (8, 14, 25, 40, 65, 100, 160, 250, 400, 650, 1000, 1800)
# Days poorer than a poor lived day: illness and journeys must not blunt the rule.
POOR_PART: Final = 0.1
# The strict limit: this many deviations above empty, but no further than this share of the way
# to a poor lived day. All shares were chosen on simulated homes (docs/rules.md).
DEVIATIONS: Final = 0.8
POOR_SHARE: Final = 0.3
# Where lived and empty lie far apart, a window this share of the way up is still nearly empty;
# it counts as empty if the rest is spread over it as a machine's work is.
NEAR_SHARE: Final = 0.2
# A limit nearer to empty than this is chance: the home can't be judged.
DEVIATIONS_MIN: Final = 0.35
# Slots added to both sides of a weight, so that a band never seen decides nothing.
PRIOR: Final = 0.03
# No slot says more than this: e³, twenty times as common in lived days.
WEIGHT_MAX: Final = 3.0
# Part of a band that may turn up in the next: floors and compressors drift by some watts.
LEAK: Final = 0.05
# Slots of one machine come in twos and threes, which scatters more than single ones.
CLUSTER: Final = 1.5
# Variance of a score that is left when nothing at all stands out in the quiet hours.
SCATTER: Final = 0.5


class Day(NamedTuple):
    """What is remembered of a day, per level: counts of its poorest window, and in its quiet
    hours (of `quiet_slots` seen ones); floor and mean in watts."""

    low: tuple[int, ...]
    quiet: tuple[int, ...]
    quiet_slots: int
    floor_w: int
    mean_w: int


class Scale(NamedTuple):
    """What was learned. weights: what a slot of each band says; empty, deviation: score of an
    empty window and its scatter; usual, poor: of the middle and the poor lived days."""

    weights: tuple[float, ...]
    empty: float
    deviation: float
    usual: float
    poor: float

    @property
    def strict(self) -> float:
        """Below it a window looks empty by chance alone."""
        return self.empty + min(DEVIATIONS * self.deviation, POOR_SHARE * self._way)

    @property
    def limit(self) -> float:
        """Below it a window looks empty if what is left of activity is a machine's."""
        return max(self.strict, self.empty + NEAR_SHARE * self._way)

    @property
    def _way(self) -> float:
        return self.poor - self.empty

    @property
    def tells(self) -> bool:
        """Whether lived and empty lie apart at all."""
        return self.strict >= self.empty + DEVIATIONS_MIN * self.deviation


def learn_scale(days: Sequence[Day], window: int) -> Scale | None:
    """The scale that these days give; None while no quiet hour was seen."""
    quiet_slots = sum(day.quiet_slots for day in days)
    if not quiet_slots:
        return None
    part = window / quiet_slots
    lived = [_bands(day.low) for day in days]
    quiet = [_bands(day.quiet) for day in days]
    empties = [sum(column) * part for column in zip(*quiet, strict=True)]
    empties = [e + LEAK * below for e, below in zip(empties, [0.0, *empties[:-1]], strict=True)]
    means = [sum(column) / len(days) for column in zip(*lived, strict=True)]
    weights = tuple(
        [
            min(max(log((m + PRIOR) / (e + PRIOR)), 0.0), WEIGHT_MAX)
            for m, e in zip(means, empties, strict=True)
        ]
    )
    scores = sorted(sum(n * w for n, w in zip(row, weights, strict=True)) for row in lived)
    variance = sum(e * w * w for e, w in zip(empties, weights, strict=True))
    return Scale(
        weights=weights,
        empty=sum(e * w for e, w in zip(empties, weights, strict=True)),
        deviation=sqrt(CLUSTER * variance + SCATTER),
        usual=scores[len(scores) // 2],
        poor=scores[int(len(scores) * POOR_PART)],
    )


def _bands(counts: Sequence[int]) -> list[int]:
    """Slots between each level and the next, from slots above each level."""
    return [a - b for a, b in zip(counts, (*counts[1:], 0), strict=True)]


def pack(day: Day) -> bytes:
    """Two rows of counts, the number of quiet slots, floor and mean as two bytes each."""
    watts = day.floor_w.to_bytes(2, "big") + day.mean_w.to_bytes(2, "big")
    return bytes([*day.low, *day.quiet, day.quiet_slots]) + watts


def unpack(row: bytes) -> Day:
    size = len(LEVELS_W)
    if len(row) != 2 * size + 5:
        raise ValueError(f"a day of {len(row)} bytes")
    return Day(
        low=tuple(row[:size]),
        quiet=tuple(row[size : 2 * size]),
        quiet_slots=row[2 * size],
        floor_w=int.from_bytes(row[-4:-2], "big"),
        mean_w=int.from_bytes(row[-2:], "big"),
    )
