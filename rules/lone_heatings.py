"""A tank that hardly ever heats by night, told from its heatings of one size at any hour. Pure.

Where people's own baths heat a tank late in the evening, it heats by itself at any hour, in one
night of ten. What tells it from people then is that it always takes the same, up to where its
thermostat ends: of what stands alone, an hour calm before and behind, many are alike, and those in
the middle of the night are of them. A rice cooker takes the same each day, but not at two by night;
who cooks by night does not always take the same.

    watts    __|#|______|##|_________|#|____|###|#|__     each day is looked through once, when it
               lone     lone         lone   near each     is over: of homes without a tank nothing
                                            other         is kept but some sizes
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from rules.lived_days import SLOTS_PER_DAY, SLOTS_PER_HOUR, coded, decoded

# So much above the usual floor, over a quarter of an hour, is strong: 1.5 kW for a quarter of it.
STRONG_W: Final = 400.0
# After an hour it is no tank that only keeps warm: nothing is held for longer.
STRONG_SLOTS_MAX: Final = 4
# So many quarter-hours before and behind it nothing strong is on.
CALM_SLOTS: Final = 4
# Slots before a strong one that tell what else is on; the one beside it may have a part of it.
BEFORE: Final = 2
# A day is looked through up to so long before its end: by then what began is over.
_LATE: Final = STRONG_SLOTS_MAX + CALM_SLOTS
# Smaller ones are kettles and rice cookers too, of one size each.
LEAST_WH: Final = 250.0
# Heatings that are remembered: two or three weeks of most homes. More of them reach further back
# than a tank stays as it was set, and let chance bring two alike into a night.
KEPT: Final = 24
# So many of them, and such a part of all, are alike …
ALIKE_MIN: Final = 10
ALIKE_PART: Final = 0.3
# … and so many by night, and most of those by night: of 24 tuning homes each of three families
# without a tank none had so many.
NIGHT_MIN: Final = 2
NIGHT_PART: Final = 0.6
# Alike is what differs by four steps of `coded`, 15 %: a refrigerator runs beside it or not.
_ALIKE_STEPS: Final = 4
# In one byte: the size from the least on, and whether it was by night.
_LEAST_CODE: Final = coded(LEAST_WH)
_NIGHT_BIT: Final = 0x80
_SIZE_BITS: Final = 0x7F


class Lone(NamedTuple):
    """The number of the slot in which a heating began, and what it took."""

    number: int
    size_wh: float


def lone_heatings(watts: Sequence[int], newest: int, usual_w: int) -> list[Lone]:
    """Those of the day of the newest slot that stood alone, up to two hours before its end, and of
    the last two hours before it. watts: of slots on end; usual_w: the floor of most days."""
    first = newest + 1 - len(watts)
    limit_w = usual_w + STRONG_W
    strong = [place for place, each in enumerate(watts) if each > limit_w]
    if not strong:
        return []
    starts = [strong[0], *(now for last, now in pairwise(strong) if now > last + 1)]
    ends = [*(last for last, now in pairwise(strong) if now > last + 1), strong[-1]]
    until = (newest // SLOTS_PER_DAY + 1) * SLOTS_PER_DAY - _LATE - first
    found = []
    calm_from, nexts = -1, [*starts[1:], len(watts)]
    for start, end, after in zip(starts, ends, nexts, strict=True):
        alone = start - calm_from > CALM_SLOTS and after - end > CALM_SLOTS
        calm_from = end
        asked = until - SLOTS_PER_DAY <= start < until
        if alone and asked and end - start < STRONG_SLOTS_MAX:
            base_w = min(watts[start - 1 - BEFORE : start - 1])
            beside = watts[start - 1 : end + 2]
            size_wh = sum(max(each - base_w, 0) for each in beside) / SLOTS_PER_HOUR
            if size_wh >= LEAST_WH:
                found.append(Lone(first + start, size_wh))
    return found


def remembered(sizes: bytes, heatings: Iterable[tuple[float, bool]]) -> bytes:
    """What is kept of these and those before: how much each took, and whether it was by night."""
    more = bytes(
        min(coded(size_wh) - _LEAST_CODE, _SIZE_BITS) | (_NIGHT_BIT if night else 0)
        for size_wh, night in heatings
    )
    return (sizes + more)[-KEPT:]


def usual_size(sizes: bytes) -> float | None:
    """What a heating of the home's tank takes; None: nothing says that it has one."""
    by_night = [each & _SIZE_BITS for each in sizes if each & _NIGHT_BIT]
    if len(by_night) < NIGHT_MIN or len(sizes) < ALIKE_MIN:
        return None
    codes = [each & _SIZE_BITS for each in sizes]
    count, least = max((sum(_alike(each, least) for each in codes), least) for least in codes)
    at_night = sum(_alike(each, least) for each in by_night)
    if (
        count < max(ALIKE_MIN, ALIKE_PART * len(codes))
        or at_night < max(NIGHT_MIN, NIGHT_PART * len(by_night))
    ):  # fmt: skip
        return None
    alike = sorted(each for each in codes if _alike(each, least))
    return decoded(alike[len(alike) // 2] + _LEAST_CODE)


def _alike(code: int, least: int) -> bool:
    return least <= code <= least + _ALIKE_STEPS
