"""A visitor's plan: who is gone to on which of the days to come. Pure and deterministic.

First the base: everybody's days if all had gone as meant, moved where the day is a holiday, the
visitor is on leave, the weather is bad, the person is away or a manager said so. It knows nothing
of visits. Then, person by person, what was visited is taken off and what was missed is put on days
that are left. So a visit done early, late or not at all moves nobody else's day.
Nothing is dropped: what no day is left for is in `unplaced`, with the reason.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ledger.visiting.choice import GAP_DAYS, choose
from ledger.visiting.days import weekday
from ledger.visiting.pattern import (
    Person,
    has_tier,
    in_order,
    month_days,
    week_days,
    weekly_tier,
)
from ledger.visiting.periods import Period, month_of, periods, required, tier_of
from ledger.visiting.tiers import FREQUENCIES, Tier

Why = Literal["planned", "moved", "catch_up", "fixed"]

# Visits at home that a visitor on foot or by motorcycle does on a day, in mountain villages.
CAPACITY: Final = 12
# What was missed in a month is made up within so many of its working days.
CATCH_UP_DAYS: Final = 5
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustments:
    """What people said about single days. `fixed` and `barred`: days by person; `closed`: why on a
    day nobody of a region is gone to (bad weather); empty: the day is open."""

    fixed: Mapping[str, Collection[int]] = field(default_factory=dict)
    barred: Mapping[str, Collection[int]] = field(default_factory=dict)
    closed: Callable[[int, str], str] = lambda _day, _region: ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A visitor's days. `away`: why the visitor can't on a day (leave), empty when she can;
    `rest`: a day off, taken only where a visit would fall out otherwise."""

    rest: Callable[[int], bool]
    away: Callable[[int], str] = lambda _day: ""
    capacity: int = CAPACITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One visit to come. `meant`: the day it would have had; `cause`: why it has another."""

    person: str
    home: str
    region: str
    day: int
    period: str
    tier: Tier
    why: Why
    meant: int | None = None
    cause: str = ""
    rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """Visits that are owed and have no day: `on_leave`, `bad_weather`, `barred`, `no_days`."""

    person: str
    period: str
    missing: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`planned` by day and then along the way. `base`: by person and period, the days that were
    meant, past ones too."""

    planned: tuple[Planned, ...]
    unplaced: tuple[Unplaced, ...]
    base: Mapping[tuple[str, str], tuple[int, ...]]

    def overflow(self, capacity: int) -> dict[int, int]:
        """Days with more visits than a visitor can do, and how many are too many."""
        load = Counter(one.day for one in self.planned)
        return {day: count - capacity for day, count in sorted(load.items()) if count > capacity}


def is_weekend(day: int) -> bool:
    return weekday(day) >= _SATURDAY


def make_plan(
    people: Sequence[Person],
    visited: Mapping[str, Sequence[int]],
    calendar: Calendar,
    *,
    today: int,
    first: int,
    last: int,
    adjustments: Adjustments | None = None,
) -> Plan:
    """The plan of all weeks and months that touch the days from `first` to `last`.

    `visited`: each person's days with a visit that counts.
    """
    base = _built(people, calendar, first, last, adjustments)
    planned: list[Planned] = []
    unplaced: list[Unplaced] = []
    weekly: dict[str, set[int]] = {}
    for owed in base.owed:
        if owed.period.last < max(first, today) or owed.period.first > last:
            continue
        done = visited.get(owed.person.id, ())
        if owed.period.unit == "month":
            # Who is visited weekly since some day of the month is seen by those visits too.
            done = sorted({*done, *weekly.get(owed.person.id, ())})
        here, missing = _left(base, owed, done, today)
        planned += here
        if owed.period.unit == "week":
            weekly.setdefault(owed.person.id, set()).update(one.day for one in here)
        if missing:
            reason = base.why_no_day(owed, today)
            unplaced.append(
                Unplaced(
                    person=owed.person.id,
                    period=owed.period.key,
                    missing=missing,
                    reason=reason,
                )
            )
    place = {person.id: number for number, person in enumerate(base.people)}
    planned.sort(key=lambda one: (one.day, place[one.person], one.period))
    return Plan(
        planned=tuple(planned),
        unplaced=tuple(unplaced),
        base=base.days(),
    )


