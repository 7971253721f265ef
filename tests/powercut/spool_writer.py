"""The gateway's spool on a drive whose power is cut: presses and readings until it is killed."""

import random
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from contract.item import Item, Measurement
from gateway.spool.spool import Spool, SpoolEdges
from gateway.spool.writer import Writer
from tests.powercut import told

# Acknowledged rows are kept behind the hub's backup mark, which trails by this many.
BACKUP_TRAILS = 500
# Batches offered and not yet committed; more would only make each commit larger.
AHEAD_MAX = 4


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Planted(sqlite3.Connection):
    """The usual advice for a write-ahead log, which a power cut doesn't forgive."""

    level = "FULL"

    def execute(self, sql, parameters=()):
        return super().execute(sql.replace("synchronous=FULL", self.level), parameters)


def opened(level: str) -> Callable[..., sqlite3.Connection]:
    """How the lanes' files are opened."""
    if level == "FULL":
        return sqlite3.connect
    Planted.level = f"synchronous={level}"
    return lambda path, **options: sqlite3.connect(path, factory=Planted, **options)


class Village:
    """One lane's devices, and the hub that acknowledges what it heard."""

    def __init__(self, name: str, writer: Writer, rng: random.Random) -> None:
        self._name, self._writer, self._rng = name, writer, rng
        self._ahead = threading.Semaphore(AHEAD_MAX)
        self._number = 0
        writer.on_commit = self._committed

    def offer(self) -> None:
        self._ahead.acquire()
        self._writer.offer([self._measured() for _row in range(self._rng.randint(1, 8))])

    def _measured(self) -> Measurement:
        self._number += 1
        now_ms = wall_ms()
        urgent = self._name == "activation"
        return Measurement(
            device=f"device-{self._rng.randrange(50)}",
            kind="sos" if urgent else "power",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            values={} if urgent else {"power_w": self._rng.randrange(3000)},
            attrs={"action": "press", "press": self._number} if urgent else {},
        )

    def _committed(self, items: Sequence[Item]) -> None:
        """In the lane's thread, where the elder would hear the tone."""
        told.accepted(self._name, [(item.seq, item.id) for item in items])
        self._ahead.release()
        through = items[-1].seq - BACKUP_TRAILS
        if through > 0 and self._rng.random() < 0.2:
            told.forgetting(self._name, through)
            seqs = range(max(1, through - 2 * BACKUP_TRAILS), items[-1].seq + 1)
            if self._name != "activation":  # there an acknowledged row is gone at once
                seqs = range(seqs.start, through + 1)
            lane = self._writer.lane
            self._writer.call(lambda: lane.ack(seqs, through, wall_ms()))


def main(folder: Path, level: str, seed: int) -> None:
    told.keep_pipe_clean()
    rng = random.Random(seed)
    spool = Spool(
        folder / "spool",
        gateway="gw-1",
        new_uuid=uuid.uuid4,
        now_ms=wall_ms,
        log=lambda event, detail: sys.stderr.write(f"{event}: {detail}\n"),
        edges=SpoolEdges(connect=opened(level)),
    )
    villages = [
        Village(name, writer, random.Random(rng.random()))
        for name, writer in (("activation", spool.urgent), ("telemetry", spool.telemetry))
    ]
    spool.start()
    while True:
        for village in villages:
            village.offer()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
