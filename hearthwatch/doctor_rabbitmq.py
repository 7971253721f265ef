"""Whether RabbitMQ takes the hub, and can do what is wanted of it."""

import asyncio
from typing import Final

import aio_pika

from hearthwatch.broker_config import BrokerConfig
from hearthwatch.broker_sources import amqp_address
from hearthwatch.doctor_finding import Finding
from ingest.amqp.connecting import AmqpError, connect, keep_quiet
from ingest.amqp.topology import HASH

# A name of nobody's; it goes with the connection.
_TRIAL: Final = "hw.doctor"


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
        return _failed(f"{place}: {error}", f"{remedy} let the user make what begins with hw.")
    return Finding(check="broker", verdict="ok", detail=f"{place} takes the hub, by AMQP")


async def _tried(broker: BrokerConfig) -> None:
    connection = await connect(amqp_address(broker, "doctor"), 0)
    try:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(_TRIAL, HASH, auto_delete=True)
        await exchange.delete()
    finally:
        await connection.close()


def _failed(detail: str, remedy: str) -> Finding:
    return Finding(check="broker", verdict="fail", detail=detail, remedy=remedy)
