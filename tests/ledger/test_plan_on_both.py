"""The plan of visits read from SQLite and from PostgreSQL: the same county, the same figures."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from bench.county import NOW_MS, TODAY, County, fill
from dashboard.callers import Caller
from dashboard.plan_reads import read_situation
from dashboard.plan_summary import read_part, summary
from dashboard.reads import rows
from ledger.place import Place, SqliteBook
from ledger.plan_words import say
from ledger.schema import ENTRY, HOME, REGION, SERVICE_USER, VISIT
from ledger.unit_of_work import UnitOfWork
from ledger.visiting.periods import parse_period
from ledger.visiting.said import CLOSED, MOVE, RAISE, Said
from ledger.visiting.tiers import Tier
from tests.adapters.postgres import Postgres

COUNTY = County(people=150, months=4)
TOWN = "610926101"
EVERYBODY = Caller(username="m", name="", role="manager", region="", digest="", via="bearer")
SAID = (
    Said(
        kind=RAISE,
        service_user="p00000",
        region=TOWN,
        from_day=TODAY - 3,
        until_day=TODAY + 30,
        tier=Tier.THRICE_WEEKLY,
        reason="术后",
    ),
    Said(
        kind=MOVE,
        service_user="p00001",
        region=TOWN,
        from_day=TODAY,
        until_day=TODAY + 1,
        to_day=TODAY + 1,
        reason="看病",
    ),
    Said(kind=CLOSED, region=TOWN, from_day=TODAY, until_day=TODAY + 2, reason="暴雨"),
)


def filled(book: Place) -> Place:
    book.migrate()
    connection = book.open_writer()
    fill(connection, COUNTY)
    unit = UnitOfWork(connection.cursor(), NOW_MS)
    unit.execute("BEGIN IMMEDIATE")
    for said in SAID:
        say(unit, said, "manager", TOWN)
    unit.execute("COMMIT")
    connection.close()
    return book


@pytest.fixture(scope="module")
def books(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> list[Place]:
    path = Path(tmp_path_factory.mktemp("plan")) / "hub.db"
    return [filled(SqliteBook(path=path)), filled(postgres.fresh())]


def figures(book: Place) -> dict[str, Any]:
    engine = book.open_reader()
    with engine.connect() as connection:
        regions = {row["code"]: row for row in rows(connection, select(REGION))}
        month = parse_period("2026-11")
        part = read_part(connection, NOW_MS, EVERYBODY, TOWN, month, window_only=True)
        document = summary(connection, part, regions, month)
        everybody = read_situation(
            connection, NOW_MS, SERVICE_USER.c.id.is_not(None), month.first, month.last
        )
        plan = everybody.plan_of("visitor-000-0", month.first, month.last)
        facts = [
            (row["topic"], row["fact"], row["subject"]) for row in rows(connection, select(ENTRY))
        ]
    engine.dispose()
    return {"summary": document, "plan": plan, "facts": facts}


def test_both_books_say_the_same(books: list[Place]) -> None:
    one, other = (figures(book) for book in books)
    assert one == other
    assert one["summary"]["total"]["done"] > 10
    assert one["summary"]["tiers"].keys() == {"monthly", "twice_weekly", "thrice_weekly"}
    assert len(one["summary"]["closed"]) == 3
    assert one["facts"] == [
        ("plan", "tier_raised", "p00000"),
        ("plan", "moved", "p00001"),
        ("plan", "closed", TOWN),
    ]


def test_reading_many_people_at_once_finds_the_same_visits(books: list[Place]) -> None:
    """A county reads all visits of the time, a town asks by person."""
    engine = books[0].open_reader()
    wanted = HOME.c.region.startswith(TOWN)
    with engine.connect() as connection:
        by_person, by_time = (
            read_situation(connection, NOW_MS, wanted, TODAY, TODAY, many=many).contacts
            for many in (10**6, 0)
        )
    engine.dispose()
    assert by_person == by_time
    assert sum(map(len, by_person.values())) > 50


def test_a_window_is_read_by_indexes(books: list[Place]) -> None:
    """Never the visits of all years: on 1.5 million rows that is the difference."""
    engine = books[0].open_reader()
    span = VISIT.c.visited_at_ms >= NOW_MS - 86_400_000
    asked = (
        (select(VISIT).where(span, VISIT.c.service_user.in_(["p00001"])), "visit_person_time"),
        (select(VISIT).where(span, VISIT.c.home.in_(["h00001"])), "visit_home"),
        (select(VISIT).where(span), "visit_time"),
        (select(VISIT.c.id).order_by(VISIT.c.visited_at_ms.desc()).limit(9), "visit_time"),
    )
    with engine.connect() as connection:
        for statement, index in asked:
            sql = statement.compile(engine, compile_kwargs={"literal_binds": True})
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {sql}")).fetchall()
            assert index in str(plan), plan
    engine.dispose()


@pytest.mark.parametrize("key", ["2026-08", "2026-09", "2026-10", "2026-11", "2026-W40", "2026-12"])
def test_reading_the_window_alone_finds_the_same_figures(books: list[Place], key: str) -> None:
    """A report reads the visits of its months and nothing before or behind them."""
    wanted = parse_period(key)
    for book in books:
        engine = book.open_reader()
        with engine.connect() as connection:
            regions = {row["code"]: row for row in rows(connection, select(REGION))}
            short, whole = (
                read_part(connection, NOW_MS, EVERYBODY, None, wanted, window_only=window_only)
                for window_only in (True, False)
            )
            found = summary(connection, short, regions, wanted)
            assert found == summary(connection, whole, regions, wanted)
        engine.dispose()
        assert found["total"]["owed"] > 30
