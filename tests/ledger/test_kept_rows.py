"""Rows kept for a province: as dictionaries would be, and sealed until they are looked at."""

import pytest

from ledger.database import insert_sql
from ledger.kept_rows import KeptRow, Shape, kept_rows
from ledger.place import SqliteBook
from ledger.schema import HOME, SERVICE_USER
from ledger.sealing.ring import Ring
from ledger.sealing.sealer import owner_of
from ledger.sealing.starting import begin
from ledger.unit_of_work import UnitOfWork

NOW_MS = 1_796_000_000_000
COLUMNS = ("id", "home", "name", "conditions", "grade", "visitor", "left_on")
PERSON = {
    "id": "p", "home": "h", "name": "王秀英", "sex": "", "born": "", "phone": "",
    "categories": "[]",
    "grade": "", "conditions": '["慢阻肺"]', "contacts": "[]",
}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgres"])
def cursor(request, tmp_path):
    ring = Ring(tmp_path / "keys.json")
    if request.param == "postgres":
        place = request.getfixturevalue("postgres").fresh()
        place = type(place)(url=place.url, ring=ring)
    else:
        place = SqliteBook(path=tmp_path / "hub.db", ring=ring)
    place.migrate()
    connection = place.open_writer()
    begin(connection, ring, NOW_MS)
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    unit = UnitOfWork(cursor, NOW_MS)
    unit.execute("INSERT INTO region (code, name, level) VALUES (?, ?, ?)", ("1", "x", "county"))
    home = {"id": "h", "region": "1", "address": "", "access_note": ""}
    for table, row, owner in ((HOME, home, owner_of(None, "h")), (SERVICE_USER, PERSON, "p")):
        sealed = unit.seal.row(table, owner, row)
        unit.execute(insert_sql(table, list(row)), tuple(sealed.values()))
    yield cursor
    connection.close()


def test_a_row_is_as_its_dictionary(cursor) -> None:
    [row] = kept_rows(cursor, "service_user", COLUMNS)
    plain = {**{name: PERSON.get(name) for name in COLUMNS}, "left_on": ""}
    assert dict(row) == {**row} == plain
    assert row == plain
    assert list(row) == list(COLUMNS)
    assert len(row) == len(COLUMNS)
    assert row.get("left_on") == ""
    assert row.get("telephone") is None
    assert "telephone" not in row
    with pytest.raises(KeyError):
        row["telephone"]


def test_what_is_sealed_is_opened_when_it_is_looked_at(cursor) -> None:
    ring = cursor.connection.ring
    opened = ring.opened
    [row] = kept_rows(cursor, "service_user", COLUMNS)
    assert row["grade"] == ""
    assert ring.opened == opened
    assert "王" not in repr(row)
    assert row["name"] == "王秀英"
    assert ring.opened == opened + 1
    # What the connection reads beside it comes open, as ever.
    assert cursor.execute("SELECT name FROM service_user").fetchone()[0] == "王秀英"


def test_of_who_was_erased_nothing_is_opened_any_more(cursor) -> None:
    [row] = kept_rows(cursor, "service_user", COLUMNS, " WHERE id = ?", ("p",))
    cursor.connection.ring.forget("p")
    assert (row["name"], row["conditions"]) == ("", "[]")


def test_a_text_of_a_plain_book_is_what_it_is() -> None:
    row = KeptRow(Shape(("name",), (), str), ("sealed:1:t:p:x",))
    assert row["name"] == "sealed:1:t:p:x"
