"""The edge where the real clock is read; everything else is told the time."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract.clock import ClockPlan, plan_from_json


def wall_ms() -> int:
    """Real time, for sessions and file names."""
    return time.time_ns() // 1_000_000


# How fast a clock that is ahead goes until the wall has caught up: timers come at most a ninth
# late, and an hour's correction is absorbed in ten.
CATCH_UP_SPEED: Final = 0.9


def monotonic_ms() -> float:
    return time.monotonic_ns() / 1_000_000


class PlannedClock:
    """Domain time: real, or by a demonstration's plan; never runs backwards in one process, and
    never stands still: a wall set back by hours must not stop what waits for a time."""

    def __init__(
        self,
        plan: ClockPlan | None = None,
        wall_ms: Callable[[], int] = wall_ms,
        monotonic_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        self._plan = plan or ClockPlan()
        self._wall_ms = wall_ms
        self._monotonic_ms = monotonic_ms
        # Read by the event loop and by the writer's thread.
        self._lock = threading.Lock()
        self._seen_ms = monotonic_ms()
        self._real_ms = float(wall_ms())

    def now_ms(self) -> int:
        return self._plan.sim_ms(self._now_real_ms())

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
