"""The entries of all processes that write a book, in one order, for the listeners of this one.

Numbers are given in the order of the commits. What this process commits itself is passed on at once
where nothing lies between it and what was passed on last; else the table is read behind that, and
everything follows from there. A number that is missing was taken back with its transaction.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from ledger.feed import FeedEvent
from ledger.place import Ear

# Notifications may be lost, and commands beside the hub give none.
POLL_S: Final = 2.0


# Entries behind a number, as they are told, in their order; a portion of them.
ReadBehind = Callable[[int], Sequence[FeedEvent]]


class JoinedFeed:
    """`publish` is called in order, by one thread at a time; `others_wrote` when there may be
    something that memory has not followed yet."""

    def __init__(
        self,
        ear: Ear,
        *,
        last_seq: int,
        read_behind: ReadBehind,
        publish: Callable[[Sequence[FeedEvent]], None],
        others_wrote: Callable[[], None],
        log: Callable[[str, str], None],
    ) -> None:
        self.published = last_seq
        self._ear = ear
        self._read_behind = read_behind
        self._publish = publish
        self._others_wrote = others_wrote
        self._log = log
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._problem = ""
        self._thread = threading.Thread(target=self._run, name="joined-feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ends.set()
        self._ear.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._ear.close()

    @property
    def state(self) -> str:
        """ok, or why others are only heard by looking."""
        return self._problem or "ok"

    def committed(self, events: Sequence[FeedEvent]) -> None:
        """In the writer's thread, after a commit of this process's own."""
        with self._lock:
            follows = events[0].seq == self.published + 1
            if follows and events[-1].seq == self.published + len(events):
                self._pass_on(events)
                return
        self._ear.wake()

    def look(self) -> None:
        """Pass on all that is behind what was passed on last."""
        while found := self._read_behind(self.published):
            with self._lock:
                self._pass_on([event for event in found if event.seq > self.published])

    def _pass_on(self, events: Sequence[FeedEvent]) -> None:
        if events:
            self._publish(events)
            self.published = events[-1].seq

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                self._ear.wait(POLL_S)
                problem = ""
            except OSError as error:
                problem = f"not told of commits: {error}"
            except Exception as error:  # noqa: BLE001 - without this thread boards hear no other process
                problem = f"not told of commits: {type(error).__name__}: {error}"
                self._ends.wait(POLL_S)
            try:
                self._others_wrote()
                self.look()
            except Exception as error:  # noqa: BLE001 - a server that restarts is waited for
                problem = f"entries not read: {type(error).__name__}"
            if problem and problem != self._problem:
                self._log("feed_of_others", problem)
            self._problem = problem
