"""What the book knows of people and visits, as the rules of visiting want it."""

import json
from typing import Any, Final

from sqlalchemy import ColumnElement, Select

from dashboard.counted_reads import PERSON_DOCUMENT
from dashboard.reads import Row
from ledger.forms.joining import Gap
from ledger.schema import PERSON_FILE, SERVICE_USER, VISIT
from ledger.visiting.said import Words
from ledger.visiting.tiers import VisitFacts

_YES_NO: Final = {"yes": True, "no": False}


def with_file(people: Select[Any]) -> Select[Any]:
    """What of the persons' files the plan is made by beside their rows (`with_files`)."""
    joined = people.outerjoin(PERSON_FILE, PERSON_FILE.c.person == SERVICE_USER.c.id)
    return joined.add_columns(*PERSON_DOCUMENT)


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


def gaps_of(row: Row) -> list[Gap]:
    """The times between leaving the service and returning; nearly nobody has any."""
    text = row["service_gaps"]
    return [] if text == "[]" else json.loads(text)


def made() -> tuple[ColumnElement[bool], ...]:
    """Conditions of a visit that was made, and is told of by this row."""
    return VISIT.c.voided_at_ms.is_(None), VISIT.c.duplicate_of.is_(None)
