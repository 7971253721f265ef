"""The hub's single writer: one thread, one connection, group commit of whatever is queued.

A change is a function of a `UnitOfWork`. All changes waiting when the thread comes round share
one transaction and one sync; each has its own savepoint, so a change that fails takes nothing
else with it. A caller hears of its change only after the commit.

Where several processes write one book (ADR 0022) each transaction hears at its beginning what the
others have changed, and what is kept in memory follows before anything is decided.
"""

import asyncio
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from time import perf_counter
from typing import Final, Protocol, TypeVar, runtime_checkable

from ledger.changes import ChangeLog, Changes
from ledger.cursor import BEGIN_LOOK, Connection, Cursor
from ledger.feed import FeedEvent
from ledger.making import Making
from ledger.unit_of_work import UnitOfWork

T = TypeVar("T")

# Changes in one transaction: bounds how long the first waits for the last.
BATCH_MAX: Final = 256
# Where others write the book too a transaction takes up no more changes after so long, for they
# wait: a backlog of presses must not hold up the steps of alarms.
TURN_S: Final = 0.25
# Changes waiting: beyond it callers are refused, which a gateway answers by resending later.
QUEUE_MAX: Final = 20_000
# A book that has refused something is not well by a heartbeat for which there was room: either
# something that is kept as an entry was written since, or nothing was refused for so long. Gateways
# send what was refused again more often than that.
WELL_AGAIN_MS: Final = 10_000


class WriterBusy(Exception):  # noqa: N818
    """The queue of changes is full; try again later."""


class WriterClosed(Exception):  # noqa: N818
    """The hub is stopping."""


class Projection(Protocol):
    """State kept in memory beside the tables; dropped and read again after a failed commit."""

    def reload(self, cursor: Cursor) -> None: ...


@runtime_checkable
class Sharing(Protocol):
    """A connection to a book that others write, too."""

    log: ChangeLog

    def commit(self, *, tell: bool) -> str: ...


# Has it begun by a thread that has nothing to do, soon or never.
Beside = Callable[[Making], None]

# In the writer's thread, at the beginning of a transaction: what others have written.
Follow = Callable[[UnitOfWork, Changes], None]


class _Change:
    """`quiet`: nothing but a look at what others have written."""

    __slots__ = ("_begun", "apply", "future", "quiet")

    def __init__(self, apply: Callable[[UnitOfWork], object], *, quiet: bool = False) -> None:
        self.apply = apply
        self.quiet = quiet
        self.future: Future[object] = Future()
        self._begun = False

    def begins(self) -> bool:
        """False: who was cancelled while waiting wants nothing any more, and can't be told either;
        from here on nobody can be."""
        self._begun = self._begun or self.future.set_running_or_notify_cancel()
        return self._begun


# Says that a change is about to come, and is none.
_ROUSED: Final = _Change(lambda _unit: None, quiet=True)


