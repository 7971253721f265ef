"""The readings lane's connection to a real RabbitMQ, with gateways that speak MQTT to it."""

import asyncio
import json
import select
from dataclasses import replace

import aio_pika
import pytest

from hearthwatch.embedded_broker import free_port
from ingest.amqp.connecting import AmqpError
from ingest.amqp.topology import (
    STATUS,
    TELEMETRY,
    TICK_TYPE,
    Stream,
    shard_of,
)
from tests.acceptance.rig import wait_until
from tests.adapters.rabbitmq import Place, queues
from tests.ingest.amqp.both_sides import PATIENCE_S, SHARDS, Lane

pytestmark = pytest.mark.rabbitmq


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
