"""What figures count by, read from codes beside what is sealed: nothing is opened for a figure."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case

from dashboard.reads import Row
from ledger.forms import counted
from ledger.schema import PERSON_FILE, VISIT
from ledger.sealing.at_connection import ring_at
from ledger.sealing.codes import Codes

# Only where an older program wrote no codes is the whole thing opened.
VISIT_RECORD: Final[tuple[ColumnElement[Any], ...]] = (
    VISIT.c.counted,
    case((VISIT.c.counted.is_(None), VISIT.c.record)).label("record"),
)
PERSON_DOCUMENT: Final[tuple[ColumnElement[Any], ...]] = (
    PERSON_FILE.c.counted,
    case((PERSON_FILE.c.counted.is_(None), PERSON_FILE.c.document)).label("file"),
)


def with_records(connection: Connection, rows: Iterable[Row]) -> Iterator[Row]:
    """Rows of `VISIT_RECORD` with a `record` that says what figures count by."""
    codes = Codes(ring_at(connection), counted.VISIT_WORDS)
    return _with(rows, "record", _texts(codes, counted.visit_of))


def with_files(connection: Connection, rows: Iterable[Row]) -> Iterator[Row]:
    """Rows of `PERSON_DOCUMENT` with a `file` that says what the plan is made by."""
    codes = Codes(ring_at(connection), counted.FILE_WORDS)
    return _with(rows, "file", _texts(codes, counted.file_of))


def _texts(
    codes: Codes, document_of: Callable[[Iterable[str]], Mapping[str, Any]]
) -> Callable[[str], str]:
    made: dict[str, str] = {}

    def text_of(coded: str) -> str:
        text = made.get(coded)
        if text is None:
            text = made[coded] = json.dumps(document_of(codes.words(coded)))
        return text

    return text_of


def _with(rows: Iterable[Row], name: str, text_of: Callable[[str], str]) -> Iterator[Row]:
    for row in rows:
        coded = row["counted"]
        yield row if coded is None else {**row, name: text_of(coded)}
