"""Whether somebody was visited as often as is owed: now, and in a period that is over. Pure.

done      the visits of the period were made
due       they were not all made yet, and nothing is behind
late      a day that was meant has passed without a visit; the period still runs
overdue   a period is over with too few visits, and nobody has been there since
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Final, Literal

from ledger.visiting.counts import Contact, count, visited_days
from ledger.visiting.pattern import Person
from ledger.visiting.periods import (
    Period,
    period_of,
    periods,
    required,
    tier_of,
    weeks_of_month,
)
from ledger.visiting.tiers import FREQUENCIES, Tier, Unit

State = Literal["done", "due", "late", "overdue", "none"]
_UNITS: Final[tuple[Unit, ...]] = ("week", "month")
# Weeks and months that are asked about at a time: a county asks for one.
_KEPT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How somebody stands today. `since`: the day on which the state began; `done` of `owed` in
    the period that runs; `last`: the last day with a visit that counts."""

    person: str
    tier: Tier
    state: State
    since: int | None
    period: str
    owed: int
    done: int
    last: int | None
    calls: int
    nobody_met: int


def standing(
    person: Person,
    contacts: Sequence[Contact],
    today: int,
    *,
    look_from: int,
    base: Mapping[tuple[str, str], tuple[int, ...]],
) -> Standing | None:
    """None: not in the service today. `look_from`: nothing before it is owed (the book's
    beginning, or as far back as it was read); `base`: the days that were meant."""
    tier = tier_of(person.spans, today)
    if tier is None or not _in_service(person, today):
        return None
    days = visited_days(contact for contact in contacts if contact.day <= today)
    last = days[-1] if days else None
    period = period_of(FREQUENCIES[tier].unit, today)
    owed = required(person.spans, person.presence, period)
    counted = count([contact for contact in contacts if contact.day <= today], period)
    done = len(counted.days)
    state, since = _state(
        person, days, today, look_from=look_from, period=period, owed=owed, base=base
    )
    return Standing(
        person=person.id,
        tier=tier,
        state=state,
        since=since,
        period=period.key,
        owed=owed,
        done=done,
        last=last,
        calls=counted.calls,
        nobody_met=counted.nobody_met,
    )


def _state(
    person: Person,
    days: Sequence[int],
    today: int,
    *,
    look_from: int,
    period: Period,
    owed: int,
    base: Mapping[tuple[str, str], tuple[int, ...]],
) -> tuple[State, int | None]:
    since = _overdue_since(person, days, today, look_from)
    if since is not None:
        return "overdue", since
    if owed == 0:
        return "none", None
    done = [day for day in days if period.holds(day)]
    if len(done) >= owed:
        return "done", done[owed - 1]
    passed = [day for day in base.get((person.id, period.key), ()) if day < today]
    if len(passed) > len(done):
        return "late", passed[len(done)]
    return "due", max(period.first, look_from)


def _overdue_since(person: Person, days: Sequence[int], today: int, look_from: int) -> int | None:
    """The day after the first of the periods that ended short, if nobody came since then."""
    begin = look_from if not days else max(look_from, days[-1])
    found = [
        period.last + 1
        for unit in _UNITS
        for period in periods(unit, begin, today - 1)
        if period.last < today and _short(person, days, period, look_from)
    ]
    return min(found, default=None)


def _short(person: Person, days: Sequence[int], period: Period, look_from: int) -> bool:
    """Of a period that began before anything is known nothing can be said."""
    if period.first < look_from:
        return False
    done = sum(period.holds(day) for day in days)
    return done < required(person.spans, person.presence, period)


def _in_service(person: Person, day: int) -> bool:
    presence = person.presence
    joined = presence.from_day is None or presence.from_day <= day
    return joined and (presence.until_day is None or presence.until_day >= day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Visits of a group of people in a period. owed = done + due + late + overdue; `more` are
    visits beyond what was owed."""

    people: int = 0  # in the service on the last day, of a period that runs today
    owed: int = 0
    done: int = 0
    due: int = 0
    late: int = 0
    overdue: int = 0
    more: int = 0
    people_short: int = 0  # of whom something is late or overdue
    calls: int = 0
    nobody_met: int = 0


_FIGURES: Final = attrgetter(*Tally.__slots__)


@lru_cache(_KEPT)
def needs_of(key: Period) -> tuple[Period, ...]:
    """A week is itself; a month is its monthly visits and those of its weeks."""
    return (key,) if key.unit == "week" else (key, *weeks_of_month(key))


def tally(
    person: Person,
    contacts: Sequence[Contact],
    wanted: Period,
    today: int,
    *,
    look_from: int,
    base: Mapping[tuple[str, str], tuple[int, ...]],
) -> Tally:
    """One person in one week or month."""
    needs = needs_of(wanted)
    made, calls, nobody_met = _made(contacts, wanted, today)
    owed = done = due = late = overdue = more = 0
    for period in needs:
        over = period.last < today
        if over and period.first < look_from:
            # It was over, or half over, when the book began.
            continue
        asked = required(person.spans, person.presence, period)
        here = bisect_right(made, period.last) - bisect_left(made, period.first)
        owed += asked
        done += min(asked, here)
        more += max(0, here - asked) if asked else 0
        missing = max(0, asked - here)
        if over:
            overdue += missing
            continue
        passed = sum(day < today for day in base.get((person.id, period.key), ()))
        behind = min(missing, max(0, passed - here))
        late += behind
        due += missing - behind
    return Tally(
        people=int(_in_service(person, min(wanted.last, today))),
        owed=owed,
        done=done,
        due=due,
        late=late,
        overdue=overdue,
        more=more,
        people_short=int(late + overdue > 0),
        calls=calls,
        nobody_met=nobody_met,
    )


def _made(contacts: Sequence[Contact], wanted: Period, today: int) -> tuple[list[int], int, int]:
    """Days with a visit that counts in any of the periods that are needed; calls of the wanted one,
    and visits of it that met nobody."""
    needs = needs_of(wanted)
    first, last = min(p.first for p in needs), min(max(p.last for p in needs), today)
    here = [one for one in contacts if first <= one.day <= last]
    talked = count(here, wanted)
    return list(visited_days(here)), talked.calls, talked.nobody_met


def total(tallies: Iterable[Tally]) -> Tally:
    """Each figure added up; a county's people are added up a few times over, so not one by one."""
    sums = [0] * len(Tally.__slots__)
    for one in tallies:
        for place, value in enumerate(_FIGURES(one)):
            sums[place] += value
    return Tally(**dict(zip(Tally.__slots__, sums, strict=True)))


def by_overdue(standings: Iterable[Standing]) -> list[Standing]:
    """Whom nobody went to, the longest first; who was never visited before who was."""
    order = {"overdue": 0, "late": 1, "due": 2, "done": 3, "none": 4}
    return sorted(
        standings,
        key=lambda one: (
            order[one.state],
            one.since if one.since is not None else 0,
            one.last if one.last is not None else -1,
            one.person,
        ),
    )
