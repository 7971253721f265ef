"""The edge where the real clock is read; everything else is told the time."""

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alarms.escalation.plan import Now
from contract.clock import ClockPlan, plan_from_json


def wall_ms() -> int:
    """Real time, for sessions and file names."""
    return time.time_ns() // 1_000_000


# How fast a clock that is ahead goes until the wall has caught up: timers come at most a ninth
# late, and an hour's correction is absorbed in ten.
CATCH_UP_SPEED: Final = 0.9


def monotonic_ms() -> float:
    return time.monotonic_ns() / 1_000_000


# From power on to power off of this machine, whoever sets its clock; Linux's own name for it.
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_id(path: Path = BOOT_ID) -> str:
    """Where a system has none, each process is a boot of its own: then only the wall is left."""
    try:
        return path.read_text().strip()
    except OSError:
        return f"process-{uuid.uuid4()}"


def running_ms() -> int:
    """Since the boot, sleep included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class PlannedClock:
    """Domain time: real, or by a demonstration's plan; never runs backwards in one process, and
    never stands still: a wall set back by hours must not stop what waits for a time."""

    def __init__(
        self,
        plan: ClockPlan | None = None,
        wall_ms: Callable[[], int] = wall_ms,
        monotonic_ms: Callable[[], float] = monotonic_ms,
        boot: str | None = None,
        running_ms: Callable[[], int] = running_ms,
    ) -> None:
        self._plan = plan or ClockPlan()
        self._wall_ms = wall_ms
        self._monotonic_ms = monotonic_ms
        self._boot = boot_id() if boot is None else boot
        self._running_ms = running_ms
        # Read by the event loop and by the writer's thread.
        self._lock = threading.Lock()
        self._seen_ms = monotonic_ms()
        self._real_ms = float(wall_ms())

    def now_ms(self) -> int:
        return self._plan.sim_ms(self._now_real_ms())

    def look(self) -> Now:
        """Both clocks for what is promised. A demonstration runs on its plan alone."""
        now_ms = self.now_ms()
        if self._plan.segments:
            return Now(wall_ms=now_ms, boot="plan", running_ms=now_ms)
        return Now(wall_ms=now_ms, boot=self._boot, running_ms=self._running_ms())

    def speed(self) -> float:
        return self._plan.speed(self._now_real_ms())

    def _now_real_ms(self) -> int:
        with self._lock:
            seen_ms = self._monotonic_ms()
            self._real_ms += max(0.0, seen_ms - self._seen_ms) * CATCH_UP_SPEED
            self._seen_ms = seen_ms
            self._real_ms = max(self._real_ms, float(self._wall_ms()))
            return int(self._real_ms)


def load_clock(path: Path | None) -> PlannedClock:
    return PlannedClock(None if path is None else plan_from_json(path.read_text()))
