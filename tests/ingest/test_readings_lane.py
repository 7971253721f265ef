"""The readings lane outlives whatever one message does to its batch."""

import json
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from ingest.lasting import ENDS_MAX, LASTS_S
from ingest.quarantine import Unreadable
from ingest.readings.port import StoreError
from ingest.readings_lane import ReadingsLane
from ingest.shard_work import ShardWork
from ingest.wire import Taken
from tests.adapters.processes import until


class Received:
    def __init__(self, messages) -> None:
        self.messages = messages


class Broker:
    """A broker that gives these messages once, on the first connection."""

    def __init__(self, messages) -> None:
        self._messages = list(messages)
        self._near, self._far = socket.socketpair()
        self.connected = True
        self.connections = 0
        self.acked: list[int] = []
        self.published: list[bytes] = []

    def connect(self) -> Received:
        self.connections += 1
        messages, self._messages = self._messages, []
        return Received(messages)

    def receive(self, _timeout_s: float) -> Received:
        return Received([])

    def fileno(self) -> int:
        return self._near.fileno()

    def publish(self, _topic: str, payload: bytes) -> None:
        self.published.append(payload)

    def ack(self, packet_ids) -> None:
        self.acked += packet_ids

    def close(self) -> None:
        """It can be connected to again."""

    def end(self) -> None:
        self._near.close()
        self._far.close()


class Batch:
    """As `ReadingsBatch`: keeps what is committed, forgets what isn't; `poison` breaks it."""

    def __init__(self, poison: str, error: Exception) -> None:
        self._poison, self._error = poison, error
        self._in_hand: list[str] = []
        self._torn = False
        self.loaded = True
        self.kept: list[str] = []
        self.commits = 0

    def reload(self) -> None:
        self._torn = False

    def begin(self) -> None:
        assert not self._torn, "goes on with what was never stored"
        self._torn, self._in_hand = True, []

    def take(self, taken: Taken) -> list[str]:
        self._in_hand += [item.id for item in taken.items]
        return [item.id for item in taken.items]

    def quarantine(self, _found: Unreadable) -> None: ...

    def commit(self) -> None:
        self.commits += 1
        if self._poison in self._in_hand:
            if isinstance(self._error, StoreError):
                self._poison = ""
            raise self._error
        self.kept += self._in_hand
        self._torn = False

    def maintain(self) -> None: ...


def message(number: int) -> tuple[bytes, bytes, int]:
    item = {
        "id": f"r{number}",
        "seq": number,
        "device": "meter-1",
        "kind": "power",
        "measured_at": "2026-11-23T07:59:59.900Z",
        "received_at": "2026-11-23T07:59:59.950Z",
        "values": {"power_w": 12.5},
    }
    envelope = {"v": 1, "gateway": "gw-1", "spool": "s", "clock": "synced", "items": [item]}
    return b"hw/v1/gw-1/telemetry", json.dumps(envelope).encode(), number


@pytest.fixture
def lanes() -> Iterator[list[tuple[ReadingsLane, Broker]]]:
    running: list[tuple[ReadingsLane, Broker]] = []
    yield running
    for lane, broker in running:
        lane.stop()
        broker.end()


def started(
    lanes, broker: Broker, batch: Batch, monotonic: Callable[[], float] = time.monotonic
) -> ReadingsLane:
    lane = ReadingsLane(
        client=broker,
        work=ShardWork(client=broker, batch=batch, log=lambda *_said: None),
        monotonic=monotonic,
        log=lambda *_said: None,
    )
    lanes.append((lane, broker))
    lane.start()
    return lane


async def test_a_message_that_breaks_the_batch_costs_no_other(lanes) -> None:
    broker = Broker(message(number) for number in range(1, 8))
    batch = Batch("r3", OverflowError("too large"))
    lane = started(lanes, broker, batch)
    await until(lambda: len(broker.acked) == 7, "all are taken from the broker")
    assert batch.kept == ["r1", "r2", "r4", "r5", "r6", "r7"]
    told = {i for text in broker.published for i in json.loads(text)["ids"]}
    assert told == {"r1", "r2", "r4", "r5", "r6", "r7"}
    assert lane.alive


@pytest.mark.parametrize("error", [StoreError("disk", retryable=True), ValueError("ours")])
async def test_the_thread_lives_on_and_begins_with_what_is_stored(lanes, error) -> None:
    batch = Batch("r1", error)
    lane = started(lanes, Broker([message(1)]), batch)
    await until(lambda: batch.commits >= 3, "it goes on with its rounds")
    assert lane.alive


async def test_a_lane_that_began_without_its_store_first_reads_what_is_there(lanes) -> None:
    """The store's server was away when the hub began: the batch knows nothing yet."""
    batch = Batch("", ValueError("never"))
    batch.loaded, batch._torn = False, True
    lane = started(lanes, Broker([message(1)]), batch)
    await until(lambda: batch.kept == ["r1"], "it is taken once the store has been read")
    assert lane.alive


async def test_a_lane_that_connects_and_fails_each_time_is_not_well(lanes) -> None:
    """Asked at most moments it has a connection, and its thread lives."""
    now_s = [0.0]
    broker, batch = Broker([]), Batch("", StoreError("away", retryable=True))
    batch._in_hand = [""]
    failing = True

    def commit() -> None:
        if failing:
            raise StoreError("away", retryable=True)
        batch._torn = False

    batch.commit = commit
    lane = started(lanes, broker, batch, lambda: now_s[0])
    assert lane.state == "ok"
    await until(lambda: broker.connections > ENDS_MAX + 1, "it has tried again and again")
    assert broker.connected
    assert lane.state.startswith("ended ")
    failing = False
    tried = broker.connections
    await until(lambda: broker.connections > tried, "the last that fails")
    assert lane.state.startswith("ended ")
    now_s[0] += LASTS_S
    assert lane.state == "ok"
