"""The gateway's proof of life: its status, retained at the broker, every heartbeat_s."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from contract import topics
from contract.codec import encode_status
from contract.envelope import STATUS_DEVICES_MAX, ClockState, DeviceStatus, Status
from gateway.notify_systemd import notify, watchdog_s
from gateway.sources.intake import Intake
from gateway.spool.spool import Spool, SpoolState

VERSION: Final = "0.1.0"
# A thread that does not answer in this time hangs on the disk; the service manager then decides.
SPOOL_ANSWERS_S: Final = 20.0


def offline(gateway: str) -> bytes:
    """The last will, and the last word of a clean stop."""
    return encode_status(Status(gateway=gateway, online=False, version=VERSION))


class Heartbeat:
    """Lives on the event loop; `publish` takes (topic, payload)."""

    def __init__(
        self,
        gateway: str,
        *,
        spool: Spool,
        intake: Intake,
        publish: Callable[[str, bytes], object],
        now_ms: Callable[[], int],
        clock_state: Callable[[], ClockState],
        sleep: Callable[[float], Awaitable[None]],
        period_s: float,
        mains_file: Path | None,
        battery_file: Path | None,
    ) -> None:
        self._gateway = gateway
        self._topic = topics.topic(gateway, "status")
        self._spool = spool
        self._intake = intake
        self._publish = publish
        self._now_ms = now_ms
        self._clock_state = clock_state
        self._sleep = sleep
        self._period_s = period_s
        self._mains_file = mains_file
        self._battery_file = battery_file
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        while True:
            await self.beat()
            await self._sleep(self._period_s)

    async def beat(self) -> None:
        """Also right after connecting: the last will of the old connection said offline."""
        state = await self._state()
        if state is not None:
            self._publish(self._topic, encode_status(self._status(state)))

    async def watchdog(self) -> None:
        """Tell the service manager that loop and disk still answer; only if it asked."""
        period_s = watchdog_s()
        while period_s is not None:
            if await self._state() is not None:
                notify("WATCHDOG=1")
            await asyncio.sleep(period_s / 2)

    async def _state(self) -> SpoolState | None:
        answer: asyncio.Future[SpoolState] = self._loop.create_future()

        def settle(state: SpoolState) -> None:
            if not answer.done():
                answer.set_result(state)

        def read() -> None:
            self._loop.call_soon_threadsafe(settle, self._spool.state())

        self._spool.urgent.call(read)
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation beside the answer.
            async with asyncio.timeout(SPOOL_ANSWERS_S):
                return await answer
        except TimeoutError:
            return None

    def _status(self, spool: SpoolState) -> Status:
        oldest_ms = spool.oldest_received_ms
        waited_s = None if oldest_ms is None else max(0.0, (self._now_ms() - oldest_ms) / 1000)
        battery = self._intake.battery_pct
        seen = list(self._intake.last_seen_ms.items())[-STATUS_DEVICES_MAX:]
        return Status(
            gateway=self._gateway,
            online=True,
            spool=spool.spool,
            last_seq=spool.last_seq,
            oldest_unacked_s=waited_s,
            spool_free_bytes=spool.free_bytes,
            mains=_flag(self._mains_file),
            battery_pct=_number(self._battery_file),
            clock=self._clock_state(),
            version=VERSION,
            devices=[
                DeviceStatus(device=name, last_seen_at_ms=at_ms, battery_pct=battery.get(name))
                for name, at_ms in seen
            ],
        )


def _number(path: Path | None) -> float | None:
    """A number in a file of /sys/class/power_supply, or None."""
    if path is None:
        return None
    try:
        return float(path.read_text().strip())
    except (OSError, ValueError):
        return None


def _flag(path: Path | None) -> bool | None:
    number = _number(path)
    return None if number is None else number != 0
