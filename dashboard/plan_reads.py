"""Who is visited by whom, with what was visited and said: read from the book for some people and
a window of days, in a fixed number of questions."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, or_, select

from alarms.rota.plan import Plan as Rota
from dashboard.counted_reads import with_files
from dashboard.plan_facts import facts_of, gaps_of, made, with_file
from dashboard.reads import Row, rows
from dashboard.rota_reads import read_plan
from ledger.schema import ENTRY, HOME, SERVICE_USER, STAY, VISIT, VISIT_PLAN
from ledger.visiting.counts import Contact, visited_days
from ledger.visiting.days import WEEK, iso, weekday
from ledger.visiting.in_service import presence_of
from ledger.visiting.pattern import Person
from ledger.visiting.periods import month_of, week_of
from ledger.visiting.plan import Calendar, Plan, base_days, make_plan
from ledger.visiting.said import Words, words_of
from ledger.visiting.states import Standing, standing
from ledger.visiting.tiers import VisitFacts, segments
from rules.local_time import DAY_MS, ZONE_MS, at_minute_ms, day_of, minute_of

# As far back as somebody's visits are read: half a year shows who is forgotten.
LOOK_BACK_DAYS: Final = 184
# A visitor at work between these hours; leave that covers both is a day off.
_AT_WORK_MIN: Final = (10 * 60, 15 * 60)
# A shift that touches these hours is one by day.
_DAYTIME_MIN: Final = (8 * 60, 18 * 60)
# Shifts and holidays are read from so long before: a plan has whole months, and those whole weeks.
ROTA_BEFORE_DAYS: Final = 62
# Names in one question; SQLite takes 32,766.
_NAMES_MAX: Final = 900
# From so many people on, reading all visits of the time is quicker than asking by person.
MANY: Final = 4_000
_GONE: Final = ("away", "hospital")
_OPEN_DAY: Final = DAY_MS - 1

_PERSON_COLUMNS: Final = (
    SERVICE_USER.c.id,
    SERVICE_USER.c.name,
    SERVICE_USER.c.sex,
    SERVICE_USER.c.born,
    SERVICE_USER.c.phone,
    SERVICE_USER.c.categories,
    SERVICE_USER.c.grade,
    SERVICE_USER.c.visitor,
    SERVICE_USER.c.home,
    SERVICE_USER.c.joined_on,
    SERVICE_USER.c.left_on,
    SERVICE_USER.c.left_why,
    SERVICE_USER.c.service_gaps,
    HOME.c.region,
    HOME.c.address,
    HOME.c.lat,
    HOME.c.lon,
)
# Each has to be opened for each person.
_SEALED_COLUMNS: Final = frozenset({SERVICE_USER.c.name, SERVICE_USER.c.phone, HOME.c.address})

# So far the next visit of a person is looked for, where the month ends before.
NEXT_DAYS: Final = 14


@dataclass(slots=True, kw_only=True)
class Situation:
    """Some people with their facts, visits and what was said; `people` by id."""

    today: int
    # Nothing is owed before it: the book's beginning, or as far back as visits were read.
    look_from: int
    book_began: int
    rows: dict[str, Row]
    people: dict[str, Person]
    facts: dict[str, VisitFacts]
    contacts: dict[str, list[Contact]]
    words: Words
    rota: Rota
    on_shift: Mapping[str, Collection[int]]
    plans: dict[str, Plan] = field(default_factory=dict)

    def plan_of(self, visitor: str, first: int, last: int) -> Plan:
        """Of all people of one visitor; the same for whatever days it was asked with first."""
        if visitor not in self.plans:
            people = self._people_of(visitor)
            self.plans[visitor] = make_plan(
                people,
                {p.id: visited_days(self.contacts.get(p.id, ())) for p in people},
                self.calendar_of(visitor),
                today=self.today,
                first=first,
                last=last,
                adjustments=self.words.adjustments(),
            )
        return self.plans[visitor]

    def next_day_of(self, person: str, visitor: str, last: int) -> int | None:
        plan = self.plan_of(visitor, self.today, last)
        days = (one.day for one in plan.planned if one.person == person and one.day >= self.today)
        return min(days, default=None)

    def base(self, first: int, last: int) -> dict[tuple[str, str], tuple[int, ...]]:
        """The days that were meant, of everybody who has a visitor."""
        adjustments = self.words.adjustments()
        by_visitor: dict[str, list[Person]] = {}
        for person in self.people.values():
            visitor = self.rows[person.id]["visitor"]
            if visitor:
                by_visitor.setdefault(visitor, []).append(person)
        found: dict[tuple[str, str], tuple[int, ...]] = {}
        for visitor, people in by_visitor.items():
            found |= base_days(people, self.calendar_of(visitor), first, last, adjustments)
        return found

    def _people_of(self, visitor: str) -> list[Person]:
        return [p for p in self.people.values() if self.rows[p.id]["visitor"] == visitor]

    def standing_of(
        self, person: str, base: Mapping[tuple[str, str], tuple[int, ...]]
    ) -> Standing | None:
        return standing(
            self.people[person],
            self.contacts.get(person, ()),
            self.today,
            look_from=self.look_from,
            base=base,
        )

    def calendar_of(self, visitor: str) -> Calendar:
        """Days of the visitor's shifts by day in weeks that have any; else the working days."""
        shifts = self.on_shift.get(visitor)
        kind = self.rota.calendar.kind

        @cache
        def rest(day: int) -> bool:
            known = kind(day)
            monday = day - weekday(day)
            if shifts is None or not any(d in shifts for d in range(monday, monday + WEEK)):
                return not known.working
            return day not in shifts or (not known.working and bool(known.name))

        @cache
        def away(day: int) -> str:
            moments = (at_minute_ms(day, minute) for minute in _AT_WORK_MIN)
            return "on_leave" if all(self.rota.absent(visitor, at) for at in moments) else ""

        return Calendar(rest=rest, away=away)


