"""What the screens are told of a commit, made while the disk has its turn."""

import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.database import open_writer
from ledger.feed import FeedEvent
from ledger.making import BESIDE_MAX, Making
from ledger.unit_of_work import Entry, UnitOfWork
from ledger.writer import Writer
from tests.adapters.migrated import migrated

# Nothing here takes seconds.
WAIT_S = 60


class Committing(sqlite3.Connection):
    """Does something while a COMMIT is under way, and before a ROLLBACK."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)
    taken_back: Callable[[], None] = staticmethod(lambda: None)

    def cursor(self, *_arguments: object) -> sqlite3.Cursor:
        return super().cursor(_CommittingCursor)


class _CommittingCursor(sqlite3.Cursor):
    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self.connection.meanwhile()
        if sql == "ROLLBACK":
            self.connection.taken_back()
        return super().execute(sql, *parameters)


class Desk:
    """A writer whose loop is another thread that is told what to do."""

    def __init__(self, path: Path, *, beside: bool = True) -> None:
        migrated(path)
        self.offered: list[Callable[[], None]] = []
        self.told: list[FeedEvent] = []
        self.made_in: list[str] = []
        self.connection: Committing = open_writer(
            path, lambda *a, **words: sqlite3.connect(*a, factory=Committing, **words)
        )
        self.writer = Writer(
            self.connection,
            lambda: 0,
            self.told.extend,
            beside=(lambda told: self.offered.append(told.begin)) if beside else None,
        )
        self.alarm = {"state": "open"}

    def object(self) -> bytes:
        self.made_in.append(threading.current_thread().name)
        return b'"%s"' % self.alarm["state"].encode()

    def entry(self, subject: str = "a", *, remembered: bool = True) -> Entry:
        return Entry(
            topic="alarm", subject=subject, fact="raised", payload=self.object,
            remembered=remembered,
        )  # fmt: skip

    def commit(self, change: Callable[[UnitOfWork], object]) -> None:
        future = self.writer.submit(change)
        self.writer.step()
        future.result(0)

    def make_elsewhere(self) -> None:
        thread = threading.Thread(target=self.offered.pop(), name="loop")
        thread.start()
        thread.join(WAIT_S)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "hub.db")
    yield desk
    desk.connection.close()


def test_the_loop_makes_it_while_the_disk_has_its_turn(desk: Desk) -> None:
    desk.connection.meanwhile = desk.make_elsewhere
    desk.commit(lambda unit: unit.entry(desk.entry()))
    assert desk.made_in == ["loop"]
    assert [event.payload[-7:] for event in desk.told] == [b'"open"}']


def test_a_loop_that_has_no_time_is_not_waited_for(desk: Desk) -> None:
    desk.commit(lambda unit: unit.entry(desk.entry()))
    assert desk.made_in == ["MainThread"]
    assert len(desk.told) == 1
    # Its turn comes later, and finds it done.
    desk.alarm["state"] = "closed"
    desk.make_elsewhere()
    assert desk.made_in == ["MainThread"]


def test_what_was_not_committed_is_told_to_nobody(desk: Desk) -> None:
    """And whoever is making it has ended before memory is read again."""
    began, goes_on = threading.Event(), threading.Event()
    order: list[str] = []
    writing = threading.get_ident()

    def waited_for() -> None:
        """Ends once the writer waits for whoever is making it, or has not."""
        while not goes_on.is_set():
            if sys._current_frames()[writing].f_code is Making.drop.__code__:
                goes_on.set()
            os.sched_yield()

    def taken_back() -> None:
        order.append("taken back")
        goes_on.set()

    def slowly() -> bytes:
        began.set()
        assert goes_on.wait(WAIT_S)
        order.append(f"made of {desk.alarm['state']}")
        return b"null"

    def fails() -> None:
        loop = threading.Thread(target=desk.offered.pop())
        loop.start()
        assert began.wait(WAIT_S)
        threading.Thread(target=waited_for).start()
        raise sqlite3.OperationalError("disk I/O error")

    class Memory:
        def reload(self, _cursor: object) -> None:
            order.append("read again")
            desk.alarm["state"] = "gone"

    desk.writer.attach(Memory())
    order.clear()
    desk.alarm["state"] = "open"
    desk.connection.meanwhile, desk.connection.taken_back = fails, taken_back
    future = desk.writer.submit(
        lambda unit: unit.entry(
            Entry(topic="alarm", subject="a", fact="raised", payload=slowly, remembered=True)
        )
    )
    desk.writer.step()
    assert isinstance(future.exception(0), sqlite3.OperationalError)
    assert order == ["made of open", "taken back", "read again"]
    assert desk.told == []
    # The number is drawn again, by another entry.
    desk.connection.meanwhile = lambda: None
    desk.commit(lambda unit: unit.entry(desk.entry("b")))
    assert [b'"subject":"b"' in event.payload for event in desk.told] == [True]


def test_a_press_whose_object_cannot_be_made_is_committed_and_told_without_it(desk: Desk) -> None:
    def broken() -> bytes:
        raise KeyError("home")

    entry = Entry(topic="alarm", subject="a", fact="raised", payload=broken, remembered=True)
    desk.commit(lambda unit: unit.entry(entry))
    assert [event.payload[-15:] for event in desk.told] == [b',"object":null}']
    assert desk.writer.failures == 1
    assert desk.connection.execute("SELECT count(*) FROM entry").fetchone() == (1,)


@pytest.mark.parametrize("why", ["asks the book", "too many", "nobody beside"])
def test_what_must_be_made_before_the_commit_is(tmp_path: Path, why: str) -> None:
    desk = Desk(tmp_path / "hub.db", beside=why != "nobody beside")
    made: list[int] = []
    desk.connection.meanwhile = lambda: made.append(len(desk.made_in))
    entries = BESIDE_MAX + 1 if why == "too many" else 1

    def change(unit: UnitOfWork) -> None:
        for _entry in range(entries):
            unit.entry(desk.entry(remembered=why != "asks the book"))

    desk.commit(change)
    assert made == [1]
    assert desk.offered == []
    assert len(desk.told) == entries
    desk.connection.close()


def test_it_is_made_once_whoever_comes_when() -> None:
    """The later one waits for the earlier."""
    event = FeedEvent(seq=1, topic="alarm", region=None, payload=b"null")
    began, goes_on = threading.Event(), threading.Event()
    made: list[int] = []

    def make() -> list[FeedEvent]:
        began.set()
        assert goes_on.wait(WAIT_S)
        made.append(1)
        return [event]

    making = Making(make)
    loop = threading.Thread(target=making.begin)
    loop.start()
    assert began.wait(WAIT_S)
    threading.Timer(0, goes_on.set).start()
    assert making.take() == [event]
    assert made == [1]
    loop.join(WAIT_S)


def test_a_writer_that_is_roused_for_nothing_sleeps_on(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    migrated(path)
    writer = Writer(open_writer(path), lambda: 0)
    # Nobody is there to be roused: the one round of who has no thread would wait for ever.
    writer.rouse()
    assert writer.idle
    writer.start()
    for _twice in range(2):
        writer.rouse()
        while not writer.idle:
            os.sched_yield()
    assert writer.submit(lambda unit: unit.now_ms).result(WAIT_S) == 0
    assert writer.commits == 1
    writer.close()
