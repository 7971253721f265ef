"""The key file: made once, nobody else's to read, never made anew beside a sealed book."""

import datetime
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from hearthwatch.sealed_book import prepare
from ledger.persons import files
from ledger.place import SqliteBook
from ledger.schema import SERVICE_USER
from ledger.sealing import at_sqlite, key_file
from ledger.sealing.key_file import KeyFileError
from ledger.sealing.ring import OwnersKey, Ring
from ledger.sealing.rotating import add_key, drop_unused, rewrap, used
from ledger.unit_of_work import UnitOfWork
from tests.adapters.migrated import migrated
from tests.adapters.sealed import NOW_MS, changed, key_path


@pytest.fixture
def book(tmp_path: Path) -> SqliteBook:
    book = SqliteBook(path=migrated(tmp_path / "hub.db"), ring=Ring(key_path(tmp_path)))
    start(book)
    return book


def start(book: SqliteBook) -> None:
    connection = book.open_writer()
    try:
        prepare(connection, book.ring)
    finally:
        connection.close()


def again(book: SqliteBook) -> SqliteBook:
    """As another process has it."""
    return replace(book, ring=Ring(book.ring.path))


def add_person(book: SqliteBook, person: str = "p-1") -> None:
    def write(unit: UnitOfWork) -> None:
        region = "INSERT INTO region (code, name, level) VALUES ('61', '', 'county')"
        unit.execute(f"{region} ON CONFLICT DO NOTHING")
        home = "INSERT INTO home (id, region, address, access_note) VALUES ('h', '61', '', '')"
        unit.execute(f"{home} ON CONFLICT DO NOTHING")
        register = {"home": "h", "name": "张", "phone": "13800000001"}
        today = datetime.date(2026, 11, 23)
        files.create(
            unit, files.Edit(person=person, actor="a", today=today, register=register, file={})
        )

    changed(book, write)


def phone(book: SqliteBook, person: str = "p-1") -> str:
    return str(changed(book, lambda unit: files.find(unit, person)).register["phone"])


def test_it_is_made_at_the_first_start_for_nobody_else(book: SqliteBook) -> None:
    path = book.ring.path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    before = path.read_bytes()
    start(again(book))
    assert path.read_bytes() == before


def test_what_was_sealed_is_open_to_the_next_start(book: SqliteBook) -> None:
    add_person(book)
    assert phone(again(book)) == "13800000001"


def test_a_sealed_book_without_its_file_is_refused_and_none_is_made(book: SqliteBook) -> None:
    add_person(book)
    book.ring.path.unlink()
    with pytest.raises(KeyFileError, match="no such key file"):
        start(again(book))
    assert not book.ring.path.exists()


def test_a_book_that_only_remembers_a_file_is_refused_too(book: SqliteBook) -> None:
    book.ring.path.unlink()
    with pytest.raises(KeyFileError, match="no such key file"):
        start(again(book))


def test_the_file_of_another_book_is_refused(book: SqliteBook) -> None:
    add_person(book)
    key_file.write(book.ring.path, key_file.made(NOW_MS))
    with pytest.raises(KeyFileError, match="another book"):
        start(again(book))


def test_an_older_copy_of_the_file_is_refused(book: SqliteBook) -> None:
    older = book.ring.path.read_bytes()
    keys = add_key(book.ring, NOW_MS)
    add_person(again(book))
    key_file.replace_file(book.ring.path, older)
    with pytest.raises(KeyFileError, match=f"has no key {keys.newest.id}"):
        start(again(book))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"format":2,"keys":[],"index":""}',
        b'{"format":1,"keys":[],"index":"AAAA"}',
        b'{"format":1,"keys":[{"id":"a","made_at":"","key":"AAAA"}],"index":"AAAA"}',
        b'{"format":1,"keys":"x","index":3}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.json"
    key_file.replace_file(path, content)
    with pytest.raises(KeyFileError, match="damaged"):
        key_file.read(path)


def test_a_file_that_others_may_read_is_refused(book: SqliteBook) -> None:
    book.ring.path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        start(again(book))


def test_nothing_of_the_keys_is_told(book: SqliteBook) -> None:
    keys = book.ring.read_again()
    secrets = [k["key"] for k in json.loads(book.ring.path.read_text())["keys"]]
    assert not any(secret in repr(keys) for secret in secrets)


def test_rotation_wraps_all_keys_anew_and_leaves_what_is_sealed(book: SqliteBook) -> None:
    add_person(book)
    running = again(book)
    assert phone(running) == "13800000001"
    [[before]] = rows(book, "SELECT phone FROM service_user")
    keys = add_key(book.ring, NOW_MS)
    assert changed(book, lambda unit: rewrap(unit.cursor, keys)) == 1
    assert changed(book, lambda unit: rewrap(unit.cursor, keys)) == 0
    assert changed(book, lambda unit: used(unit.cursor)) == {keys.newest.id: 1}
    assert rows(book, "SELECT phone FROM service_user") == [(before,)]
    # A hub that ran meanwhile, and one that starts now.
    add_person(running, "p-2")
    for place in (running, again(book)):
        assert (phone(place), phone(place, "p-2")) == ("13800000001", "13800000001")
    # The running hub's own new key was wrapped by the older one, which therefore stays.
    assert changed(book, lambda unit: drop_unused(unit.cursor, book.ring)) == ()
    while changed(book, lambda unit: rewrap(unit.cursor, book.ring.keys)):
        continue
    assert len(changed(book, lambda unit: drop_unused(unit.cursor, book.ring))) == 1
    assert phone(again(book), "p-2") == "13800000001"


