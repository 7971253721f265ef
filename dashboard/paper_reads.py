"""What is printed of people, read from the book."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from dashboard.contact_masks import HIDDEN, without_contacts
from dashboard.ports import ReadingsReader
from dashboard.reads import Row, roster_for, rows
from ledger.documents.fhir import KINDS, FhirPerson, Vital
from ledger.documents.sheets import Contact, PersonSheet
from ledger.forms.file_document import masked_number, read
from ledger.forms.person_file import Identity, PersonFile
from ledger.schema import DEVICE, PERSON_FILE, SERVICE_USER
from ledger.views import RosterIndex, person_object

# Of one person in one answer; a stream of an oximeter has more, and nobody's doctor reads them.
VITALS_MAX: Final = 20_000


def person_sheet(
    connection: Connection,
    row: Row,
    can: frozenset[str],
    now_ms: int,
    *,
    numbers: bool,
) -> PersonSheet:
    """Annex 3 of a row of the register. numbers: identity numbers (and telephones) whole, else
    masked."""
    file = person_file(connection, row["id"])
    roster = roster_for(connection, homes=[row["home"]], usernames=[row["visitor"]])
    person = person_object(row, now_ms)
    if "contact.read" not in can and not numbers:
        person = without_contacts(person, can)
    return PersonSheet(
        identity=Identity(
            name=row["name"],
            sex=row["sex"],
            born=row["born"],
            grade=row["grade"],
            categories=tuple(person["categories"]),
        ),
        file=file if numbers else without_numbers(file),
        phone=person["phone"],
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


def person_file(connection: Connection, person: str) -> PersonFile:
    """What was filled in; empty where nothing was."""
    wanted = select(PERSON_FILE.c.document).where(PERSON_FILE.c.person == person)
    return read(msgspec.json.decode(connection.scalar(wanted) or "{}"))


def without_numbers(file: PersonFile) -> PersonFile:
    """As everybody may see it. A disability certificate's number begins with the citizen's own."""
    return replace(
        file,
        id_number=masked_number(file.id_number),
        disability_number=masked_number(file.disability_number),
        members=tuple(replace(m, id_number=masked_number(m.id_number)) for m in file.members),
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


def fhir_person(connection: Connection, row: Row, can: frozenset[str]) -> FhirPerson:
    roster = roster_for(connection, homes=[row["home"]])
    address = address_of(row["home"], roster, can)
    return FhirPerson(
        id=row["id"],
        name=row["name"],
        sex=row["sex"],
        born=row["born"],
        phone=row["phone"] if "contact.read" in can else "",
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
