"""The live feed: every committed entry, in order, to every listener in this process.

The book itself is the queue: a listener that was away reads the entries it missed from the
table, so the feed may drop a slow listener at any time and lose nothing.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# A browser that lags by this many entries is told to reload instead of costing the hub memory.
QUEUE_MAX: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One committed entry; `payload` is the JSON text of the event's data, made once for all."""

    seq: int
    topic: str
    region: str | None
    payload: bytes


class Overflow(Exception):  # noqa: N818 - it is a signal to resume from the book, not a failure
    """This listener was too slow; it should resume from the table by its last seq."""


class FeedSubscription:
    """One listener's bounded queue. Iterate it; close it when done."""

    def __init__(self, feed: "Feed") -> None:
        self._feed = feed
        self._queue: deque[FeedEvent] = deque()
        self._wake = asyncio.Event()
        self._overflown = False

    def __aiter__(self) -> "FeedSubscription":
        return self

    async def __anext__(self) -> FeedEvent:
        while not self._queue:
            if self._overflown:
                raise Overflow
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()

    def close(self) -> None:
        self._feed.drop(self)

    def offer(self, events: Sequence[FeedEvent]) -> None:
        if self._overflown:
            return
        if len(self._queue) + len(events) > QUEUE_MAX:
            self._overflown = True
        else:
            self._queue.extend(events)
        self._wake.set()


class Feed:
    """Fans committed entries out to subscriptions; lives on the event loop."""

    def __init__(self, last_seq: int = 0) -> None:
        self.last_seq = last_seq
        self._subscriptions: set[FeedSubscription] = set()

    def subscribe(self) -> FeedSubscription:
        """Entries committed from now on."""
        subscription = FeedSubscription(self)
        self._subscriptions.add(subscription)
        return subscription

    def drop(self, subscription: FeedSubscription) -> None:
        self._subscriptions.discard(subscription)

    def publish(self, events: Sequence[FeedEvent]) -> None:
        """Call on the event loop, after the commit, in commit order."""
        if not events:
            return
        self.last_seq = events[-1].seq
        for subscription in self._subscriptions:
            subscription.offer(events)

    @property
    def listeners(self) -> int:
        return len(self._subscriptions)
