"""What a list of persons is held against: places, accounts, and who is in the register."""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from dashboard.callers import Caller
from dashboard.reads import Row, rows
from ledger.persons.files import ID_NUMBER
from ledger.persons.places import Places
from ledger.persons.sheet import Known
from ledger.persons.terms import plain
from ledger.regions import closed_codes
from ledger.schema import ACCOUNT, HOME, PERSON_FILE, REGION, SERVICE_USER
from ledger.sealing.at_connection import blind, ring_at
from ledger.sealing.ring import Ring


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who is in the register. A number of somebody outside the caller's region gives None."""

    by_number: Mapping[str, str | None] = field(default_factory=dict)
    by_name: Mapping[tuple[str, str], str] = field(default_factory=dict)


class ByNumber(Mapping[str, str | None]):
    """Asked by the numbers themselves, of a register that has them blinded."""

    def __init__(self, blinded: Mapping[str, str | None], ring: Ring | None) -> None:
        self._blinded = blinded
        self._ring = ring

    def __getitem__(self, number: str) -> str | None:
        return self._blinded[blind(self._ring, ID_NUMBER, number)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._blinded)

    def __len__(self) -> int:
        return len(self._blinded)


def read_known(connection: Connection, caller: Caller, today: datetime.date) -> Known:
    # Towns above the caller's own region are needed to find it by their names. Nobody is brought
    # into one that is closed.
    closed = closed_codes(connection)
    regions = [row for row in rows(connection, select(REGION)) if row["code"] not in closed]
    accounts = select(ACCOUNT.c.username, ACCOUNT.c.name).where(
        ACCOUNT.c.disabled.is_(False), caller.visible(ACCOUNT.c.region)
    )
    visitors: dict[str, list[str]] = {}
    for account in rows(connection, accounts):
        for said in {plain(account["username"]), plain(account["name"])}:
            visitors.setdefault(said, []).append(account["username"])
    return Known(places=Places(regions, caller.region), visitors=visitors, today=today)


def read_standing(connection: Connection, caller: Caller) -> Standing:
    joined = select(
        SERVICE_USER.c.id,
        SERVICE_USER.c.name,
        SERVICE_USER.c.born,
        HOME.c.region,
        PERSON_FILE.c.id_number,
    )
    joined = joined.join(HOME, HOME.c.id == SERVICE_USER.c.home)
    joined = joined.join(PERSON_FILE, PERSON_FILE.c.person == SERVICE_USER.c.id, isouter=True)
    joined = joined.where(SERVICE_USER.c.erased_at_ms.is_(None))
    by_number: dict[str, str | None] = {}
    ring = ring_at(connection)
    by_name: dict[tuple[str, str], str] = {}
    for person in rows(connection, joined):
        seen = caller.sees(person["region"])
        if person["id_number"]:
            by_number[person["id_number"]] = person["id"] if seen else None
        if seen and person["born"]:
            by_name.setdefault((plain(person["name"]), person["born"]), person["id"])
    return Standing(by_number=ByNumber(by_number, ring), by_name=by_name)


def theirs(connection: Connection, persons: set[str]) -> dict[str, Row]:
    """The rows of the register that a list doubles, with address and file."""
    wanted = (
        select(SERVICE_USER, HOME.c.address, PERSON_FILE.c.document)
        .join(HOME, HOME.c.id == SERVICE_USER.c.home)
        .join(PERSON_FILE, PERSON_FILE.c.person == SERVICE_USER.c.id, isouter=True)
        .where(SERVICE_USER.c.id.in_(persons))
    )
    return {person["id"]: person for person in rows(connection, wanted)}
