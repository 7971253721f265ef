"""The demonstration's visits: five weeks before it begins, and its three days of routine.

They follow the plan, as far as people do: some are missing, some doors stay closed, and two people
were forgotten for weeks. Everything follows from the homes.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alarms.rota.days import Calendar as Days
from device_sims.roster import Household
from ledger.database import insert_sql
from ledger.schema import VISIT
from ledger.unit_of_work import UnitOfWork, compact
from ledger.visiting.pattern import Person
from ledger.visiting.plan import Calendar, make_plan
from ledger.visiting.said import RAISE, Said
from ledger.visiting.tiers import Tier, VisitFacts, segments
from rules.local_time import HOUR_MS, MINUTE_MS, at_minute_ms, day_of

VISITOR: Final = "visitor1"
PAST_DAYS: Final = 35
ROUTINE_DAYS: Final = 3
# Of 24 people two whom nobody went to for three weeks.
FORGOTTEN_DAYS: Final = 21
_FORGOTTEN_EVERY: Final = 12
_MISSED: Final = 0.06
_NOBODY: Final = 0.04
_CALLED: Final = 0.05

_COLUMNS: Final = (
    *("id", "service_user", "home", "kind", "way", "visitor", "visited_at_ms"),
    *("recorded_at_ms", "record", "met", "number"),
)
_INSERT: Final = insert_sql(VISIT, _COLUMNS, "ON CONFLICT (id) DO NOTHING")
_CALM: Final = {
    "household": "unchanged",
    "speech": "unchanged",
    "movement": "unchanged",
    "illness": "unchanged",
    "mood": "better",
    "gas_safety": "safe",
    "electrical_safety": "safe",
    "fire_safety": "safe",
    "visitor_kind": "care_worker",
    "satisfaction": "satisfied",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoVisit:
    id: str
    person: str
    home: str
    way: str
    at_ms: int
    met: bool
    number: int


def visits(homes: Sequence[Household], began_ms: int) -> list[DemoVisit]:
    """All that are made, oldest first."""
    today = day_of(began_ms)
    first, last = today - PAST_DAYS, today + ROUTINE_DAYS - 1
    people = [_person(home, first - 62, last + 62) for home in homes]
    days = Days()
    plan = make_plan(
        people,
        {},
        Calendar(rest=lambda day: not days.kind(day).working),
        today=first,
        first=first,
        last=last,
    )
    found: list[DemoVisit] = []
    for place, person in enumerate(people):
        draw = random.Random(f"{person.id}/{began_ms}")  # noqa: S311 - from a seed
        meant = sorted(
            day
            for (whose, _period), base in plan.base.items()
            for day in base
            if whose == person.id and first <= day <= last
        )
        forgotten = place % _FORGOTTEN_EVERY == _FORGOTTEN_EVERY // 2
        number = 0
        for day in meant:
            if draw.random() < _MISSED or (forgotten and day >= today - FORGOTTEN_DAYS):
                continue
            number += 1
            at_ms = at_minute_ms(day, draw.randrange(8 * 60 + 30, 16 * 60))
            found.append(
                DemoVisit(
                    id=f"demo-{person.id}-{day}",
                    person=person.id,
                    home=person.home,
                    way="phone" if draw.random() < _CALLED else "home_visit",
                    at_ms=at_ms,
                    met=draw.random() >= _NOBODY,
                    number=number,
                )
            )
    return sorted(found, key=lambda visit: (visit.at_ms, visit.id))


def write(unit: UnitOfWork, made: Sequence[DemoVisit]) -> None:
    """Twice writes them once."""
    for visit in made:
        record = _CALM if visit.met else {"nobody_met": True}
        unit.execute(
            _INSERT,
            (
                *(visit.id, visit.person, visit.home, "routine", visit.way, VISITOR),
                *(visit.at_ms, visit.at_ms + 20 * MINUTE_MS, compact(record)),
                *(visit.met, visit.number),
            ),
        )


def raised(homes: Sequence[Household], began_ms: int) -> Said | None:
    """One of the able is visited more often for a time."""
    today = day_of(began_ms)
    able = [home for home in homes if _tier(home, today) is Tier.MONTHLY]
    if not able:
        return None
    return Said(
        kind=RAISE,
        service_user=_id(able[0]),
        region=able[0].region,
        from_day=today - 1,
        until_day=today + 30,
        tier=Tier.WEEKLY,
        reason="老伴刚过世，情绪低落",
    )


def due(made: Sequence[DemoVisit], now_ms: int) -> list[DemoVisit]:
    """Those that have been made by now, an hour after they were."""
    return [visit for visit in made if visit.at_ms + HOUR_MS <= now_ms]


def _facts(home: Household) -> VisitFacts:
    return VisitFacts(categories=frozenset({home.category}), grade=home.grade, born=home.born)


def _tier(home: Household, day: int) -> Tier:
    return segments(_facts(home), day, day)[0].tier


def _id(home: Household) -> str:
    return f"person-{home.home[5:]}"


def _person(home: Household, first: int, last: int) -> Person:
    return Person(
        id=_id(home),
        home=home.home,
        region=home.region,
        spans=segments(_facts(home), first, last),
        place=(home.lat, home.lon),
    )
