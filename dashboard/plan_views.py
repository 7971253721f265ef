"""The plan of visits as documents."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from alarms.rota.days import iso_day
from contract.moment import to_iso
from dashboard.masking import present
from dashboard.plan_reads import Situation
from dashboard.reads import roster_for, rows
from ledger.schema import TASK
from ledger.views import (
    Document,
    RosterIndex,
    account_reference,
    age_years,
    home_reference,
    person_object,
)
from ledger.visiting.counts import Contact
from ledger.visiting.plan import Plan, Planned
from ledger.visiting.route import Stop, length_km, ordered
from ledger.visiting.said import Words
from ledger.visiting.states import Standing, Tally
from ledger.visiting.tiers import FREQUENCIES, Judged, Raise, Tier

_UNDER_WAY: Final = ("open", "accepted", "departed", "arrived")
_PERSON_FIELDS: Final = ("id", "name", "sex", "age", "phone", "categories", "grade", "contacts")

Knows = Callable[[str | None, str | None], bool]


class PlanView:
    """One visitor's plan as its document; names and addresses are masked for whom they must."""

    def __init__(
        self,
        connection: Connection,
        situation: Situation,
        visitor: str,
        knows: Knows,
        can: frozenset[str],
    ) -> None:
        self._situation = situation
        self._visitor = visitor
        self._can = can
        shown = [row for row in situation.rows.values() if knows(row["region"], row["home"])]
        self._mine = {row["id"] for row in shown if row["visitor"] == visitor}
        self._roster = roster_for(
            connection, homes=(row["home"] for row in shown), usernames=[visitor]
        )
        self._tasks = _tasks(connection, visitor)

    def document(self, first: int, last: int) -> Document:
        """The days from `first` to `last`, both shown."""
        plan = self._situation.plan_of(self._visitor, first, last)
        standings = {
            name: self._situation.standing_of(name, plan.base) for name in sorted(self._mine)
        }
        calendar = self._situation.calendar_of(self._visitor)
        people = [self._standing(one) for one in standings.values() if one is not None]
        return {
            "visitor": account_reference(self._visitor, self._roster),
            "today": iso_day(self._situation.today),
            "from": iso_day(first),
            "to": iso_day(last),
            "capacity": calendar.capacity,
            "people": len(people),
            "days": [self._day(day, plan, standings) for day in range(first, last + 1)],
            "unplaced": [
                {
                    **self._person(one.person),
                    "period": one.period,
                    "missing": one.missing,
                    "reason": one.reason,
                }
                for one in plan.unplaced
                if one.person in self._mine
            ],
            "standings": people,
        }

    def _day(self, day: int, plan: Plan, standings: Mapping[str, Standing | None]) -> Document:
        situation = self._situation
        calendar = situation.calendar_of(self._visitor)
        kind = situation.rota.calendar.kind(day)
        planned = [one for one in plan.planned if one.day == day and one.person in self._mine]
        way = _way(planned, situation)
        planned.sort(key=lambda one: (way.index(one.home), one.person))
        regions = {situation.rows[name]["region"] for name in self._mine}
        closed = {
            region: why
            for region in sorted(regions)
            if (why := situation.words.why_closed(day, region)) is not None
        }
        return {
            "date": iso_day(day),
            "working": not calendar.rest(day),
            "name": kind.name,
            "known": kind.known,
            "away": calendar.away(day),
            "closed": [{"region": region, "reason": why} for region, why in closed.items()],
            "km": round(self._km(planned), 1),
            "over": max(0, len(planned) - calendar.capacity),
            "items": [
                *(self._made(name, contact) for name, contact in self._visits(day)),
                *(self._planned(one, standings.get(one.person)) for one in planned),
            ],
        }

    def _visits(self, day: int) -> list[tuple[str, Contact]]:
        found = [
            (name, contact)
            for name in self._mine
            for contact in self._situation.contacts.get(name, ())
            if contact.day == day
        ]
        return sorted(found, key=lambda pair: (pair[1].at_ms, pair[0]))

    def _made(self, name: str, contact: Contact) -> Document:
        state = "done" if contact.counts else "nobody_met" if not contact.met else "contact"
        return {
            **self._person(name),
            "state": state,
            "way": contact.way,
            "kind": contact.kind,
            "at": to_iso(contact.at_ms),
        }

    def _planned(self, one: Planned, stands: Standing | None) -> Document:
        move = self._situation.words.moves.get(one.person, {}).get(one.meant or one.day)
        return {
            **self._person(one.person),
            "state": "planned",
            "why": one.why,
            "meant": None if one.meant is None else iso_day(one.meant),
            "cause": one.cause,
            "said": None if move is None else move.reason,
            "rest_day": one.rest,
            "period": one.period,
            "tier": one.tier.value,
            "standing": None if stands is None else standing_object(stands),
            "task": self._tasks.get(one.home),
        }

    def _person(self, name: str) -> Document:
        return person_reference(self._situation, self._roster, name, self._can)

    def _standing(self, one: Standing) -> Document:
        return {**self._person(one.person), **standing_object(one)}

    def _km(self, planned: Sequence[Planned]) -> float:
        homes = list(dict.fromkeys(one.home for one in planned))
        places = {p.home: p.place for p in self._situation.people.values()}
        return length_km([Stop(key=home, place=places.get(home)) for home in homes])


