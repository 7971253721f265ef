"""One person's month of life and what was measured of her."""

import datetime
import re
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from dashboard.answers import Trail, answer
from dashboard.asked import DAY_MS, PathId, local_day
from dashboard.callers import Caller, Hub, needs
from dashboard.life_reads import devices_of, life_hours, marks_of, span_of
from dashboard.ports import Deps
from dashboard.problems import bad_field, not_found
from dashboard.reads import Row
from dashboard.register_reads import find_person
from dashboard.vital_reads import LINES, limits_of, vitals_of
from ledger.sealing.ring import Erased

router = APIRouter(tags=["persons"])

# As the longest month; enough days to learn what the home does alone.
DAYS_SHOWN: Final = 31
VITAL_DAYS: Final = 90
VITAL_DAYS_MAX: Final = 366
_MONTH = re.compile(r"(\d{4})-(\d{2})\Z")


@router.get("/service-users/{person_id}/month")
def get_month(
    person_id: PathId,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("reading.read")],
    month: Annotated[str | None, Query(max_length=7)] = None,
) -> Response:
    """How lively each hour was (`hours`, a text of 24 characters a day), with alarms, dark times,
    stays and visits. `month`: `2026-11`; without it the last 31 days."""
    now_ms = hub.clock.now_ms()
    today = local_day(now_ms, hub.timezone)
    first, days = _days(month, today)
    span = span_of(first, days, hub.timezone)
    with hub.engine.connect() as connection:
        person = _person(hub, caller, person_id)
        devices = devices_of(connection, person["home"])
        marks = marks_of(connection, person, span, caller.can)
    lived = life_hours(hub.readings, devices, span, now_ms)
    trail.note(caller.username, "viewed", f"month:{person_id}", f"{first} {days} days")
    return answer(
        {"person": person_id, "home": person["home"], "from": str(first), **lived, **marks}
    )


@router.get("/service-users/{person_id}/vitals")
def get_vitals(
    person_id: PathId,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("reading.read")],
    days: Annotated[int, Query(ge=1, le=VITAL_DAYS_MAX)] = VITAL_DAYS,
) -> Response:
    """What the devices of her home measured of people, and the limits that hold for her."""
    person = _person(hub, caller, person_id)
    with hub.engine.connect() as connection:
        devices = devices_of(connection, person["home"])
    now_ms = hub.clock.now_ms()
    series = vitals_of(hub.readings, devices, now_ms - days * DAY_MS, now_ms + 1)
    measured = {one["kind"] for one in series}
    limits = limits_of(hub.rules, person_id, [kind for kind in LINES if kind in measured])
    trail.note(caller.username, "viewed", f"vitals:{person_id}", f"{days} days")
    return answer({"series": series, "limits": limits})


def _days(month: str | None, today: datetime.date) -> tuple[datetime.date, int]:
    if not month:
        return today - datetime.timedelta(days=DAYS_SHOWN - 1), DAYS_SHOWN
    found = _MONTH.match(month)
    try:
        first = datetime.date(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        first = None
    # A reading's moment is after 1970; the year after next is nobody's month.
    if first is None or not 1971 <= first.year <= today.year + 1:
        raise bad_field("month", "a month as 2026-11")
    return first, ((first + datetime.timedelta(days=31)).replace(day=1) - first).days


def _person(hub: Deps, caller: Caller, person_id: str) -> Row:
    with hub.engine.connect() as connection:
        person = find_person(connection, person_id)
    if person is None or not caller.knows(person["home_region"], person["home"]):
        raise not_found("person")
    if person["erased_at_ms"] is not None:
        # What is left of her home's readings is nobody's any more.
        raise Erased(person_id)
    return person
