"""Whatever leaves as a table: no cell of it is run by a spreadsheet program, whoever wrote it."""

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx2
import openpyxl
import pytest

from dashboard.export_registry import SUBJECTS
from ledger.documents.comma_file import harmless
from tests.dashboard.conftest import World

API = "/api/v1"
# How formulas, and calls of programs, begin; the last two are stripped by some.
BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")
PLANTED = "=cmd|'/c calc'!A0"
# Everything that people write and that leaves in some table.
WRITTEN = (
    "UPDATE service_user SET name = ?, hearing = ?, phone = ?",
    "UPDATE home SET address = ?, access_note = ?",
    "UPDATE device SET label = ?, model = ?",
    "UPDATE account SET name = ?",
    "UPDATE region SET name = ?",
    "UPDATE alarm SET note = ?",
    "UPDATE task SET note = ?",
)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_each_beginning_of_a_formula_is_a_text(beginning: str) -> None:
    assert harmless(f"{beginning}1+1").startswith("'")


async def planted(world: World) -> None:
    await world.raise_alarm()
    await world.visited("visit-1")
    for statement in WRITTEN:
        await world.execute(statement, *[PLANTED] * statement.count("?"))


def files_of(answer: httpx2.Response, name: str) -> Iterator[tuple[str, bytes]]:
    if answer.content[:2] == b"PK" and name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            yield from ((part, archive.read(part)) for part in archive.namelist())
    else:
        yield name, answer.content


def cells_of(name: str, payload: bytes) -> list[tuple[str, Any]]:
    """Each cell's type and what it holds; `f` is a formula."""
    if name.endswith(".csv"):
        rows = csv.reader(io.StringIO(payload.decode("utf-8-sig")))
        return [
            ("f" if cell[:1] in "=+-@\t\r" and cell else "s", cell) for row in rows for cell in row
        ]
    book = openpyxl.load_workbook(io.BytesIO(payload))
    return [(c.data_type, c.value) for sheet in book for row in sheet.iter_rows() for c in row]


TABLES = [f"exports/{subject}.{kind}" for subject in SUBJECTS for kind in ("csv", "xlsx")]
TABLES += ["reports/period.xlsx", "assessments/results.xlsx"]


async def test_no_table_that_leaves_runs_what_people_wrote(world: World) -> None:
    await planted(world)
    held = 0
    async with world.client("admin-1") as client:
        for path in TABLES:
            answer = await client.get(f"{API}/{path}")
            assert answer.status_code == 200, (path, answer.text)
            for name, payload in files_of(answer, path):
                cells = cells_of(name, payload)
                run = [value for kind, value in cells if kind == "f" and not _is_number(value)]
                assert not run, (path, name, run[:3])
                held += sum(PLANTED in str(value) for _kind, value in cells)
    # The texts are there, so that the tables would have shown them as formulas.
    assert held > 20


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
