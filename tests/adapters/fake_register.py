"""What the fake hub finds in its register by a word, and who sees only a part of it."""

from typing import Final

from tests.adapters.fake_county import County, Document

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
    return [{**p, "born": None, "home": county.homes[home]} for home, p in found if q in p["name"]]
