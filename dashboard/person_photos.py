"""A person's photo as the book has it, and whether it may be shown."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from dashboard.person_reads import purpose_states
from dashboard.reads import Row, one
from ledger.forms.consents import State
from ledger.persons.photo import PURPOSE
from ledger.schema import PERSON_PHOTO
from ledger.sealing.at_connection import content_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`photo`: its row; None: there is none. It is shown only while `consent` is `given`, for one
    that runs out on its last day leaves the photo where it is until somebody asks again."""

    photo: Row | None
    consent: State


def photo_of(connection: Connection, person: str, today: str) -> Found:
    row = one(connection, select(PERSON_PHOTO).where(PERSON_PHOTO.c.person == person))
    if row is not None:
        row = {**row, "bytes": content_of(connection, bytes(row["bytes"]))}
    states = purpose_states(connection, [person], PURPOSE, today)
    return Found(photo=row, consent=states.get(person, "unasked"))


def shown(connection: Connection, person: str, today: str) -> bytes | None:
    """The picture where it may be shown."""
    found = photo_of(connection, person, today)
    if found.photo is None or found.consent != "given":
        return None
    return bytes(found.photo["bytes"])