def test_a_running_hub_meets_keys_that_were_wrapped_since(book: SqliteBook) -> None:
    add_person(book)
    running = again(book)
    assert running.ring.keys.keks
    keys = add_key(book.ring, NOW_MS)
    changed(book, lambda unit: rewrap(unit.cursor, keys))
    assert phone(running) == "13800000001"


def rows(book: SqliteBook, sql: str) -> list[tuple[object, ...]]:
    """As they are stored."""
    engine = book.open_copier()
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.exec_driver_sql(sql)]
    engine.dispose()
    return found


def test_a_key_that_was_taken_back_seals_nothing(book: SqliteBook) -> None:
    """Nothing may be sealed by a key that only memory has."""
    connection = book.open_writer()
    cursor = connection.cursor()
    for turn in range(2):
        cursor.execute("BEGIN IMMEDIATE")
        unit = UnitOfWork(cursor, NOW_MS)
        token = unit.seal.text("p-9", "x")
        cursor.execute("ROLLBACK" if turn == 0 else "COMMIT")
    # A part of a change that failed, in a transaction that goes on, and fails in the end.
    cursor.execute("BEGIN IMMEDIATE")
    unit = UnitOfWork(cursor, NOW_MS)
    with pytest.raises(ValueError, match="no column"), unit.savepoint("part"):
        _seal_and_fail(unit)
    unit.seal.text("p-8", "x")
    cursor.execute("ROLLBACK")
    # And one that is committed in the end.
    cursor.execute("BEGIN IMMEDIATE")
    unit = UnitOfWork(cursor, NOW_MS)
    with pytest.raises(ValueError, match="no column"), unit.savepoint("part"):
        _seal_and_fail(unit)
    kept = unit.seal.text("p-8", "z")
    cursor.execute("COMMIT")
    cursor.execute("BEGIN IMMEDIATE")
    last = UnitOfWork(cursor, NOW_MS).seal.text("p-8", "y")
    cursor.execute("COMMIT")
    connection.close()
    fresh = again(book)
    fresh.open_writer().close()
    assert fresh.ring.text(token.encode()) == "x"
    assert fresh.ring.text(kept.encode()) == "z"
    assert fresh.ring.text(last.encode()) == "y"
    assert fresh.ring.unreadable == 0


def _seal_and_fail(unit: UnitOfWork) -> None:
    unit.seal.text("p-8", "x")
    unit.update(SERVICE_USER, {"id": "p-8"}, {"nonsense": 1})


def test_people_who_are_new_are_not_looked_for_one_by_one(book: SqliteBook) -> None:
    """A list has twenty thousand of them; each look is a connection of its own."""
    connection = book.open_writer()
    asked: list[str | None] = []

    def fetch(owner: str | None) -> list[OwnersKey]:
        asked.append(owner)
        return at_sqlite.keys_in(book.path, owner)

    ring = book.ring
    assert ring is not None
    ring.use(fetch)
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    unit = UnitOfWork(cursor, NOW_MS)
    tokens = [unit.seal.text(f"p-{number}", "x") for number in range(20)]
    tokens += [unit.seal.text(f"home:h-{number}", "x") for number in range(20)]
    cursor.execute("COMMIT")
    connection.close()
    assert asked in ([], [None])
    fresh = again(book)
    fresh.open_writer().close()
    assert {fresh.ring.text(token.encode()) for token in tokens} == {"x"}


def test_two_programs_make_one_key_for_one_owner(book: SqliteBook) -> None:
    one, other = book, again(book)
    tokens = [
        changed(place, lambda unit: unit.seal.text("p-7", "x")) for place in (one, other, one)
    ]
    for place in (one, other, again(book)):
        place.open_writer().close()
        assert [place.ring.text(token.encode()) for token in tokens] == ["x", "x", "x"]


def test_what_is_damaged_reads_as_nothing_and_is_counted(book: SqliteBook) -> None:
    add_person(book)
    changed(book, lambda unit: unit.cursor.execute("UPDATE person_key SET wrapped = x'00'"))
    place = again(book)
    assert phone(place) == ""
    # Her telephone, and her name with it.
    assert place.ring.unreadable == 2


def test_a_text_that_looks_sealed_is_refused_where_it_is_written(book: SqliteBook) -> None:
    with pytest.raises(ValueError, match="begins as a sealed one"):
        changed(book, lambda unit: unit.execute("SELECT ?", ("sealed:1:t:p-1:AAAA",)))
