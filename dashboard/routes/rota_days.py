"""The calendar of holidays and make-up working days: a year of it, what a county enters, and who
entered what."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from alarms.rota.days import DayKind, date_of, day_number
from alarms.rota.facts import OWN_SOURCE
from alarms.rota.model import RotaError, parse_day
from dashboard.answers import answer
from dashboard.asked import LIMIT_DEFAULT, Body, Limit, Line, Number, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.once import once
from dashboard.problems import Problem, bad_field
from dashboard.rota_history import days_entered, year_object
from dashboard.rota_reads import read_names, read_plan
from dashboard.routes.rota import Reason, fact_page, said
from ledger.schema import ROTA_FACT
from ledger.views import Document
from rules.local_time import day_of

router = APIRouter(tags=["rota"])

# A year's notice names about forty days.
DAYS_MAX: Final = 80
# Wider than any rota; what the tables don't know is said to be unknown.
YEAR_MIN: Final = 2000
YEAR_MAX: Final = 2100


class CalendarDay(Body):
    """`working` null: as the calendar's own tables have it."""

    date: Word
    working: bool | None
    name: Annotated[Line, Field(max_length=32)] = ""


class CalendarDays(Body):
    days: Annotated[list[CalendarDay], Field(min_length=1, max_length=DAYS_MAX)]
    reason: Reason


@router.get("/rota/days")
def get_days(
    hub: Hub,
    caller: Annotated[Caller, needs("rota.read")],
    year: Annotated[int | None, Query(ge=YEAR_MIN, le=YEAR_MAX)] = None,
) -> Response:
    """The days of a year (this one where none is named) that are not as any other: rest days with
    a name, working weekends, and whatever the county has entered, by whom, when and why."""
    asked = date_of(day_of(hub.clock.now_ms())).year if year is None else year
    first = day_number(f"{asked}-01-01")
    with hub.engine.connect() as connection:
        calendar = read_plan(connection, first, first).calendar
        entered, names = days_entered(connection, asked), read_names(connection)
    return answer(
        {**year_object(asked, calendar, entered, names), "may_change": _may_change(caller)}
    )


@router.get("/rota/days/history")
def list_changes(
    hub: Hub,
    _caller: Annotated[Caller, needs("rota.read")],
    limit: Limit = LIMIT_DEFAULT,
    before: Number = None,
) -> Response:
    """All that was ever entered, newest first."""
    return fact_page(hub, ROTA_FACT.c.kind == "day", before, limit)


@router.patch("/rota/days")
async def set_days(
    body: CalendarDays, request: Request, hub: Hub, caller: Annotated[Caller, needs("rota.write")]
) -> Response:
    """Enter a year's notice of holidays and make-up working days."""
    if not _may_change(caller):
        raise Problem(403, "forbidden", "the calendar is for accounts of the whole area")
    days: dict[int, DayKind | None] = {}
    for place, one in enumerate(body.days):
        try:
            day = parse_day(one.date, f"days.{place}.date")
        except RotaError as error:
            raise bad_field(error.field, error.detail) from None
        days[day] = None
        if one.working is not None:
            days[day] = DayKind(
                working=one.working, name=one.name, known="announced", source=OWN_SOURCE
            )

    async def work() -> Document:
        await said(
            hub, lambda unit: hub.rota.book.set_days(unit, days, caller.username, body.reason)
        )
        return {"days": len(days)}

    return await once(request, caller, work)


def _may_change(caller: Caller) -> bool:
    return "rota.write" in caller.can and not caller.region
