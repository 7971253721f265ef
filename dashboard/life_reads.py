"""A person's month of life: each hour from the readings of the home, and what happened meanwhile.

Readings are a home's. Devices can't tell apart who live together, and the answer says so by having
everybody of the home in it.
"""

import datetime
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, or_, select

from contract.moment import EPOCH
from dashboard.plan_facts import made
from dashboard.ports import ReadingsReader
from dashboard.reads import Row, rows
from ledger.schema import ALARM, DEVICE, STAY, VISIT
from ledger.views import Document, instant
from rules.lived_days import HOURS, SLOTS_PER_DAY
from rules.metering import SLOT_MS
from rules.month_of_life import FIELDS, UNHEARD, hours_stirred, month_of, quarter_watts
from rules.signs import LIFE_KINDS

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# A month's answer stays below 20 kB: of a home where more happened the newest is told.
ALARMS_MAX: Final = 60
VISITS_MAX: Final = 60
STAYS_MAX: Final = 20
# Buttons speak in alarms; what detectors hear proves nothing.
_STIRRING: Final = LIFE_KINDS - {"sos", "fall"}
_DARK_KIND: Final = "village_dark"
# What a sensor saw beside the meter's level: '0' to '4' become 'a' to 'e', UNHEARD becomes 'm'.
_STIRRED: Final = {**{str(level): "abcde"[level] for level in range(5)}, UNHEARD: "m"}


class Span(NamedTuple):
    """Whole days of the county: the first one, when it begins, how many."""

    first: datetime.date
    from_ms: int
    days: int

    @property
    def to_ms(self) -> int:
        return self.from_ms + self.days * DAY_MS


