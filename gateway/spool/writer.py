"""The thread of one lane: commits whatever is queued, then does what it was asked between commits.

Everything queued when the thread comes round shares one commit (and one sync of the disk), up to
COMMIT_ROWS_MAX. Nothing lingers: an idle lane commits a press at once. Each lane has a thread of
its own, so that telemetry folding its log never stands before an activation.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from contract.errors import ContractError
from contract.item import Item, Measurement
from gateway.spool.failures import SpoolFull, Unsynced, is_damage
from gateway.spool.lane import Lane
from gateway.spool.row import bearable, check

# Rows of one commit: a few milliseconds of writing, so that the next caller waits little.
COMMIT_ROWS_MAX: Final = 500

OnCommit = Callable[[Sequence[Item]], None]
# (measurements that were not accepted, code, detail)
OnRefused = Callable[[Sequence[Measurement], str, str], None]
Log = Callable[[str, str], None]


class Writer:
    """Callbacks run in the thread, after the commit, and must not block."""

    def __init__(
        self,
        name: str,
        lane: Lane,
        *,
        queue_max: int,
        now_ms: Callable[[], int],
        log: Log,
        disk_low: Callable[[], bool],
        release_reserve: Callable[[], bool],
    ) -> None:
        self.name = name
        self.lane = lane
        self.refused = 0
        self.on_commit: OnCommit = lambda _items: None
        self.on_refused: OnRefused = lambda _batch, _code, _detail: None
        self.on_rescued: Callable[[], None] = lambda: None
        self.on_found: Callable[[], None] = lambda: None
        self._queue_max = queue_max
        self._now_ms = now_ms
        self._log = log
        self._disk_low = disk_low
        self._release_reserve = release_reserve
        self._queue: queue.SimpleQueue[Sequence[Measurement] | Callable[[], None] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._run, name=f"spool-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Commit what is queued, then stop."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self.lane.close()

    def offer(self, batch: Sequence[Measurement]) -> bool:
        """Queue measurements, from any thread; False when too much waits already."""
        if self._queue.qsize() >= self._queue_max:
            self._refuse(batch, "queue_full", f"{self._queue_max} batches wait for the disk")
            return False
        self._queue.put(batch)
        return True

    def call(self, job: Callable[[], None]) -> None:
        """Run something in the thread, between commits."""
        self._queue.put(job)

    @property
    def idle(self) -> bool:
        return self._queue.empty()

    def step(self) -> None:
        """One round in the caller's thread, for a caller that never starts ours."""
        if not self.idle:
            self._round()

    # In the thread.

    def _run(self) -> None:
        while not self._round():
            pass

    def _round(self) -> bool:
        """Wait for work and do it; True when asked to end."""
        batch: list[Measurement] = []
        jobs: list[Callable[[], None]] = []
        ended = self._gather(batch, jobs)
        if batch:
            self._guarded(partial(self._commit, batch))
        for job in jobs:
            self._guarded(job)
        self._guarded(self.lane.tidy)
        if self.lane.found:
            self.lane.found = False
            self._guarded(self.on_found)
        return ended

    def _gather(self, batch: list[Measurement], jobs: list[Callable[[], None]]) -> bool:
        """Wait for work, then take all that is there; True when asked to end."""
        entry = self._queue.get()
        while entry is not None:
            if callable(entry):
                jobs.append(entry)
            else:
                batch += entry
            if len(batch) >= COMMIT_ROWS_MAX:
                return False
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return False
        return True

    def _guarded(self, job: Callable[[], None]) -> None:
        """Whatever a job raises, the thread goes on."""
        try:
            job()
        except sqlite3.Error as error:
            self._log("spool_job_failed", f"{self.name}: {error}")
            self._mend(error)
        except Exception as error:  # noqa: BLE001 - a lane without its thread accepts nothing
            self._log("spool_job_failed", f"{self.name}: {type(error).__name__}: {error}")

    def _mend(self, error: sqlite3.Error) -> None:
        try:
            if is_damage(error):
                self.lane.rescue(self._now_ms())
                self.on_rescued()
            else:
                self.lane.reopen()
        except (sqlite3.Error, OSError, SpoolFull) as worse:
            self._log("spool_not_mended", f"{self.name}: {worse}")

    def _commit(self, batch: Sequence[Measurement]) -> None:
        good: list[Measurement] = []
        for measurement in batch:
            try:
                check(measurement)
                good.append(measurement)
            except ContractError as error:
                self._refuse([measurement], error.code, f"{error.detail}; {measurement!r:.2000}")
                rest = bearable(measurement, error.code, self._now_ms())
                if rest is not None:
                    good.append(rest)
        if good:
            items = self._append(good)
            if items:
                self.on_commit(items)

    def _append(self, batch: Sequence[Measurement]) -> list[Item]:
        """One commit; a full disk gives its reserve, a failed connection gets one more try."""
        for last_try in (False, True):
            try:
                return self.lane.append(batch, disk_low=self._disk_low())
            except SpoolFull as error:
                if last_try or not self._release_reserve():
                    self._refuse(batch, "disk_full", str(error))
                    break
            except Unsynced as error:
                # No tone; the hub hears of them all the same.
                self._refuse(batch, "disk_error", str(error))
                break
            except sqlite3.Error as error:
                self._log("spool_write_failed", f"{self.name}: {error}")
                if last_try:
                    self._refuse(batch, "disk_error", str(error))
                    break
                if is_damage(error):
                    self._mend(error)
                elif self._disk_low():
                    self._release_reserve()
        return []

    def _refuse(self, batch: Sequence[Measurement], code: str, detail: str) -> None:
        self.refused += len(batch)
        self.on_refused(batch, code, detail)
