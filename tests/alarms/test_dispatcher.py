"""The outbox is emptied target by target: one that hangs takes nobody else's turn."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alarms.dispatcher import Dispatcher
from alarms.notifier import Delivered, Notification, Result, RetryLater
from alarms.outbox_rows import PER_TARGET_MAX
from ledger.place import SqliteBook
from ledger.schema import OUTBOX
from tests.adapters.hub_bench import NOW_MS, Bench
from tests.adapters.processes import until


class Channel:
    """Takes what is sent; to targets that hang it never answers."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.hangs: set[str] = set()
        self.fails: set[str] = set()
        self.most = 0
        self._at_once = 0

    async def send(self, notification: Notification) -> Result:
        self.sent.append((notification.target, notification.id))
        self._at_once += 1
        self.most = max(self.most, self._at_once)
        try:
            if notification.target in self.hangs:
                await asyncio.Event().wait()
        finally:
            self._at_once -= 1
        if notification.target in self.fails:
            return RetryLater(detail="down")
        return Delivered()

    def of(self, target: str) -> list[str]:
        return sorted(id_ for to, id_ in self.sent if to == target)


class Office:
    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder, SqliteBook(path=folder / "hub" / "hub.db"))
        self.channel = Channel()
        writer = self.bench.hub.writer
        self.dispatcher = Dispatcher(writer, {"webhook": self.channel}, lambda *_said: None)

    def put(self, target: str, *ids: str) -> None:
        def write(unit) -> None:
            for id_ in ids:
                unit.execute(
                    "INSERT INTO outbox (id, channel, target, body, state, attempts,"
                    " created_at_ms, next_at_ms, detail) VALUES (?,?,?,?,?,?,?,?,?)",
                    (id_, "webhook", target, "{}", "pending", 0, NOW_MS, NOW_MS, ""),
                )

        self.bench.change(write)

    def states(self) -> dict[str, str]:
        return {row["id"]: row["state"] for row in self.bench.rows(OUTBOX)}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    running: list[asyncio.Task[None]] = []
    office.start = lambda: running.append(asyncio.create_task(office.dispatcher.run()))
    yield office
    for task in running:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    office.bench.hub.close()


async def test_a_target_that_hangs_holds_up_no_other(office: Office) -> None:
    office.channel.hangs = {"dead"}
    # All of them older by their names than the one that works.
    office.put("dead", *(f"a{number:03}" for number in range(200)))
    office.put("good", "z")
    office.start()
    await until(lambda: office.states()["z"] == "delivered", "the good one's")
    office.put("good", "zz")
    office.dispatcher.wake()
    await until(lambda: office.states()["zz"] == "delivered", "another of the good one")
    assert len(office.channel.of("dead")) == PER_TARGET_MAX


async def test_all_of_a_target_are_sent_once_and_few_at_a_time(office: Office) -> None:
    ids = [f"n{number:03}" for number in range(50)]
    office.put("good", *ids)
    office.start()
    await until(lambda: set(office.states().values()) == {"delivered"}, "all")
    assert office.channel.of("good") == ids
    assert office.channel.most <= PER_TARGET_MAX


async def test_what_failed_is_tried_again_in_its_time(office: Office) -> None:
    office.channel.fails = {"down"}
    office.put("down", "x")
    office.start()
    await until(lambda: office.bench.rows(OUTBOX)[0]["attempts"] == 1, "the first attempt")
    office.channel.fails.clear()
    office.bench.clock.at_ms += 1_000
    office.dispatcher.wake()
    await until(lambda: office.states() == {"x": "delivered"}, "the second")
    assert office.channel.of("down") == ["x", "x"]
