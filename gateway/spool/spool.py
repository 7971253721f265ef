"""The spool: one thread that makes durable whatever is queued, activations first.

A caller's callback runs (in the thread) only after the commit: that is when the elder may hear
that the press was received. Everything queued when the thread comes round shares one commit.
"""

import os
import queue
import sqlite3
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from contract.errors import ContractError
from contract.item import Item, Measurement, check_measurement
from gateway.spool.lane import Lane, LaneSettings, SpoolFull

# Held back on the disk for activations: about four thousand presses when all else is full.
RESERVE_BYTES: Final = 1 << 20
TELEMETRY_BYTES_MAX: Final = 512 << 20
# Telemetry waiting for the disk; beyond it a source's readings are refused (and counted).
QUEUE_MAX: Final = 10_000

OnCommit = Callable[[Sequence[Item]], None]
OnRefused = Callable[[Sequence[Measurement], str], None]


class SpoolState(NamedTuple):
    """For the heartbeat."""

    spool: str
    last_seq: int
    oldest_received_ms: int | None
    free_bytes: int
    evicted: int
    damaged: int


class _Append(NamedTuple):
    batch: Sequence[Measurement]


class Spool:
    """Two lanes in `folder`. Callbacks run in the spool's thread and must not block."""

    def __init__(
        self,
        folder: Path,
        *,
        new_uuid: Callable[[], uuid.UUID],
        now_ms: Callable[[], int],
        log: Callable[[str, str], None],
        telemetry_bytes_max: int = TELEMETRY_BYTES_MAX,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._now_ms = now_ms
        self._log = log
        self._reserve = folder / "reserve"
        self._reserve_bytes = reserve_bytes
        self.urgent = Lane(folder / "activation.db", LaneSettings(keep_acked=True), new_uuid())
        self.telemetry = Lane(
            folder / "telemetry.db",
            LaneSettings(keep_acked=False, bytes_max=telemetry_bytes_max),
            new_uuid(),
        )
        self._hold_reserve()
        self._queue: queue.SimpleQueue[_Append | Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self.on_urgent: OnCommit = lambda _items: None
        self.on_telemetry: OnCommit = lambda _items: None
        self.on_refused: OnRefused = lambda _batch, _reason: None
        self.refused = 0

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Commit what is queued, then stop."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self.urgent.close()
        self.telemetry.close()

    def offer(self, batch: Sequence[Measurement]) -> bool:
        """Queue measurements; False when the queue is full of telemetry."""
        if self._queue.qsize() >= QUEUE_MAX and not any(m.urgent for m in batch):
            self.refused += len(batch)
            return False
        self._queue.put(_Append(batch))
        return True

    def call(self, job: Callable[[], None]) -> None:
        """Run something in the spool's thread, between commits."""
        self._queue.put(job)

    def ack(self, spool: str, ids: Sequence[str], backup_through: int | None) -> None:
        """The hub's acknowledgement, from any thread."""
        for lane in (self.urgent, self.telemetry):
            if str(lane.spool) == spool:
                self.call(lambda lane=lane: lane.ack(ids, backup_through, self._now_ms()))  # type: ignore[misc]

    def state(self) -> SpoolState:
        """In the spool's thread."""
        oldest = self.urgent.oldest_waiting()
        stat = os.statvfs(self._folder)
        return SpoolState(
            spool=str(self.urgent.spool),
            last_seq=self.urgent.last_seq,
            oldest_received_ms=None if oldest is None else oldest.received_at_ms,
            free_bytes=stat.f_bavail * stat.f_frsize,
            evicted=self.telemetry.evicted,
            damaged=self.urgent.damaged + self.telemetry.damaged,
        )

    def _run(self) -> None:
        while True:
            jobs = [self._queue.get()]
            while True:
                try:
                    jobs.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            batch = [m for job in jobs if isinstance(job, _Append) for m in job.batch]
            if batch:
                self._commit(batch)
            for job in jobs:
                if job is None:
                    return
                if not isinstance(job, _Append):
                    self._do(job)

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        except sqlite3.Error as error:
            self._log("spool_job_failed", str(error))

    def _commit(self, batch: Sequence[Measurement]) -> None:
        good = []
        for measurement in batch:
            try:
                check_measurement(measurement)
                good.append(measurement)
            except ContractError as error:
                self._log("measurement_refused", str(error))
                self.on_refused([measurement], error.code)
        urgent = [m for m in good if m.urgent]
        telemetry = [m for m in good if not m.urgent]
        if urgent:
            self._append(self.urgent, urgent, self.on_urgent)
        if telemetry:
            self._append(self.telemetry, telemetry, self.on_telemetry)

    def _append(self, lane: Lane, batch: Sequence[Measurement], on_commit: OnCommit) -> None:
        """One commit, one callback; a full disk gives its reserve to activations."""
        for attempt in range(2):
            try:
                items = lane.append(batch)
            except SpoolFull as error:
                if lane is self.urgent and attempt == 0 and self._release_reserve():
                    continue
                self._refuse(batch, f"disk full: {error}")
                return
            except sqlite3.Error as error:
                if attempt == 0:
                    continue  # the lane has reopened its file; a second failure is final
                self._refuse(batch, str(error))
                return
            on_commit(items)
            return

    def _refuse(self, batch: Sequence[Measurement], reason: str) -> None:
        self.refused += len(batch)
        self._log("spool_refused", f"{len(batch)} measurements: {reason}")
        self.on_refused(batch, reason)

    def _hold_reserve(self) -> None:
        """A file of zeros that can be given up; made again at the next start with room."""
        if self._reserve_bytes <= 0 or self._reserve.exists():
            return
        try:
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._reserve_bytes)
        except OSError as error:
            self._reserve.unlink(missing_ok=True)
            self._log("reserve_not_held", str(error))

    def _release_reserve(self) -> bool:
        if not self._reserve.exists():
            return False
        self._reserve.unlink()
        self._log("reserve_released", "the disk is full; activations go on from the reserve")
        return True
