"""The book on PostgreSQL alone: a second hub, a connection that is lost, the doctor."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hearthwatch import doctor
from ledger.cursor import BookInUseError
from ledger.place import PostgresBook, SqliteBook, postgres_book
from ledger.schema import (
    ALARM,
    ENTRY,
    EVENT,
    TASK,
)
from ledger.unit_of_work import UnitOfWork
from tests.adapters.hub_bench import Bench, press
from tests.adapters.postgres import Postgres


@pytest.fixture
def pg_bench(postgres: Postgres, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, postgres.fresh())
    yield bench
    bench.hub.close()


def test_migration_makes_everything_from_nothing(postgres: Postgres) -> None:
    book = postgres.empty()
    book.migrate()
    book.migrate()
    reader = book.open_reader()
    with reader.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(ENTRY)) == 0
    reader.dispose()


def test_a_second_hub_is_told_and_the_first_goes_on(pg_bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(BookInUseError, match="another hub"):
        pg_bench.book.open_hub()
    pg_bench.deliver(press(1))
    pg_bench.hub.close()
    pg_bench.open()
    assert pg_bench.count(EVENT) == 1


def cut(postgres: Postgres, book: PostgresBook) -> None:
    """The server ends the writer's connection."""
    postgres.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'hearthwatch-writer' AND datname = current_database()",
        book.url.database,
    )


def test_a_lost_connection_is_told_truthfully_and_made_anew(
    pg_bench: Bench, postgres: Postgres
) -> None:
    pg_bench.deliver(press(1))
    cut(postgres, pg_bench.book)
    with pytest.raises(Exception, match=r"(?i)terminat|connection|clos"):
        pg_bench.deliver(press(2))
    assert not pg_bench.hub.writer.healthy
    # The gateway sends again; the hub's memory is that of the book.
    pg_bench.deliver(press(2))
    assert pg_bench.hub.writer.healthy
    (alarm,) = pg_bench.rows(ALARM)
    assert (alarm["event_count"], pg_bench.count(EVENT), pg_bench.count(TASK)) == (2, 2, 1)
    with pytest.raises(BookInUseError):
        pg_bench.book.open_hub()


def test_a_connection_lost_inside_a_change_keeps_nothing_of_it(
    pg_bench: Bench, postgres: Postgres
) -> None:
    def change(unit: UnitOfWork) -> None:
        unit.execute("INSERT INTO meta (key, value) VALUES (?, ?)", ("half", "done"))
        cut(postgres, pg_bench.book)
        unit.execute("INSERT INTO meta (key, value) VALUES (?, ?)", ("whole", "done"))

    with pytest.raises(Exception, match=r"(?i)terminat|connection|clos"):
        pg_bench.change(change)
    found = pg_bench.change(lambda unit: unit.execute("SELECT key FROM meta").fetchall())
    assert found == []


def test_the_doctor_asks_the_server(postgres: Postgres, tmp_path: Path) -> None:
    good, *linked = doctor.book(postgres.fresh())
    assert {finding.verdict for finding in linked} == {"ok"}
    assert (good.verdict, good.detail.split(".")[0]) == ("ok", "PostgreSQL 18")
    away = postgres_book("postgresql://someone@127.0.0.1:1/book", "secret-word")
    (bad,) = doctor.book(away)
    assert bad.verdict == "fail"
    assert "refused" in bad.detail
    assert "secret-word" not in bad.detail
    (made_later,) = doctor.book(SqliteBook(path=tmp_path / "hub.db"))
    assert made_later.verdict == "ok"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://h/d", "expected postgresql"),
        ("postgresql://h", "expected postgresql"),
        ("postgresql://u:word@h/d", "password_file"),
        ("::", "cannot be read"),
    ],
)
def test_an_address_that_is_none_is_refused_without_telling_it(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refusal:
        postgres_book(url, None)
    assert "word@" not in str(refusal.value)
