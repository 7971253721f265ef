"""Whether RabbitMQ takes the hub, can do what is wanted of it, and has somebody at each shard."""

import asyncio
from typing import Final

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from hearthwatch.broker_config import BrokerConfig
from hearthwatch.broker_sources import amqp_address
from hearthwatch.doctor_finding import Finding, judge
from ingest.amqp.connecting import LOST, AmqpError, connect, keep_quiet
from ingest.amqp.topology import ACTIVATION, HASH, STATUS, TELEMETRY, Stream

# A name of nobody's; it goes with the connection.
_TRIAL: Final = "hw.doctor"
# Of shards that nobody hears so many are told by name.
_NAMED: Final = 3


def rabbitmq(broker: BrokerConfig) -> Finding:
    keep_quiet()
    place = f"{broker.host}:{broker.port}"
    try:
        asyncio.run(_tried(broker))
    except AmqpError as error:
        remedy = "start the node there, or correct host, port, ca_file, username, password_file"
        return _failed(f"{place}: {error}", f"{remedy} and virtual_host under [broker]")
    except aio_pika.exceptions.AMQPError as error:
        remedy = "rabbitmq-plugins enable rabbitmq_consistent_hash_exchange rabbitmq_mqtt, and"
        return _failed(
            f"{place}: {error}", f"{remedy} let the user make, write and read what begins with hw."
        )
    return Finding(check="broker", verdict="ok", detail=f"{place} takes the hub, by AMQP")


async def _tried(broker: BrokerConfig) -> None:
    connection = await connect(amqp_address(broker, "doctor"), 0)
    try:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(_TRIAL, HASH, auto_delete=True)
        queue = await channel.declare_queue(_TRIAL, exclusive=True)
        await queue.bind(exchange, "1")
        # What a hub lives by: a user may be let in, make everything and hear nothing.
        await queue.consume(_ignored)
        await queue.delete(if_unused=False, if_empty=False)
        await exchange.delete()
    finally:
        await connection.close()


async def _ignored(_message: AbstractIncomingMessage) -> None:
    """Nobody speaks there."""


def shards(broker: BrokerConfig) -> Finding:
    """Whether somebody hears each of those that are there; read-only, once `rabbitmq` is well."""
    try:
        there, unheard = asyncio.run(_heard(broker))
    except (AmqpError, *LOST) as error:
        return _failed(f"shards: {error}", "look at the node's log")
    if not there:
        return Finding(check="shards", verdict="ok", detail="none yet, made at the first start")
    some = ", ".join(unheard[:_NAMED]) + (" …" if len(unheard) > _NAMED else "")
    return judge(
        "shards",
        not unheard,
        f"{there}, nobody hears {len(unheard)}: {some}" if unheard else f"{there}, all heard",
        "start a worker; where one runs its log says why (broker_lost, readings_broker_lost)",
        bad="warn",
    )


async def _heard(broker: BrokerConfig) -> tuple[int, list[str]]:
    """How many shards there are, and which have no consumer."""
    count = broker.rabbitmq.shards if broker.rabbitmq is not None else 0
    there, unheard = 0, []
    connection = await connect(amqp_address(broker, "doctor"), 0)
    try:
        for name in (n for s in (ACTIVATION, TELEMETRY, STATUS) for n in Stream(s, count).queues):
            # A channel each: the broker ends it where there is no such queue.
            channel = await connection.channel()
            try:
                queue = await channel.declare_queue(name, passive=True)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                continue
            finally:
                await channel.close()
            there += 1
            if not queue.declaration_result.consumer_count:
                unheard.append(name)
    finally:
        await connection.close()
    return there, unheard


def _failed(detail: str, remedy: str) -> Finding:
    return Finding(check="broker", verdict="fail", detail=detail, remedy=remedy)
