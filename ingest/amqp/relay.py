"""Heartbeats go on to the shard that has the readings of their gateway.

Gateways publish them under a key of their own, which the hash would put anywhere; here each is
sent again under the key of telemetry, marked as what it is, and acknowledged once the broker has
it. One that comes twice says the same twice.
"""

import asyncio
from typing import Final

from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import DeliveryError
from pamqp import commands

from ingest.amqp.connecting import LOST
from ingest.amqp.topology import LEAF, STATUS_TYPE, TELEMETRY

_PERSISTENT: Final = 2


class Relay:
    """`incoming` delivers heartbeats, `outgoing` confirms what was published."""

    def __init__(self, incoming: AbstractChannel, outgoing: AbstractChannel) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._turn = asyncio.Lock()
        self._ended = False

    async def end(self) -> None:
        """Before the channel is closed: what is being written is out, and nothing follows; a frame
        of a channel that is closed costs the connection. What is open comes to the next worker."""
        self._ended = True
        async with self._turn:
            return

    async def delivered(self, message: DeliveredMessage) -> None:
        deliver = message.delivery
        if not isinstance(deliver, commands.Basic.Deliver):
            return
        tag = deliver.delivery_tag or 0
        try:
            sent = await self._sent_on(deliver.routing_key or "", message.body)
            async with self._turn:
                if self._ended:
                    return
                if sent:
                    await self._incoming.basic_ack(tag, wait=False)
                else:
                    await self._incoming.basic_nack(tag, requeue=True, wait=False)
        except LOST:
            return  # the line is lost; it comes again

    async def _sent_on(self, key: str, body: bytes) -> bool:
        """False: the broker did not take it, as while a queue has lost its leader."""
        head, _dot, _leaf = key.rpartition(".")
        properties = commands.Basic.Properties(delivery_mode=_PERSISTENT, message_type=STATUS_TYPE)
        try:
            await self._outgoing.basic_publish(
                body,
                exchange=TELEMETRY,
                routing_key=f"{head}.{LEAF[TELEMETRY]}",
                properties=properties,
            )
        except DeliveryError:
            return False
        return True
