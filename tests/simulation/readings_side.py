"""The readings side of a simulated hub: what the product's lane does, its batch, rules and store.

The lane's thread and its socket are the simulation's: a turn of the lane is a callback, and the
broker's messages wait for it as they would in the socket.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from contract import topics
from contract.codec import decode_ack
from hearthwatch.stored_events import stored_event
from ingest.readings.sqlite_reader import SqliteReader
from ingest.readings.sqlite_store import SqliteStore
from ingest.readings_batch import ReadingsBatch
from ingest.shard_work import ShardWork
from ingest.urgent_lane import Stored
from rules.engine import Engine
from tests.simulation.network import Broker, Client, Link

# A lane that nothing reaches looks at its timers four times a second; here less often, as it
# would on a machine that is busy.
IDLE_S = 5.0
ALWAYS_MS = 1 << 43
ACTIVATIONS = "SELECT * FROM event WHERE seq > ? ORDER BY seq"


class ReadingsClient(Client):
    """Stands where the lane's `BlockingClient` stands."""

    def __init__(self, broker: Broker, wake: Callable[[], None], oracle) -> None:
        patterns = [topics.topic("+", "telemetry"), topics.topic("+", "status")]
        super().__init__(broker, "hub", "hub-readings", patterns)
        self._wake = wake
        self._oracle = oracle
        self._messages: list[tuple[bytes, bytes, int]] = []

    def take(self) -> list[tuple[bytes, bytes, int]]:
        messages, self._messages = self._messages, []
        return messages

    def publish(self, topic: str, payload: bytes) -> None:
        ack = decode_ack(payload)
        self._oracle.acknowledged(ack.spool, ack.ids)
        self.send(topic, payload)

    def ack(self, packet_ids) -> None:
        if self._link is not None:
            self._link.ack(packet_ids)

    def close(self) -> None:
        super().close()
        self._messages = []

    def arrived(self, link: Link, packet_id: int, topic: str, payload: bytes) -> None:
        self._messages.append((topic.encode(), payload, packet_id))
        self._wake()


class _Meanwhile:
    """The book's writer as the lane's thread sees it: while the lane waits, it commits."""

    def __init__(self, writer) -> None:
        self._writer = writer

    def submit(self, apply):
        future = self._writer.submit(apply)
        while not future.done():
            self._writer.step()
        return future


class ReadingsSide:
    """`pace`: how long until a turn comes; `die`: the disk ended the process in the midst."""

    def __init__(self, machine, side, broker: Broker, rules) -> None:
        self._machine = machine
        self._connection = machine._connection
        self._turning = False
        self.client = ReadingsClient(broker, self._wake, machine.oracle.readings)
        self.store = SqliteStore(machine.disk.folder / "readings.db", opener=machine.disk.connect)
        self.batch = ReadingsBatch(
            store=self.store,
            writer=_Meanwhile(side.writer),
            book=side.book,
            presence=side.presence,
            make_engine=lambda: Engine(rules, lane="readings"),
            know_homes=side.know_homes,
            clock=machine.hub_clock.now_ms,
            missed=self._missed,
            log=machine.log,
        )
        side.settings.on_reload = self.batch.roster_changed
        self.lane = ShardWork(client=self.client, batch=self.batch, log=machine.log)

    def _missed(self, after_seq: int) -> Iterator[Stored]:
        cursor = sqlite3.Cursor(self._connection)
        cursor.row_factory = sqlite3.Row
        for row in cursor.execute(ACTIVATIONS, (after_seq,)).fetchall():
            yield stored_event(row)

    async def idle(self) -> None:
        while True:
            await asyncio.sleep(IDLE_S)
            self._wake()

    def _wake(self) -> None:
        if not self._turning:
            self._turning = True
            self._machine.soon(self._turn)

    def _turn(self) -> None:
        """Messages, or the time that passes; what fails comes again with the next connection."""
        self._turning = False
        messages = self.client.take()
        try:
            if messages:
                self.lane.handle(messages)
            else:
                self.lane.idle()
        except Exception as error:  # noqa: BLE001 - as the lane's own thread does
            self._machine.log("readings_failed", f"{type(error).__name__}: {error}")
            self.client.lost("the lane failed")

    def bury(self) -> None:
        self.client.close()
        with contextlib.suppress(sqlite3.Error):
            self.store.close()


def stored(path: Path) -> tuple[list[float], int]:
    """Every value, as the store's own reader gives them, and how many its hours were made of."""
    reader = SqliteReader(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        sql = "SELECT DISTINCT gateway, device FROM series ORDER BY gateway, device"
        devices = connection.execute(sql).fetchall()
        rolled_up = connection.execute("SELECT coalesce(sum(n), 0) FROM hour").fetchone()[0]
    try:
        values = [
            value
            for gateway, device in devices
            for series in reader.series(gateway, device, "power", "power_w", 0, ALWAYS_MS, "raw")
            for _moment, value in series.points
        ]
    finally:
        reader.close()
    return values, rolled_up