def person_reference(
    situation: Situation, roster: RosterIndex, name: str, can: frozenset[str]
) -> Document:
    """Who and where, as far as the caller may see."""
    row = situation.rows[name]
    known = next((p for p in roster.persons.get(row["home"], ()) if p["id"] == name), None)
    now_ms = (situation.today + 1) * 86_400_000
    person: Document
    if known is None:
        person = {"id": name, "name": row["name"], "age": age_years(row["born"], now_ms)}
    else:
        whole = person_object(known, now_ms)
        person = {key: whole[key] for key in _PERSON_FIELDS}
    home = home_reference(row["home"], roster)
    shown = present({"persons": [person], "home": home}, can)
    return {"service_user": name, "person": shown["persons"][0], "home": shown["home"]}


def standing_object(one: Standing) -> Document:
    return {
        "tier": one.tier.value,
        "state": one.state,
        "since": None if one.since is None else iso_day(one.since),
        "period": one.period,
        "owed": one.owed,
        "done": one.done,
        "last": None if one.last is None else iso_day(one.last),
        "calls": one.calls,
        "nobody_met": one.nobody_met,
    }


def tally_object(tally: Tally) -> Document:
    return {name: getattr(tally, name) for name in Tally.__slots__}


def tier_object(judged: Judged, raises: Sequence[Raise], roster: RosterIndex) -> Document:
    return {
        "tier": judged.tier.value,
        "base": judged.base.value,
        "frequency": frequency_object(judged.tier),
        "why": [{"code": why.code, "zh": why.zh, "en": why.en} for why in judged.why],
        "missing": list(judged.missing),
        "raises": [
            {
                "tier": one.tier.value,
                "from": iso_day(one.from_day),
                "until": iso_day(one.until_day),
                "reason": one.reason,
                "by": account_reference(one.by, roster),
                "in_force": one is judged.raised,
            }
            for one in reversed(raises)
        ],
        "can_be": [
            {"tier": tier.value, **frequency_object(tier)}
            for tier in FREQUENCIES
            if list(FREQUENCIES).index(tier) > list(FREQUENCIES).index(judged.tier)
        ],
    }


def frequency_object(tier: Tier) -> Document:
    frequency = FREQUENCIES[tier]
    return {
        "visits": frequency.visits,
        "unit": frequency.unit,
        "zh": frequency.zh,
        "en": frequency.en,
    }


def closed_objects(words: Words, first: int, last: int) -> list[Document]:
    """Days in [first, last] on which nobody goes, by region."""
    return [
        {"region": region, "date": iso_day(day), "reason": why}
        for region, days in sorted(words.closed.items())
        for day, why in sorted(days.items())
        if first <= day <= last
    ]


def _way(planned: Sequence[Planned], situation: Situation) -> list[str]:
    stops = {
        one.home: Stop(key=one.home, region=one.region, place=situation.people[one.person].place)
        for one in planned
    }
    return [stop.key for stop in ordered(list(stops.values()))]


def _tasks(connection: Connection, visitor: str) -> dict[str, Document]:
    """By home, the visitor's own task there that is not ended; one under way first."""
    columns: tuple[Any, ...] = (TASK.c.id, TASK.c.home, TASK.c.kind, TASK.c.state)
    wanted = select(*columns).where(TASK.c.assignee == visitor, TASK.c.state.in_(_UNDER_WAY))
    found: dict[str, Document] = {}
    order = {state: place for place, state in enumerate(_UNDER_WAY)}
    for row in sorted(rows(connection, wanted), key=lambda r: (order[r["state"]], r["id"])):
        if row["home"] is not None:
            found[row["home"]] = {"id": row["id"], "kind": row["kind"], "state": row["state"]}
    return found
