"""Every endless loop ends when cancelled, also at the very moment something happens to it."""

import asyncio
import os
import tty
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import Clock
from gateway.driver import LineSettings, Outcome
from gateway.heartbeat import Heartbeat
from gateway.sources.intake import Intake
from gateway.sources.serial_port import SerialSettings, SerialSource
from gateway.spool.spool import Spool
from gateway.uplink.paho_client import BrokerSettings, PahoClient
from gateway.uplink.uplink import URGENT, LaneUplink
from tests.adapters.gateway_items import NOW_MS, uuids

DEADLINE_S = 15
# An event takes this many turns of the loop to reach the one who waits, and one to spare.
TURNS_MAX = 5


def ignore(*_anything: object) -> None:
    return None


async def ends(run: Callable[[], Coroutine[Any, Any, None]], happen: Callable[[], None]) -> None:
    """Cancelled 0, 1, 2 … turns after the event, the loop must end every time."""
    for turns in range(TURNS_MAX + 1):
        task = asyncio.create_task(run())
        for _ in range(TURNS_MAX):
            await asyncio.sleep(0)
        happen()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        _done, pending = await asyncio.wait([task], timeout=DEADLINE_S)
        # A loop that swallowed its cancellation goes on for ever; end it for the next test.
        for still in pending:
            still.cancel()
        assert not pending, f"still running when cancelled {turns} turns after the event"


class Silent:
    """A stream driver that says nothing."""

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        return []

    def flush(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        return []


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path, gateway="gw-1", new_uuid=uuids(), now_ms=lambda: NOW_MS, log=ignore)
    made.start()
    yield made
    made.close()


async def test_a_lane(spool: Spool) -> None:
    lane = LaneUplink(
        gateway="gw-1",
        leaf="activation",
        writer=spool.urgent,
        pace=URGENT,
        now_ms=lambda: NOW_MS,
        clock_state=lambda: "synced",
        spread=lambda: 0.0,
        log=ignore,
    )
    await ends(lane.run, lane.connected)


async def test_a_connection_that_is_lost_just_then() -> None:
    client = PahoClient(
        BrokerSettings(host="127.0.0.1", port=1, client_id="gw-1"),
        on_connected=ignore,
        on_confirmed=ignore,
        on_message=ignore,
        log=ignore,
        spread=lambda: 0.0,
    )

    async def serve() -> None:
        # The part of `run` that waits on an open connection, without needing a broker for it.
        while True:
            client._lost.clear()
            await client._serve(client._make())

    await ends(serve, client._lost.set)


async def test_a_serial_line(tmp_path: Path) -> None:
    near, far = os.openpty()
    tty.setraw(far)
    source = SerialSource(
        SerialSettings(name="rf", port=os.ttyname(far), line=LineSettings(baud=9600)),
        Silent(),
        Intake(lambda _batch: True, lambda: NOW_MS, ignore),
        now_ms=lambda: NOW_MS,
        real_delay_s=lambda delay_s: delay_s,
        log=ignore,
    )
    try:
        await ends(source.run, source._activity.set)
    finally:
        os.close(near)
        os.close(far)


class Answers:
    """A spool whose thread is the test: answers when told."""

    def __init__(self, spool: Spool) -> None:
        self._state = spool.state
        self.jobs: list[Callable[[], None]] = []
        self.urgent = self

    def call(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def state(self) -> object:
        return self._state()

    def answer(self) -> None:
        self.jobs.pop()()


async def test_a_heartbeat(spool: Spool) -> None:
    answers = Answers(spool)
    clock = Clock()
    heartbeat = Heartbeat(
        "gw-1",
        spool=answers,  # type: ignore[arg-type]  # stands in for the spool's thread
        intake=Intake(lambda _batch: True, lambda: NOW_MS, ignore),
        publish=ignore,
        now_ms=lambda: NOW_MS,
        clock_state=lambda: "synced",
        sleep=clock.sleep,
        period_s=3600.0,
        mains_file=None,
        battery_file=None,
    )

    async def again_and_again() -> None:
        while True:
            await heartbeat.beat()

    await ends(again_and_again, answers.answer)
