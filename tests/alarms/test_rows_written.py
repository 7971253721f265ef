"""Of an alarm that is in the book only what changed is written: the table is what memory is."""

import pytest

from alarms.lifecycle import Outcome
from alarms.reasons import ReopenReason
from alarms.rows import ALARM_COLUMNS
from tests.adapters.book import Book, finding


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path / "hub.db").start()
    yield book
    book.writer.close()


def take(book, key, *, rule="sos", **changes):
    one = finding(key, rule=rule, **changes)
    return book.do(lambda u: book.alarms.take(u, one, gateway="gw-1", replayable=False))


def check(book) -> None:
    """Every open alarm, column by column; and what is not among them is closed in the table."""
    rows = {row["id"]: row for row in book.rows("SELECT * FROM alarm")}
    known = book.alarms._cases.alarms
    assert {i for i, row in rows.items() if row["state"] != "closed"} == set(known)
    for alarm, row in known.items():
        for name in ALARM_COLUMNS:
            assert rows[alarm][name] == row[name], name


def test_a_press_that_joins_writes_all_that_it_changed(book) -> None:
    alarm = take(book, "1")
    check(book)
    # At once, after a while, behind somebody who has it, and after it was cleared.
    take(book, "2", at_ms=2000)
    check(book)
    book.now_ms += 60_000
    take(book, "3", at_ms=3000, reason="held", evidence={"late": True})
    check(book)
    book.do(lambda u: book.alarms.acknowledge(u, alarm, "duty1"))
    check(book)
    book.now_ms += 60_000
    take(book, "4", at_ms=4000)
    check(book)
    take(book, "5", at_ms=5000, phase="cleared")
    check(book)
    take(book, "6", at_ms=6000)
    check(book)
    (row,) = book.rows("SELECT * FROM alarm")
    assert (row["event_count"], row["reason"], row["state"]) == (5, "pressed", "acknowledged")
    assert row["cleared_at_ms"] is None


def test_what_becomes_worse_gets_its_task_and_its_time(book) -> None:
    alarm = take(book, "bp", rule="blood_pressure", severity="watch", evidence={"mean": 150})
    check(book)
    book.now_ms += 1000
    take(book, "bp", rule="blood_pressure", at_ms=2000, repair_within_ms=5, evidence={"mean": 190})
    check(book)
    (row,) = book.rows("SELECT * FROM alarm WHERE id = ?", alarm)
    assert (row["severity"], row["worsened_at_ms"]) == ("urgent", book.now_ms)
    assert row["task"] is not None
    # Milder than it is by now.
    take(book, "bp", rule="blood_pressure", severity="watch", at_ms=3000)
    check(book)


def test_moves_write_the_columns_of_indexes_too(book) -> None:
    first, second = take(book, "1"), take(book, "2", rule="fall")
    book.do(lambda u: book.alarms.acknowledge(u, first, "duty1"))
    check(book)
    book.do(lambda u: book.alarms.acknowledge(u, second, "duty1"))
    book.do(lambda u: book.alarms.handing.merge(u, second, "duty1", first))
    check(book)
    (merged,) = book.rows("SELECT * FROM alarm WHERE id = ?", second)
    assert (merged["state"], merged["merged_into"]) == ("closed", first)
    book.do(lambda u: book.alarms.handing.reopen(u, second, "duty1", next(iter(ReopenReason)), ""))
    check(book)
    (again,) = book.rows("SELECT * FROM alarm WHERE id = ?", second)
    assert (again["state"], again["merged_into"]) == ("open", None)
    book.do(lambda u: book.alarms.close(u, first, "duty1", Outcome.SOCIAL, ""))
    check(book)


@pytest.mark.parametrize("way", ["pressed", "moved"])
def test_an_alarm_that_is_not_in_the_book_is_not_written_in_silence(book, way: str) -> None:
    alarm = take(book, "1")
    book.do(lambda u: u.execute("DELETE FROM alarm WHERE id = ?", (alarm,)))
    how = {
        "pressed": lambda: take(book, "2", at_ms=2000),
        "moved": lambda: book.do(lambda u: book.alarms.acknowledge(u, alarm, "duty1")),
    }[way]
    with pytest.raises(LookupError):
        how()
    # Memory was read again: the same press, come again, is heard.
    take(book, "2", at_ms=2000)
    check(book)
    assert len(book.rows("SELECT * FROM alarm")) == 1
