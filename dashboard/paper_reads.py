"""What is printed of people and visits, read from the book."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, or_, select

from dashboard.masking import HIDDEN
from dashboard.ports import ReadingsReader
from dashboard.reads import Row, one, roster_for, rows
from ledger.documents.dossier import (
    ALARMS_PRINTED,
    STAYS_PRINTED,
    VISITS_PRINTED,
    AlarmLine,
    Dossier,
    StayLine,
)
from ledger.documents.fhir import KINDS, FhirPerson, Vital
from ledger.documents.sheets import Contact, PersonSheet, VisitSheet
from ledger.forms.person_file import Identity
from ledger.schema import ALARM, DEVICE, HOME, SERVICE_USER, STAY, TASK, VISIT
from ledger.views import RosterIndex, document_of, person_object

# Of one person in one answer; a stream of an oximeter has more, and nobody's doctor reads them.
VITALS_MAX: Final = 20_000


def person_sheet(connection: Connection, row: Row, can: frozenset[str], now_ms: int) -> PersonSheet:
    """Annex 3 of a row of the register."""
    roster = roster_for(connection, homes=[row["home"]], usernames=[row["visitor"]])
    person = person_object(row, now_ms)
    return PersonSheet(
        identity=Identity(
            name=row["name"],
            sex=row["sex"],
            born=row["born"],
            grade=row["grade"],
            categories=tuple(person["categories"]),
        ),
        phone=row["phone"],
        address=address_of(row["home"], roster, can),
        conditions=tuple(person["conditions"]),
        contacts=tuple(
            Contact(
                name=c.get("name", ""), relation=c.get("relation", ""), phone=c.get("phone", "")
            )
            for c in person["contacts"]
        ),
        visitor=named(row["visitor"], roster),
    )


def address_of(home: str, roster: RosterIndex, can: frozenset[str]) -> str:
    """County, town and street as on an envelope; the village is what streets begin with here."""
    row = roster.homes.get(home)
    if row is None:
        return ""
    if "address.read" not in can:
        return HIDDEN
    path = [name for name in roster.region_path(row["region"]) if name not in row["address"]]
    return f"{''.join(path)}{row['address']}"


def named(username: str | None, roster: RosterIndex) -> str:
    """The account's own name; somebody unknown keeps the username."""
    row = roster.accounts.get(username or "")
    return (username or "") if row is None else str(row["name"])


def visit_row(connection: Connection, visit: str) -> Row | None:
    """A visit's row with the region of its home as `home_region`."""
    wanted = select(VISIT, HOME.c.region.label("home_region"))
    wanted = wanted.join(HOME, HOME.c.id == VISIT.c.home)
    return one(connection, wanted.where(VISIT.c.id == visit))


def visit_sheets(
    connection: Connection,
    found: Sequence[Row],
    can: frozenset[str],
    numbers: Mapping[str, int],
) -> list[VisitSheet]:
    """Annex 4 of each of these rows; `numbers` by id."""
    roster = roster_for(
        connection,
        homes=(row["home"] for row in found),
        usernames=(row["visitor"] for row in found),
    )
    return [
        VisitSheet(
            name=_whom(row, roster),
            address=address_of(row["home"], roster, can),
            number=numbers.get(row["id"]),
            way=row["way"],
            visited_at_ms=row["visited_at_ms"],
            record=document_of(row["record"]),
            visitor=named(row["visitor"], roster),
        )
        for row in found
    ]


def _whom(row: Row, roster: RosterIndex) -> str:
    """Whom the visit was for; everybody of the home where it does not say."""
    people = roster.persons.get(row["home"], ())
    wanted = row["service_user"]
    return "、".join(p["name"] for p in people if wanted is None or p["id"] == wanted)


def number_of(connection: Connection, row: Row) -> int:
    """The how-manieth visit of this person, or of this home."""
    earlier = or_(
        VISIT.c.visited_at_ms < row["visited_at_ms"],
        and_(VISIT.c.visited_at_ms == row["visited_at_ms"], VISIT.c.id <= row["id"]),
    )
    of = VISIT.c.home == row["home"]
    if row["service_user"] is not None:
        of = VISIT.c.service_user == row["service_user"]
    return int(connection.scalar(select(func.count()).select_from(VISIT).where(of, earlier)) or 0)