class Writer:
    """Runs changes in order. `clock` gives the hub's time; `on_commit` gets the new entries
    (called in the writer's thread, after the commit and before the callers hear of it)."""

    def __init__(
        self,
        connection: Connection,
        clock: Callable[[], int],
        on_commit: Callable[[Sequence[FeedEvent]], None] = lambda _events: None,
        *,
        beside: Beside | None = None,
        turn_s: float | None = None,
        running_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`beside`: who makes what the screens are told while the disk has its turn; `turn_s`: the
        longest turn; None: as it is for a book that is shared or not."""
        self._connection = connection
        self._cursor = connection.cursor()
        self._sharing: Sharing | None = connection if isinstance(connection, Sharing) else None
        usual_s = math.inf if self._sharing is None else TURN_S
        self._turn_s = usual_s if turn_s is None else turn_s
        self._running_s = running_s
        # Taken from the queue for a turn that was over before they had theirs.
        self._left: deque[_Change] = deque()
        self._ending = False
        # Set where the parts in memory are put together.
        self.follow: Follow = lambda _unit, _changes: None
        self._looks = threading.Event()
        self._clock = clock
        self._on_commit = on_commit
        self._beside = beside
        self._projections: list[Projection] = []
        self._queue: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._started = self._closed = False
        self.commits = 0
        self.failures = 0
        # In all: until a transaction had its turn, and until its commit was answered.
        self.turn_s = 0.0
        self.commit_s = 0.0
        self.healthy = True
        self._refused_at_ms = 0
        self._stale = False
        if self._sharing is not None:
            # What others write while memory is being read comes again.
            self._sharing.log.restart(self._cursor)
        self._thread = threading.Thread(target=self._run, name="record-writer", daemon=True)

    def attach(self, projection: Projection) -> None:
        """Load a projection and keep it true; before `start` only."""
        projection.reload(self._cursor)
        self._projections.append(projection)

    def start(self) -> None:
        self._started = True
        self._thread.start()

    def close(self) -> None:
        """Finish what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            if self._thread.is_alive():
                self._thread.join()
            self._connection.close()

    def submit(self, apply: Callable[[UnitOfWork], T]) -> "Future[T]":
        """Queue a change; the future resolves after the commit, in the writer's thread."""
        if self._closed:
            raise WriterClosed
        if self._queue.qsize() >= QUEUE_MAX:
            raise WriterBusy
        change = _Change(apply)
        self._queue.put(change)
        return change.future  # type: ignore[return-value]  # holds what `apply` returns

    def rouse(self) -> None:
        """A change is about to come: what is still to be read of it is read while the thread wakes
        up. From any thread."""
        if self._started and self._queue.empty():
            self._queue.put(_ROUSED)

    async def change(self, apply: Callable[[UnitOfWork], T]) -> T:
        """Queue a change and await its commit."""
        return await asyncio.wrap_future(self.submit(apply))

    def look(self) -> None:
        """Others may have written: let what is in memory follow soon. From any thread."""
        if self._sharing is not None and not self._looks.is_set() and not self._closed:
            self._looks.set()
            self._queue.put(_Change(lambda _unit: None, quiet=True))

    async def run(self, apply: Callable[[Cursor], T]) -> T:
        """A change that needs nothing but the cursor."""
        return await self.change(lambda unit: apply(unit.cursor))

    @property
    def waiting(self) -> int:
        """Changes that are not in a transaction yet."""
        return self._queue.qsize() + len(self._left)

    @property
    def idle(self) -> bool:
        return self._queue.empty() and not self._left

    def step(self) -> None:
        """One round in the caller's thread, for a caller that never starts ours."""
        if not self.idle:
            self._round()

    def _run(self) -> None:
        while not self._round():
            pass

    def _round(self) -> bool:
        """Wait for a change and commit it with all that wait; True when asked to end."""
        batch = list(self._left)
        self._left.clear()
        while len(batch) < BATCH_MAX and not self._ending:
            try:
                following = self._queue.get(block=not batch)
            except queue.Empty:
                break
            if following is None:
                self._ending = True
            elif following is not _ROUSED:
                batch.append(following)
        self._commit(batch)
        return self._ending and not self._left

    def _commit(self, batch: Sequence[_Change]) -> None:
        """One transaction for the batch; afterwards every caller hears how it went."""
        batch = [change for change in batch if change.begins()]
        if not batch:
            return
        self._looks.clear()
        now_ms = self._clock()
        unit = UnitOfWork(self._cursor, now_ms)
        done: list[tuple[_Change, object]] = []
        failed: list[tuple[_Change, Exception]] = []
        told: Making | None = None
        try:
            # Nobody waits for a transaction that only reads.
            quiet = all(change.quiet for change in batch)
            began_s = perf_counter()
            self._cursor.execute(BEGIN_LOOK if quiet else "BEGIN IMMEDIATE")
            self.turn_s += perf_counter() - began_s
            self._catch_up(unit)
            until_s = self._running_s() + self._turn_s
            for at, change in enumerate(batch):
                if at and self._running_s() > until_s:
                    self._left.extend(batch[at:])
                    batch = batch[:at]
                    break
                self._apply(unit, change, len(batch) > 1, done, failed)
            told = self._told(unit)
            ends_s = perf_counter()
            self._cursor.execute(self._end(tell=told is not None))
            self.commit_s += perf_counter() - ends_s
            refused = any(isinstance(e, self._connection.OperationalError) for _c, e in failed)
            self._judge(now_ms, refused=refused, wrote=told is not None)
        except Exception as error:  # noqa: BLE001 - every caller must hear of it, whatever it is
            if isinstance(error, self._connection.Error):
                self._judge(now_ms, refused=True, wrote=False)
            if told is not None:
                told.drop()
                told = None
            self._abandon()
            done, failed = [], [(change, error) for change in batch]
        self.commits += 1
        if told is not None:
            self._on_commit(self._made(unit, told))
        for change, result in done:
            change.future.set_result(result)
        for change, failure in failed:
            self.failures += 1
            change.future.set_exception(failure)

    def _told(self, unit: UnitOfWork) -> Making | None:
        """What the screens hear of it; None: nothing. What asks the book is made now, and where it
        can't be nothing is committed."""
        if not unit.tells:
            return None
        if self._beside is None or not unit.told_beside:
            events = unit.feed_events()
            return Making(lambda: events)
        told = Making(unit.feed_events)
        self._beside(told)
        return told

    def _made(self, unit: UnitOfWork, told: Making) -> Sequence[FeedEvent]:
        """It is committed, so it is told, and be it that it happened alone."""
        events = told.take()
        if events is None:
            self.failures += 1
            events = unit.feed_events(bare=True)
        return events

    def _judge(self, now_ms: int, *, refused: bool, wrote: bool) -> None:
        """Whether the book takes what it is given."""
        if refused:
            self._refused_at_ms, self.healthy = now_ms, False
        elif wrote or not 0 <= now_ms - self._refused_at_ms < WELL_AGAIN_MS:
            self.healthy = True

    def _end(self, *, tell: bool) -> str:
        return "COMMIT" if self._sharing is None else self._sharing.commit(tell=tell)

    def _catch_up(self, unit: UnitOfWork) -> None:
        """What is in memory is true from here to the end of the transaction."""
        changes = Changes({}) if self._sharing is None else self._sharing.log.take()
        if self._stale or changes is None:
            self._reload()
        elif changes:
            self.follow(unit, changes)

    def _apply(
        self,
        unit: UnitOfWork,
        change: _Change,
        shared: bool,
        done: list[tuple[_Change, object]],
        failed: list[tuple[_Change, Exception]],
    ) -> None:
        """Run one change; alone in its transaction it needs no savepoint."""
        if not shared:
            done.append((change, change.apply(unit)))
            return
        mark = unit.mark()
        self._cursor.execute("SAVEPOINT change")
        try:
            done.append((change, change.apply(unit)))
        except Exception as error:  # noqa: BLE001 - handed to the caller of this change
            self._cursor.execute("ROLLBACK TO change")
            unit.rewind(mark)
            failed.append((change, error))
            self._reload()
        self._cursor.execute("RELEASE change")

    def _abandon(self) -> None:
        try:
            if self._connection.in_transaction:
                self._cursor.execute("ROLLBACK")
            self._reload()
        except self._connection.Error:
            # The file or the server is in trouble; the next change meets the same error and says
            # so, or begins with what could not be read now.
            self.failures += 1
            self._stale = True

    def _reload(self) -> None:
        if self._sharing is not None:
            self._sharing.log.restart(self._cursor)
        for projection in self._projections:
            projection.reload(self._cursor)
        self._stale = False
