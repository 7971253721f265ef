"""The demonstration's office: every page of it has something, once."""

from pathlib import Path

from sqlalchemy import select

from dashboard.department_files import OFFERED
from dashboard.export_registry import SUBJECTS
from dashboard.reads import rows
from device_sims.roster import homes_toml, households
from hearthwatch import demo_care
from hearthwatch.admin import add_user
from hearthwatch.book_change import change_book
from hearthwatch.demo import LOGINS
from hearthwatch.demo_office import _ORDERS, seed
from ledger.chain_check import check
from ledger.place import SqliteBook
from ledger.regions import closed_codes
from ledger.register import store
from ledger.roster import parse
from ledger.schema import AUDIT
from rules.local_time import at_minute_ms

BEGAN_MS = at_minute_ms(20_780, 6 * 60)


def test_it_is_written_once_and_every_page_has_something(tmp_path: Path) -> None:
    book = SqliteBook(path=tmp_path / "hub.db")
    homes = demo_care.as_written_down(households(24, 1))
    roster = parse(homes_toml(homes))
    change_book(book, lambda unit: store(unit, roster))
    for username, name, role, region in LOGINS:
        add_user(book, username, name, role, region, "correct horse battery")

    def counts(unit) -> list[int]:
        seed(unit, homes, BEGAN_MS)
        tables = ("export_order", "exchange_person", "audit", "entry", "region")
        sql = "SELECT count(*) FROM "
        return [unit.execute(sql + name).fetchone()[0] for name in tables]

    first = change_book(book, counts)
    assert first[:2] == [3, 3]
    assert change_book(book, counts) == first
    reader = book.open_reader()
    with reader.connect() as connection:
        assert len(closed_codes(connection)) == 1
        actions = {row["action"] for row in rows(connection, select(AUDIT))}
        assert actions >= {"viewed", "changed", "revealed", "exchange_refused", "exchanged"}
        assert all(state.holds for state in check(connection))
    reader.dispose()


def test_what_is_ordered_can_be_had() -> None:
    for order in _ORDERS:
        for name, columns in order["tables"].items():
            assert name in OFFERED
            assert set(columns) <= {column.key for column in SUBJECTS[name].columns}
