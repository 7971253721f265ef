"""What the book knows of people and visits, as the rules of visiting want it.

The person's file and what a visit's record says of itself (`met`, voided, told of twice) are the
book's own parts; a book that has them is read with them, one that has not without.
"""

import json
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, not_, null

from dashboard.reads import Row
from ledger.schema import SERVICE_USER, VISIT
from ledger.schema.columns import METADATA
from ledger.visiting.said import Words
from ledger.visiting.tiers import VisitFacts

_FILE: Final = METADATA.tables.get("person_file")
# How `compact` writes it; the same in a text would have its quotes escaped.
_NOBODY_MET: Final = '"nobody_met":true'
# Columns of a visit that is not one: never made, or told of by another report.
_TAKEN_BACK: Final = ("voided_at_ms", "duplicate_of")
_YES_NO: Final = {"yes": True, "no": False}


def with_file(people: Select[Any]) -> Select[Any]:
    """The persons' files beside their rows, as `file`."""
    if _FILE is None:
        return people.add_columns(null().label("file"))
    joined = people.outerjoin(_FILE, _FILE.c.person == SERVICE_USER.c.id)
    return joined.add_columns(_FILE.c.document.label("file"))


def facts_of(row: Row, words: Words) -> VisitFacts:
    """Of the register, of the person's file where there is one, and what was raised."""
    file = json.loads(row["file"]) if row["file"] else {}
    return VisitFacts(
        categories=frozenset(json.loads(row["categories"])),
        grade=row["grade"],
        disability_grade=file.get("disability_grade"),
        seriously_ill=_YES_NO.get(file.get("seriously_ill", "")),
        born=row["born"],
        lives_alone=_YES_NO.get(file.get("lives_alone", "")),
        raises=words.raises.get(row["id"], ()),
    )


def nobody_met() -> ColumnElement[bool]:
    if "met" in VISIT.c:
        return not_(VISIT.c.met)
    return VISIT.c.record.contains(_NOBODY_MET, autoescape=True)


def made() -> list[ColumnElement[bool]]:
    """Conditions of a visit that was made, and is told of by this row."""
    return [VISIT.c[name].is_(None) for name in _TAKEN_BACK if name in VISIT.c]
