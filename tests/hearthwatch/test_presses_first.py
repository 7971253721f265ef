"""A hub that starts takes presses before its pages are there and before what rules have learned."""

import asyncio
import threading
from pathlib import Path

import uvicorn

from hearthwatch.broker_config import BrokerConfig
from hearthwatch.clock import PlannedClock
from hearthwatch.embedded_broker import free_port
from hearthwatch.hub import Hub
from hearthwatch.hub_config import HttpConfig, HubConfig
from ingest.mqtt.packets import publish
from ledger.place import SqliteBook
from ledger.schema import EVENT
from rules.config import default_rules
from tests.adapters.hub_bench import ROSTER, Bench, press
from tests.adapters.migrated import migrated

WAIT_S = 60
# Of MQTT 5: taken, and subscribed with QoS 1 under the first number.
CONNACK = bytes.fromhex("2003000000")
SUBACK = bytes.fromhex("9004000100") + b"\x01"


class SlowPages(Hub):
    """Its pages are there when somebody says so."""

    asked: threading.Event
    wanted: threading.Event

    def _server(self) -> uvicorn.Server:
        self.asked.set()
        assert self.wanted.wait(WAIT_S)
        return super()._server()


class Broker:
    """Has one press for whoever subscribes first."""

    def __init__(self) -> None:
        self.connections = 0
        self._open: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.append(writer)
        await reader.read(4096)
        writer.write(CONNACK)
        await reader.read(4096)
        if self.connections == 1:
            writer.write(SUBACK + publish("5", "hw/v1/gw-1/activation", press(1), 1))
        while await reader.read(4096):
            continue
        writer.close()

    def hang_up(self) -> None:
        for writer in self._open:
            writer.close()


async def until(condition) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - the book tells nobody here
            await asyncio.sleep(0.01)


async def test_a_press_is_in_the_book_before_pages_and_states(tmp_path: Path) -> None:
    broker = Broker()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    book = SqliteBook(path=tmp_path / "hub" / "hub.db")
    migrated(book.path)
    (tmp_path / "homes.toml").write_text(ROSTER)
    config = HubConfig(
        data_dir=tmp_path / "hub",
        book=book,
        homes=tmp_path / "homes.toml",
        http=HttpConfig(port=free_port()),
        broker=BrokerConfig(port=server.sockets[0].getsockname()[1]),
    )
    hub = SlowPages(config, PlannedClock(), default_rules())
    hub.asked, hub.wanted = threading.Event(), threading.Event()
    bench = Bench.__new__(Bench)
    bench.hub = hub
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(hub.run(stop, ready.set))
    await asyncio.to_thread(hub.asked.wait, WAIT_S)
    await until(lambda: bench.count(EVENT) == 1)
    assert not ready.is_set()
    assert broker.connections == 1
    assert hub.health()["readings_lane"] == "stopped"
    assert not hub.ingest.work.batch.loaded
    hub.wanted.set()
    await asyncio.wait_for(ready.wait(), WAIT_S)
    await until(lambda: hub.ingest.work.batch.loaded)
    # What the readings lane was too late for it has read in the book.
    assert hub.ingest.work.batch._through == 1 or hub.ingest.work.batch._pending_activations
    stop.set()
    broker.hang_up()
    await asyncio.wait_for(running, WAIT_S)
    server.close()
