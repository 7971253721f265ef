"""What is printed of a person and of a visit, whatever it was read from. Pure."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from contract.moment import EPOCH
from ledger.documents.form import Drawing
from ledger.forms.person_file import Identity, PersonFile

# Forms are filled in by the county's clock.
COUNTY_TIME = datetime.timezone(datetime.timedelta(hours=8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    name: str
    relation: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSheet:
    """Annex 3 of one person; `None` as the whole sheet is an empty form.

    address: where she lives now, as it is written on an envelope.
    """

    identity: Identity
    file: PersonFile = field(default_factory=PersonFile)
    phone: str = ""
    address: str = ""
    conditions: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    visitor: str = ""
    signature: Drawing | None = None  # of whoever recorded it


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitSheet:
    """Annex 4 of one visit. `number`: the how-manieth; None: not counted."""

    name: str
    address: str
    number: int | None
    way: str
    visited_at_ms: int
    record: Mapping[str, object]
    visitor: str
    visitor_signature: Drawing | None = None
    person_signature: Drawing | None = None
    # What was corrected since it was first recorded, each a line.
    corrections: tuple[str, ...] = ()
    # Why it does not count, where it does not.
    voided: str = ""


def local(at_ms: int) -> datetime.datetime:
    """An instant by the county's clock."""
    return (EPOCH + datetime.timedelta(milliseconds=at_ms)).astimezone(COUNTY_TIME)