def read_situation(
    connection: Connection,
    now_ms: int,
    wanted: ColumnElement[bool],
    first: int,
    last: int,
    *,
    window_only: bool = False,
    many: int = MANY,
) -> Situation:
    """Everybody who fits `wanted` (a condition on SERVICE_USER and HOME), ready to be planned from
    `first` to `last`. Visits of half a year; those of more than `many` people are read by time, of
    fewer by person. `window_only`: visits and facts of the window's months alone, so nothing can
    be said of how people stand."""
    today = day_of(now_ms)
    book_began = _book_began(connection, today)
    look_from = max(today - LOOK_BACK_DAYS, book_began)
    begin, end = (first, last) if window_only else (min(look_from, first), max(last, today))
    # Plans are made of whole months, and those of whole weeks.
    begin, end = week_of(month_of(begin).first).first, week_of(month_of(end).last).last
    # For figures nobody is called or named: nothing has to be opened.
    columns = [c for c in _PERSON_COLUMNS if not window_only or c not in _SEALED_COLUMNS]
    people = select(*columns).join(HOME, HOME.c.id == SERVICE_USER.c.home).where(wanted)
    people = people.where(*_there(begin, end), SERVICE_USER.c.erased_at_ms.is_(None))
    files = with_files(connection, rows(connection, with_file(people)))
    found = {row["id"]: row for row in files}
    words = words_of(_said(connection, found, min(begin, today)))
    absences = _absences(connection, found.values(), begin)
    facts = {name: facts_of(row, words) for name, row in found.items()}
    rota_from = (begin if window_only else min(first, today)) - ROTA_BEFORE_DAYS
    rota = read_plan(connection, rota_from, end + 1)
    return Situation(
        today=today,
        look_from=look_from,
        book_began=book_began,
        rows=found,
        people={
            name: _person(row, facts[name], absences.get(name, ()), begin, end)
            for name, row in found.items()
        },
        facts=facts,
        contacts=_contacts(connection, found, begin, min(end, today), many),
        words=words,
        rota=rota,
        on_shift=_shifts(rota, rota_from, end),
    )


def next_visit_day(connection: Connection, now_ms: int, person: Row) -> int | None:
    """The next day that a visit of this person is planned for, in this month or two weeks."""
    if person["visitor"] is None:
        return None
    today = day_of(now_ms)
    last = max(month_of(today).last, today + NEXT_DAYS)
    wanted = SERVICE_USER.c.visitor == person["visitor"]
    situation = read_situation(connection, now_ms, wanted, today, last)
    return situation.next_day_of(person["id"], person["visitor"], last)


def _person(
    row: Row, facts: VisitFacts, absences: Sequence[tuple[int, int]], begin: int, end: int
) -> Person:
    placed = row["lat"] is not None and row["lon"] is not None
    return Person(
        id=row["id"],
        home=row["home"],
        region=row["region"],
        spans=segments(facts, begin, end),
        presence=presence_of(row, gaps_of(row), absences),
        place=(row["lat"], row["lon"]) if placed else None,
    )


def _there(first: int, last: int) -> tuple[ColumnElement[bool], ...]:
    """Conditions of somebody who is in the service on any of these days, for all that the first
    joining and the last leaving say."""
    return (
        SERVICE_USER.c.joined_on <= iso(last),
        or_(SERVICE_USER.c.left_on == "", SERVICE_USER.c.left_on >= iso(first)),
    )


def _book_began(connection: Connection, today: int) -> int:
    """The day of the first fact that the book has: before it nothing can have been missed."""
    entry = connection.scalar(select(ENTRY.c.at_ms).order_by(ENTRY.c.seq).limit(1))
    visit = connection.scalar(select(func.min(VISIT.c.visited_at_ms)))
    known = [at for at in (entry, visit) if at is not None]
    return day_of(min(known)) if known else today


