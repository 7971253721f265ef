"""A portion of a list on both databases: whole, refused row by row, in few statements."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from sqlalchemy import text

from ledger.chain_check import check
from ledger.cursor import Cursor
from ledger.feed import FeedEvent
from ledger.forms import id_number
from ledger.persons.places import Place as Group
from ledger.persons.sheet import Row
from ledger.persons.taking import Take, Taken, Taking
from ledger.place import Place, SqliteBook
from ledger.sealing import key_file
from ledger.sealing.ring import Ring
from ledger.unit_of_work import UnitOfWork
from tests.adapters.hub_bench import ROSTER, Bench

TODAY = datetime.date(2026, 3, 1)
VILLAGE = "1"


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    keys = tmp_path / "persons.json"
    key_file.write(keys, key_file.made(0))
    book: Place = SqliteBook(path=tmp_path / "hub" / "hub.db")
    if request.param == "postgres":
        book = request.getfixturevalue("postgres").fresh()
    bench = Bench(tmp_path, replace(book, ring=Ring(keys)), ROSTER)
    yield bench
    bench.hub.close()


def number(order: int) -> str:
    body = f"61092619410302{order:03d}"
    return body + id_number.check_digit(body)


def row(order: int, *, group: str = "九组", own: int | None = None) -> Row:
    return Row(
        number=order,
        cells=(),
        register={"name": f"赵{order}", "born": "1941-03-02", "phone": "13800000001"},
        file={"id_number": number(order if own is None else own)},
        place=Group(village=VILLAGE, new_group=group),
        address=f"{order // 2} 号",
    )


def take(bench: Bench, takes: Sequence[Take], told: list[FeedEvent] | None = None) -> list[Taken]:
    done: list[Taken] = []

    def change(unit: UnitOfWork) -> None:
        done.extend(Taking(unit, "a", TODAY).take(takes))
        if told is not None:
            told.extend(unit.feed_events())

    bench.change(change)
    return done


def query(bench: Bench, sql: str) -> list[tuple[Any, ...]]:
    with bench.hub.reader.connect() as connection:
        return [tuple(found) for found in connection.execute(text(sql))]


def test_everybody_is_written_with_one_group_one_home_for_two_and_an_entry_each(
    bench: Bench,
) -> None:
    feed: list[FeedEvent] = []
    done = take(bench, [Take(row=row(order)) for order in range(2, 8)], feed)
    assert [one.how for one in done] == ["created"] * 6
    homes = query(
        bench,
        "SELECT h.id, count(*) FROM service_user p JOIN home h ON h.id = p.home"
        " JOIN region r ON r.code = h.region AND r.name = '九组' GROUP BY h.id",
    )
    assert [count for _, count in homes] == [2, 2, 2]
    told = query(bench, "SELECT seq, subject FROM entry WHERE fact = 'registered' ORDER BY seq")
    assert [subject for _, subject in told][-6:] == [one.person for one in done]
    entries = [msgspec.json.decode(event.payload)["entry"] for event in feed]
    assert [(one["seq"], one["subject"]) for one in entries] == told[-6:]
    keys = dict(query(bench, "SELECT owner, wrapped IS NULL FROM person_key"))
    assert {keys[one.person] for one in done} <= {0}
    with bench.hub.reader.connect() as connection:
        assert all(chain.holds for chain in check(connection))


def test_a_number_counts_from_the_row_above_and_until_an_update_frees_it(bench: Bench) -> None:
    [(before,)] = query(bench, "SELECT count(*) FROM service_user")
    [first] = take(bench, [Take(row=row(2))])
    takes = [
        Take(row=row(3, own=2)),  # is the first one's
        Take(row=row(4)),
        Take(row=row(5, own=4)),  # is of the row above
        Take(row=row(6), person=first.person),  # gets another, and 2 is free
        Take(row=row(7, own=6)),
        Take(row=row(8, own=2)),
    ]
    done = take(bench, takes)
    how = [one.how for one in done]
    assert how == ["failed", "created", "failed", "updated", "failed", "created"]
    assert {r.code for one in done for r in one.refusals} == {"id_taken"}
    [(people,)] = query(bench, "SELECT count(*) FROM service_user")
    # The first one, and the two that were created.
    assert people - before == 3


def test_an_update_that_says_nothing_of_the_number_leaves_it_to_her(bench: Bench) -> None:
    [first] = take(bench, [Take(row=row(2))])
    takes = [
        Take(row=replace(row(3), file={}), person=first.person),
        Take(row=row(4, own=2)),
        Take(row=row(5)),
    ]
    done = take(bench, takes)
    assert [one.how for one in done] == ["updated", "failed", "created"]
    assert [r.code for r in done[1].refusals] == ["id_taken"]


def test_a_new_group_beside_two_of_one_name_gets_a_code_of_its_own(bench: Bench) -> None:
    """A group that was closed may have left its name to another."""
    take(bench, [Take(row=row(2, group="七组")), Take(row=row(3, group="八组"))])
    bench.change(lambda unit: unit.execute("UPDATE region SET name = '七组' WHERE name = '八组'"))
    done = take(bench, [Take(row=row(4, group="九组"))])
    assert [one.how for one in done] == ["created"]
    codes = query(bench, "SELECT code FROM region WHERE name LIKE '%组'")
    assert len(set(codes)) == len(codes) >= 3


def test_a_refused_row_leaves_neither_group_nor_home(bench: Bench) -> None:
    bad = replace(row(3, group="十组"), register={"name": "", "born": "never"})
    [one, other] = take(bench, [Take(row=bad), Take(row=row(2))])
    assert (one.how, other.how) == ("failed", "created")
    assert query(bench, "SELECT name FROM region WHERE name = '十组'") == []
    assert len(query(bench, "SELECT id FROM home WHERE id LIKE 'home-____________'")) == 1


def test_more_rows_are_not_more_statements(bench: Bench) -> None:
    asked: list[int] = []

    def counted(unit: UnitOfWork, takes: Sequence[Take]) -> None:
        count, cursor = 0, unit.cursor

        class Counting:
            def __getattr__(self, name: str) -> Any:
                nonlocal count
                count += name in ("execute", "executemany")
                return getattr(cursor, name)

        inner = UnitOfWork(cast(Cursor, Counting()), unit.now_ms)
        Taking(inner, "a", TODAY).take(takes)
        asked.append(count)

    for some in (range(2, 4), range(4, 24)):
        takes = [Take(row=row(order)) for order in some]
        bench.change(lambda unit, takes=takes: counted(unit, takes))
    assert asked[1] <= asked[0] < 20
