"""Acknowledgements of one channel, one behind the other.

The library queues what is to be written, ten frames at most, and lets whoever waits for a place be
overtaken. An acknowledgement of many that comes behind a later one is of deliveries that the broker
knows no more, and it closes the channel for that.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from ingest.amqp.unacked import Unacked


class Acked(Protocol):
    """The channel."""

    async def basic_ack(
        self, delivery_tag: int, multiple: bool = False, wait: bool = True
    ) -> None: ...


class Acking:
    def __init__(self, channel: Acked) -> None:
        self._channel = channel
        self._unacked = Unacked()
        self._through = self._told = 0
        self._turn = asyncio.Lock()
        self._ended = False

    def delivered(self, tag: int) -> None:
        self._unacked.delivered(tag)

    async def ack(self, tags: Iterable[int]) -> None:
        """All that is done with, as far as nothing older is open; in one frame with whatever has
        been done with while this waited for its turn."""
        through = self._unacked.done(tags)
        if through is None:
            return
        self._through = through
        async with self._turn:
            if self._told < self._through and not self._ended:
                self._told = self._through
                await self._channel.basic_ack(self._told, multiple=True, wait=False)

    async def end(self) -> None:
        """Before the channel is closed: what is being written is out, and nothing follows. A frame
        of a channel that is closed costs the connection, and with it every shard."""
        self._ended = True
        async with self._turn:
            return
