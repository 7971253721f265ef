"""What the screens are told of a commit, made beside its sync.

    writer's thread   statements, then COMMIT: the disk's turn      takes what was made, or makes it
    somebody else                      has time, and makes it

What it is made of changes with the writer's next transaction only, and the writer does not go on
before it has it. Whoever comes first makes it, so nobody is waited for who has not begun.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from ledger.feed import FeedEvent

# Entries that are made beside a commit: more take longer than a sync, and the loop has others to
# serve. A press that opens its alarm has four.
BESIDE_MAX: Final = 8


class Making:
    def __init__(self, make: Callable[[], Sequence[FeedEvent]]) -> None:
        self._make = make
        self._begun = threading.Lock()
        self._ended = threading.Lock()
        self._events: Sequence[FeedEvent] | None = None
        self._ended.acquire()

    def begin(self) -> Sequence[FeedEvent]:
        """From any thread: what was made, which may still fail to be committed; nothing where
        somebody has begun."""
        if not self._begun.acquire(blocking=False):
            return ()
        try:
            made = self._events = self._make()
        except Exception:  # noqa: BLE001 - whoever takes it finds nothing, and says so
            made, self._events = (), None
        finally:
            self._ended.release()
        return made

    def take(self) -> Sequence[FeedEvent] | None:
        """By the writer, once; None: it could not be made."""
        self.begin()
        self._ended.acquire()
        return self._events

    def drop(self) -> None:
        """There is nothing to tell; afterwards nobody looks at what it would be made of."""
        if not self._begun.acquire(blocking=False):
            self._ended.acquire()
