"""When to ask a meter next, and when its silence is a fault: shared by the masters of a line. Pure.

A round is one turn through all that is asked of a meter. A round with a value keeps the plan's
rhythm; a failed one is repeated sooner at first and ever more rarely after, so that two bad
moments cost little and a dead meter costs the others of its line nothing. The fault is told once,
after enough failed rounds, and its end once.
"""

from dataclasses import dataclass
from typing import Final

# Beyond this the pause is at its longest for any line; keeps the shift small.
DOUBLINGS_MAX: Final = 10


@dataclass(slots=True, kw_only=True)
class PollSchedule:
    """All times on the line's own clock. `due_ms` None: at once."""

    poll_ms: int
    backoff_first_ms: int
    backoff_max_ms: int
    fault_after_rounds: int
    due_ms: int | None = None
    failed_rounds: int = 0
    _fault: str = ""

    def shift(self, back_ms: int) -> None:
        """The clock was set back: what was planned moves with it."""
        if self.due_ms is not None:
            self.due_ms -= back_ms

    def succeeded(self, now_ms: int) -> str:
        """A round brought a value; returns the fault that ended with it, or nothing."""
        self.failed_rounds = 0
        planned = (now_ms if self.due_ms is None else self.due_ms) + self.poll_ms
        self.due_ms = planned if planned > now_ms else now_ms + self.poll_ms
        ended, self._fault = self._fault, ""
        return ended

    def failed(self, now_ms: int, *, heard: bool) -> str:
        """A round brought none (`heard`: though the meter answered); returns the fault that
        begins, or nothing."""
        self.failed_rounds += 1
        doublings = min(self.failed_rounds - 1, DOUBLINGS_MAX)
        self.due_ms = now_ms + min(self.backoff_first_ms << doublings, self.backoff_max_ms)
        if self._fault or self.failed_rounds < self.fault_after_rounds:
            return ""
        self._fault = "no_data" if heard else "no_answer"
        return self._fault