def _said(connection: Connection, people: Collection[str], begin: int) -> Iterator[Row]:
    wanted = select(VISIT_PLAN).where(VISIT_PLAN.c.until_day >= begin)
    if len(people) <= _NAMES_MAX:
        whose = VISIT_PLAN.c.service_user
        wanted = wanted.where(or_(whose.is_(None), whose.in_(people)))
    yield from rows(connection, wanted.order_by(VISIT_PLAN.c.seq))


def _absences(
    connection: Connection, people: Iterable[Row], begin: int
) -> dict[str, list[tuple[int, int]]]:
    """By person, days wholly away or in hospital."""
    at_home: dict[str, list[str]] = {}
    for row in people:
        at_home.setdefault(row["home"], []).append(row["id"])
    begin_ms = begin * DAY_MS - ZONE_MS
    stays = select(STAY.c.home, STAY.c.person, STAY.c.from_ms, STAY.c.until_ms, STAY.c.ended_at_ms)
    stays = stays.where(STAY.c.kind.in_(_GONE), STAY.c.until_ms >= begin_ms)
    found: dict[str, list[tuple[int, int]]] = {}
    for stay in rows(connection, stays):
        until_ms = min(stay["until_ms"], stay["ended_at_ms"] or stay["until_ms"])
        # The day somebody leaves and the day somebody comes back are days at home.
        days = (day_of(stay["from_ms"] + _OPEN_DAY), day_of(until_ms) - 1)
        for person in at_home.get(stay["home"], ()):
            if stay["person"] in (None, person) and days[0] <= days[1]:
                found.setdefault(person, []).append(days)
    return found


_CONTACT_COLUMNS: Final = (
    VISIT.c.service_user,
    VISIT.c.home,
    VISIT.c.way,
    VISIT.c.kind,
    VISIT.c.visited_at_ms,
    VISIT.c.met,
)


def _contacts(
    connection: Connection, people: Mapping[str, Row], begin: int, end: int, many: int
) -> dict[str, list[Contact]]:
    """Of each person, oldest first. A visit that names nobody was to everybody of the home."""
    at_home: dict[str, list[str]] = {}
    for name, row in people.items():
        at_home.setdefault(row["home"], []).append(name)
    span = (
        VISIT.c.visited_at_ms >= begin * DAY_MS - ZONE_MS,
        VISIT.c.visited_at_ms < (end + 1) * DAY_MS - ZONE_MS,
    )
    found: dict[str, list[Contact]] = {}
    by_time = len(people) > many
    for row in _visit_rows(connection, people, at_home, span, by_time=by_time):
        named, home, way, kind, at_ms, met = row
        whose = at_home.get(home, ()) if named is None else (named,)
        contact = Contact(day=day_of(at_ms), way=way, kind=kind, met=bool(met), at_ms=at_ms)
        for name in whose:
            if name in people:
                found.setdefault(name, []).append(contact)
    for contacts in found.values():
        contacts.sort(key=lambda contact: contact.at_ms)
    return found


def _visit_rows(
    connection: Connection,
    people: Collection[str],
    homes: Collection[str],
    span: tuple[ColumnElement[bool], ...],
    *,
    by_time: bool,
) -> Iterator[Any]:
    wanted = select(*_CONTACT_COLUMNS).where(*span, *made())
    if by_time:
        yield from connection.execute(wanted)
        return
    for names in _portions(people):
        yield from connection.execute(wanted.where(VISIT.c.service_user.in_(names)))
    unnamed = wanted.where(VISIT.c.service_user.is_(None))
    for names in _portions(homes):
        yield from connection.execute(unnamed.where(VISIT.c.home.in_(names)))


def _portions(names: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(names)
    for _number, portion in groupby(enumerate(ordered), key=lambda pair: pair[0] // _NAMES_MAX):
        yield [name for _place, name in portion]


def _shifts(rota: Rota, first: int, last: int) -> dict[str, set[int]]:
    """By visitor, days with a shift by day at a desk of visitors. Who is on call at one that is
    always manned goes to her people on working days like everybody else."""
    found: dict[str, set[int]] = {}
    for desk in rota.desks.values():
        if desk.kind != "visit" or desk.always or desk.closed:
            continue
        for day in range(first, last + 1):
            for shift in rota.of_day(desk.id, day):
                begins = minute_of(shift.start_ms)
                ends = begins + (shift.end_ms - shift.start_ms) // 60_000
                by_day = begins < _DAYTIME_MIN[1] and ends > _DAYTIME_MIN[0]
                for person in shift.people:
                    days = found.setdefault(person, set())
                    if by_day:
                        days.add(day)
    return found
