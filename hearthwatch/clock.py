"""The edge where the real clock is read; everything else is told the time."""

import time
from pathlib import Path

from contract.clock import ClockPlan, plan_from_json


def wall_ms() -> int:
    """Real time, for sessions and file names."""
    return time.time_ns() // 1_000_000


class PlannedClock:
    """Domain time: real, or by a demonstration's plan; never runs backwards in one process."""

    def __init__(self, plan: ClockPlan | None = None) -> None:
        self._plan = plan or ClockPlan()
        self._latest_ms = 0

    def now_ms(self) -> int:
        now_ms = self._plan.sim_ms(wall_ms())
        # A clock set back by NTP must not make the rules see time reversed.
        self._latest_ms = max(self._latest_ms, now_ms)
        return self._latest_ms

    def speed(self) -> float:
        return self._plan.speed(wall_ms())


def load_clock(path: Path | None) -> PlannedClock:
    return PlannedClock(None if path is None else plan_from_json(path.read_text()))
