"""Sends what the outbox holds: at least once, with back-off, one dead channel never stopping
another. Restart-safe: everything it knows is in the table.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

from alarms.limits import Limits
from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater
from alarms.outbox_rows import Pending, due, prune, sent_lately, settle
from alarms.telling import Telling
from ledger.writer import Writer

# When nothing wakes it the dispatcher looks for due retries this often.
IDLE_S: Final = 1.0
# Longest time one attempt may take before it counts as failed.
ATTEMPT_TIMEOUT_S: Final = 20.0
# Rounds between two prunings: about each ten minutes when nothing else happens.
PRUNE_EVERY: Final = 600


def _uncounted(_channel: str, _state: str) -> None:
    return None


# Gives up what takes longer than so many seconds, with TimeoutError.
Patience = Callable[[float], AbstractAsyncContextManager[object]]


def _never_quiet(_now_ms: int) -> bool:
    return False


class Dispatcher:
    """One task on the event loop. `quiet`: whether it is night now, when only what is urgent may
    wake people; `count` hears the channel and the state of every attempt."""

    def __init__(
        self,
        writer: Writer,
        notifiers: Mapping[str, Notifier],
        log: Callable[[str, str], None],
        *,
        limits: Limits | None = None,
        telling: Telling | None = None,
        quiet: Callable[[int], bool] = _never_quiet,
        count: Callable[[str, str], None] = _uncounted,
        patience: Patience = asyncio.timeout,
    ) -> None:
        self._writer = writer
        self._notifiers = notifiers
        self._log = log
        self._limits = limits or Limits({})
        self._telling = telling
        self._quiet = quiet
        self._count = count
        self._patience = patience
        self._wake = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._rounds = 0
        self._remembers = False

    def wake(self) -> None:
        """Something was committed; call on the event loop."""
        self._wake.set()

    async def run(self) -> None:
        try:
            while True:
                self._wake.clear()
                try:
                    await self._remember()
                    await self._start_due()
                    await self._prune()
                except Exception as error:  # noqa: BLE001 - a full disk must not end the sending
                    self._log("outbox_not_served", f"{type(error).__name__}: {error}")
                    await asyncio.sleep(IDLE_S)
                    continue
                # Not wait_for: before Python 3.12 it loses a cancellation beside the event.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self._wake.wait()
        finally:
            under_way = list(self._under_way.values())
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _remember(self) -> None:
        """What went out before a restart counts against the limits still."""
        if not self._remembers:
            channels, within_ms = frozenset(self._notifiers), self._limits.longest_ms()
            if within_ms:
                self._limits.restore(
                    await self._writer.change(lambda unit: sent_lately(unit, channels, within_ms))
                )
            self._remembers = True

    async def _start_due(self) -> None:
        known = frozenset(self._under_way)
        rows = await self._writer.change(
            lambda unit: due(
                unit,
                known,
                limits=self._limits,
                telling=self._telling,
                quiet=self._quiet(unit.now_ms),
            )
        )
        for row in rows:
            self._under_way[row.id] = asyncio.create_task(self._attempt(row))

    async def _prune(self) -> None:
        self._rounds += 1
        if self._rounds % PRUNE_EVERY == 0:
            while await self._writer.change(prune):
                continue

    async def _attempt(self, row: Pending) -> None:
        """A book that can't be written leaves the row as it was: it goes out once more, a while
        later."""
        result = await self._send(row)
        if not isinstance(result, Delivered):
            self._log("notification_failed", f"{row.channel}: {result.detail}")
        try:
            state = await self._writer.change(lambda unit: settle(unit, row, result, self._telling))
            self._count(row.channel, state)
        except Exception as error:  # noqa: BLE001 - as above
            self._log("outbox_not_served", f"{type(error).__name__}: {error}")
            await asyncio.sleep(IDLE_S)
        finally:
            # Its place is free, and more may wait for it.
            self._under_way.pop(row.id, None)
            self._wake.set()

    async def _send(self, row: Pending) -> Result:
        notifier = self._notifiers.get(row.channel)
        if notifier is None:
            return Refused(detail="no such channel is configured")
        notification = Notification(id=row.id, target=row.target, body=row.body, urgent=row.urgent)
        try:
            # A channel that is slow by nature says so.
            async with self._patience(getattr(notifier, "attempt_timeout_s", ATTEMPT_TIMEOUT_S)):
                return await notifier.send(notification)
        except Exception as error:  # noqa: BLE001 - one broken channel must not stop the others
            # Its text may hold an address, and the address a key.
            return RetryLater(detail=type(error).__name__)
