"""The demonstration's visits: half a year before it begins, and its three days of routine.

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
# Months for a report to compare, and quarters for an assessment.
PAST_DAYS: Final = 190
ROUTINE_DAYS: Final = 3
# Of 24 people two whom nobody went to for three weeks.
FORGOTTEN_DAYS: Final = 21
_FORGOTTEN_EVERY: Final = 12
_MISSED: Final = 0.06
_NOBODY: Final = 0.04
_CALLED: Final = 0.05
# Of visits that met somebody: with how many services of annex 2, how satisfied, what was found.
_SERVICES: Final = (1, 2, 2, 6, 7, 7, 7, 12, 13, 14, 16)
_SERVED: Final = 0.7
_FAIRLY: Final = 0.12
_DISSATISFIED: Final = 0.02
_UNSAFE: Final = 0.03
_WORSE: Final = 0.04
_NEEDY: Final = 0.05
_NEEDS: Final = ("想把厨房的旧电线换掉", "想请人每周帮忙洗一次澡", "缺降压药", "希望装一个扶手")

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
    record: str


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
            met = draw.random() >= _NOBODY
            found.append(
                DemoVisit(
                    id=f"demo-{person.id}-{day}",
                    person=person.id,
                    home=person.home,
                    way="phone" if draw.random() < _CALLED else "home_visit",
                    at_ms=at_ms,
                    met=met,
                    number=number,
                    record=compact(_record(draw) if met else {"nobody_met": True}),
                )
            )
    return sorted(found, key=lambda visit: (visit.at_ms, visit.id))


def _record(draw: random.Random) -> dict[str, object]:
    """What was found: mostly calm, sometimes something to care about."""
    found: dict[str, object] = dict(_CALM)
    if draw.random() < _SERVED:
        done = {draw.choice(_SERVICES) for _one in range(draw.randint(1, 3))}
        found["services"] = sorted(done)
    grade = draw.random()
    if grade < _DISSATISFIED:
        found["satisfaction"] = "dissatisfied"
    elif grade < _DISSATISFIED + _FAIRLY:
        found["satisfaction"] = "fairly_satisfied"
    if draw.random() < _UNSAFE:
        found[draw.choice(("gas_safety", "electrical_safety", "fire_safety"))] = "unsafe"
    if draw.random() < _WORSE:
        found[draw.choice(("movement", "mood"))] = "worse"
    if draw.random() < _NEEDY:
        found["needs"] = draw.choice(_NEEDS)
    return found


def write(unit: UnitOfWork, made: Sequence[DemoVisit]) -> None:
    """Twice writes them once."""
    for visit in made:
        unit.execute(
            _INSERT,
            (
                *(visit.id, visit.person, visit.home, "routine", visit.way, VISITOR),
                *(visit.at_ms, visit.at_ms + 20 * MINUTE_MS),
                unit.seal.json_object(visit.person, visit.record),
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
