"""One attachment to the broker, from its connections to their end: what comes in, what is
acknowledged, what goes out. It is not mended: whoever has it makes another.

Two connections: a broker that is short of memory or disk stops reading from those that publish,
and our acknowledgements of what it holds must get through all the same.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import AMQPError
from pamqp import commands

from ingest.amqp.acking import Acking
from ingest.amqp.connecting import CONNECT_TIMEOUT_S, AmqpAddress, AmqpError, connect
from ingest.amqp.declaring import declare
from ingest.amqp.relay import Relay
from ingest.amqp.topology import (
    EXCHANGE,
    STATUS_QUEUE,
    TELEMETRY,
    Stream,
    key_of,
    number_of,
    tag_of,
    topic_of,
)
from ingest.mqtt.session import NO_MATCHING_SUBSCRIBERS, Message

# Two connections, what is missing at the broker, and a consumer for each queue: seconds, where a
# cluster has to choose leaders.
OPEN_TIMEOUT_S: Final = 30.0
# RabbitMQ 3.10 may leave a consumer unanswered for a minute whose queue was without a leader in
# that moment, as all are when a node has just come back; a new connection is answered at once.
CONSUME_TIMEOUT_S: Final = 5.0
# A consumer that the broker has taken away is found out so soon: it tells in a frame that the
# library keeps to itself.
WATCH_S: Final = 1.0
# Publications that the broker has not confirmed; beyond it the other side asks again.
UNCONFIRMED_MAX: Final = 10_000
_PERSISTENT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is listened to: the shards of a stream, or the topics of one gateway in a queue that
    lives as long as the connection. `window`: messages sent ahead of our acknowledgements, from
    each queue. `reached`: the stream that what we say goes into, where nobody may be yet who has
    made it."""

    stream: Stream | None = None
    topics: tuple[str, ...] = ()
    reached: Stream | None = None
    window: int