def span_of(first: datetime.date, days: int, timezone: str) -> Span:
    """A zone that changes its hour within the span shifts the days behind it by one."""
    begin = datetime.datetime.combine(first, datetime.time(), ZoneInfo(timezone))
    return Span(first, (begin - EPOCH) // datetime.timedelta(milliseconds=1), days)


def life_hours(
    readings: ReadingsReader, devices: Sequence[Row], span: Span, now_ms: int
) -> Document:
    """The hours as characters (`rules.month_of_life`), and by which meter."""
    slots = span.days * SLOTS_PER_DAY
    meter, points, field = _meter(readings, [d for d in devices if d["kind"] == "power"], span)
    watts = quarter_watts(points, field, span.from_ms, slots)
    month = month_of(watts, min(max(0, (now_ms - span.from_ms) // SLOT_MS), slots))
    stirred: set[int] = set()
    for device in devices:
        if device["kind"] in _STIRRING:
            stirred |= _stirred(readings, device, span)
    return {
        "meter": meter,
        "measure": "none" if meter is None else "learned" if month.learned else "assumed",
        "hours": [_with_signs(text, stirred, day * HOURS) for day, text in enumerate(month.hours)],
    }


def _with_signs(text: str, stirred: set[int], first: int) -> str:
    return "".join(
        _STIRRED.get(mark, mark) if first + at in stirred else mark for at, mark in enumerate(text)
    )


def _stirred(readings: ReadingsReader, device: Row, span: Span) -> set[int]:
    kind, found = device["kind"], set[int]()
    series = readings.series(
        device["gateway"], device["device"], kind, None, span.from_ms, span.to_ms, "hour"
    )
    for one in series:
        found |= hours_stirred(one.points, kind, span.from_ms, span.days * HOURS)
    return found


def _meter(
    readings: ReadingsReader, meters: Sequence[Row], span: Span
) -> tuple[str | None, Sequence[Sequence[float]], str]:
    """Of several meters that which measured most, by its day's means: a socket can't measure more
    than the meter before it."""
    if len(meters) > 1:
        meters = sorted(meters, key=lambda row: -_usual_w(readings, row, span))
    for row in meters:
        for field in FIELDS:
            found = readings.series(
                row["gateway"], row["device"], "power", field, span.from_ms, span.to_ms, "raw"
            )
            points = next((one.points for one in found if one.field == field), ())
            if len(points) > 1:
                return f"{row['gateway']}/{row['device']}", points, field
    return None, (), FIELDS[0]


def _usual_w(readings: ReadingsReader, row: Row, span: Span) -> float:
    found = readings.series(
        row["gateway"], row["device"], "power", None, span.from_ms, span.to_ms, "day"
    )
    by_field = {one.field: one.points for one in found if one.points}
    if "power_w" in by_field:
        return sum(point[2] for point in by_field["power_w"]) / len(by_field["power_w"])
    register = by_field.get("energy_kwh", ())
    return (register[-1][3] - register[0][1]) * 1000 / (24 * len(register)) if register else 0.0


def devices_of(connection: Connection, home: str) -> list[Row]:
    columns = (DEVICE.c.gateway, DEVICE.c.device, DEVICE.c.kind)
    wanted = select(*columns).where(DEVICE.c.home == home)
    return rows(connection, wanted.order_by(DEVICE.c.gateway, DEVICE.c.device))


def marks_of(
    connection: Connection, person: Row, span: Span, can: frozenset[str]
) -> dict[str, list[Document]]:
    """Alarms, dark times, stays and visits that touch the span, oldest first."""
    home, region = person["home"], person["home_region"]
    return {
        "alarms": _alarms(connection, home, span) if "alarm.read" in can else [],
        "dark": _dark(connection, region, span),
        "stays": _stays(connection, person["id"], home, span),
        "visits": _visits(connection, person["id"], home, span) if "visit.read" in can else [],
    }


def _alarms(connection: Connection, home: str, span: Span) -> list[Document]:
    """Those of the home itself and of what people do there; devices have a page of their own."""
    wanted = (
        select(ALARM)
        .where(
            ALARM.c.home == home,
            ALARM.c.merged_into.is_(None),
            ALARM.c.severity != "technical",
            ALARM.c.raised_at_ms < span.to_ms,
            or_(ALARM.c.closed_at_ms.is_(None), ALARM.c.closed_at_ms >= span.from_ms),
        )
        .order_by(ALARM.c.raised_at_ms.desc(), ALARM.c.id)
        .limit(ALARMS_MAX)
    )
    return [
        {
            "id": row["id"],
            "kind": row["kind"],
            "severity": row["severity"],
            "state": row["state"],
            "at": instant(row["raised_at_ms"]),
            "until": instant(_over_ms(row)),
            "outcome": row["outcome"],
        }
        for row in reversed(rows(connection, wanted))
    ]


def _over_ms(row: Row) -> int | None:
    """When what it was about was over, as far as anybody knows."""
    found: int | None = row["cleared_at_ms"] or row["closed_at_ms"]
    return found


def _dark(connection: Connection, region: str, span: Span) -> list[Document]:
    wanted = select(ALARM).where(
        ALARM.c.kind == _DARK_KIND,
        ALARM.c.raised_at_ms < span.to_ms,
        or_(ALARM.c.closed_at_ms.is_(None), ALARM.c.closed_at_ms >= span.from_ms),
    )
    found = rows(connection, wanted.order_by(ALARM.c.raised_at_ms).limit(ALARMS_MAX))
    return [
        {"from": instant(row["raised_at_ms"]), "until": instant(_over_ms(row))}
        for row in found
        if row["region"] is not None and region.startswith(row["region"])
    ]


def _stays(connection: Connection, person: str, home: str, span: Span) -> list[Document]:
    wanted = select(STAY).where(
        STAY.c.home == home,
        or_(STAY.c.person.is_(None), STAY.c.person == person),
        STAY.c.from_ms < span.to_ms,
        STAY.c.until_ms > span.from_ms,
        or_(STAY.c.ended_at_ms.is_(None), STAY.c.ended_at_ms > span.from_ms),
    )
    found = rows(connection, wanted.order_by(STAY.c.from_ms.desc(), STAY.c.id).limit(STAYS_MAX))
    return [
        {
            "kind": row["kind"],
            "from": instant(row["from_ms"]),
            "until": instant(min(row["until_ms"], row["ended_at_ms"] or row["until_ms"])),
        }
        for row in reversed(found)
        # One that was taken back before it began never was.
        if row["ended_at_ms"] is None or row["ended_at_ms"] > row["from_ms"]
    ]


def _visits(connection: Connection, person: str, home: str, span: Span) -> list[Document]:
    mine: Any = or_(VISIT.c.service_user.is_(None), VISIT.c.service_user == person)
    wanted = select(VISIT.c.id, VISIT.c.way, VISIT.c.met, VISIT.c.visited_at_ms).where(
        VISIT.c.home == home,
        mine,
        *made(),
        VISIT.c.visited_at_ms >= span.from_ms,
        VISIT.c.visited_at_ms < span.to_ms,
    )
    ordered = wanted.order_by(VISIT.c.visited_at_ms.desc(), VISIT.c.id).limit(VISITS_MAX)
    return [
        {
            "id": row["id"],
            "at": instant(row["visited_at_ms"]),
            "way": row["way"],
            "met": bool(row["met"]),
        }
        for row in reversed(rows(connection, ordered))
    ]
