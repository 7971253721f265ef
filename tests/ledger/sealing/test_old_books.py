"""A book that an older program wrote in clear is sealed, on both databases, and stays a book."""

import datetime
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine, text

from alarms.visit_book import VisitBook
from hearthwatch.sealed_book import prepare
from ledger import database
from ledger.chain_check import check, newest_links
from ledger.forms import id_number
from ledger.persons import files, index
from ledger.place import Place, SqliteBook
from ledger.sealing import catching_up
from ledger.sealing.catching_up import catch_up, is_done
from ledger.sealing.columns import SEALED
from ledger.sealing.ring import Ring
from ledger.unit_of_work import UnitOfWork
from ledger.visits import NewVisit
from tests.adapters.book import PlainObjects
from tests.adapters.migrated import migrated
from tests.adapters.sealed import NOW_MS, book_of, changed

BODY = "61092619410302002"
NUMBER = BODY + id_number.check_digit(BODY)
MARKS = ("13899990001", "标记病史", "标记户籍", NUMBER, "标记记录", "标记理由", "标记查看")
# In clear in books of a later program too, until this one.
NAMED = ("标桂英", "标记村九组", "标记钥匙", "标记床头")
TODAY = datetime.date(2026, 11, 23)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return book_of(request, tmp_path)


def lived(unit: UnitOfWork) -> None:
    unit.execute("INSERT INTO region (code, name, level) VALUES ('61', '县', 'county')")
    home = "INSERT INTO home (id, region, address, access_note) VALUES ('home-1', '61', ?, ?)"
    unit.execute(home, NAMED[1:3])
    named = "INSERT INTO gateway (id, name, online, status) VALUES ('gw-1', '', ?, '{}')"
    unit.execute(named, (False,))
    device = (
        'INSERT INTO "device" (gateway, device, home, kind, model, label)'
        " VALUES ('gw-1', ?, ?, 'sos', '', ?)"
    )
    unit.execute(device, ("button-1", "home-1", NAMED[3]))
    unit.execute(device, ("button-2", None, NAMED[3]))
    edit = files.Edit(
        person="p-1",
        actor="manager-1",
        today=TODAY,
        register={"home": "home-1", "name": NAMED[0], "phone": MARKS[0], "conditions": [MARKS[1]]},
        file={"registered_address": MARKS[2], "id_number": NUMBER, "lives_alone": "yes"},
        reason=MARKS[5],
    )
    files.create(unit, edit)
    visit = NewVisit(
        id="v-1",
        home="home-1",
        service_user="p-1",
        way="home_visit",
        visitor="visitor-1",
        visited_at_ms=NOW_MS,
        record={"needs": MARKS[4], "satisfaction": "satisfied"},
    )
    visits = VisitBook(None, PlainObjects(), nobody_met_days=0)
    visits.record(unit, visit, "visitor-1", kind="routine")
    visits.void(unit, "v-1", "visitor-1", MARKS[5])
    unit.audit("duty-1", "revealed", "person:p-1", MARKS[6])
    unit.audit("duty-1", "viewed", "person:p-1")
    # An older program knew of no codes.
    unit.execute("UPDATE visit SET counted = NULL")
    unit.execute("UPDATE person_file SET counted = NULL")


def stored(place: Place) -> str:
    """Everything that the tables hold, as it is stored."""
    engine = place.open_copier()
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        rows = [tuple(row) for t in tables.sorted_tables for row in connection.execute(t.select())]
    engine.dispose()
    return repr(rows)


def sealed(place: Place, tmp_path: Path) -> Place:
    """As the hub opens it."""
    book = replace(place, ring=Ring(tmp_path / "keys" / "persons.json"))
    connection = book.open_writer()
    prepare(connection, book.ring)
    connection.close()
    return book


def test_an_older_book_is_sealed_and_says_the_same(place: Place, tmp_path: Path) -> None:
    changed(place, lived)
    # A program between knew of this much and was done with it.
    changed(place, lambda unit: unit.execute("INSERT INTO meta VALUES ('sealed_rows', 'done')"))
    before = stored(place)
    assert all(mark in before for mark in (*MARKS, *NAMED))
    engine = place.open_copier()
    with engine.connect() as connection:
        heads = newest_links(connection)
    engine.dispose()
    book = sealed(place, tmp_path)
    while changed(book, catch_up) or changed(book, lambda unit: index.catch_up(unit.cursor)):
        continue
    assert changed(book, lambda unit: is_done(unit.cursor))
    after = stored(book)
    assert [mark for mark in (*MARKS, *NAMED) if mark in after] == []
    engine = book.open_reader()
    with engine.connect() as connection:
        assert all(state.holds for state in check(connection))
        rows = connection.execute(text("SELECT * FROM entry ORDER BY seq")).mappings().all()
        [visit] = connection.execute(text("SELECT * FROM visit")).mappings().all()
        [reveal, _] = connection.execute(text("SELECT detail FROM audit ORDER BY seq")).all()
    engine.dispose()
    known = changed(book, lambda unit: files.find(unit, "p-1"))
    assert (known.register["phone"], known.file.registered_address) == (MARKS[0], MARKS[2])
    assert json.loads(visit["record"])["needs"] == MARKS[4]
    assert visit["counted"]
    assert visit["void_reason"] == MARKS[5]
    assert reveal[0] == MARKS[6]
    facts = [(row["topic"], row["fact"], row["reason"]) for row in rows]
    assert facts[0] == ("person", "registered", MARKS[5])
    told = {row["subject"]: json.loads(row["data"]) for row in rows if row["topic"] == "book"}
    assert {name: one["head_before"] for name, one in told.items()} == heads
    # Opened again there is nothing more to do.
    again = sealed(place, tmp_path)
    assert stored(again) == after
    engine = again.open_reader()
    with engine.connect() as connection:
        [address, note] = connection.execute(text("SELECT address, access_note FROM home")).one()
        labels = connection.execute(text('SELECT label FROM "device"')).all()
    engine.dispose()
    assert ((address, note), *labels) == (NAMED[1:3], NAMED[3:], NAMED[3:])