class Line:
    """`lost` is set, with the reason, when any part of it has ended."""

    def __init__(
        self,
        sources: Sources,
        on_message: Callable[[Message], None],
        on_taken: Callable[[str], None],
    ) -> None:
        self._sources = sources
        self._on_message = on_message
        self._on_taken = on_taken
        self._connections: list[AbstractConnection] = []
        self._acking: Acking | None = None
        # The shards that the broker has given us, known by their first delivery.
        self.taken: set[str] = set()
        self._incoming: Channel | None = None
        self._outgoing: Channel | None = None
        self._sending: set[asyncio.Task[int]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def open(
        self, address: AmqpAddress, attempt: int, log: Callable[[str, str], None]
    ) -> None:
        """AmqpError; `close` is owed in any case."""
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await self._open(address, attempt, log)
        except (AMQPError, TimeoutError) as error:
            raise AmqpError(str(error) or type(error).__name__) from error

    async def _open(
        self, address: AmqpAddress, attempt: int, log: Callable[[str, str], None]
    ) -> None:
        incoming = await self._connect(address, attempt)
        self._outgoing = await self._channel(await self._connect(address, attempt), 0)
        queues = await self._queues(incoming, log)
        self._incoming = await self._channel(incoming, self._sources.window)
        self._acking = Acking(self._incoming)
        for shard, queue in enumerate(queues):
            await self._incoming.basic_consume(
                queue,
                partial(self._delivered, queue, shard),
                consumer_tag=f"{address.name}/{queue}",
                timeout=CONSUME_TIMEOUT_S,
            )
        hearing = [(self._incoming, len(queues))]
        if self._sources.stream is not None and self._sources.stream.name == TELEMETRY:
            hearing.append((await self._relay(incoming, address.name), 1))
        self._tasks.append(asyncio.create_task(self._watch(hearing)))

    async def _connect(self, address: AmqpAddress, attempt: int) -> AbstractConnection:
        connection = await connect(address, attempt)
        self._connections.append(connection)
        connection.close_callbacks.add(lambda _connection, error: self._end(error))
        return connection

    async def _channel(self, connection: AbstractConnection, window: int) -> Channel:
        channel = connection.channel(publisher_confirms=not window)
        await channel.initialize()
        if window:
            await channel.set_qos(prefetch_count=window)
        under = await channel.get_underlay_channel()
        if not isinstance(under, Channel):
            raise AmqpError(f"a channel of another kind: {type(under).__name__}")
        under.closing.add_done_callback(self._closing)
        return under

    async def _queues(
        self, connection: AbstractConnection, log: Callable[[str, str], None]
    ) -> tuple[str, ...]:
        if self._sources.stream is not None:
            return (await declare(connection, self._sources.stream, log)).queues
        if self._sources.reached is not None:
            await declare(connection, self._sources.reached, log)
        channel = connection.channel()
        await channel.initialize()
        queue = await channel.declare_queue(exclusive=True)
        for topic in self._sources.topics:
            await queue.bind(EXCHANGE, key_of(topic))
        return (queue.name,)

    async def _relay(self, connection: AbstractConnection, name: str) -> Channel:
        if self._outgoing is None:
            raise AmqpError("no connection")
        channel = await self._channel(connection, self._sources.window)
        relay = Relay(channel, self._outgoing)
        await channel.basic_consume(
            STATUS_QUEUE,
            relay.delivered,
            consumer_tag=f"{name}/{STATUS_QUEUE}",
            timeout=CONSUME_TIMEOUT_S,
        )
        return channel

    async def _watch(self, hearing: Sequence[tuple[Channel, int]]) -> None:
        """Each channel with as many consumers as it began with."""
        while all(len(channel.consumers) >= count for channel, count in hearing):  # noqa: ASYNC110 - the library tells it no other way
            await asyncio.sleep(WATCH_S)
        self._end(AmqpError("the broker has taken a queue away"))

    async def close(self) -> None:
        for task in (*self._tasks, *self._sending):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._sending, return_exceptions=True)
        for connection in self._connections:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await connection.close()
            except (OSError, TimeoutError, AMQPError, aio_pika.exceptions.AMQPError):
                continue  # it is as good as closed

    # What comes in.

    async def _delivered(self, queue: str, shard: int, message: DeliveredMessage) -> None:
        deliver = message.delivery
        if not isinstance(deliver, commands.Basic.Deliver) or self.lost.done():
            return
        tag = deliver.delivery_tag or 0
        if self._acking is not None:
            self._acking.delivered(tag)
        if queue not in self.taken:
            self.taken.add(queue)
            self._on_taken(queue)
        topic = topic_of(deliver.routing_key or "", message.header.properties.message_type)
        self._on_message((topic, message.body, number_of(tag, shard)))

    async def ack(self, numbers: Iterable[int]) -> None:
        """All that is done with, as far as nothing older is open."""
        if self._acking is not None and not self.lost.done():
            await self._acking.ack(tag_of(number) for number in numbers)

    # What goes out.

    @property
    def can_send(self) -> bool:
        ready = self._outgoing is not None and not self.lost.done()
        return ready and len(self._sending) < UNCONFIRMED_MAX

    def send(self, topic: str, payload: bytes) -> "asyncio.Task[int]":
        """In the order of the calls; the answer is the broker's."""
        task = asyncio.create_task(self._publish(topic, payload))
        self._sending.add(task)
        task.add_done_callback(self._sent)
        return task

    def _sent(self, task: "asyncio.Task[int]") -> None:
        self._sending.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits for it hears of it; the others ask again

    async def _publish(self, topic: str, payload: bytes) -> int:
        """0, or MQTT's reason where nobody listens there; AmqpError without an answer."""
        if self._outgoing is None:
            raise AmqpError("not connected")
        try:
            answer = await self._outgoing.basic_publish(
                payload,
                exchange=EXCHANGE,
                routing_key=key_of(topic),
                properties=commands.Basic.Properties(delivery_mode=_PERSISTENT),
                mandatory=True,
                timeout=CONNECT_TIMEOUT_S,
            )
        except (AMQPError, TimeoutError) as error:
            raise AmqpError(str(error) or type(error).__name__) from error
        return 0 if isinstance(answer, commands.Basic.Ack) else NO_MATCHING_SUBSCRIBERS

    def _closing(self, done: "asyncio.Future[object]") -> None:
        self._end(None if done.cancelled() else done.exception())

    def _end(self, error: BaseException | None) -> None:
        if not self.lost.done():
            self.lost.set_result(str(error) if error else "closed by the broker")