def whole_file(connection: Connection, row: Row, can: frozenset[str], now_ms: int) -> Dossier:
    """Of one person all that the book has; what happened in the home belongs to who lives there."""
    home, person = row["home"], row["id"]
    visits = select(VISIT).where(
        VISIT.c.home == home, or_(VISIT.c.service_user.is_(None), VISIT.c.service_user == person)
    )
    alarms = (
        select(ALARM, TASK.c.arrived_at_ms.label("task_arrived_ms"))
        .join(TASK, TASK.c.id == ALARM.c.task, isouter=True)
        .where(ALARM.c.home == home)
    )
    stays = select(STAY).where(
        STAY.c.home == home, or_(STAY.c.person.is_(None), STAY.c.person == person)
    )
    found_visits = rows(connection, _newest(visits, VISIT.c.visited_at_ms, VISITS_PRINTED))
    found_alarms = rows(connection, _newest(alarms, ALARM.c.raised_at_ms, ALARMS_PRINTED))
    found_stays = rows(connection, _newest(stays, STAY.c.from_ms, STAYS_PRINTED))
    more_visits = _count(connection, visits) - len(found_visits)
    numbers = {
        row["id"]: more_visits + place for place, row in enumerate(reversed(found_visits), start=1)
    }
    return Dossier(
        person=person_sheet(connection, row, can, now_ms),
        visits=visit_sheets(connection, found_visits, can, numbers),
        alarms=[_alarm_line(alarm) for alarm in found_alarms],
        stays=[
            StayLine(kind=s["kind"], from_ms=s["from_ms"], until_ms=s["until_ms"], note=s["note"])
            for s in found_stays
        ],
        more_visits=more_visits,
        more_alarms=_count(connection, alarms) - len(found_alarms),
        more_stays=_count(connection, stays) - len(found_stays),
    )


def _newest(wanted: Select[Any], column: Any, most: int) -> Select[Any]:
    return wanted.order_by(column.desc()).limit(most)


def _count(connection: Connection, wanted: Select[Any]) -> int:
    return int(connection.scalar(select(func.count()).select_from(wanted.subquery())) or 0)


def _alarm_line(row: Row) -> AlarmLine:
    return AlarmLine(
        number=row["number"],
        raised_at_ms=row["raised_at_ms"],
        kind=row["kind"],
        severity=row["severity"],
        acknowledged_at_ms=row["acknowledged_at_ms"],
        arrived_at_ms=row["task_arrived_ms"],
        closed_at_ms=row["closed_at_ms"],
        outcome=row["outcome"],
    )


def fhir_person(connection: Connection, row: Row, can: frozenset[str]) -> FhirPerson:
    roster = roster_for(connection, homes=[row["home"]])
    address = address_of(row["home"], roster, can)
    return FhirPerson(
        id=row["id"],
        name=row["name"],
        sex=row["sex"],
        born=row["born"],
        phone=row["phone"],
        address="" if address == HIDDEN else address,
    )


def lives_alone(connection: Connection, row: Row) -> bool:
    """Nobody else of the register lives in this home, so that its devices measure this person."""
    others = select(func.count()).select_from(SERVICE_USER)
    others = others.where(SERVICE_USER.c.home == row["home"], SERVICE_USER.c.id != row["id"])
    return not connection.scalar(others)


def vital_devices(connection: Connection, home: str) -> list[Row]:
    wanted = select(DEVICE).where(DEVICE.c.home == home, DEVICE.c.kind.in_(sorted(KINDS)))
    return rows(connection, wanted.order_by(DEVICE.c.gateway, DEVICE.c.device))


def vitals_of(
    readings: ReadingsReader, devices: Sequence[Row], from_ms: int, to_ms: int
) -> list[Vital]:
    """What was measured in [from, to), oldest first; the fields of one moment together."""
    found: dict[tuple[int, str, str], dict[str, float]] = {}
    names: dict[str, str] = {}
    for device in devices:
        key = f"{device['gateway']}/{device['device']}"
        names[key] = " ".join(part for part in (device["label"], device["model"]) if part) or key
        for series in readings.series(
            device["gateway"], device["device"], device["kind"], None, from_ms, to_ms, "raw"
        ):
            for at_ms, value in series.points:
                moment = found.setdefault((int(at_ms), key, series.kind), {})
                moment[series.field] = value
    return [
        Vital(kind=kind, at_ms=at_ms, values=values, device=names[key])
        for (at_ms, key, kind), values in sorted(found.items())
    ]