def test_a_stop_in_between_loses_nothing(place: Place, tmp_path: Path) -> None:
    changed(place, lived)
    book = sealed(place, tmp_path)
    turns = 0
    while changed(book, catch_up) or changed(book, lambda unit: index.catch_up(unit.cursor)):
        turns += 1
        # Another program each time, which has nothing in memory.
        book = sealed(place, tmp_path)
    assert turns > 1
    assert [mark for mark in (*MARKS, *NAMED) if mark in stored(book)] == []


def test_many_devices_are_gone_through_portion_by_portion(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(place, lived)
    named = "INSERT INTO gateway (id, name, online, status) VALUES (?, '', ?, '{}')"
    labelled = (
        'INSERT INTO "device" (gateway, device, home, kind, model, label)'
        " VALUES (?, ?, 'home-1', 'sos', '', '标记床头')"
    )

    def more(unit: UnitOfWork) -> None:
        # Where the parts end differs, and with it the order of what is joined.
        for gateway in ("gw", "gw-1-2", "gw-10"):
            unit.execute(named, (gateway, False))
            for device in ("a", "a-1", "b"):
                unit.execute(labelled, (gateway, device))

    changed(place, more)
    monkeypatch.setattr(catching_up, "PORTION", 2)
    book = sealed(place, tmp_path)
    assert NAMED[3] not in stored(book)


def test_each_row_is_found_by_an_index(tmp_path: Path) -> None:
    """A search through the table for each of its rows: a county's devices would take a hub an hour
    at its start, and no press is heard meanwhile."""
    connection = SqliteBook(path=migrated(tmp_path / "hub.db")).open_writer()
    cursor = connection.cursor()
    for table in SEALED:
        key = catching_up._key(table)
        same = " AND ".join(f"{part} = ?" for part in key)
        column = [*table.columns, table.content][0]
        for sql in (
            f'UPDATE "{table.table}" AS t SET "{column}" = \'\' WHERE {same}',  # noqa: S608
            f'SELECT 1 FROM "{table.table}" t WHERE ({", ".join(key)})'  # noqa: S608
            f" > ({', '.join('?' * len(key))}) ORDER BY {', '.join(key)}",
        ):
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", ("",) * len(key))
            plan = " ".join(str(row[-1]) for row in cursor.fetchall())
            assert plan.startswith("SEARCH"), (table.table, plan)
            assert "TEMP B-TREE" not in plan, (table.table, plan)
    connection.close()


def test_a_broken_chain_is_left_as_it_is(place: Place, tmp_path: Path) -> None:
    changed(place, lived)
    changed(place, lambda unit: unit.execute("UPDATE entry SET actor = 'somebody' WHERE seq = 1"))
    book = sealed(place, tmp_path)
    assert MARKS[5] in stored(book)
    engine = book.open_copier()
    with engine.connect() as connection:
        [entries, _trail] = check(connection)
    engine.dispose()
    assert entries.broken == (1,)


@pytest.fixture
def older(request: pytest.FixtureRequest, tmp_path: Path, place: Place) -> Iterator[object]:
    url = database.sqlite_url(tmp_path / "hub.db")
    if not isinstance(place, SqliteBook):
        url = place._sqlalchemy()
    engine = create_engine(url)
    yield engine
    engine.dispose()


def test_down_and_up_again_with_what_was_lived(place: Place, older) -> None:
    changed(place, lived)
    before = stored(place)
    with older.begin() as connection:
        database.downgrade(connection, "0020")
    with older.begin() as connection:
        database.upgrade(connection, "head")
    assert all((mark in stored(place)) for mark in MARKS)
    assert before.count("张桂英") == stored(place).count("张桂英")


def test_what_is_sealed_is_not_taken_down(place: Place, older, tmp_path: Path) -> None:
    changed(place, lived)
    sealed(place, tmp_path)
    with pytest.raises(RuntimeError, match="sealed"), older.begin() as connection:
        database.downgrade(connection, "0020")
