"""Whether what a long-running process holds stays the same: figures over time, judged."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

# Caches fill and projections grow to their size meanwhile; looked at is what comes after.
SETTLED: Final = 1 / 3


class Limit(NamedTuple):
    """How far the end may lie above the middle: a share of it, and an amount that is noise."""

    share: float
    amount: float


# An allocator keeps pages; a leak of one object for each press is megabytes by then.
MEMORY: Final = Limit(0.05, 6 << 20)
# A connection more or less is life; one for each press is not.
HANDLES: Final = Limit(0.0, 4)
# A log is cut back to its room, and stands between two foldings.
LOG: Final = Limit(0.5, 4 << 20)

LIMITS: Final[Mapping[str, Limit]] = {"rss": MEMORY, "fds": HANDLES, "log": LOG}


def growth(values: Sequence[float]) -> tuple[float, float]:
    """(usual after settling, usual at the end), of the second and the last third."""
    rest = values[int(len(values) * SETTLED) :]
    half = len(rest) // 2
    return median(rest[:half]), median(rest[half:])


def judged(samples: Mapping[str, Sequence[float]]) -> list[str]:
    """What grew. Names are `<process> <what>`, `what` one of `LIMITS`."""
    found = []
    for name, values in samples.items():
        limit = LIMITS[name.rsplit(" ", 1)[1]]
        middle, end = growth(values)
        if end > middle * (1 + limit.share) + limit.amount:
            found.append(f"{name} grew from {middle:,.0f} to {end:,.0f}")
    return found
