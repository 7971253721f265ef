"""The simulated clock: the plan's file read by itself, since the wires are all we share."""

import json
import time
from pathlib import Path


class ClockPlanError(ValueError):
    """The clock plan's file can't be used."""


class SimClock:
    """Segments of (real ms, simulated ms, speed); real time without a plan."""

    def __init__(self, path: Path | None) -> None:
        self._segments: list[tuple[float, float, float]] = [] if path is None else _read(path)

    def now_ms(self) -> int:
        return self.at(time.time_ns() // 1_000_000)

    def at(self, real_ms: int) -> int:
        """Simulated time at a real one; before the first segment its beginning."""
        for real0, sim0, speed in reversed(self._segments):
            if real_ms >= real0:
                return int(sim0 + (real_ms - real0) * speed)
        return int(self._segments[0][1]) if self._segments else real_ms


def _read(path: Path) -> list[tuple[float, float, float]]:
    try:
        rows = json.loads(path.read_text())["segments"]
        return [(float(real), float(sim), float(speed)) for real, sim, speed in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise ClockPlanError(f"{path}: not a clock plan: {error}") from error
