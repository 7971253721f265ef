"""What the fake hub finds in its register by a word, and who sees only a part of it."""

from typing import Final

from dashboard.contact_masks import masked_phone
from tests.adapters.fake_cases import Refused
from tests.adapters.fake_county import County, Document

# As the real hub has it.
REASON_MIN: Final = 3
# Of accounts that don't see everything.
REGIONS: Final = {"manager-1": "610926101001"}


def find_homes(county: County, q: str) -> list[str]:
    """By part of an id, an address or a name."""
    return [
        home
        for home, row in county.homes.items()
        if q in home or q in row["address"] or any(q in p["name"] for p in county.persons[home])
    ]


def find_persons(county: County, q: str) -> list[Document]:
    found = [(home, p) for home, persons in county.persons.items() for p in persons]
    return [
        {**p, "phone": masked_phone(p["phone"]), "born": None, "home": county.homes[home]}
        for home, p in found
        if q in p["name"]
    ]


def open_contact(county: County, person: str, asked: Document) -> Document:
    """One person's numbers, for a reason: without one they stay masked."""
    if len(asked["reason"]) < REASON_MIN:
        raise Refused(422, "invalid_reason")
    found = next(p for ps in county.persons.values() for p in ps if p["id"] == person)
    return {"phone": found["phone"], "contacts": found["contacts"]}
