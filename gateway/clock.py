"""The edge where a gateway reads its clocks."""

import asyncio
import ctypes
import time
from pathlib import Path
from typing import Final

from contract.clock import ClockPlan, plan_from_json
from contract.config import ConfigError
from contract.envelope import ClockState
from contract.errors import ContractError

# adjtimex(2): the state that says that nothing disciplines the clock.
_TIME_ERROR: Final = 5
_TIMEX_BYTES: Final = 256
# A Pi without a clock of its own starts somewhere in the past; no gateway is older than this.
_EARLIEST_MS: Final = 1_700_000_000_000
# Under a plan, how long to sleep before looking whether the speed has changed.
_PLAN_SLICE_S: Final = 0.25


class Clock:
    """Domain time (real, or by a demonstration's plan) and whether it can be trusted."""

    def __init__(self, plan: ClockPlan | None = None) -> None:
        self._plan = plan

    def now_ms(self) -> int:
        real_ms = time.time_ns() // 1_000_000
        return real_ms if self._plan is None else self._plan.sim_ms(real_ms)

    def real_delay_s(self, delay_s: float) -> float:
        """How long to wait, really, until this much domain time has passed."""
        if self._plan is None:
            return delay_s
        return self._plan.real_delay_s(delay_s, time.time_ns() // 1_000_000)

    async def sleep(self, delay_s: float) -> None:
        """Until this much domain time has passed; without a plan that is real time."""
        if self._plan is None:
            await asyncio.sleep(delay_s)
            return
        until_ms = self.now_ms() + round(delay_s * 1000)
        while (left_s := (until_ms - self.now_ms()) / 1000) > 0:  # noqa: ASYNC110 - time has no event
            await asyncio.sleep(min(_PLAN_SLICE_S, self.real_delay_s(left_s)))

    def state(self) -> ClockState:
        if self._plan is not None:
            return "synced"
        if self.now_ms() < _EARLIEST_MS:
            return "doubtful"
        return "synced" if _disciplined() else "doubtful"


def line_ms() -> int:
    """Real, monotonic milliseconds: for reply time-outs and radio repeats."""
    return time.monotonic_ns() // 1_000_000


def _disciplined() -> bool:
    """True when the kernel's clock is kept by NTP (adjtimex says so)."""
    if Path("/run/systemd/timesync/synchronized").exists():
        return True
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = int(libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _TIME_ERROR


def load_clock(path: Path | None) -> Clock:
    """The real clock, or one by the plan in a file; ConfigError when that can't be read."""
    if path is None:
        return Clock()
    try:
        return Clock(plan_from_json(path.read_text()))
    except (OSError, UnicodeDecodeError, ContractError) as error:
        raise ConfigError("clock_plan", f"{path}: {error}") from error
