"""The urgent side's connection to a real RabbitMQ, with a gateway that speaks MQTT to it."""

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.uplink.paho_client import BrokerSettings, PahoClient
from ingest.amqp import line as line_module
from ingest.amqp.asyncio_client import AmqpClient, AmqpLink
from ingest.amqp.connecting import AmqpError
from ingest.amqp.line import Sources
from ingest.amqp.topology import (
    ACTIVATION,
    Stream,
    number_of,
)
from ingest.mqtt.session import NO_MATCHING_SUBSCRIBERS, Message
from tests.acceptance.rig import wait_until
from tests.adapters.rabbitmq import Place, Server
from tests.ingest.amqp.both_sides import PATIENCE_S, SHARDS, Lane, address

pytestmark = pytest.mark.rabbitmq


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