def base_days(
    people: Sequence[Person],
    calendar: Calendar,
    first: int,
    last: int,
    adjustments: Adjustments | None = None,
) -> dict[tuple[str, str], tuple[int, ...]]:
    """The days that were meant alone, by person and period, as `make_plan` has them: for who asks
    how people stand and not where to go."""
    return _built(people, calendar, first, last, adjustments).days()


def _built(
    people: Sequence[Person],
    calendar: Calendar,
    first: int,
    last: int,
    adjustments: Adjustments | None,
) -> "_Base":
    base = _Base(in_order(people), calendar, adjustments or Adjustments())
    base.build(month_of(first).first, month_of(last).last)
    return base


@dataclass(slots=True, kw_only=True)
class _Owed:
    """What one person is owed in one period, and the days that it has in the base."""

    person: Person
    period: Period
    count: int
    tier: Tier
    meant: tuple[int, ...]
    days: tuple[int, ...] = ()


class _Base:
    """Everybody's days as if all went as meant."""

    def __init__(
        self, people: Sequence[Person], calendar: Calendar, adjustments: Adjustments
    ) -> None:
        self.people = people
        self.calendar = calendar
        self.adjustments = adjustments
        self.owed: list[_Owed] = []
        self.load: Counter[int] = Counter()

    def build(self, first: int, last: int) -> None:
        for week in periods("week", first, last):
            self._place(self._of_week(week))
        for month in periods("month", first, last):
            self._place(self._of_month(month))

    def days(self) -> dict[tuple[str, str], tuple[int, ...]]:
        return {(owed.person.id, owed.period.key): owed.days for owed in self.owed}

    def open_days(self, person: Person, period: Period, tier: Tier) -> list[int]:
        """Days of a period on which somebody can be visited; fixed ones whatever else holds."""
        fixed = self.adjustments.fixed.get(person.id, ())
        return [
            day
            for day in range(period.first, period.last + 1)
            if day in fixed or not self._obstacle(person, day, tier)
        ]

    def _obstacle(self, person: Person, day: int, tier: Tier) -> str:
        found = tier_of(person.spans, day)
        if found is None or FREQUENCIES[found].unit != FREQUENCIES[tier].unit:
            return "not_there"
        if not person.presence.present(day):
            return "not_there"
        if day in self.adjustments.barred.get(person.id, ()):
            return "barred"
        return self.calendar.away(day) or self.adjustments.closed(day, person.region)

    def why_no_day(self, owed: _Owed, today: int) -> str:
        days = range(max(today, owed.period.first), owed.period.last + 1)
        causes = Counter(self._obstacle(owed.person, day, owed.tier) for day in days)
        del causes[""], causes["not_there"]
        return causes.most_common(1)[0][0] if causes else "no_days"

    def cause(self, owed: _Owed, day: int) -> str:
        """Why a visit is not on the day that was meant."""
        found = self._obstacle(owed.person, day, owed.tier)
        if not found and self.calendar.rest(day):
            return "rest_day"
        if not found and self.load[day] < self.calendar.capacity:
            return "spacing"
        return found or "full"

    def _of_week(self, week: Period) -> list[_Owed]:
        tiers = {p.id: tier for p in self.people if (tier := weekly_tier(p, week)) is not None}
        days = week_days(self.people, tiers)
        return [
            _Owed(
                person=person,
                period=week,
                count=count,
                tier=tiers[person.id],
                meant=tuple(week.first + day for day in days[person.id]),
            )
            for person in self.people
            if person.id in tiers and (count := required(person.spans, person.presence, week)) > 0
        ]

    def _of_month(self, month: Period) -> list[_Owed]:
        counts = {p.id: required(p.spans, p.presence, month) for p in self.people}
        monthly = [p for p in self.people if has_tier(p, Tier.MONTHLY, month)]
        at_home: dict[str, list[int]] = {}
        for owed in self.owed:
            inside = [day for day in owed.days if month.holds(day)]
            at_home.setdefault(owed.person.home, []).extend(inside)
        days = month_days(monthly, month, self.load, at_home)
        return [
            _Owed(
                person=person,
                period=month,
                count=counts[person.id],
                tier=Tier.MONTHLY,
                meant=(days[person.id],),
            )
            for person in monthly
            if counts[person.id] > 0
        ]

    def _place(self, owed: list[_Owed]) -> None:
        """Who can have the days that were meant gets them first; the others take what is left."""
        moved = []
        for one in owed:
            fixed = self.adjustments.fixed.get(one.person.id, ())
            undisturbed = len(one.meant) == one.count and not any(
                self._obstacle(one.person, day, one.tier) or self.calendar.rest(day)
                for day in one.meant
            )
            if undisturbed and not any(one.period.holds(day) for day in fixed):
                self._keep(one, one.meant)
            else:
                moved.append(one)
        for one in moved:
            self._keep(one, self._elsewhere(one))
        self.owed += owed

    def _elsewhere(self, one: _Owed) -> tuple[int, ...]:
        pinned = tuple(
            sorted(d for d in self.adjustments.fixed.get(one.person.id, ()) if one.period.holds(d))
        )[: one.count]
        days = [d for d in self.open_days(one.person, one.period, one.tier) if d not in pinned]
        meant = one.meant
        for day in pinned:
            # The pinned day stands for the nearest of those that were meant.
            nearest = min(meant, key=lambda other: abs(other - day), default=None)
            meant = tuple(other for other in meant if other != nearest)
        others = choose(
            one.count - len(pinned),
            days,
            meant,
            fixed=pinned,
            rest=self.calendar.rest,
            load=self.load,
            capacity=self.calendar.capacity,
        )
        return tuple(sorted((*pinned, *others)))

    def _keep(self, one: _Owed, days: tuple[int, ...]) -> None:
        one.days = days
        self.load.update(days)


