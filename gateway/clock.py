"""The edge where a gateway reads its clocks."""

import asyncio
import ctypes
import functools
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.clock import ClockPlan, plan_from_json
from contract.config import ConfigError
from contract.envelope import ClockState
from contract.errors import ContractError
from contract.item import Measurement
from gateway.boot_time import Boot, BootClock, Present, Stamp

# adjtimex(2): the state that says that nothing disciplines the clock.
_TIME_ERROR: Final = 5
_TIMEX_BYTES: Final = 256
# Whether NTP has the clock is asked this often, by running time; a step is seen within it.
LOOK_EVERY_MS: Final = 1_000
# Two readings further apart than this were interrupted, and say nothing about a step.
_TORN_MS: Final = 50
_BOOT_NAME_MAX: Final = 64
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
# Under a plan, how long to sleep before looking whether the speed has changed.
_PLAN_SLICE_S: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The clocks of the machine. boot: which boot this is; boot_ms: how long it has been running,
    sleep included; kept: whether NTP keeps the wall clock. A simulation puts its own here."""

    boot: Callable[[], str]
    boot_ms: Callable[[], int]
    wall_ms: Callable[[], int]
    kept: Callable[[], bool]


class Clock:
    """Domain time (real, or by a demonstration's plan) and whether it can be trusted. From any
    thread."""

    def __init__(self, plan: ClockPlan | None = None, machine: Machine | None = None) -> None:
        self._plan = plan
        self._machine = machine or THIS_MACHINE
        self._boot = BootClock(self._machine.boot())
        self._looked_ms: int | None = None

    def now_ms(self) -> int:
        if self._plan is not None:
            return self._plan.sim_ms(self._machine.wall_ms())
        return self._boot.wall_ms(self._running_ms())

    def _running_ms(self) -> int:
        """The running time; now and then with a look at the wall clock."""
        boot_ms = self._machine.boot_ms()
        if self._looked_ms is None or boot_ms - self._looked_ms >= LOOK_EVERY_MS:
            self._look()
        return boot_ms

    def _look(self) -> None:
        machine = self._machine
        kept = machine.kept()
        before_ms = machine.boot_ms()
        wall_ms = machine.wall_ms()
        after_ms = machine.boot_ms()
        if after_ms - before_ms > _TORN_MS and self._looked_ms is not None:
            return
        self._boot.look(wall_ms, after_ms, kept=kept)
        self._looked_ms = after_ms

    def present(self) -> Present | None:
        """This boot and its time; None under a plan, whose time is never doubtful."""
        return None if self._plan is not None else self._boot.present(self._running_ms())

    def stamp(self, measurement: Measurement) -> Stamp | None:
        """For what was received while the time was doubtful."""
        if self._plan is not None:
            return None
        return self._boot.stamp(measurement, self._running_ms())

    def recall(self, boots: Sequence[Boot]) -> None:
        """What the spool remembers of earlier processes of this boot."""
        if self._plan is None:
            self._boot.recall(boots, self._running_ms())

    def real_delay_s(self, delay_s: float) -> float:
        """How long to wait, really, until this much domain time has passed."""
        if self._plan is None:
            return delay_s
        return self._plan.real_delay_s(delay_s, self._machine.wall_ms())

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
        self._look()
        return "synced" if self._boot.trusted else "doubtful"


def line_ms() -> int:
    """Real, monotonic milliseconds: for reply time-outs and radio repeats."""
    return time.monotonic_ns() // 1_000_000


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _boot_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def _boot_name() -> str:
    try:
        return _BOOT_ID.read_text().strip()[:_BOOT_NAME_MAX]
    except OSError:
        # Then each start counts as a boot: less is corrected, nothing wrongly.
        return str(uuid.uuid4())


@functools.cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _kept() -> bool:
    """True when the kernel's clock is kept by NTP. When it is set by hand adjtimex says no at once;
    timesyncd's file stays, so it is asked only where there is no adjtimex."""
    try:
        state = int(_libc().adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    except (OSError, AttributeError):
        return Path("/run/systemd/timesync/synchronized").exists()
    return 0 <= state < _TIME_ERROR


THIS_MACHINE: Final = Machine(boot=_boot_name, boot_ms=_boot_ms, wall_ms=_wall_ms, kept=_kept)


def load_clock(path: Path | None) -> Clock:
    """The real clock, or one by the plan in a file; ConfigError when that can't be read."""
    if path is None:
        return Clock()
    try:
        return Clock(plan_from_json(path.read_text()))
    except (OSError, UnicodeDecodeError, ContractError) as error:
        raise ConfigError("clock_plan", f"{path}: {error}") from error
