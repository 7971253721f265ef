"""An asyncio event loop whose clock is the simulation's: idle time passes at once.

It is the one scheduler of a run. Callbacks come in asyncio's own order (first in, first out; timers
by their time), which depends on nothing outside; there is no selector, no thread and no real
clock, so a seed always gives the same run.
"""

import asyncio
from collections.abc import Callable
from typing import Any

# Timers closer together than this are due together: rounding must not make the loop spin.
RESOLUTION_S = 1e-6


class DeadlockError(RuntimeError):
    """Nothing is ready and no timer waits: the run would stand still for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """`before_wait` is called before the clock moves on: it looks for work of the threads that
    the simulation stands in for."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._clock_resolution = RESOLUTION_S
        self._selector = self
        self.before_wait: Callable[[], None] = lambda: None

    def time(self) -> float:
        return self._now_s

    def leap(self, seconds: float) -> None:
        """Time passes in which nothing runs, as in a machine that was stopped: timers come late,
        each once. Hours in which nothing happens cost nothing."""
        self._now_s += seconds

    def select(self, timeout: float | None) -> list[Any]:
        """What a selector would wait for never happens; the time passes."""
        if timeout == 0:
            return []
        self.before_wait()
        if self._ready:
            return []
        if not self._scheduled:
            raise DeadlockError
        self._now_s = max(self._now_s, self._scheduled[0]._when)
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        """Nobody sleeps, so nobody is woken."""
