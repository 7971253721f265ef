"""What the doctor says of files for departments, on both databases."""

from pathlib import Path

import pytest

from hearthwatch.book_change import change_book
from hearthwatch.doctor_book import book
from hearthwatch.doctor_finding import Finding
from ledger.database import insert_sql
from ledger.place import Place, SqliteBook
from ledger.schema import EXPORT_FILE, EXPORT_ORDER
from ledger.unit_of_work import UnitOfWork
from tests.adapters.migrated import migrated


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "postgres":
        return request.getfixturevalue("postgres").fresh()
    return SqliteBook(path=migrated(tmp_path / "hub.db"))


def order(unit: UnitOfWork, name: str, *, active: bool = True) -> None:
    row = {"id": name, "name": name, "account": "a", "region": "", "tables": "{}", "plain": "[]"}
    row |= {"every": "day", "reason": "r", "created_at_ms": 0, "created_by": "a"}
    values = {**row, "active": active}
    unit.execute(insert_sql(EXPORT_ORDER), tuple(values[c.name] for c in EXPORT_ORDER.columns))


def file(unit: UnitOfWork, name: str, period: str, state: str) -> None:
    row = {"id": f"{name}-{period}", "order_id": name, "period": period, "state": state}
    row |= dict.fromkeys(("file", "sha256"), "") | dict.fromkeys(("size", "rows", "withheld"), 0)
    row |= {"detail": "OSError: no space left", "attempts": 3, "at_ms": 0}
    unit.execute(insert_sql(EXPORT_FILE), tuple(row[c.name] for c in EXPORT_FILE.columns))


def told(place: Place) -> list[Finding]:
    return [finding for finding in book(place) if finding.check == "department files"]


def test_a_file_that_is_not_made_is_said_with_why_and_what_to_do(place: Place) -> None:
    def write(unit: UnitOfWork) -> None:
        order(unit, "县残联")
        file(unit, "县残联", "2026-11-27", "made")
        file(unit, "县残联", "2026-11-28", "failed")

    assert told(place) == []
    change_book(place, write)
    [finding] = told(place)
    assert finding.verdict == "warn"
    assert "1 not made" in finding.detail
    assert "县残联 2026-11-28: OSError: no space left" in finding.detail
    assert "tried again each hour" in finding.remedy


def test_what_nobody_can_mend_any_more_is_history(place: Place) -> None:
    def write(unit: UnitOfWork) -> None:
        order(unit, "县残联")
        file(unit, "县残联", "2026-11-27", "failed")
        file(unit, "县残联", "2026-11-28", "made")
        order(unit, "县卫健局", active=False)
        file(unit, "县卫健局", "2026-11-28", "failed")

    change_book(place, write)
    assert told(place) == []


def test_a_book_of_an_older_program_has_none(place: Place) -> None:
    def drop(unit: UnitOfWork) -> None:
        unit.execute("DROP TABLE export_file")
        unit.execute("DROP TABLE export_order")

    change_book(place, drop)
    assert told(place) == []
