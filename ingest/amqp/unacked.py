"""Which deliveries of a channel have been dealt with, so that one acknowledgement tells of many."""

from collections import deque
from collections.abc import Iterable


class Unacked:
    """Delivery tags in their order; numbers only, no I/O.

    AMQP's `multiple` acknowledges everything up to a tag, so a tag that is done waits until all
    before it are. Everything is done with sooner or later, whether it was stored or not."""

    def __init__(self) -> None:
        self._open: deque[int] = deque()
        self._done: set[int] = set()

    def __len__(self) -> int:
        return len(self._open)

    def delivered(self, tag: int) -> None:
        self._open.append(tag)

    def done(self, tags: Iterable[int]) -> int | None:
        """The tag up to which all may be acknowledged now; None when the oldest is still open."""
        self._done.update(tags)
        through = None
        while self._open and self._open[0] in self._done:
            through = self._open.popleft()
            self._done.discard(through)
        return through
