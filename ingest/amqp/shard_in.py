"""One queue that is heard, on a channel of its own: what comes, and what is acknowledged. Whoever
has a shard of readings sends the heartbeats on that lie in the queue of the same number.

A channel of its own, so that a shard can be given back by itself: with its channel its consumer
ends, what was not acknowledged goes to the next worker, and no other shard waits.
"""

import contextlib
from collections.abc import Callable, Iterable
from typing import Final

from aio_pika.abc import AbstractChannel
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from pamqp import commands

from ingest.amqp.acking import Acking
from ingest.amqp.connecting import LOST
from ingest.amqp.relay import Relay
from ingest.amqp.topology import STATUS, TICK_TYPE, number_of, queue_of, topic_of
from ingest.mqtt.session import Message

# RabbitMQ 3.10 may leave a consumer unanswered for a minute whose queue was without a leader in
# that moment, as all are when a node has just come back; a new connection is answered at once.
CONSUME_TIMEOUT_S: Final = 5.0


class ShardIn:
    """`opening`: how many channels of this shard its line has had; `taken`: whether the broker has
    made us the one that hears it, known by the first delivery."""

    def __init__(
        self,
        queue: str,
        shard: int,
        opening: int,
        *,
        on_message: Callable[[Message], None],
        on_taken: Callable[["ShardIn"], None],
    ) -> None:
        self.queue, self.shard, self.opening = queue, shard, opening
        self._on_message, self._on_taken = on_message, on_taken
        self._acking: Acking | None = None
        self._channel: AbstractChannel | None = None
        self._under: Channel | None = None
        self._heartbeats: Channel | None = None
        self._relay: Relay | None = None
        self._begun = False
        self.taken = False
        self.given_back = False

    async def consume(self, channel: AbstractChannel, under: Channel, tag: str) -> None:
        self._channel, self._under, self._acking = channel, under, Acking(under)
        await under.basic_consume(
            self.queue, self._delivered, consumer_tag=tag, timeout=CONSUME_TIMEOUT_S
        )
        self._begun = True

    async def send_on(self, channel: Channel, outgoing: Channel, name: str) -> None:
        """Its heartbeats, from now on; of a shard that was given back meanwhile none."""
        queue = queue_of(STATUS, self.shard)
        relay = Relay(channel, outgoing)
        await channel.basic_consume(
            queue,
            relay.delivered,
            consumer_tag=f"{name}/{queue}",
            timeout=CONSUME_TIMEOUT_S,
        )
        self._heartbeats, self._relay = channel, relay
        if self.given_back:
            await self._end_relay()

    @property
    def heard(self) -> bool:
        """Whether our consumers are still there, once they were."""
        heartbeats = self._heartbeats is None or bool(self._heartbeats.consumers)
        readings = not self._begun or (self._under is not None and bool(self._under.consumers))
        return readings and heartbeats

    async def give_back(self) -> None:
        """Nothing that comes afterwards is handed on, and nothing is acknowledged."""
        self.given_back = True
        if self._acking is not None:
            await self._acking.end()
        await self._end_relay()
        if self._channel is not None:
            await self._leave(self._channel)

    async def _end_relay(self) -> None:
        if self._relay is not None and self._heartbeats is not None:
            await self._relay.end()
            await self._leave(self._heartbeats)

    async def _leave(self, channel: AbstractChannel | Channel) -> None:
        with contextlib.suppress(*LOST):
            await channel.close()

    async def _delivered(self, message: DeliveredMessage) -> None:
        deliver = message.delivery
        if (
            not isinstance(deliver, commands.Basic.Deliver)
            or self._acking is None
            or self.given_back
        ):
            return
        tag = deliver.delivery_tag or 0
        self._acking.delivered(tag)
        if not self.taken:
            self.taken = True
            self._on_taken(self)
        kind = message.header.properties.message_type
        if kind == TICK_TYPE:
            await self.ack((tag,))
            return
        topic = topic_of(deliver.routing_key or "", kind)
        number = number_of(tag, self.shard, self.opening)
        self._on_message((topic, message.body, number))

    async def ack(self, tags: Iterable[int]) -> None:
        """All that is done with, as far as nothing older is open."""
        if self._acking is not None and not self.given_back:
            await self._acking.ack(tags)
