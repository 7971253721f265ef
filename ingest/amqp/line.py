"""One attachment to the broker, from its connections to their end: what comes in, what is
acknowledged, what goes out. It is not mended: whoever has it makes another.

Two connections: a broker that is short of memory or disk stops reading from those that publish,
and our acknowledgements of what it holds must get through all the same.
"""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from pamqp import commands

from ingest.amqp.connecting import CONNECT_TIMEOUT_S, LOST, AmqpAddress, AmqpError, connect
from ingest.amqp.declaring import declare
from ingest.amqp.shard_in import CONSUME_TIMEOUT_S, ShardIn
from ingest.amqp.sharing import TICK_KEPT_MS, TICK_S, Sharing
from ingest.amqp.topology import (
    EXCHANGE,
    TELEMETRY,
    TICK_TYPE,
    Stream,
    key_of,
    opening_of,
    shard_of,
    tag_of,
)
from ingest.mqtt.session import NO_MATCHING_SUBSCRIBERS, Message

# Two connections, what is missing at the broker, and a consumer for each queue: seconds, where a
# cluster has to choose leaders.
OPEN_TIMEOUT_S: Final = 30.0
# A consumer that the broker has taken away is found out so soon: it tells in a frame that the
# library keeps to itself.
WATCH_S: Final = 1.0
# Publications that the broker has not confirmed; beyond it the other side asks again.
UNCONFIRMED_MAX: Final = 10_000
_PERSISTENT: Final = 2
_PASSING: Final = 1


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
        self._name = ""
        self._incoming: AbstractConnection | None = None
        self._connections: list[AbstractConnection] = []
        self._stream: Stream | None = None
        self._closed = False
        self._shards: dict[int, ShardIn] = {}
        self._openings: dict[int, int] = {}
        # The shards that the broker has given us, and by which of their channels. Another thread
        # may look at it: it is made anew and never changed.
        self.taken: dict[int, int] = {}
        # Given back because something failed here; others are not told that we could have more.
        self._resting: set[int] = set()
        self._sharing = Sharing(uuid.uuid4().hex)
        self._outgoing: Channel | None = None
        self._sending: set[asyncio.Task[int]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def open(
        self, address: AmqpAddress, attempt: int, log: Callable[[str, str], None]
    ) -> None:
        """AmqpError; `close` is owed in any case."""
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await self._open(address, attempt, log)
        except LOST as error:
            raise AmqpError(str(error) or type(error).__name__) from error

    async def _open(
        self, address: AmqpAddress, attempt: int, log: Callable[[str, str], None]
    ) -> None:
        self._name = address.name
        self._incoming = incoming = await self._connect(address, attempt)
        _channel, self._outgoing = await self._channel(await self._connect(address, attempt), 0)
        queues = await self._queues(incoming, log)
        for shard, queue in enumerate(queues):
            await self._hear(shard, queue)
        workers: Channel | None = None
        if self._stream is not None:
            workers = await self._hear_workers(incoming, self._stream)
            self._begin(self._tick(self._stream))
        self._begin(self._watch(workers))

    async def _connect(self, address: AmqpAddress, attempt: int) -> AbstractConnection:
        connection = await connect(address, attempt)
        self._connections.append(connection)
        connection.close_callbacks.add(lambda _connection, error: self._end(error))
        return connection

    async def _channel(
        self, connection: AbstractConnection, window: int, shard_in: ShardIn | None = None
    ) -> tuple[AbstractChannel, Channel]:
        """Its end is the line's, but for the channel of a shard that was given back."""
        channel = connection.channel(publisher_confirms=not window)
        await channel.initialize()
        if window:
            await channel.set_qos(prefetch_count=window)
        under = await channel.get_underlay_channel()
        if not isinstance(under, Channel):
            raise AmqpError(f"a channel of another kind: {type(under).__name__}")

        def closing(done: "asyncio.Future[object]") -> None:
            if shard_in is None or not shard_in.given_back:
                self._end(None if done.cancelled() else done.exception())

        under.closing.add_done_callback(closing)
        return channel, under

    async def _queues(
        self, connection: AbstractConnection, log: Callable[[str, str], None]
    ) -> tuple[str, ...]:
        if self._sources.stream is not None:
            self._stream = await declare(connection, self._sources.stream, log)
            return self._stream.queues
        if self._sources.reached is not None:
            await declare(connection, self._sources.reached, log)
        channel = connection.channel()
        await channel.initialize()
        queue = await channel.declare_queue(exclusive=True)
        for topic in self._sources.topics:
            await queue.bind(EXCHANGE, key_of(topic))
        return (queue.name,)

    async def _hear(self, shard: int, queue: str) -> None:
        if self._incoming is None:
            raise AmqpError("no connection")
        opening = self._openings[shard] = self._openings.get(shard, -1) + 1
        its = ShardIn(queue, shard, opening, on_message=self._came, on_taken=self._took)
        channel, under = await self._channel(self._incoming, self._sources.window, its)
        self._shards[shard] = its
        await its.consume(channel, under, f"{self._name}/{queue}")

    async def _send_on(self, its: ShardIn) -> None:
        """The heartbeats of a shard of readings that has become ours."""
        if self._incoming is None or self._outgoing is None:
            return
        try:
            _channel, channel = await self._channel(self._incoming, self._sources.window, its)
            await its.send_on(channel, self._outgoing, self._name)
        except LOST as error:
            if not its.given_back:
                self._end(error)

    async def _hear_workers(self, connection: AbstractConnection, stream: Stream) -> Channel:
        """What the workers of this stream say goes to each of them apart from the shards, in which
        it may wait behind a day's readings."""
        channel, under = await self._channel(connection, self._sources.window)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(stream.workers)
        await under.basic_consume(
            queue.name, self._worker_said, no_ack=True, timeout=CONSUME_TIMEOUT_S
        )
        return under

    async def _watch(self, workers: Channel | None) -> None:
        """Each channel with its consumer."""

        def heard() -> bool:
            shards = all(its.heard for its in self._shards.values())
            return shards and (workers is None or bool(workers.consumers))

        while heard():  # noqa: ASYNC110 - the library tells it no other way
            await asyncio.sleep(WATCH_S)
        self._end(AmqpError("the broker has taken a queue away"))

    async def close(self) -> None:
        # The library may take a task's end for its own: what goes round looks by itself.
        self._closed = True
        for task in (*self._tasks, *self._sending):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._sending, return_exceptions=True)
        for connection in self._connections:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await connection.close()
            except LOST:
                continue  # it is as good as closed

    def _begin(self, part: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(part)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Which shards are ours.

    @property
    def shards(self) -> int:
        """How many there are; 0: it is no stream that is heard, or not known yet."""
        return 0 if self._stream is None else self._stream.shards

    def give_back(self, shard: int, rest_s: float) -> None:
        """The next worker gets it, and what we have not acknowledged. We queue up for it again:
        behind the others, after so long."""
        its = self._shards.pop(shard, None)
        self._count()
        if its is not None:
            if rest_s:
                self._resting.add(shard)
            self._begin(self._give(its, rest_s))

    async def _give(self, its: ShardIn, rest_s: float) -> None:
        try:
            await its.give_back()
            await asyncio.sleep(rest_s)
            await self._hear(its.shard, its.queue)
        except Exception as error:  # noqa: BLE001 - else this shard would never be heard here again
            self._end(error)
        self._resting.discard(its.shard)

    def _took(self, its: ShardIn) -> None:
        self._count()
        self._on_taken(its.queue)
        if self._stream is not None and self._stream.name == TELEMETRY:
            self._begin(self._send_on(its))

    def _count(self) -> None:
        self.taken = {shard: its.opening for shard, its in self._shards.items() if its.taken}

    async def _tick(self, stream: Stream) -> None:
        """Every shard hears that it is somebody's, and every worker what the others have."""
        loop = asyncio.get_running_loop()
        while not self._closed:
            mine = self.taken
            await self._say(stream, self._sharing.says(None if self._resting else len(mine)))
            if not self._resting and self._sharing.gives(len(mine), loop.time()):
                self.give_back(max(mine), 0)
            await asyncio.sleep(TICK_S)

    async def _say(self, stream: Stream, body: bytes) -> None:
        if self._outgoing is None:
            return
        properties = commands.Basic.Properties(
            delivery_mode=_PASSING, message_type=TICK_TYPE, expiration=str(TICK_KEPT_MS)
        )
        try:
            await self._outgoing.basic_publish(
                body, exchange=stream.workers, properties=properties, timeout=TICK_S
            )
        except LOST:
            return  # a shard without a leader, for now: the next tick is for it

    async def _worker_said(self, message: DeliveredMessage) -> None:
        self._sharing.heard(message.body, asyncio.get_running_loop().time())

    # What comes in.

    def _came(self, message: Message) -> None:
        if not self.lost.done():
            self._on_message(message)

    async def ack(self, numbers: Iterable[int]) -> None:
        """Those of shards that are no longer ours come to somebody else."""
        by_shard: dict[tuple[int, int], list[int]] = {}
        for number in numbers:
            key = (shard_of(number), opening_of(number))
            by_shard.setdefault(key, []).append(tag_of(number))
        for (shard, opening), tags in by_shard.items():
            its = self._shards.get(shard)
            if its is not None and its.opening == opening and not self.lost.done():
                await its.ack(tags)

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
        except LOST as error:
            raise AmqpError(str(error) or type(error).__name__) from error
        return 0 if isinstance(answer, commands.Basic.Ack) else NO_MATCHING_SUBSCRIBERS

    def _end(self, error: BaseException | None) -> None:
        if not self.lost.done():
            self.lost.set_result(str(error) if error else "closed by the broker")
