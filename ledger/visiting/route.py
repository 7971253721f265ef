"""The order in which homes are gone to. Pure.

Homes with a place: the nearest next, from the best of all beginnings, then improved by turning
parts round (2-opt). Homes without one stand behind the last home of their own village, or at the
end, by village.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

# A day has a dozen homes; beyond this the way is only begun at one end and not improved, so that
# the order of a whole village stays cheap.
IMPROVED_MAX: Final = 16
_ROUNDS_MAX: Final = 20
_KM_PER_DEGREE: Final = 111.2
# Less than a metre is no improvement but a rounding.
_EPSILON_KM: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A home on the way; `key` is what it is called."""

    key: str
    region: str = ""
    place: tuple[float, float] | None = None


def km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Within a county the earth is flat."""
    shrink = math.cos(math.radians((one[0] + other[0]) / 2))
    return _KM_PER_DEGREE * math.hypot(one[0] - other[0], (one[1] - other[1]) * shrink)


def ordered(stops: Sequence[Stop]) -> list[Stop]:
    """The same homes in the order of the way; the same for any order they came in."""
    stops = sorted(stops, key=lambda stop: (stop.region, stop.key))
    placed = [stop for stop in stops if stop.place is not None]
    way = _way(placed)
    for stop in stops:
        if stop.place is None:
            way.insert(_behind_own_village(way, stop), stop)
    return way


def length_km(way: Sequence[Stop]) -> float:
    places = [stop.place for stop in way if stop.place is not None]
    return sum(km(one, other) for one, other in pairwise(places))


def _way(stops: list[Stop]) -> list[Stop]:
    if len(stops) <= 2:
        return stops
    beginnings = stops if len(stops) <= IMPROVED_MAX else stops[:1]
    ways = [_nearest_next(first, stops) for first in beginnings]
    best = min(ways, key=length_km)
    return _improved(best) if len(best) <= IMPROVED_MAX else best


def _nearest_next(first: Stop, stops: Sequence[Stop]) -> list[Stop]:
    # On a plane, for the nearest alone: a county looks for it half a million times.
    shrink = math.cos(math.radians(_placed(first)[0]))
    left = {
        stop.key: (_placed(stop)[0], _placed(stop)[1] * shrink, stop)
        for stop in stops
        if stop is not first
    }
    way = [first]
    here, there = _placed(first)[0], _placed(first)[1] * shrink
    while left:
        _far, key = min(
            ((lat - here) ** 2 + (lon - there) ** 2, key) for key, (lat, lon, _) in left.items()
        )
        here, there, nearest = left.pop(key)
        way.append(nearest)
    return way


def _improved(way: list[Stop]) -> list[Stop]:
    places = [_placed(stop) for stop in way]
    for _round in range(_ROUNDS_MAX):
        better = False
        for i in range(len(way) - 1):
            for j in range(i + 1, len(way)):
                if _saves(places, i, j) > _EPSILON_KM:
                    way[i : j + 1] = way[i : j + 1][::-1]
                    places[i : j + 1] = places[i : j + 1][::-1]
                    better = True
        if not better:
            break
    return way


def _saves(places: Sequence[tuple[float, float]], i: int, j: int) -> float:
    """How much shorter the way is with the part from i to j turned round; its ends are free."""
    before = km(places[i - 1], places[i]) if i > 0 else 0.0
    before += km(places[j], places[j + 1]) if j + 1 < len(places) else 0.0
    after = km(places[i - 1], places[j]) if i > 0 else 0.0
    after += km(places[i], places[j + 1]) if j + 1 < len(places) else 0.0
    return before - after


def _placed(stop: Stop) -> tuple[float, float]:
    if stop.place is None:
        raise ValueError(f"{stop.key} has no place")
    return stop.place


def _behind_own_village(way: Sequence[Stop], stop: Stop) -> int:
    same = [place for place, other in enumerate(way) if other.region == stop.region]
    return same[-1] + 1 if same else len(way)