def _left(
    base: _Base, owed: _Owed, visited: Sequence[int], today: int
) -> tuple[list[Planned], int]:
    """What is still to be done of what is owed: visits with a day, and how many have none."""
    done = [day for day in visited if owed.period.holds(day)]
    count = owed.count - len(done)
    if count <= 0:
        return [], 0
    ahead = [day for day in owed.days if day >= today and day not in done]
    # A visit done early stands for the next one that was meant.
    kept = ahead[len(ahead) - count :] if len(ahead) > count else ahead
    near = any(abs(day - other) < GAP_DAYS for day in kept for other in done)
    if len(kept) == count and not near:
        return [_planned(base, owed, day, today) for day in kept], 0
    days = [
        day
        for day in base.open_days(owed.person, owed.period, owed.tier)
        if day >= today and day not in done
    ]
    meant = kept if len(kept) == count else _made_up(base, owed, kept, days, count)
    fixed = base.adjustments.fixed.get(owed.person.id, ())
    pinned = tuple(day for day in kept if day in fixed)
    free = [day for day in days if day not in pinned]
    load = Counter(base.load)
    load.subtract(owed.days)
    chosen = choose(
        count - len(pinned),
        free,
        [day for day in meant if day not in pinned],
        fixed=(*done, *pinned),
        rest=base.calendar.rest,
        load=load,
        capacity=base.calendar.capacity,
    )
    taken = sorted((*pinned, *chosen))
    return [_planned(base, owed, day, today) for day in taken], count - len(taken)


def _made_up(
    base: _Base, owed: _Owed, kept: Sequence[int], days: Sequence[int], count: int
) -> list[int]:
    """Days for what was missed: soon, and not all of a bad week on one day. Which day is whose
    follows from the place on the way alone, so nobody's depends on another's visits."""
    working = [day for day in days if day not in kept and not base.calendar.rest(day)]
    working = working or [day for day in days if day not in kept]
    near = working[:CATCH_UP_DAYS]
    place = base.people.index(owed.person)
    extra = [near[(place + number) % len(near)] for number in range(count - len(kept)) if near]
    return sorted({*kept, *extra})


def _planned(base: _Base, owed: _Owed, day: int, today: int) -> Planned:
    why: Why = "planned"
    meant: int | None = None
    cause = ""
    if day in base.adjustments.fixed.get(owed.person.id, ()):
        why = "fixed"
    elif day not in owed.meant:
        meant = _meant(owed, day)
        missed = day not in owed.days and any(other < today for other in owed.days)
        why = "catch_up" if missed else "moved"
        cause = "missed" if missed else base.cause(owed, meant)
    return Planned(
        person=owed.person.id,
        home=owed.person.home,
        region=owed.person.region,
        day=day,
        period=owed.period.key,
        tier=owed.tier,
        why=why,
        meant=meant,
        cause=cause,
        rest=base.calendar.rest(day),
    )


def _meant(owed: _Owed, day: int) -> int:
    """The day that another one stands for."""
    if day in owed.days and len(owed.days) == len(owed.meant):
        return owed.meant[owed.days.index(day)]
    others = [other for other in owed.meant if other not in owed.days] or owed.meant
    return min(others, key=lambda other: abs(other - day))
