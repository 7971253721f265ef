"""The book's rows are linked: nothing is changed, removed or slipped in afterwards unseen."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, Table, create_engine, delete, insert, select, update

from hearthwatch import doctor
from hearthwatch.heads import tell_heads
from ledger import database
from ledger.chain import AUDIT_FIELDS, ENTRY_FIELDS, GENESIS, link
from ledger.chain_check import ChainState, check
from ledger.place import Place, SqliteBook
from ledger.schema import AUDIT, ENTRY
from ledger.unit_of_work import Entry, UnitOfWork
from tests.adapters.migrated import migrated
from tests.adapters.postgres import Postgres

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


class Book:
    """A book without a hub: what is appended, and what somebody does to the tables by hand."""

    def __init__(self, place: Place, url: str) -> None:
        self.place, self.url, self.at_ms = place, url, 1_000
        self.writer = place.open_writer()

    def append(self, apply: Callable[[UnitOfWork], None]) -> None:
        cursor = self.writer.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        apply(UnitOfWork(cursor, self.at_ms))
        cursor.execute("COMMIT")
        self.at_ms += 1

    def by_hand(self, statement) -> None:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(statement)
        engine.dispose()

    def state(self, table: Table, *anchors: str) -> ChainState:
        reader = self.place.open_reader()
        with reader.connect() as connection:
            states = {s.table: s for s in check(connection, frozenset(anchors))}
        reader.dispose()
        return states[table.name]

    def close(self) -> None:
        self.writer.close()


@pytest.fixture(params=["sqlite", "postgres"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Book]:
    place: Place = SqliteBook(path=migrated(tmp_path / "hub.db"))
    url = database.sqlite_url(tmp_path / "hub.db")
    if request.param == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        pg = postgres.fresh()
        place, url = pg, pg._sqlalchemy()
    book = Book(place, url)
    yield book
    book.close()


def entry(unit: UnitOfWork, word: str, reason: str = "", region: str | None = None) -> None:
    unit.entry(
        Entry(
            topic="alarm",
            subject=f"alarm-{word}",
            fact="raised",
            payload=lambda: b"{}",
            reason=reason,
            region=region,
            data={"说": word},
        )
    )


def fill(book: Book, rows: int = 6) -> None:
    for number in range(rows):
        book.append(
            lambda unit, n=number: entry(unit, f"王{n}", region="610926" if n % 2 else None)
        )
        book.append(lambda unit, n=number: unit.audit("duty1", "viewed", f"person:{n}"))


def test_what_is_appended_holds(book: Book) -> None:
    assert book.state(ENTRY).head == ""
    fill(book)
    for table in (ENTRY, AUDIT):
        state = book.state(table)
        assert (state.rows, state.holds) == (6, True)
        assert len(state.head) == 64


def test_what_was_taken_back_leaves_no_hole(book: Book) -> None:
    class Refused(Exception):  # noqa: N818
        pass

    def half(unit: UnitOfWork) -> None:
        entry(unit, "before")
        with contextlib.suppress(Refused), unit.savepoint("part"):
            entry(unit, "inside")
            unit.audit("duty1", "viewed", "inside")
            raise Refused
        entry(unit, "after")
        unit.audit("duty1", "viewed", "after")

    fill(book, 2)
    book.append(half)
    fill(book, 1)
    assert (book.state(ENTRY).rows, book.state(ENTRY).holds) == (5, True)
    assert (book.state(AUDIT).rows, book.state(AUDIT).holds) == (4, True)


def test_what_was_only_tried_leaves_no_hole(book: Book) -> None:
    def tried(unit: UnitOfWork) -> None:
        entry(unit, "before")
        with unit.trial("try"):
            entry(unit, "inside")
            unit.audit("duty1", "viewed", "inside")
        entry(unit, "after")
        unit.audit("duty1", "viewed", "after")
        assert len(unit.feed_events()) == 2

    fill(book, 2)
    book.append(tried)
    assert (book.state(ENTRY).rows, book.state(ENTRY).holds) == (4, True)
    assert (book.state(AUDIT).rows, book.state(AUDIT).holds) == (3, True)


def test_hostile_texts_hold_on_both(book: Book) -> None:
    book.append(lambda unit: entry(unit, 'a"\\\x00\x7f\x1f\u2028𬭎', reason="\x00,1"))
    book.append(lambda unit: unit.audit("a\x00", "b", "c", "\x00\ud7ff\uffff"))
    assert book.state(ENTRY).holds
    assert book.state(AUDIT).holds


@pytest.mark.parametrize("table", [ENTRY, AUDIT], ids=lambda table: table.name)
def test_any_column_that_is_edited_breaks_the_chain(book: Book, table: Table) -> None:
    fill(book)
    fields = ENTRY_FIELDS if table is ENTRY else AUDIT_FIELDS
    third = table.c.seq == 3
    reader = book.place.open_reader()
    with reader.connect() as connection:
        was = connection.execute(select(table).where(third)).mappings().one()
    reader.dispose()
    for field in fields:
        other = 5 if field == "at_ms" else "x"
        book.by_hand(update(table).where(third).values({field: other}))
        assert book.state(table).broken == (3,), field
        book.by_hand(update(table).where(third).values({field: was[field]}))
        assert book.state(table).holds
    # And who recomputes the row's own link is seen at the next one.
    forged = link(b"", [was[field] for field in fields])
    book.by_hand(update(table).where(third).values(link=forged))
    assert book.state(table).broken == (3, 4)


def test_what_is_removed_or_slipped_in_breaks_the_chain(book: Book) -> None:
    fill(book)
    reader = book.place.open_reader()
    with reader.connect() as connection:
        rows = [dict(r) for r in connection.execute(select(ENTRY).order_by(ENTRY.c.seq)).mappings()]
    reader.dispose()
    book.by_hand(delete(ENTRY).where(ENTRY.c.seq == 2))
    assert book.state(ENTRY).broken == (3,)
    book.by_hand(insert(ENTRY).values({**rows[1], "seq": 9}))
    assert book.state(ENTRY).broken == (3, 9)
    book.by_hand(delete(ENTRY).where(ENTRY.c.seq == 9))
    book.by_hand(insert(ENTRY).values(rows[1]))
    assert book.state(ENTRY).holds


def test_an_anchor_finds_the_end_that_was_cut_off_and_the_chain_made_anew(book: Book) -> None:
    fill(book)
    anchor = book.state(ENTRY).head
    fill(book, 1)
    assert book.state(ENTRY, anchor).holds
    book.by_hand(delete(ENTRY).where(ENTRY.c.seq >= 6))
    assert book.state(ENTRY).holds
    assert book.state(ENTRY, anchor).missing == (anchor,)


def test_rows_of_an_older_book_are_linked_when_it_is_brought_up(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    postgres: Postgres = request.getfixturevalue("postgres")
    pg = postgres.empty()
    lite = SqliteBook(path=tmp_path / "hub.db")
    for place, url in ((lite, database.sqlite_url(lite.path)), (pg, pg._sqlalchemy())):
        engine = create_engine(url)
        with engine.begin() as connection:
            database.upgrade(connection, BEFORE)
            old = MetaData()
            old.reflect(connection)
            row = {"topic": "alarm", "subject": "1", "fact": "raised", "actor": "a", "reason": ""}
            rows = [{**row, "at_ms": n, "data": json.dumps({"n": "是"})} for n in range(7)]
            connection.execute(old.tables["entry"].insert(), rows)
        place.migrate()
        book = Book(place, url)
        assert (book.state(ENTRY).rows, book.state(ENTRY).holds) == (7, True)
        book.append(lambda unit: entry(unit, "new"))
        assert (book.state(ENTRY).rows, book.state(ENTRY).holds) == (8, True)
        book.close()
        with engine.begin() as connection:
            database.downgrade(connection, BEFORE)
            database.upgrade(connection, "head")
        book = Book(place, url)
        assert (book.state(ENTRY).rows, book.state(ENTRY).holds) == (8, True)
        book.close()
        engine.dispose()


BEFORE = "0010"


@given(st.lists(st.one_of(TEXT, st.none(), st.integers(-(2**53), 2**53)), max_size=8))
def test_the_link_is_over_plain_json(fields: list[str | int | None]) -> None:
    """As the migration writes it, and whoever checks a copy with another program."""
    import hashlib

    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    assert link(b"before", fields) == hashlib.sha256(b"before" + text.encode()).digest()
    assert link(GENESIS, fields) != link(b"before", fields)


@settings(max_examples=25, deadline=None)
@given(st.lists(TEXT, min_size=2, max_size=6), st.data())
def test_no_edit_of_random_rows_goes_unseen(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], data: st.DataObject
) -> None:
    path = migrated(tmp_path_factory.mktemp("book") / "hub.db")
    book = Book(SqliteBook(path=path), database.sqlite_url(path))
    for word in words:
        book.append(lambda unit, w=word: entry(unit, w, reason=w[:3]))
    assert book.state(ENTRY).holds
    seq = data.draw(st.integers(1, len(words)))
    field = data.draw(st.sampled_from(["subject", "fact", "actor", "reason", "region", "data"]))
    other = data.draw(TEXT.map(lambda text: f"{text}!"))
    book.by_hand(update(ENTRY).where(ENTRY.c.seq == seq).values({field: other}))
    assert seq in book.state(ENTRY).broken
    book.close()


def test_the_doctor_says_where_and_what_to_do(book: Book) -> None:
    fill(book)
    head = book.state(ENTRY).head
    said = {f.check: f for f in doctor.book(book.place, frozenset({head}))}
    assert said["entries"].verdict == said["trail of looks"].verdict == "ok"
    assert head in said["entries"].detail
    book.by_hand(update(AUDIT).where(AUDIT.c.seq == 2).values(actor="nobody"))
    said = {f.check: f for f in doctor.book(book.place, frozenset({"ab" * 32}))}
    assert (said["entries"].verdict, said["trail of looks"].verdict) == ("fail", "fail")
    assert "1 of 6 rows" in said["trail of looks"].detail
    assert "evidence" in said["trail of looks"].remedy


async def test_the_heads_are_told_to_the_log(book: Book) -> None:
    fill(book)
    told, heard = [], asyncio.Event()

    def log(event: str, detail: str) -> None:
        told.append((event, detail))
        heard.set()

    reader = book.place.open_reader()
    task = asyncio.create_task(tell_heads(reader, log))
    await asyncio.wait_for(heard.wait(), 30)
    task.cancel()
    reader.dispose()
    ((event, detail),) = told
    assert event == "book_heads"
    assert f"entry={book.state(ENTRY).head} audit={book.state(AUDIT).head}" == detail
