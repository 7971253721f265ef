"""The simulated clock: the plan's file read by itself, since the wires are all we share."""

import json
import time
from pathlib import Path


class SimClock:
    """Segments of (real ms, simulated ms, speed); real time without a plan."""

    def __init__(self, path: Path | None) -> None:
        self._segments: list[list[float]] = (
            [] if path is None else json.loads(path.read_text())["segments"]
        )

    def now_ms(self) -> int:
        real_ms = time.time_ns() // 1_000_000
        for real0, sim0, speed in reversed(self._segments):
            if real_ms >= real0:
                return int(sim0 + (real_ms - real0) * speed)
        return int(self._segments[0][1]) if self._segments else real_ms
