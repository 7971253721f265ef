"""The spool of a gateway: activations and telemetry, each in its own file with its own thread.

A caller's callback runs only after the commit: that is when the elder may hear that the press was
received. What the spool itself loses or refuses becomes a fault item in the activation lane.
"""

import fcntl
import os
import sqlite3
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from contract.item import Measurement, Scalar
from gateway.device_health import health
from gateway.spool.boots import Times
from gateway.spool.failures import SpoolFull
from gateway.spool.lane import Connect, Lane, LaneSettings
from gateway.spool.writer import Writer

# Held back on the disk for activations: with the log cut back, some two thousand presses.
RESERVE_BYTES: Final = 1 << 20
TELEMETRY_BYTES_MAX: Final = 512 << 20
# With less than this many times the reserve free, telemetry may no longer grow.
LOW_RESERVES: Final = 3
# Batches waiting for the disk; a village's devices say a few things a second.
TELEMETRY_QUEUE_MAX: Final = 10_000
URGENT_QUEUE_MAX: Final = 10_000
# The same trouble is told to the hub once in this time; a full disk must not fill with faults.
FAULT_EVERY_MS: Final = 3_600_000


class SpoolState(NamedTuple):
    """For the heartbeat."""

    spool: str
    last_seq: int
    oldest_received_ms: int | None
    free_bytes: int
    evicted: int
    damaged: int
    refused: int


def free_bytes(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolEdges:
    """Where the spool meets disk and threads. A simulation puts its own disk here and, with
    `threads` false, runs `Writer.step` of both lanes itself."""

    connect: Connect = sqlite3.connect
    free_bytes: Callable[[Path], int] = free_bytes
    threads: bool = True


class SpoolInUse(SpoolFull):
    """Another process has this folder."""


class Spool:
    """Two lanes in `folder`, which is locked; `gateway` is the device that faults are about."""

    def __init__(
        self,
        folder: Path,
        *,
        gateway: str,
        new_uuid: Callable[[], uuid.UUID],
        now_ms: Callable[[], int],
        log: Callable[[str, str], None],
        telemetry_bytes_max: int = TELEMETRY_BYTES_MAX,
        reserve_bytes: int = RESERVE_BYTES,
        edges: SpoolEdges | None = None,
        times: Times | None = None,
    ) -> None:
        self._edges = edges or SpoolEdges()
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._gateway = gateway
        self._now_ms = now_ms
        self._log = log
        self._lock = _locked(folder / "lock")
        self._reserve = folder / "reserve"
        self._reserve_bytes = reserve_bytes
        self._told_ms: dict[str, int] = {}
        self._telling = threading.Lock()
        # Telemetry frees its space first, the reserve is taken before anything is written.
        self._hold_reserve()
        now = now_ms()
        urgent = LaneSettings(keep_acked=True)
        telemetry = LaneSettings(keep_acked=False, bytes_max=telemetry_bytes_max)
        self.urgent = self._writer(
            "activation",
            Lane(folder / "activation.db", urgent, new_uuid, now, self._edges.connect, times=times),
            queue_max=URGENT_QUEUE_MAX,
            release_reserve=self._release_reserve,
        )
        self.telemetry = self._writer(
            "telemetry",
            Lane(
                folder / "telemetry.db", telemetry, new_uuid, now, self._edges.connect, times=times
            ),
            queue_max=TELEMETRY_QUEUE_MAX,
            release_reserve=lambda: False,
        )

    def _writer(
        self, name: str, lane: Lane, *, queue_max: int, release_reserve: Callable[[], bool]
    ) -> Writer:
        writer = Writer(
            name,
            lane,
            queue_max=queue_max,
            now_ms=self._now_ms,
            log=self._log,
            disk_low=self._disk_low,
            release_reserve=release_reserve,
        )
        writer.on_refused = self._refused
        return writer

    def start(self) -> None:
        if self._edges.threads:
            self.telemetry.start()
            self.urgent.start()
        self._tell_losses()

    def close(self) -> None:
        """Commit what is queued, then stop."""
        self.telemetry.close()
        self.urgent.close()
        os.close(self._lock)

    def offer(self, batch: Sequence[Measurement]) -> bool:
        """Queue measurements, each in its lane; False when some were refused at once."""
        urgent = [m for m in batch if m.urgent]
        telemetry = [m for m in batch if not m.urgent]
        taken = not urgent or self.urgent.offer(urgent)
        return (not telemetry or self.telemetry.offer(telemetry)) and taken

    def state(self) -> SpoolState:
        """In the activation lane's thread (`urgent.call`)."""
        self._hold_reserve()
        self._tell_losses()
        # Jobs of their own: a disk that takes nothing must not cost the heartbeat.
        self.urgent.call(self.urgent.lane.note_time)
        self.telemetry.call(self.telemetry.lane.note_time)
        oldest = self.urgent.lane.oldest_waiting(self._now_ms())
        return SpoolState(
            spool=str(self.urgent.lane.spool),
            last_seq=self.urgent.lane.last_seq,
            oldest_received_ms=None if oldest is None else oldest.received_at_ms,
            free_bytes=self._free_bytes(),
            evicted=self.telemetry.lane.evicted,
            damaged=self.urgent.lane.damaged + self.telemetry.lane.damaged,
            refused=self.urgent.refused + self.telemetry.refused,
        )

    # Trouble of the spool itself.

    def _refused(self, batch: Sequence[Measurement], code: str, detail: str) -> None:
        self._log("spool_refused", f"{len(batch)} measurements: {code}: {detail}")
        self._tell(f"spool_{code}", len(batch), detail)

    def _tell_losses(self) -> None:
        telemetry, urgent = self.telemetry.lane, self.urgent.lane
        if telemetry.evicted:
            self._tell("spool_evicted", telemetry.evicted, "telemetry lost since the start")
        for name, lane in (("activation", urgent), ("telemetry", telemetry)):
            if lane.damaged or lane.rescued:
                self._tell("spool_damaged", lane.damaged, f"{name}: file rescued {lane.rescued}×")

    def _tell(self, fault: str, count: int, detail: str) -> None:
        """A fault item about the gateway, at a bearable rate."""
        now_ms = self._now_ms()
        with self._telling:
            last_ms = self._told_ms.get(fault)
            if last_ms is not None and 0 <= now_ms - last_ms < FAULT_EVERY_MS:
                return
            self._told_ms[fault] = now_ms
        self._log(fault, f"{count}: {detail}")
        shown = _printable(detail)[:200]
        attrs: dict[str, Scalar] = {"fault": fault, "count": count, "detail": shown}
        self.urgent.offer([health(self._gateway, now_ms, attrs)])

    # The disk.

    def _free_bytes(self) -> int:
        return self._edges.free_bytes(self._folder)

    def _disk_low(self) -> bool:
        return self._free_bytes() < LOW_RESERVES * self._reserve_bytes

    def _hold_reserve(self) -> None:
        """A file of zeros that can be given up; made again once there is room for it."""
        if self._reserve_bytes <= 0 or self._reserve.exists():
            return
        if self._free_bytes() < 2 * self._reserve_bytes:
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


def _printable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _locked(path: Path) -> int:
    """Two processes on one spool would give one number twice."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise SpoolInUse(f"{path.parent}: another gateway runs on this folder") from error
    return handle
