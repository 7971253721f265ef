"""What the log of services adds up to, and a year's money person by person."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from dashboard.answers import Trail, answer
from dashboard.asked import LIMIT_DEFAULT, FromTime, QueryWord, RegisterLimit, instant_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.care_sums import money_by_person, sum_of_lines
from dashboard.masking import present
from dashboard.problems import bad_field
from dashboard.routes.care_lines import YEARS, year_ms
from ledger.schema import CARE_LINE

router = APIRouter(tags=["care"])


@router.get("/care-lines/summary")
def sum_up(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("care.read")],
    person: QueryWord = None,
    provider: QueryWord = None,
    region: QueryWord = None,
    from_: FromTime = None,
    to: QueryWord = None,
) -> Response:
    """Lines, minutes and cost of a span: together, by the items of annex 2, service, provider."""
    conditions = [caller.known_persons(CARE_LINE.c.region, CARE_LINE.c.person)]
    for column, value in ((CARE_LINE.c.person, person), (CARE_LINE.c.provider, provider)):
        if value:
            conditions.append(column == value)
    if region:
        conditions.append(CARE_LINE.c.region.startswith(region, autoescape=True))
    from_ms, to_ms = instant_ms(from_, "from"), instant_ms(to, "to")
    if from_ms is not None:
        conditions.append(CARE_LINE.c.served_at_ms >= from_ms)
    if to_ms is not None:
        conditions.append(CARE_LINE.c.served_at_ms < to_ms)
    with hub.engine.connect() as connection:
        return answer(sum_of_lines(connection, conditions))


@router.get("/money/people")
def list_money_people(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("care.read")],
    year: Annotated[int, Query(ge=YEARS[0], le=YEARS[1])],
    region: QueryWord = None,
    person: QueryWord = None,
    over: bool = False,
    limit: RegisterLimit = LIMIT_DEFAULT,
) -> Response:
    """What was used of each person's 800 yuan, the most first; `over`: more than that."""
    code = region or caller.region
    if not code.startswith(caller.region):
        raise bad_field("region", "there is no such region")
    span_ms = year_ms(year, hub.timezone)
    with hub.engine.connect() as connection:
        found = money_by_person(connection, caller, code, span_ms, hub.clock.now_ms())
    shown = [
        one
        for one in found
        if (not over or one["left_fen"] < 0) and (not person or one["service_user"] == person)
    ]
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", f"money:{person or 'people'}", f"{len(shown)} shown")
    items = [
        {**one, "person": present({"persons": [one["person"]]}, caller.can)["persons"][0]}
        for one in shown[:limit]
    ]
    counts = {
        "people": len(found),
        "over": sum(one["left_fen"] < 0 for one in found),
        "none": sum(one["used_fen"] == 0 for one in found),
    }
    return answer({"items": items, "total": len(shown), "counts": counts})
