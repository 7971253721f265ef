"""A ring with fewer corners that leaves its old course by no more than a tolerance
(Douglas and Peucker). Pure.
"""

from collections.abc import Sequence

Position = tuple[float, float]


def thinned(ring: Sequence[Position], tolerance: float) -> tuple[Position, ...]:
    """Of a closed ring; its first position stays. Fewer than four are left of what is nowhere
    further from a line than the tolerance."""
    # A ring ends where it begins: it is cut at the position that lies furthest from there.
    middle = max(range(len(ring)), key=lambda at: _square(ring[0], ring[at]))
    keep = {0, middle, len(ring) - 1}
    open_ = [(0, middle), (middle, len(ring) - 1)]
    while open_:
        first, last = open_.pop()
        if last - first < 2:
            continue
        far = max(range(first + 1, last), key=lambda at: _off(ring[at], ring[first], ring[last]))
        if _off(ring[far], ring[first], ring[last]) > tolerance * tolerance:
            keep.add(far)
            open_ += [(first, far), (far, last)]
    return tuple(ring[at] for at in sorted(keep))


def _square(one: Position, other: Position) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2


def _off(place: Position, begin: Position, end: Position) -> float:
    """The square of how far a place is from a line between two."""
    length = _square(begin, end)
    if length == 0.0:
        return _square(place, begin)
    along = (place[0] - begin[0]) * (end[0] - begin[0]) + (place[1] - begin[1]) * (
        end[1] - begin[1]
    )
    share = min(1.0, max(0.0, along / length))
    foot = (begin[0] + share * (end[0] - begin[0]), begin[1] + share * (end[1] - begin[1]))
    return _square(place, foot)
