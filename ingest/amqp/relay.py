"""Heartbeats go on to the shard that has the readings of their gateway.

Gateways publish them under a key of their own, which the hash would put anywhere; here each is
sent again under the key of telemetry, marked as what it is, and acknowledged once the broker has
it. One that comes twice says the same twice.
"""

from typing import Final

from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import AMQPError
from pamqp import commands

from ingest.amqp.topology import LEAF, STATUS_TYPE, TELEMETRY

_PERSISTENT: Final = 2


class Relay:
    """`incoming` delivers heartbeats, `outgoing` confirms what was published."""

    def __init__(self, incoming: AbstractChannel, outgoing: AbstractChannel) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    async def delivered(self, message: DeliveredMessage) -> None:
        deliver = message.delivery
        if not isinstance(deliver, commands.Basic.Deliver):
            return
        head, _dot, _leaf = (deliver.routing_key or "").rpartition(".")
        try:
            await self._outgoing.basic_publish(
                message.body,
                exchange=TELEMETRY,
                routing_key=f"{head}.{LEAF[TELEMETRY]}",
                properties=commands.Basic.Properties(
                    delivery_mode=_PERSISTENT, message_type=STATUS_TYPE
                ),
            )
            await self._incoming.basic_ack(deliver.delivery_tag or 0, wait=False)
        except (AMQPError, OSError):
            return  # the line is lost; it comes again
