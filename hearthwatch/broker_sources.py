"""The hub's connections to its broker, over MQTT or, at RabbitMQ, by AMQP: as hub.toml says."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from contract import topics
from contract.config import ConfigError
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.broker_session import broker_address, session_config, tls_context
from ingest.amqp.topology import ACTIVATION, TELEMETRY, Stream
from ingest.mqtt.asyncio_client import AsyncioClient
from ingest.mqtt.blocking_client import BlockingClient
from ingest.mqtt.session import Message
from ingest.readings_lane import ReadingsSource
from ingest.urgent_lane import MessageLink

if TYPE_CHECKING:
    # Whoever speaks MQTT need not have the library.
    from ingest.amqp.blocking_client import BlockingAmqpClient
    from ingest.amqp.connecting import AmqpAddress

# Messages the broker may send ahead of our acknowledgements, on the activation and the readings
# side; at RabbitMQ divided among the shards.
URGENT_WINDOW: Final = 1000
READINGS_WINDOW: Final = 5000
# However many shards there are, each has so many on their way.
SHARD_WINDOW_MIN: Final = 32
# Answers to one press of the hub's own.
_TEST_WINDOW: Final = 10

Log = Callable[[str, str], None]
OnMessages = Callable[[list[Message], MessageLink], None]


class Source(Protocol):
    """A connection on the event loop, which `run` keeps up until it is cancelled."""

    connected: asyncio.Event

    async def run(self) -> None: ...

    def publish_soon(self, topic: str, payload: bytes) -> bool: ...

    async def publish(self, topic: str, payload: bytes) -> int: ...


def urgent_source(broker: BrokerConfig, on_messages: OnMessages, log: Log) -> Source:
    if broker.rabbitmq is None:
        session = session_config(broker, "urgent", ("activation",), URGENT_WINDOW)
        return AsyncioClient(broker_address(broker), session, on_messages, log)
    from ingest.amqp.asyncio_client import AmqpClient
    from ingest.amqp.line import Sources

    shards = broker.rabbitmq.shards
    sources = Sources(stream=Stream(ACTIVATION, shards), window=_window(URGENT_WINDOW, shards))
    return AmqpClient(amqp_address(broker, "urgent"), sources, on_messages, log)


def readings_source(broker: BrokerConfig, log: Log) -> ReadingsSource:
    if broker.rabbitmq is None:
        session = session_config(broker, "readings", ("telemetry", "status"), READINGS_WINDOW)
        return BlockingClient(broker_address(broker), session, time.monotonic)
    return sharded_source(broker, log)


def sharded_source(broker: BrokerConfig, log: Log) -> "BlockingAmqpClient":
    """ConfigError where the broker has no shards."""
    if broker.rabbitmq is None:
        raise ConfigError("hub.toml: broker.kind", 'shards need kind = "rabbitmq"')
    from ingest.amqp.blocking_client import BlockingAmqpClient
    from ingest.amqp.line import Sources

    shards = broker.rabbitmq.shards
    sources = Sources(stream=Stream(TELEMETRY, shards), window=_window(READINGS_WINDOW, shards))
    return BlockingAmqpClient(amqp_address(broker, "readings"), sources, log)


def commands_source(broker: BrokerConfig, log: Log) -> Source:
    """For a process that hears no gateways and sends them commands."""
    # A session over MQTT must have a subscription: this gateway is nobody.
    nobody = f"{broker.client_id}-commands"
    if broker.rabbitmq is None:
        session = session_config(broker, "commands", ("status",), _TEST_WINDOW, nobody)
        return AsyncioClient(broker_address(broker), session, _taken, log)
    from ingest.amqp.asyncio_client import AmqpClient
    from ingest.amqp.line import Sources

    sources = Sources(topics=(topics.topic(nobody, "status"),), window=_TEST_WINDOW)
    return AmqpClient(amqp_address(broker, "commands"), sources, _taken, log)


def _taken(messages: list[Message], link: MessageLink) -> None:
    link.ack([packet_id for _topic, _payload, packet_id in messages if packet_id])


def gateway_source(broker: BrokerConfig, gateway: str, on_messages: OnMessages, log: Log) -> Source:
    """What a gateway of the hub's own hears; it is one by name, or by a user of its own."""
    leaves: Sequence[str] = ("ack", "command")
    if broker.rabbitmq is None:
        session = session_config(broker, "test", leaves, _TEST_WINDOW, gateway)
        return AsyncioClient(broker_address(broker), session, on_messages, log)
    from ingest.amqp.asyncio_client import AmqpClient
    from ingest.amqp.line import Sources

    heard = tuple(topics.topic(gateway, leaf) for leaf in leaves)
    # Its first press is not to be the first message of all, which nobody would hear.
    is_hub = broker.username != gateway
    reached = Stream(ACTIVATION, broker.rabbitmq.shards) if is_hub else None
    sources = Sources(topics=heard, window=_TEST_WINDOW, reached=reached)
    return AmqpClient(amqp_address(broker, "test"), sources, on_messages, log)


def _window(messages: int, shards: int) -> int:
    return max(messages // shards, SHARD_WINDOW_MIN)


def amqp_address(broker: BrokerConfig, name: str) -> "AmqpAddress":
    from ingest.amqp.connecting import AmqpAddress

    further = broker.rabbitmq.nodes if broker.rabbitmq is not None else ()
    return AmqpAddress(
        nodes=((broker.host, broker.port), *further),
        username=broker.username or "",
        password=broker.password or "",
        virtual_host=broker.rabbitmq.virtual_host if broker.rabbitmq is not None else "/",
        tls=tls_context(broker),
        name=f"{broker.client_id}-{name}",
    )
