"""The live feed: every committed entry, in order, to every listener in this process.

The book itself is the queue: a listener that was away reads the entries it missed from the
table, so the feed may drop a slow listener at any time and lose nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
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
    """This listener was too slow, or there is more than the feed knows of: it should resume from
    the table by its last seq."""


class FeedSubscription:
    """One listener's bounded queue: `take` what waits, `close` it when done."""

    def __init__(self, feed: "Feed") -> None:
        self._feed = feed
        self._waiting: list[FeedEvent] = []
        self._waker: asyncio.Future[None] | None = None
        self._overflown = False

    async def take(self, timeout_s: float) -> list[FeedEvent]:
        """All that waits, as soon as there is any; nothing after the time-out or a `nudge`.

        One listener waits at a time. Overflow when it was too slow, after what was kept."""
        if not self._waiting and not self._overflown:
            loop = asyncio.get_running_loop()
            self._waker = waker = loop.create_future()
            # A plain timer: entering a time-out context costs more than the event it waits for.
            timer = loop.call_later(timeout_s, _wake, waker)
            try:
                await waker
            finally:
                timer.cancel()
                self._waker = None
        taken, self._waiting = self._waiting, []
        if not taken and self._overflown:
            raise Overflow
        return taken

    def nudge(self) -> None:
        """Let the listener look up, though there may be nothing for it."""
        if self._waker is not None:
            _wake(self._waker)

    def close(self) -> None:
        self._feed.drop(self)

    def resume(self) -> None:
        """What follows is not all there is: after what waits the table is read."""
        self._overflown = True
        self.nudge()

    def offer(self, events: Sequence[FeedEvent]) -> None:
        if self._overflown:
            return
        if len(self._waiting) + len(events) > QUEUE_MAX:
            self._overflown = True
        else:
            self._waiting.extend(events)
        self.nudge()


def _wake(waker: "asyncio.Future[None]") -> None:
    if not waker.done():
        waker.set_result(None)


class Feed:
    """Fans committed entries out to subscriptions; lives on the event loop."""

    def __init__(self, last_seq: int = 0) -> None:
        self.last_seq = last_seq
        # Hears, on the event loop, what is being committed: time to prepare what is sent of it.
        self.on_made: Callable[[Sequence[FeedEvent]], None] = lambda _events: None
        self._subscriptions: set[FeedSubscription] = set()

    def subscribe(self) -> FeedSubscription:
        """Entries committed from now on."""
        subscription = FeedSubscription(self)
        self._subscriptions.add(subscription)
        return subscription

    def drop(self, subscription: FeedSubscription) -> None:
        self._subscriptions.discard(subscription)

    def prepare(self, events: Sequence[FeedEvent]) -> None:
        """Call on the event loop while their commit is under way. It may fail, and others may then
        have their numbers: nothing of them goes out before these very events are published."""
        if events and self._subscriptions:
            self.on_made(events)

    def publish(self, events: Sequence[FeedEvent], *, whole: bool = False) -> None:
        """Call on the event loop, after the commit, in commit order. `whole`: what lies between is
        none, though its numbers are missing."""
        if not events:
            return
        # Committed without our hearing of it: the answer of a database's server was lost, or a
        # command beside the hub wrote. (Numbers that a server skipped only cost a look.)
        missing = not whole and bool(self.last_seq) and events[0].seq > self.last_seq + 1
        self.last_seq = events[-1].seq
        for subscription in self._subscriptions:
            if missing:
                subscription.resume()
            else:
                subscription.offer(events)

    def nudge(self) -> None:
        """Let every listener look up: the hub stops."""
        for subscription in self._subscriptions:
            subscription.nudge()

    @property
    def listeners(self) -> int:
        return len(self._subscriptions)
