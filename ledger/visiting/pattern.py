"""The days on which a visitor goes to each of her people if nothing gets in the way. Pure.

Homes are taken in the order of the way through the visitor's area and cut into parts, one for each
pattern of weekdays: neighbours are visited on the same day, and everybody has the same weekdays in
each week. Nothing of what was visited goes in here, so no visit ever moves somebody else's day.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.visiting.days import weekday
from ledger.visiting.periods import ALWAYS, Period, Presence
from ledger.visiting.route import Stop, ordered
from ledger.visiting.tiers import Segment, Tier

WORKDAYS: Final = 5
# The monthly visits lie in the first four weeks of a month: every month has each weekday four
# times, and what is missed has some days left.
WEEKS: Final = 4
# Weekdays of a week's visits, two full days between them where there are two; 0 is Monday.
_WEEKLY: Final[Mapping[Tier, tuple[tuple[int, ...], ...]]] = {
    Tier.WEEKLY: ((0,), (1,), (2,), (3,), (4,)),
    Tier.TWICE_WEEKLY: ((0, 3), (1, 4)),
    Tier.THRICE_WEEKLY: ((0, 2, 4),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is visited. `spans` cover all days that are asked about."""

    id: str
    home: str
    region: str
    spans: tuple[Segment, ...]
    presence: Presence = ALWAYS
    place: tuple[float, float] | None = None


def in_order(people: Iterable[Person]) -> list[Person]:
    """Along the way through the homes; those of one home together."""
    at_home: dict[str, list[Person]] = {}
    for person in sorted(people, key=lambda person: person.id):
        at_home.setdefault(person.home, []).append(person)
    stops = [
        Stop(key=home, region=found[0].region, place=found[0].place)
        for home, found in at_home.items()
    ]
    return [person for stop in ordered(stops) for person in at_home[stop.key]]


def weekly_tier(person: Person, week: Period) -> Tier | None:
    """The weekly tier of a week: the highest on any of its days."""
    if len(person.spans) == 1:
        tier = person.spans[0].tier
        return None if tier is Tier.MONTHLY or not has_tier(person, tier, week) else tier
    found = [tier for tier in reversed(Tier) if tier is not Tier.MONTHLY]
    return next((tier for tier in found if has_tier(person, tier, week)), None)


def has_tier(person: Person, tier: Tier, period: Period) -> bool:
    return any(
        span.tier is tier and span.first <= period.last and span.last >= period.first
        for span in person.spans
    )


def week_days(people: Sequence[Person], tiers: Mapping[str, Tier]) -> dict[str, tuple[int, ...]]:
    """The weekdays of those with a weekly tier. `people` in the order of the way."""
    found: dict[str, tuple[int, ...]] = {}
    for tier, patterns in _WEEKLY.items():
        here = [person for person in people if tiers.get(person.id) is tier]
        parts = _parts(here, [1.0] * len(patterns))
        found |= {person.id: patterns[part] for person, part in parts}
    return found


def month_days(
    people: Sequence[Person],
    month: Period,
    load: Mapping[int, int],
    at_home: Mapping[str, Sequence[int]],
) -> dict[str, int]:
    """The day of each monthly visit, so that days are as full as each other.

    `load`: what the weekly ones bring to each day. `at_home`: days on which the visitor is in that
    home anyway; then she sees everybody there.
    """
    cells = [_cell(month, week, day) for week in range(WEEKS) for day in range(WORKDAYS)]
    alone = [person for person in people if not at_home.get(person.home)]
    total = sum(load.get(day, 0) for day in cells) + len(alone)
    room = [max(0.0, total / len(cells) - load.get(day, 0)) for day in cells]
    found = {person.id: cells[part] for person, part in _parts(alone, room)}
    for place, person in enumerate(people):
        days = at_home.get(person.home)
        if days:
            found[person.id] = days[place % len(days)]
    return found


def _cell(month: Period, week: int, day: int) -> int:
    first = month.first + (day - weekday(month.first)) % 7
    return first + 7 * week


def _parts(people: Sequence[Person], room: Sequence[float]) -> list[tuple[Person, int]]:
    """Cut a way into parts as large as `room` says; a home is never cut."""
    if not people or not room:
        return []
    total = sum(room)
    room = room if total > 0 else [1.0] * len(room)
    total = sum(room)
    edges: list[float] = []
    for one in room:
        edges.append((edges[-1] if edges else 0.0) + one / total)
    sizes = Counter(person.home for person in people)
    part_of: dict[str, int] = {}
    before = 0
    for home, size in sizes.items():
        middle = (before + size / 2) / len(people)
        part_of[home] = min(bisect_left(edges, middle), len(room) - 1)
        before += size
    return [(person, part_of[person.home]) for person in people]
