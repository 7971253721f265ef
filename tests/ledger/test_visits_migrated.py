"""Visits of an older book get their numbers in the order in which the hub heard of them."""

from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine, select

from ledger import database
from ledger.place import Place, SqliteBook
from ledger.schema import VISIT
from tests.adapters.postgres import Postgres

ROW = {"kind": "routine", "way": "phone", "visitor": "v", "record": "{}"}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_visits_of_an_older_book_are_numbered(kind: str, tmp_path: Path, request) -> None:
    book: Place = SqliteBook(path=tmp_path / "hub.db")
    url = database.sqlite_url(tmp_path / "hub.db")
    if kind == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        book = postgres.empty()
        url = book._sqlalchemy()
    engine = create_engine(url)
    with engine.begin() as connection:
        database.upgrade(connection, "0010")
        old = MetaData()
        old.reflect(connection)
        for name, person, home, recorded_ms in (
            ("a", "p", "h", 30),
            ("b", "p", "h", 10),
            ("c", "p", "h", 10),
            ("d", "q", "h", 20),
            ("e", None, "h", 5),
            ("f", "p", "g", 1),
        ):
            times = {"visited_at_ms": 0, "recorded_at_ms": recorded_ms}
            row = {**ROW, **times, "id": name, "service_user": person, "home": home}
            connection.execute(old.tables["visit"].insert(), row)
    engine.dispose()
    book.migrate()
    reader = book.open_reader()
    with reader.connect() as connection:
        rows = connection.execute(select(VISIT)).mappings().all()
    reader.dispose()
    assert {row["id"]: row["number"] for row in rows} == {
        "a": 4,
        "b": 2,
        "c": 3,
        "d": 1,
        "e": 1,
        "f": 1,
    }
    assert {(bool(row["met"]), row["version"], row["duplicate_of"]) for row in rows} == {
        (True, 1, None)
    }
