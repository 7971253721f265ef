"""Both of the hub's connections to a real RabbitMQ, with a gateway that speaks MQTT to it."""

import asyncio
import json
import select
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aio_pika
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gateway.uplink.paho_client import BrokerSettings, PahoClient
from hearthwatch.embedded_broker import free_port
from ingest.amqp import line as line_module
from ingest.amqp.asyncio_client import AmqpClient, AmqpLink
from ingest.amqp.blocking_client import BlockingAmqpClient
from ingest.amqp.connecting import AmqpAddress, AmqpError
from ingest.amqp.line import Sources
from ingest.amqp.topology import (
    ACTIVATION,
    STATUS,
    TELEMETRY,
    TICK_TYPE,
    Stream,
    number_of,
    shard_of,
)
from ingest.mqtt.session import NO_MATCHING_SUBSCRIBERS, Message
from tests.acceptance.rig import wait_until
from tests.adapters.rabbitmq import Place, Server, queues

pytestmark = pytest.mark.rabbitmq
PATIENCE_S = 60
SHARDS = 4


def address(place: Place, *, port: int | None = None, name: str = "hub") -> AmqpAddress:
    return AmqpAddress(
        nodes=(("127.0.0.1", port or place.port),),
        username=place.username,
        password=place.password,
        virtual_host=place.virtual_host,
        name=name,
    )


@pytest.fixture
def place(rabbitmq: Server) -> Place:
    return rabbitmq.place()


class Gateway:
    """A plain MQTT 3.1.1 client."""

    def __init__(self, place: Place, name: str) -> None:
        self.name = name
        self.heard: list[tuple[str, bytes]] = []
        self._subscribed = False
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv311
        )
        self.client.username_pw_set(place.mqtt_username, place.password)
        self.client.will_set(f"hw/v1/{name}/status", b"gone", qos=1)
        self.client.on_message = lambda _c, _u, m: self.heard.append((m.topic, m.payload))
        self.client.on_connect = lambda c, *_rest: c.subscribe(f"hw/v1/{name}/+", qos=1)
        self.client.on_subscribe = lambda *_rest: setattr(self, "_subscribed", True)
        self.client.connect("127.0.0.1", place.mqtt_port)
        self.client.loop_start()
        wait_until(lambda: self._subscribed, PATIENCE_S, "the gateway listens")

    def say(self, leaf: str, payload: bytes) -> None:
        said = self.client.publish(f"hw/v1/{self.name}/{leaf}", payload, qos=1)
        said.wait_for_publish(PATIENCE_S)
        assert said.is_published()

    def heard_as(self, leaf: str) -> list[bytes]:
        return [body for topic, body in self.heard if topic.endswith(leaf)]

    def vanish(self) -> None:
        """The line is cut: the broker says the last will."""
        self.client._sock.close()
        self.client.loop_stop()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def gateway(place: Place) -> Iterator[Callable[[str], Gateway]]:
    made: list[Gateway] = []

    def make(name: str) -> Gateway:
        made.append(Gateway(place, name))
        return made[-1]

    yield make
    for one in made:
        one.close()


@dataclass
class Hub:
    """What a hub's urgent side would hear."""

    came: list[Message] = field(default_factory=list)
    links: list[AmqpLink] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    losses: int = 0
    answers: bool = True

    def on_messages(self, messages: list[Message], link: AmqpLink) -> None:
        self.came += messages
        self.links.append(link)
        if self.answers:
            link.ack([tag for _topic, _payload, tag in messages])

    def lost(self) -> None:
        self.losses += 1

    def payloads(self) -> list[bytes]:
        return [payload for _topic, payload, _tag in self.came]


@asynccontextmanager
async def urgent(place: Place, hub: Hub, *, sources: Sources | None = None, name: str = "hub"):
    sources = sources or Sources(stream=Stream(ACTIVATION, SHARDS), window=100)
    client = AmqpClient(
        address(place, name=name), sources, hub.on_messages, lambda *_words: None,
        on_taken=hub.taken.append, on_lost=hub.lost,
    )  # fmt: skip
    task = asyncio.create_task(client.run())
    try:
        await until(client.connected.is_set, "the hub is connected")
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(wait_until, condition, PATIENCE_S, what)


