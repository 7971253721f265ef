"""Calls answered "is well" are told to the rules a minute later, unless they were taken back."""

from pathlib import Path

import pytest

from alarms.heard_from import KEPT_MS, SETTLE_MS
from alarms.visit_book import VisitBook
from ledger.visits import Correction, NewVisit
from tests.adapters.book import NEW_HOME, Book

AT_MS = 10**12


@pytest.fixture
def book(tmp_path: Path):
    made = Book(tmp_path / "book.db").start()
    made.now_ms = AT_MS
    made.do(lambda unit: unit.execute("INSERT INTO region (code, name, level) VALUES ('1','','')"))
    made.do(lambda unit: unit.execute(NEW_HOME, ("home-1", "1")))
    yield made
    made.writer.close()


def visits(book: Book) -> VisitBook:
    changed = book.alarms.visit_changed
    return VisitBook(book.alarms.visiting, book.objects, on_change=changed)


def call(book: Book, name: str = "v-1", *, ago_ms: int = 0, way: str = "phone", **record) -> None:
    visit = NewVisit(
        id=name,
        home="home-1",
        service_user=None,
        way=way,
        visitor="duty-1",
        visited_at_ms=book.now_ms - ago_ms,
        record=record or {"said_well": True},
    )
    book.do(lambda unit: visits(book).record(unit, visit, "duty-1", kind="routine"))


def heard(book: Book, after_ms: int = SETTLE_MS) -> dict[str, int]:
    book.now_ms += after_ms
    book.do(book.alarms.fire_due)
    return dict(book.alarms.heard.present)


def test_a_call_is_told_once_it_has_settled(book: Book) -> None:
    call(book)
    assert heard(book, SETTLE_MS - 1) == {}
    assert heard(book, 1) == {"home-1": AT_MS}
    call(book, "v-2")
    assert heard(book) == {"home-1": AT_MS + SETTLE_MS}


def test_what_is_taken_back_in_time_is_never_told(book: Book) -> None:
    call(book)
    book.do(lambda unit: visits(book).void(unit, "v-1", "duty-1", "slip"))
    assert heard(book) == {}


def test_a_correction_to_nobody_answered_is_never_told(book: Book) -> None:
    call(book)
    wrong = Correction(
        id="c", visit="v-1", reason="slip", record={"said_well": None, "nobody_met": True}
    )
    book.do(lambda unit: visits(book).correct(unit, wrong, "duty-1"))
    assert heard(book) == {}


@pytest.mark.parametrize(
    ("way", "record"),
    [
        ("phone", {"mood": "better"}),
        ("phone", {"said_well": True, "nobody_met": True}),
        ("phone", {"said_well": "yes"}),
        ("home_visit", {"said_well": True}),
    ],
)
def test_nothing_else_is_such_a_call(book: Book, way, record) -> None:
    call(book, way=way, **record)
    assert heard(book) == {}


def test_it_is_known_again_after_a_restart_and_forgotten_when_it_is_old(book: Book) -> None:
    call(book)
    call(book, "v-0", ago_ms=KEPT_MS + 1)
    assert heard(book) == {"home-1": AT_MS}
    book.writer.close()
    book.open()
    book.start()
    assert heard(book, 0) == {"home-1": AT_MS}
    # Another one looks at them again.
    book.now_ms = AT_MS + KEPT_MS + 1
    call(book, "v-3", ago_ms=5)
    assert heard(book) == {"home-1": AT_MS + KEPT_MS - 4}
