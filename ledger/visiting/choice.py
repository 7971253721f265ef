"""Which of the days that are left are taken. Pure.

In this order: no rest day without need, visits not on following days, no day beyond what a visitor
can do, as near as possible to the days that were meant, and the earliest.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Final

# Between two visits of a week: Monday and Wednesday at the nearest.
GAP_DAYS: Final = 2


def choose(
    count: int,
    days: Sequence[int],
    meant: Sequence[int],
    *,
    fixed: Collection[int] = (),
    rest: Callable[[int], bool],
    load: Mapping[int, int],
    capacity: int,
) -> tuple[int, ...]:
    """At most `count` of `days` (in order). `fixed`: days with a visit that stays."""
    count = min(count, len(days))
    if count <= 0:
        return ()

    def cost(way: tuple[int, ...]) -> tuple[int, int, int, int, tuple[int, ...]]:
        return (
            sum(rest(day) for day in way),
            _close((*way, *fixed)),
            sum(max(0, load.get(day, 0) + 1 - capacity) for day in way),
            _far(way, meant),
            way,
        )

    if tuple(meant) == tuple(day for day in meant if day in days) and len(meant) == count:
        best = cost(tuple(meant))
        if best[:4] == (0, 0, 0, 0):
            return tuple(meant)
    return min(combinations(days, count), key=cost)


def _close(days: Collection[int]) -> int:
    return sum(later - day < GAP_DAYS for day, later in pairwise(sorted(days)))


def _far(way: Sequence[int], meant: Sequence[int]) -> int:
    """How far the days lie from those that were meant, each from its own or from the nearest."""
    if not meant:
        return 0
    if len(way) == len(meant):
        return sum(abs(day - other) for day, other in zip(way, sorted(meant), strict=True))
    return sum(min(abs(day - other) for other in meant) for day in way)