async def test_a_press_comes_in_and_its_answer_goes_out(place: Place, gateway) -> None:
    hub = Hub()
    async with urgent(place, hub) as client:
        line = await asyncio.to_thread(gateway, "gw.1")
        await asyncio.to_thread(line.say, "activation", b"press")
        await until(lambda: len(hub.came) == 1, "the press")
        [(topic, payload, _tag)] = hub.came
        assert (topic, payload) == (b"hw/v1/gw.1/activation", b"press")
        assert client.publish_soon("hw/v1/gw.1/ack", b"have it")
        assert await client.publish("hw/v1/gw.1/command", b"reassure") == 0
        await until(lambda: bool(line.heard_as("command")), "the command")
        assert line.heard_as("ack") == [b"have it"]
        # A gateway that is not there: said, so that the command is tried again.
        assert await client.publish("hw/v1/gw-2/command", b"x") == NO_MATCHING_SUBSCRIBERS
        # Its shard is ours, and so are those in which nobody speaks.
        await until(lambda: len(set(hub.taken)) == SHARDS, "all shards")
    with pytest.raises(AmqpError):
        await client.publish("hw/v1/gw.1/command", b"x")
    assert not client.publish_soon("hw/v1/gw.1/ack", b"x")


async def test_what_was_not_acknowledged_comes_again_and_nothing_else(place: Place, gateway):
    first, second = Hub(answers=False), Hub()
    async with urgent(place, first):
        line = await asyncio.to_thread(gateway, "gw-1")
        for number in range(5):
            await asyncio.to_thread(line.say, "activation", b"%d" % number)
        await until(lambda: len(first.came) == 5, "the presses")
        first.links[0].ack([tag for _t, _p, tag in first.came[:2]])
        # Out of order: it waits for the third.
        first.links[0].ack([first.came[4][2]])
        await asyncio.to_thread(line.say, "activation", b"last")
        await until(lambda: len(first.came) == 6, "one more")
    assert first.losses == 1
    async with urgent(place, second):
        await until(lambda: len(second.came) == 4, "what was open")
    assert second.payloads() == [b"2", b"3", b"4", b"last"]
    first.links[0].ack([number_of(1, 0)])  # too late, and nobody minds


