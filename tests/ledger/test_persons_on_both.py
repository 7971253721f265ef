"""Persons on SQLite and on PostgreSQL: found by an index, once in the book, caught up with."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from dashboard.callers import Caller
from dashboard.person_search import Wanted, search
from hearthwatch.person_terms import catch_up
from ledger.forms import id_number
from ledger.persons import consenting, files, photo
from ledger.persons import index as person_index
from ledger.place import Place, SqliteBook
from ledger.schema import PERSON_TERM
from ledger.unit_of_work import UnitOfWork
from tests.adapters.hub_bench import ROSTER, Bench
from tests.ledger.test_person_terms import TODAY

PEOPLE = "".join(
    f'[[home.person]]\nid = "p-{number}"\nname = "{name}"\nphone = "1380000000{number}"\n'
    for number, name in enumerate(("单桂英", "仇桂英", "王秀兰"))
)
HOME_END = 'address = "三里垭村四组 3 号"\n'
NUMBER = "61092619410302002" + id_number.check_digit("61092619410302002")
CALLER = Caller(username="a", name="a", role="admin", region="", digest="", via="bearer")


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    book: Place = SqliteBook(path=tmp_path / "hub" / "hub.db")
    if request.param == "postgres":
        book = request.getfixturevalue("postgres").fresh()
    bench = Bench(tmp_path, book, ROSTER.replace(HOME_END, HOME_END + PEOPLE))
    yield bench
    bench.hub.close()


def found(bench: Bench, **asked: object) -> list[str]:
    with bench.hub.reader.connect() as connection:
        wanted = Wanted(today=TODAY.isoformat(), **asked)
        result = search(connection, CALLER, wanted, 100, None)
    assert result.total == len(result.persons)
    return [person["id"] for person in result.persons]


def edit(person: str, **fields: object) -> files.Edit:
    return files.Edit(person=person, actor="a", today=TODAY, register={}, file=fields)


def test_people_of_a_roster_are_found_by_every_reading(bench: Bench) -> None:
    assert found(bench, q="shanguiying") == found(bench, q="dgy") == ["p-0"]
    assert found(bench, q="桂英") == found(bench, q="guiying") == ["p-0", "p-1"]
    assert found(bench, q="QIU") == ["p-1"]
    assert found(bench, q="四组") == ["p-0", "p-1", "p-2"]
    assert found(bench, q="13800000002") == ["p-2"]
    assert found(bench, q="%") == found(bench, q="x_y") == []


def test_a_search_looks_up_and_reads_no_table_from_end_to_end(bench: Bench) -> None:
    sqlite = bench.hub.reader.dialect.name == "sqlite"
    for asked in (
        "SELECT person FROM person_term WHERE term = 'guiying' AND kind IN (0, 1)",
        "SELECT home FROM home_term WHERE term = '四组'",
    ):
        with bench.hub.reader.connect() as connection:
            if sqlite:
                rows = connection.execute(text(f"EXPLAIN QUERY PLAN {asked}"))
                assert "USING PRIMARY KEY (term=?" in " ".join(str(row) for row in rows)
            else:
                # So few rows are read whole unless that is forbidden.
                connection.execute(text("SET LOCAL enable_seqscan = off"))
                plan = " ".join(str(row) for row in connection.execute(text(f"EXPLAIN {asked}")))
                assert "Index Cond" in plan


def test_the_database_itself_keeps_a_number_from_being_there_twice(bench: Bench) -> None:
    bench.change(lambda unit: files.change(unit, edit("p-0", id_number=NUMBER)))
    with pytest.raises(files.Refused):
        bench.change(lambda unit: files.change(unit, edit("p-1", id_number=NUMBER)))
    with pytest.raises(bench.hub.connection.Error):
        bench.change(
            lambda unit: unit.execute(
                "INSERT INTO person_file VALUES ('p-1', 1, '{}', ?, 0, 0, 'a', NULL)", (NUMBER,)
            )
        )
    # Having none is nobody's own.
    for person in ("p-1", "p-2"):
        bench.change(lambda unit, p=person: files.change(unit, edit(p, children=1)))
    assert found(bench, q=NUMBER) == ["p-0"]


def test_consents_are_asked_for_as_the_pure_rule_says(bench: Bench) -> None:
    def give(unit: UnitOfWork, consent: str, until: str) -> None:
        new = consenting.NewConsent(
            purpose="photo",
            given_by="王秀兰",
            relation="self",
            how="signed",
            given_on="2026-01-01",
            until_on=until,
        )
        consenting.give(unit, consent, "p-2", "1", new, "a", TODAY)

    bench.change(lambda unit: give(unit, "c-1", "2026-04-30"))
    assert found(bench, consent="photo") == ["p-0", "p-1", "p-2"]
    bench.change(lambda unit: give(unit, "c-2", "2026-05-01"))
    assert found(bench, consent="photo") == ["p-0", "p-1"]
    end = consenting.Withdrawal(
        consent="c-2", withdrawn_by="王秀兰", withdrawn_on="2026-05-01", reason=""
    )
    bench.change(lambda unit: consenting.withdraw(unit, "p-2", "1", end, "a", TODAY))
    assert found(bench, consent="photo") == ["p-0", "p-1", "p-2"]


def photo_of(bench: Bench) -> tuple[str, list[bytes]]:
    with bench.hub.reader.connect() as connection:
        [(name,)] = connection.execute(text("SELECT photo FROM service_user WHERE id = 'p-2'"))
        kept = connection.execute(text("SELECT bytes FROM person_photo WHERE person = 'p-2'"))
        return str(name), [bytes(content) for (content,) in kept]


def test_a_photo_comes_with_a_consent_and_goes_with_it(bench: Bench) -> None:
    def keep(unit: UnitOfWork, content: bytes) -> bool:
        name = hashlib.sha256(content).hexdigest()
        size = {"mime": "image/jpeg", "width": 3, "height": 4}
        new = photo.NewPhoto(person="p-2", content=content, sha256=name, **size)
        return photo.keep(unit, new, "1", "a", TODAY.isoformat())

    with pytest.raises(files.Refused):
        bench.change(lambda unit: keep(unit, b"\xff\xd8"))
    said = {"purpose": "photo", "given_by": "王秀兰", "relation": "self", "how": "signed"}
    new = consenting.NewConsent(**said, given_on="2026-01-01")
    bench.change(lambda unit: consenting.give(unit, "c-1", "p-2", "1", new, "a", TODAY))
    assert bench.change(lambda unit: keep(unit, b"\xff\xd8\0one"))
    assert bench.change(lambda unit: keep(unit, b"\xff\xd8\0two"))
    assert not bench.change(lambda unit: keep(unit, b"\xff\xd8\0two"))
    name, kept = photo_of(bench)
    assert (name, kept) == (hashlib.sha256(b"\xff\xd8\0two").hexdigest(), [b"\xff\xd8\0two"])
    end = consenting.Withdrawal(
        consent="c-1", withdrawn_by="王秀兰", withdrawn_on="2026-05-01", reason=""
    )
    bench.change(lambda unit: consenting.withdraw(unit, "p-2", "1", end, "a", TODAY))
    assert photo_of(bench) == ("", [])


def test_a_book_of_an_older_program_is_caught_up_with(bench: Bench) -> None:
    bench.change(lambda unit: unit.execute("DELETE FROM person_term"))
    bench.change(lambda unit: unit.execute("DELETE FROM meta WHERE key = 'person_terms'"))
    assert found(bench, q="shanguiying") == []
    # The same as at a start, a portion at a time.
    rounds = 0
    while bench.change(lambda unit: person_index.catch_up(unit.cursor, 2)):
        rounds += 1
    assert rounds == 1
    assert found(bench, q="shanguiying") == ["p-0"]
    terms = bench.count(PERSON_TERM)
    assert bench.change(lambda unit: person_index.catch_up(unit.cursor)) is False
    assert bench.count(PERSON_TERM) == terms


async def test_a_hub_catches_up_by_itself(bench: Bench) -> None:
    writer = bench.hub.writer
    await writer.run(lambda cursor: cursor.execute("DELETE FROM person_term"))
    await asyncio.wait_for(catch_up(writer), 30)
    assert await asyncio.to_thread(found, bench, q="wangxiulan") == ["p-2"]


def test_the_same_roster_again_makes_no_terms_anew(bench: Bench) -> None:
    def marked(unit: UnitOfWork) -> None:
        unit.execute("DELETE FROM person_term WHERE person = 'p-0'")

    bench.change(marked)
    bench.hub.close()
    (bench.folder / "homes.toml").write_text(
        ROSTER.replace(HOME_END, HOME_END + PEOPLE.replace("王秀兰", "王秀梅"))
    )
    bench.open()
    # Nothing of her was changed by the file: her terms were left alone. (They are made anew here.)
    assert found(bench, q="shanguiying") == []
    assert found(bench, q="wangxiumei") == ["p-2"]
    assert found(bench, q="wangxiulan") == []
