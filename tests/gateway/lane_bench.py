"""One lane with its spool and a connection that a test plays; time stands still."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from contract.codec import decode_envelope, encode_ack
from contract.envelope import Ack, Envelope
from contract.item import Item
from contract.topics import topic
from gateway.clock import Clock
from gateway.spool.spool import Spool
from gateway.uplink.uplink import (
    URGENT,
    HubMessages,
    LaneUplink,
    Pace,
)
from tests.adapters.gateway_items import NOW_MS, uuids

DEADLINE_S = 30


class Line:
    """A connection that takes everything and says nothing by itself."""

    def __init__(self) -> None:
        self.connected = True
        self.sent: list[Envelope] = []
        self.sizes: list[int] = []
        self.dropped: list[str] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        if not self.connected:
            return None
        self.sent.append(decode_envelope(payload))
        self.sizes.append(len(payload))
        return len(self.sent)

    def drop(self, reason: str) -> None:
        self.dropped.append(reason)

    @property
    def devices(self) -> list[list[str]]:
        return [[item.device for item in envelope.items] for envelope in self.sent]


class Bench:
    """A real spool, a lane, a line; `step` does what `run` does between two waits."""

    def __init__(self, folder: Path, pace: Pace = URGENT, clock: Clock | None = None) -> None:
        self.spool = Spool(
            folder,
            gateway="gw-1",
            new_uuid=uuids(),
            now_ms=lambda: NOW_MS if clock is None else clock.now_ms(),
            log=self.log,
            times=clock,
        )
        self.logged: list[str] = []
        self.lane = LaneUplink(
            gateway="gw-1",
            leaf="activation",
            writer=self.spool.urgent,
            pace=pace,
            now_ms=lambda: NOW_MS,
            clock_state=lambda: "synced" if clock is None else clock.state(),
            spread=lambda: 0.0,
            log=self.log,
        )
        self.line = Line()
        self.lane.connection = self.line
        self.committed: list[Item] = []
        self.spool.urgent.on_commit = self.on_commit
        self.hub = HubMessages([self.lane], lambda _command: None, self.log)
        self.now_s = 1000.0
        # The lane reads the loop's clock; ours stands still until `later`.
        self.lane._loop = Stopped(asyncio.get_running_loop(), lambda: self.now_s)
        self.lane._heard_s = self.lane._waiting_since_s = self.now_s
        self.spool.start()

    def log(self, event: str, detail: str) -> None:
        self.logged.append(f"{event} {detail}")

    def on_commit(self, items: list[Item]) -> None:
        self.committed += items
        self.lane.committed(items)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.step()
                await asyncio.sleep(0)

    async def settle(self) -> None:
        """Until the spool's thread has done what it was asked, and the loop has heard of it."""
        for _ in range(3):
            await self._thread_came_round()
            self.step()

    async def _thread_came_round(self) -> None:
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.spool.urgent.call(lambda: loop.call_soon_threadsafe(done.set))
        async with asyncio.timeout(DEADLINE_S):
            await done.wait()

    def step(self) -> None:
        if self.lane._behind:
            self.lane._refill()
        self.lane._send()
        self.lane._watch()

    def later(self, seconds: float) -> None:
        self.now_s += seconds
        self.step()

    def acknowledge(self, *items: Item, spool: str | None = None) -> None:
        ack = Ack(spool=spool or self.lane.spool, ids=[item.id for item in items])
        self.hub.take(topic("gw-1", "ack"), encode_ack(ack))

    def waiting(self) -> list[int]:
        return [item.seq for item in self.spool.urgent.lane.waiting(0, 10_000, NOW_MS)]


class Stopped:
    """The event loop with a clock of ours."""

    def __init__(self, loop: asyncio.AbstractEventLoop, now_s: Callable[[], float]) -> None:
        self._loop = loop
        self.time = now_s
        self.call_soon_threadsafe = loop.call_soon_threadsafe
