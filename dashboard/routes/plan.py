"""The plan of visits: a visitor's days, how a region stands, whom nobody went to."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlalchemy import Connection, select
from starlette.responses import Response

from alarms.rota.days import day_number, iso_day
from dashboard.answers import Trail, answer
from dashboard.asked import Limit, PathId, QueryWord, words
from dashboard.callers import Caller, Hub, needs
from dashboard.plan_reads import NEXT_DAYS, read_situation
from dashboard.plan_summary import read_part, summary
from dashboard.plan_views import (
    PlanView,
    person_reference,
    standing_object,
    tier_object,
)
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, one, roster_for, rows
from dashboard.register_reads import find_person
from ledger.forms.joining import is_gone
from ledger.schema import ACCOUNT, REGION, SERVICE_USER
from ledger.sealing.ring import Erased
from ledger.views import Document, account_reference
from ledger.visiting.periods import Period, month_of, parse_period
from ledger.visiting.states import Standing, by_overdue
from ledger.visiting.tiers import FREQUENCIES, judge
from rules.local_time import day_of

router = APIRouter(tags=["plan"])

# A month and the weeks that it touches, twice.
WINDOW_DAYS_MAX: Final = 92
PEOPLE_MAX: Final = 500
PEOPLE_DEFAULT: Final = 100
_STATES: Final = ("done", "due", "late", "overdue", "none")
_PAST_MONTHS_MAX_DAYS: Final = 5 * 366

DayWord = Annotated[str | None, Query(max_length=10)]
FromDay = Annotated[str | None, Query(alias="from", max_length=10)]


@router.get("/plan")
def get_plan(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("plan.read")],
    visitor: QueryWord = None,
    from_: FromDay = None,
    to: DayWord = None,
) -> Response:
    """A visitor's days, one's own where nobody is named; `to` is the last one shown. Today alone
    where nothing is said."""
    today = day_of(hub.clock.now_ms())
    first = today if from_ is None else asked_day(from_, "from")
    last = first if to is None else asked_day(to, "to")
    if not 0 <= last - first < WINDOW_DAYS_MAX or abs(first - today) > 2 * WINDOW_DAYS_MAX:
        raise bad_field("to", f"at most {WINDOW_DAYS_MAX} days, near today")
    username = visitor or caller.username
    with hub.engine.connect() as connection:
        account = one(connection, select(ACCOUNT).where(ACCOUNT.c.username == username))
        if account is None or not _meets(caller, account):
            raise not_found("visitor")
        situation = read_situation(
            connection, hub.clock.now_ms(), SERVICE_USER.c.visitor == username, first, last
        )
        view = PlanView(connection, situation, username, caller.knows, caller.can)
        document = view.document(first, last)
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", f"plan:{username}", f"{document['people']} shown")
    return answer(document)


@router.get("/plan/summary")
def get_summary(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("plan.read")],
    region: QueryWord = None,
    period: Annotated[str | None, Query(max_length=10)] = None,
) -> Response:
    """Visits owed, done, due, late and overdue of a week or month, by tier, for a region and each
    one below it; this month where nothing is said."""
    wanted = _period(period, day_of(hub.clock.now_ms()))
    with hub.engine.connect() as connection:
        regions = {row["code"]: row for row in rows(connection, select(REGION))}
        if region and (region not in regions or not _covers(caller, region)):
            raise not_found("region")
        part = read_part(connection, hub.clock.now_ms(), caller, region, wanted, window_only=True)
        return answer(summary(connection, part, regions, wanted))


@router.get("/plan/people")
def list_people(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("plan.read")],
    region: QueryWord = None,
    state: QueryWord = None,
    tier: QueryWord = None,
    visitor: QueryWord = None,
    limit: Limit = PEOPLE_DEFAULT,
) -> Response:
    """How everybody stands today, the longest overdue first. `state` may list several; `visitor`
    may be `none`: whom nobody is responsible for."""
    states = words(state, _STATES, "state")
    tiers = words(tier, [one.value for one in FREQUENCIES], "tier")
    today = day_of(hub.clock.now_ms())
    month = month_of(today)
    with hub.engine.connect() as connection:
        part = read_part(connection, hub.clock.now_ms(), caller, region, month)
        situation = part.situation
        base = situation.base(month.first, month.last)
        found: list[Standing] = []
        for name in part.names:
            stands = situation.standing_of(name, base)
            if stands is None or (states and stands.state not in states):
                continue
            whose = situation.rows[name]["visitor"]
            if visitor and (whose or "none") != visitor:
                continue
            if not tiers or stands.tier.value in tiers:
                found.append(stands)
        ordered = by_overdue(found)[:limit]
        roster = roster_for(
            connection,
            homes=(situation.rows[one.person]["home"] for one in ordered),
            usernames={situation.rows[one.person]["visitor"] for one in ordered},
        )
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", "plan:people", f"{len(ordered)} shown")
    return answer(
        {
            "items": [
                {
                    **person_reference(situation, roster, one.person, caller.can),
                    **standing_object(one),
                    "visitor": account_reference(situation.rows[one.person]["visitor"], roster),
                }
                for one in ordered
            ],
            "total": len(found),
        }
    )


@router.get("/service-users/{person_id}/tier")
def get_tier(
    person_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("plan.read")]
) -> Response:
    """How often somebody is visited and why, what was raised, and how the person stands."""
    document = tier_document(hub, caller, person_id)
    trail.note(caller.username, "viewed", f"tier:{person_id}")
    return answer(document)


def tier_document(hub: Deps, caller: Caller, person_id: str) -> Document:
    today = day_of(hub.clock.now_ms())
    month = month_of(today)
    with hub.engine.connect() as connection:
        row = visible_person(connection, caller, person_id)
        wanted = SERVICE_USER.c.id == person_id
        if row["visitor"] is not None:
            # The days that were meant follow from all people of the visitor.
            wanted = SERVICE_USER.c.visitor == row["visitor"]
        last = max(month.last, today + NEXT_DAYS)
        situation = read_situation(connection, hub.clock.now_ms(), wanted, month.first, last)
        stands = situation.standing_of(person_id, situation.base(month.first, month.last))
        raises = situation.words.raises.get(person_id, ())
        roster = roster_for(connection, usernames=[one.by for one in raises])
    facts = situation.facts[person_id]
    next_day = None
    if row["visitor"] is not None:
        next_day = situation.next_day_of(person_id, row["visitor"], last)
    return {
        "service_user": person_id,
        **tier_object(judge(facts, today), raises, roster),
        "standing": None if stands is None else standing_object(stands),
        "next_on": None if next_day is None else iso_day(next_day),
    }


def visible_person(connection: Connection, caller: Caller, person_id: str) -> Row:
    """Somebody who is planned for: who has left the service is not."""
    row = find_person(connection, person_id)
    if row is None or not caller.knows(row["home_region"], row["home"]):
        raise not_found("person")
    if row["erased_at_ms"] is not None:
        raise Erased(person_id)
    if is_gone(row):
        raise Problem(409, "left", f"{row['left_on']}: this person has left the service")
    return row


def asked_day(text: str, field: str) -> int:
    try:
        return day_number(text)
    except ValueError:
        raise bad_field(field, "a date, as 2026-11-28") from None


def _period(key: str | None, today: int) -> Period:
    if key is None:
        return month_of(today)
    try:
        found = parse_period(key)
    except ValueError:
        raise bad_field("period", "a month, as 2026-11, or a week, as 2026-W48") from None
    if not today - _PAST_MONTHS_MAX_DAYS <= found.first <= today + WINDOW_DAYS_MAX:
        raise bad_field("period", "within the last five years or the next three months")
    return found


def _covers(caller: Caller, region: str) -> bool:
    return region.startswith(caller.region) or caller.region.startswith(region)


def _meets(caller: Caller, account: Row) -> bool:
    return _covers(caller, account["region"])
