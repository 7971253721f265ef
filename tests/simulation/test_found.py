"""What the simulation has found, as small as it can be told."""

import asyncio
import sqlite3

from alarms.dispatcher import Dispatcher
from alarms.limits import Limits
from alarms.notifier import Delivered
from alarms.outbox import TableOutbox
from alarms.outbox_rows import RETRY_MAX_MS, due
from contract.envelope import Status
from hearthwatch.clock import CATCH_UP_SPEED, PlannedClock
from ingest.stored_marks import StoredMarks
from ingest.supervision import GAP_MS, watch_gaps
from tests.adapters.book import Book
from tests.simulation.virtual_loop import VirtualLoop

HOUR_MS = 3_600_000


def test_a_clock_set_back_goes_on_slower_until_the_wall_has_caught_up():
    wall_ms, monotonic_ms = 10 * HOUR_MS, 0
    clock = PlannedClock(None, lambda: wall_ms, lambda: monotonic_ms)
    assert clock.now_ms() == 10 * HOUR_MS
    wall_ms = 9 * HOUR_MS
    assert clock.now_ms() == 10 * HOUR_MS
    for _minute in range(60):
        wall_ms, monotonic_ms = wall_ms + 60_000, monotonic_ms + 60_000
        before_ms, now_ms = clock.now_ms(), clock.now_ms()
        assert now_ms == before_ms
    assert clock.now_ms() == 10 * HOUR_MS + HOUR_MS * CATCH_UP_SPEED
    wall_ms, monotonic_ms = wall_ms + 20 * HOUR_MS, monotonic_ms + 20 * HOUR_MS
    assert clock.now_ms() == wall_ms


def test_what_waits_at_a_gateway_without_a_clock_is_late_not_lost(tmp_path):
    """Its age is 0 while the gateway's clock lies before the item's time."""
    book = Book(tmp_path / "hub.db")
    marks = StoredMarks()
    book.writer.attach(marks)

    def beat(oldest_unacked_s: float | None) -> None:
        status = Status(
            gateway="gw-1",
            online=True,
            spool="s",
            last_seq=3,
            oldest_unacked_s=oldest_unacked_s,
        )
        book.writer.submit(
            lambda unit: watch_gaps(unit, book.alarms, marks, [status], TableOutbox())
        )
        book.writer.step()
        book.now_ms += GAP_MS

    beat(0.0)
    beat(0.0)
    assert book.rows("SELECT * FROM alarm") == []
    beat(None)
    beat(None)
    assert len(book.rows("SELECT * FROM alarm WHERE kind = 'spool_gap'")) == 1
    book.writer.close()


def _pending(book: Book, next_at_ms: int) -> None:
    book.writer.submit(
        lambda unit: unit.execute(
            "INSERT INTO outbox (id, channel, target, body, alarm, state, attempts,"
            " created_at_ms, next_at_ms, detail) VALUES"
            " ('1', 'siren', 't', 'b', NULL, 'pending', 0, 0, ?, '')",
            (next_at_ms,),
        )
    )
    book.writer.step()


def test_a_time_that_no_pause_explains_does_not_hold_a_notification(tmp_path):
    book = Book(tmp_path / "hub.db")
    _pending(book, book.now_ms + RETRY_MAX_MS)
    found = book.writer.submit(lambda unit: due(unit, limits=Limits({})))
    book.writer.step()
    assert found.result() == []
    book.now_ms -= 1  # set back: now the time is further away than any pause
    found = book.writer.submit(lambda unit: due(unit, limits=Limits({})))
    book.writer.step()
    assert [row.id for row in found.result()] == ["1"]
    book.writer.close()


def test_a_full_disk_does_not_end_the_sending(tmp_path):
    book = Book(tmp_path / "hub.db")
    _pending(book, 0)
    sent: list[str] = []
    said: list[str] = []
    loop = VirtualLoop()

    class Siren:
        async def send(self, notification):
            sent.append(notification.id)
            return Delivered()

    refusals = [sqlite3.OperationalError("database or disk is full")] * 2
    honest = book.writer.submit

    def submit(apply):
        future = honest(apply)
        if sent and refusals:  # the answer of the first attempts can't be written down
            future.set_exception(refusals.pop())
            book.writer._queue.get()
        return future

    book.writer.submit = submit
    loop.before_wait = book.writer.step

    async def play() -> None:
        dispatcher = Dispatcher(book.writer, {"siren": Siren()}, lambda e, _d: said.append(e))
        running = asyncio.get_running_loop().create_task(dispatcher.run())
        await asyncio.sleep(30)
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    loop.run_until_complete(play())
    loop.close()
    assert said == ["outbox_not_served"] * 2
    assert sent == ["1", "1"]  # once more, rather than never
    assert [row["state"] for row in book.rows("SELECT state FROM outbox")] == ["delivered"]
    book.writer.close()
