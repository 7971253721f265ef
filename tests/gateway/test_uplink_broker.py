"""Spool, lanes and paho against a real mosquitto, and a hub that we let fail."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Literal, cast

import aiomqtt
import pytest

from contract.codec import decode_envelope, encode_ack
from contract.envelope import Ack
from contract.item import Item
from contract.topics import parse, topic
from gateway.spool.spool import Spool
from gateway.spool.writer import Writer
from gateway.uplink.paho_client import BrokerSettings, PahoClient
from gateway.uplink.uplink import TELEMETRY, URGENT, HubMessages, LaneUplink
from hearthwatch.embedded_broker import find_mosquitto
from tests.adapters.broker import KillableBroker
from tests.adapters.gateway_items import NOW_MS, press, reading, uuids

DEADLINE_S = 40
# How often a condition is looked at when nothing reports a change.
LOOK_S = 0.05

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
]

Version = Literal["5", "3.1.1"]


async def until(condition: Callable[[], bool], what: str) -> None:
    never = asyncio.Event()
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                try:
                    await asyncio.wait_for(never.wait(), LOOK_S)
                except TimeoutError:
                    continue
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_S} s: {what}") from None


class Hub:
    """Keeps every item once, as the book does, and acknowledges while `acks` is true."""

    def __init__(self, broker: KillableBroker, version: Version) -> None:
        self._broker = broker
        self._version = version
        self.acks = True
        self.listening = False
        self.deliveries: Counter[str] = Counter()  # device → times
        self.book: dict[str, Item] = {}

    def received(self) -> list[str]:
        return sorted(item.device for item in self.book.values())

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except aiomqtt.MqttError:
                self.listening = False
            await asyncio.sleep(LOOK_S)

    async def _listen(self) -> None:
        five = self._version == "5"
        async with aiomqtt.Client(
            "127.0.0.1",
            self._broker.port,
            username=self._broker.username,
            password=self._broker.password,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
        ) as client:
            for leaf in ("activation", "telemetry"):
                await client.subscribe(topic("+", leaf), qos=1)
            self.listening = True
            async for message in client.messages:
                await self._take(client, message)

    async def _take(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        gateway, _leaf = parse(str(message.topic))
        envelope = decode_envelope(cast("bytes", message.payload))
        for item in envelope.items:
            self.deliveries[item.device] += 1
            self.book[item.id] = item
        if self.acks:
            ack = Ack(spool=envelope.spool, ids=[item.id for item in envelope.items])
            await client.publish(topic(gateway, "ack"), encode_ack(ack), qos=1)


class Home:
    """The gateway's part between the spool and the wire, as the process composes it."""

    def __init__(self, folder: Path, broker: KillableBroker, version: Version) -> None:
        self._broker = broker
        self._version = version
        self.logged: list[str] = []
        self.confirmed: Counter[str] = Counter()
        self.spool = Spool(
            folder, gateway="gw-1", new_uuid=uuids(), now_ms=lambda: NOW_MS, log=self._log
        )
        self._urgent = self._lane("activation", self.spool.urgent)
        self._telemetry = self._lane("telemetry", self.spool.telemetry)
        self._messages = HubMessages(
            [self._urgent, self._telemetry], lambda _command: None, self._log
        )
        self._clients = [
            self._client("activation", self._urgent),
            self._client("telemetry", self._telemetry),
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def _log(self, event: str, detail: str) -> None:
        self.logged.append(event)

    def _lane(self, leaf: str, writer: Writer) -> LaneUplink:
        lane = LaneUplink(
            gateway="gw-1",
            leaf=leaf,
            writer=writer,
            pace=URGENT if leaf == "activation" else TELEMETRY,
            now_ms=lambda: NOW_MS,
            clock_state=lambda: "synced",
            spread=lambda: 0.0,
            log=self._log,
        )
        writer.on_commit = lane.committed
        return lane

    def _client(self, leaf: str, lane: LaneUplink) -> PahoClient:
        def confirmed(mid: int, reason: int) -> None:
            lane.confirmed(mid, reason)
            self.confirmed[leaf] += 1

        client = PahoClient(
            BrokerSettings(
                host="127.0.0.1",
                port=self._broker.port,
                client_id=f"gw-1-{leaf}",
                protocol=self._version,
                username=self._broker.username,
                password=self._broker.password,
                subscriptions=[topic("gw-1", "ack")] if leaf == "activation" else [],
            ),
            on_connected=lane.connected,
            on_confirmed=confirmed,
            on_message=self._messages.take,
            log=self._log,
            spread=lambda: 0.0,
        )
        lane.connection = client
        return client

    def start(self) -> None:
        self.spool.start()
        parts = [*self._clients, self._urgent, self._telemetry]
        self._tasks = [asyncio.create_task(part.run()) for part in parts]

    async def cut_off(self) -> None:
        """End, without asking what is still under way."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.spool.close()

    async def connected(self) -> None:
        await until(lambda: all(c.connected for c in self._clients), "both lines are up")

    async def waiting(self, writer: Writer) -> list[str]:
        """What the spool still owes the hub, asked in the spool's thread."""
        loop, answer = asyncio.get_running_loop(), asyncio.Event()
        found: list[Item] = []

        def ask() -> None:
            found.extend(writer.lane.waiting(0, 1000, NOW_MS))
            loop.call_soon_threadsafe(answer.set)

        writer.call(ask)
        await asyncio.wait_for(answer.wait(), DEADLINE_S)
        return [item.device for item in found]

    async def owes_nothing(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            for writer in (self.spool.urgent, self.spool.telemetry):
                while await self.waiting(writer):  # noqa: ASYNC110 - a file has no event
                    await asyncio.sleep(LOOK_S)


@pytest.fixture(params=["5", "3.1.1"])
def version(request: pytest.FixtureRequest) -> Version:
    return cast("Version", request.param)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KillableBroker]:
    started = KillableBroker(tmp_path / "broker")
    yield started
    started.kill()


@pytest.fixture
async def hub(broker: KillableBroker, version: Version) -> AsyncIterator[Hub]:
    made = Hub(broker, version)
    task = asyncio.create_task(made.run())
    await until(lambda: made.listening, "the hub listens")
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def home(tmp_path: Path, broker: KillableBroker, version: Version) -> AsyncIterator[Home]:
    made = Home(tmp_path / "spool", broker, version)
    made.start()
    await made.connected()
    yield made
    await made.cut_off()


async def test_a_press_and_readings_arrive_and_are_forgotten(hub: Hub, home: Home) -> None:
    home.spool.offer([press(1), *(reading(n) for n in range(30))])
    await until(lambda: len(hub.book) == 31, "all are in the book")
    await home.owes_nothing()
    assert hub.deliveries["button-1"] == 1


async def test_a_press_is_sent_again_until_the_hub_acknowledges(hub: Hub, home: Home) -> None:
    """The hub has it, and its word is lost: to the gateway that is the same as never arrived."""
    hub.acks = False
    home.spool.offer([press(1), press(2)])
    await until(lambda: min(hub.deliveries[f"button-{n}"] for n in (1, 2)) >= 2, "two sendings")
    assert await home.waiting(home.spool.urgent) == ["button-1", "button-2"]
    assert hub.received() == ["button-1", "button-2"]  # under one id each, however often
    hub.acks = True
    await home.owes_nothing()
    assert hub.received() == ["button-1", "button-2"]


async def test_the_brokers_confirmation_alone_forgets_nothing(hub: Hub, home: Home) -> None:
    hub.acks = False
    home.spool.offer([press(1), reading(2)])
    await until(
        lambda: home.confirmed["activation"] > 0 and home.confirmed["telemetry"] > 0,
        "PUBACKs on both lines",
    )
    assert await home.waiting(home.spool.urgent) == ["button-1"]
    assert await home.waiting(home.spool.telemetry) == ["meter-2"]


async def test_a_killed_broker_costs_nothing(hub: Hub, home: Home, broker: KillableBroker) -> None:
    hub.acks = False
    home.spool.offer([press(1), reading(1)])
    await until(lambda: hub.deliveries["button-1"] > 0, "the first press")
    broker.kill()
    await until(lambda: home.logged.count("uplink_lost") >= 2, "both lines noticed it")
    home.spool.offer([press(2), reading(2)])
    hub.acks = True
    broker.restart()
    everything = ["button-1", "button-2", "meter-1", "meter-2"]
    await until(lambda: hub.received() == everything, "all after the restart")
    await home.owes_nothing()
    assert hub.received() == everything


async def test_a_broker_that_is_killed_again_and_again(
    hub: Hub, home: Home, broker: KillableBroker
) -> None:
    for turn in range(3):
        home.spool.offer([press(turn * 10 + n) for n in range(10)])
        broker.kill()
        home.spool.offer([press(100 + turn)])
        broker.restart()
    expected = sorted(
        [*(f"button-{n}" for n in range(30)), *(f"button-{100 + turn}" for turn in range(3))]
    )
    await until(lambda: hub.received() == expected, "every press exactly once")
    await home.owes_nothing()


async def test_presses_wait_for_a_hub_that_comes_later(
    broker: KillableBroker, home: Home, version: Version
) -> None:
    home.spool.offer([press(1), reading(1)])
    await until(lambda: home.confirmed["activation"] > 0, "the broker took it, nobody listens")
    assert await home.waiting(home.spool.urgent) == ["button-1"]
    late = Hub(broker, version)
    task = asyncio.create_task(late.run())
    await until(lambda: late.received() == ["button-1", "meter-1"], "the late hub has all")
    await home.owes_nothing()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_gateway_that_was_cut_off_sends_what_it_had_promised(
    hub: Hub, home: Home, tmp_path: Path, broker: KillableBroker, version: Version
) -> None:
    hub.acks = False
    home.spool.offer([press(1)])
    await until(lambda: hub.deliveries["button-1"] > 0, "sent once")
    first_ids = set(hub.book)
    await home.cut_off()
    hub.acks = True
    again = Home(tmp_path / "spool", broker, version)
    again.start()
    again.spool.offer([press(2)])
    await until(lambda: hub.received() == ["button-1", "button-2"], "both, each once")
    await again.owes_nothing()
    assert first_ids < set(hub.book)
    await again.cut_off()


async def test_a_refused_password_is_said_and_tried_again(
    tmp_path: Path, broker: KillableBroker, version: Version
) -> None:
    right, broker.password = broker.password, "wrong"
    home = Home(tmp_path / "spool", broker, version)
    home.start()
    home.spool.offer([press(1)])
    await until(lambda: home.logged.count("uplink_refused") >= 3, "refused more than once a line")
    assert await home.waiting(home.spool.urgent) == ["button-1"]
    await home.cut_off()
    broker.password = right