async def test_who_comes_later_gets_its_part_and_all_of_it_when_the_first_is_gone(
    place: Place, gateway
) -> None:
    one, two = Hub(), Hub()
    lines = [await asyncio.to_thread(gateway, f"gw-{number}") for number in range(12)]
    async with urgent(place, two, name="two") as first, urgent(place, one, name="one") as second:
        # Nobody speaks yet: by the workers' own words each knows what it has.
        await until(lambda: len(second.taken()) == SHARDS // 2, "the second has its part")
        await until(lambda: len(first.taken()) == SHARDS // 2, "and the first the rest")
        assert not first.taken().keys() & second.taken().keys()
        for line in lines:
            await asyncio.to_thread(line.say, "activation", line.name.encode())
        await until(lambda: len(one.came) + len(two.came) == 12, "all of them")
        assert one.came
        assert two.came
        # And now the first goes away.
        two.answers = False
        for line in lines:
            await asyncio.to_thread(line.say, "activation", b"again")
        await until(lambda: len(one.came) + len(two.came) == 24, "all of them again")
        two.links[-1]._line._end(None)
        await until(lambda: one.payloads().count(b"again") == 12, "the other has all")


class Lane:
    """What the readings lane does with its connection, in this thread."""

    def __init__(
        self,
        place: Place,
        *,
        window: int = 100,
        port: int | None = None,
        shards: int = SHARDS,
        name: str = "hub",
    ) -> None:
        self.taken: list[str] = []
        self.said: list[str] = []
        self.losses = 0
        sources = Sources(stream=Stream(TELEMETRY, shards), window=window)
        self.client = BlockingAmqpClient(
            address(place, port=port, name=name),
            sources,
            lambda event, _detail: self.said.append(event),
            on_taken=self.taken.append,
            on_lost=self._lost,
        )

    def _lost(self) -> None:
        self.losses += 1

    def hear(self, count: int, *, ack: bool = True) -> list[Message]:
        """At least so many messages."""
        came: list[Message] = []

        def enough() -> bool:
            messages = self.client.receive(0.2).messages
            came.extend(messages)
            if ack:
                self.client.ack([number for _t, _p, number in messages])
            return len(came) >= count

        wait_until(enough, PATIENCE_S, f"{count} messages")
        return came


@pytest.fixture
def lane(place: Place) -> Iterator[Lane]:
    made = Lane(place)
    made.client.connect()
    yield made
    made.client.close()


def test_heartbeats_are_in_the_shard_of_their_gateways_readings(lane: Lane, gateway) -> None:
    lines = [gateway(f"gw.{number}") for number in range(8)]
    for line in lines:
        line.say("telemetry", b"reading")
        line.say("status", b"alive")
    lines[0].vanish()
    came = lane.hear(2 * len(lines) + 1)
    assert (b"hw/v1/gw.0/status", b"gone") in [(topic, payload) for topic, payload, _n in came]
    shards: dict[bytes, set[int]] = {}
    leaves: dict[bytes, set[bytes]] = {}
    for topic, _payload, number in came:
        _hw, _v1, name, leaf = topic.split(b"/")
        shards.setdefault(name, set()).add(shard_of(number))
        leaves.setdefault(name, set()).add(leaf)
    assert [len(found) for found in shards.values()] == [1] * len(lines)
    assert all(found == {b"telemetry", b"status"} for found in leaves.values())
    assert len(set.union(*shards.values())) > 1
    wait_until(lambda: len(lane.client.taken()) == SHARDS, PATIENCE_S, "all shards are ours")
    assert set(lane.taken) == set(Stream(TELEMETRY, SHARDS).queues)


def test_the_lane_hears_answers_and_waits_for_nothing(lane: Lane, gateway) -> None:
    line = gateway("gw-1")
    assert lane.client.connected
    assert lane.client.receive(0).messages == []
    line.say("telemetry", b"1")
    [ready], _w, _x = select.select([lane.client], [], [], PATIENCE_S)
    assert ready is lane.client
    [(topic, payload, number)] = lane.hear(1, ack=False)
    assert (topic, payload) == (b"hw/v1/gw-1/telemetry", b"1")
    assert select.select([lane.client], [], [], 0)[0] == []
    lane.client.publish("hw/v1/gw-1/ack", b"have it")
    lane.client.ack([number])
    wait_until(lambda: line.heard_as("ack") == [b"have it"], PATIENCE_S, "the answer")
    lane.client.close()
    assert lane.losses == 1
    for what in (lane.client.fileno, lambda: lane.client.receive(0)):
        with pytest.raises(OSError, match="not connected"):
            what()


def test_what_is_not_acknowledged_holds_back_the_rest_and_comes_again(place, gateway) -> None:
    line = gateway("gw-1")
    lane = Lane(place, window=3)
    lane.client.connect()
    for number in range(10):
        line.say("telemetry", b"%d" % number)
    # A batch is three (a tick may be one of them), and no more comes however long one waits for it.
    came = lane.hear(2, ack=False) + lane.client.receive(0.5).messages
    assert lane.client.receive(0.5).messages == []
    assert [payload for _t, payload, _n in came] == [b"0", b"1", b"2"][: len(came)]
    lane.client.ack([number for _t, _p, number in came])
    assert lane.hear(1, ack=False)[0][1] == b"%d" % len(came)
    lane.client.close()
    lane.client.connect()
    left = range(len(came), 10)
    assert [payload for _t, payload, _n in lane.hear(len(left))] == [b"%d" % n for n in left]
    lane.client.close()


async def test_a_message_may_come_as_often_as_it_likes(place: Place, gateway) -> None:
    """Newer brokers drop what was delivered twenty times, unless they are told otherwise."""
    lane = Lane(place, shards=1)
    await asyncio.to_thread(lane.client.connect)
    await asyncio.to_thread(lane.client.close)
    await asyncio.to_thread(gateway("gw-1").say, "telemetry", b"poison")
    connection = await aio_pika.connect(
        host="127.0.0.1", port=place.port, login=place.username, password=place.password,
        virtualhost=place.virtual_host,
    )  # fmt: skip
    async with connection:
        queue = await (await connection.channel()).get_queue(Stream(TELEMETRY, 1).queue(0))
        async with asyncio.timeout(PATIENCE_S), queue.iterator() as came:
            times = 0
            while times < 30:
                message = await anext(came)
                if message.type == TICK_TYPE:
                    # Said while it was attached, and not heard any more.
                    await message.ack()
                    continue
                assert message.body == b"poison"
                times += 1
                await message.nack(requeue=True)


def test_the_topology_is_made_once_and_a_larger_one_is_listened_to(place, gateway, rabbitmq):
    for shards in (SHARDS, SHARDS + 3):
        larger = Lane(place, shards=shards)
        larger.client.connect()
        larger.client.close()
    lane = Lane(place, shards=1)
    lane.client.connect()
    names = [f"gw-{number}" for number in range(60)]
    line = gateway("gw-0")
    for name in names:
        line.client.publish(f"hw/v1/{name}/telemetry", b"1", qos=1)
    came = lane.hear(len(names))
    lane.client.close()
    assert {shard_of(number) for _topic, _payload, number in came} == set(range(SHARDS + 3))
    assert sorted(topic.decode().split("/")[2] for topic, _payload, _number in came) == sorted(
        names
    )
    assert "broker_more_shards" in lane.said
    found = queues(rabbitmq.node, place.virtual_host)
    shards = {q for n in (TELEMETRY, STATUS) for q in Stream(n, SHARDS + 3).queues}
    assert {name for name in found if name.startswith("hw.")} == shards
    assert {found[name]["type"] for name in shards} == {"quorum"}


def test_a_broker_that_is_not_there_or_says_no(place: Place) -> None:
    lane = Lane(place, port=free_port())
    with pytest.raises(AmqpError):
        lane.client.connect()
    lane.client.close()
    assert lane.losses == 0
    stranger = replace(place, password="a guess")
    lane = Lane(stranger)
    with pytest.raises(AmqpError, match="ACCESS_REFUSED"):
        lane.client.connect()
    lane.client.close()


async def test_more_unconfirmed_than_it_bears_is_told(place: Place, monkeypatch) -> None:
    async with urgent(place, Hub()) as client:
        monkeypatch.setattr(line_module, "UNCONFIRMED_MAX", 0)
        assert not client.publish_soon("hw/v1/gw-1/ack", b"x")
        with pytest.raises(AmqpError):
            await client.publish("hw/v1/gw-1/command", b"x")


async def test_a_queue_that_is_taken_away_is_missed_and_made_again(place, gateway, rabbitmq):
    hub = Hub()
    async with urgent(place, hub) as client:
        line = await asyncio.to_thread(gateway, "gw-1")
        await asyncio.to_thread(line.say, "activation", b"1")
        await until(lambda: len(hub.came) == 1, "its shard")
        where = ("-p", place.virtual_host, hub.taken[0])
        await asyncio.to_thread(rabbitmq.node.control, "delete_queue", *where)
        await until(lambda: client.connections == 2, "it is connected anew")
        await asyncio.to_thread(line.say, "activation", b"2")
        await until(lambda: hub.payloads() == [b"1", b"2"], "the press")


def test_each_worker_sends_on_the_heartbeats_of_its_own_shards(place, gateway, rabbitmq) -> None:
    """One for all of them would bound what a province can be."""
    lanes = {name: Lane(place, name=name) for name in ("first", "second")}

    def at_work() -> dict[str, set[str]]:
        return {
            name: {f"{STATUS}.{n}" for n in lane.client.taken()} for name, lane in lanes.items()
        }

    def sending_on() -> dict[str, set[str]]:
        fields = ("queue_name", "consumer_tag")
        told = rabbitmq.node.control(
            "list_consumers", "-p", place.virtual_host, "--formatter", "json", *fields
        )
        found: dict[str, set[str]] = {name: set() for name in lanes}
        for consumer in json.loads(told[told.index("[") :]):
            name, _slash, queue = consumer["consumer_tag"].partition("/")
            if queue.startswith(STATUS):
                found[name].add(queue)
        return found

    lanes["first"].client.connect()
    wait_until(lambda: len(at_work()["first"]) == SHARDS, PATIENCE_S, "one has all")
    lanes["second"].client.connect()
    wait_until(lambda: len(at_work()["second"]) == SHARDS // 2, PATIENCE_S, "each has half")
    wait_until(lambda: sending_on() == at_work(), PATIENCE_S, "and their heartbeats")
    lanes["first"].client.close()
    wait_until(lambda: len(at_work()["second"]) == SHARDS, PATIENCE_S, "the other has all")
    wait_until(lambda: sending_on() == at_work(), PATIENCE_S, "and the heartbeats")
    line = gateway("gw-0")
    for number in range(40):
        line.client.publish(f"hw/v1/gw-{number}/status", b"1", qos=1)
    assert {shard_of(n) for _t, _p, n in lanes["second"].hear(40)} == set(range(SHARDS))
    lanes["second"].client.close()


def test_the_queue_of_heartbeats_is_missed_as_well(lane: Lane, gateway, rabbitmq, place) -> None:
    """Without it gateways that are well would be taken for silent, one after the other."""
    line = gateway("gw-1")
    line.say("status", b"1")
    lane.hear(1)
    rabbitmq.node.control("delete_queue", "-p", place.virtual_host, f"{STATUS}.0")

    def missed() -> bool:
        try:
            return bool(lane.client.receive(0.2).messages)
        except AmqpError:
            return True

    wait_until(missed, PATIENCE_S, "the line ends")
    lane.client.close()
    lane.client.connect()
    line.say("status", b"2")
    assert [payload for _topic, payload, _number in lane.hear(1)] == [b"2"]


async def test_a_broker_that_is_killed_keeps_what_was_not_acknowledged(place, gateway, rabbitmq):
    """Both sides see it go, and find it again by themselves."""
    hub, lane = Hub(answers=False), Lane(place)
    await asyncio.to_thread(lane.client.connect)
    async with urgent(place, hub) as client:
        line = await asyncio.to_thread(gateway, "gw-1")
        await asyncio.to_thread(line.say, "activation", b"press")
        await asyncio.to_thread(line.say, "telemetry", b"reading")
        await asyncio.to_thread(lane.hear, 1, ack=False)
        await until(lambda: len(hub.came) == 1, "the press")
        await asyncio.to_thread(rabbitmq.node.kill)
        try:
            await until(lambda: not client.connected.is_set(), "it is gone")
            assert not client.publish_soon("hw/v1/gw-1/ack", b"x")

            def gone() -> bool:
                try:
                    return not lane.client.receive(0.1)
                except AmqpError:
                    return True

            await until(gone, "the lane has seen it")
            lane.client.close()
        finally:
            rabbitmq.node.start()
            await asyncio.to_thread(rabbitmq.node.wait)
        hub.answers = True
        await until(lambda: hub.payloads() == [b"press", b"press"], "the press again")
        await asyncio.to_thread(lane.client.connect)
        [(_topic, payload, _number)] = await asyncio.to_thread(lane.hear, 1)
        assert payload == b"reading"
        assert lane.losses == hub.losses == 1
    lane.client.close()


async def test_a_gateway_that_keeps_nothing_hears_by_a_queue_that_goes_with_its_node(
    place: Place, rabbitmq: Server
) -> None:
    """One that outlives its node can't be made anew at another while that one is down: such a
    gateway would be deaf everywhere."""
    connected = asyncio.Event()
    client = PahoClient(
        BrokerSettings(
            host="127.0.0.1", port=place.mqtt_port, client_id="gw-1", protocol="3.1.1",
            keep_session=False, username=place.mqtt_username, password=place.password,
            subscriptions=["hw/v1/gw-1/ack", "hw/v1/gw-1/command"],
        ),
        on_connected=connected.set, on_confirmed=lambda _mid, _reason: None,
        on_message=lambda _topic, _payload: None, log=lambda *_words: None, spread=lambda: 0.0,
    )  # fmt: skip
    task = asyncio.create_task(client.run())
    try:
        await asyncio.wait_for(connected.wait(), PATIENCE_S)

        def durable() -> list[bool]:
            said = rabbitmq.node.control(
                "list_queues", "-p", place.virtual_host, "--formatter", "json", "name", "durable"
            )
            return [one["durable"] for one in json.loads(said[said.index("[") :])]

        await until(lambda: durable() == [False], "its queue")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
