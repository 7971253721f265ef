"""Sends what the outbox holds: at least once, with back-off, one dead channel never stopping
another. Restart-safe: everything it knows is in the table.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater
from ledger.cursor import Cursor
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer

# Attempts at 1, 2, 4 … 60 s and then each minute: a channel down for a night still delivers.
RETRY_FIRST_MS: Final = 1_000
RETRY_MAX_MS: Final = 60_000
# After a day of trying somebody has long come by other ways; the row stays, marked dead.
ATTEMPTS_MAX: Final = 1_440
# Rows sent at the same time.
BATCH_MAX: Final = 50
# When nothing wakes it the dispatcher looks for due retries this often.
IDLE_S: Final = 1.0
# Longest time one attempt may take before it counts as failed.
ATTEMPT_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    id: str
    channel: str
    target: str
    body: str
    attempts: int


def retry_delay_ms(attempts: int) -> int:
    """How long to wait after this many failed attempts."""
    return min(RETRY_FIRST_MS << min(attempts - 1, 16), RETRY_MAX_MS)


class Dispatcher:
    """One task on the event loop."""

    def __init__(
        self,
        writer: Writer,
        notifiers: Mapping[str, Notifier],
        log: Callable[[str, str], None],
    ) -> None:
        self._writer = writer
        self._notifiers = notifiers
        self._log = log
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was committed; call on the event loop."""
        self._wake.set()

    async def run(self) -> None:
        while True:
            try:
                if await self._round():
                    continue
            except Exception as error:  # noqa: BLE001 - a full disk must not end the sending
                self._log("outbox_not_served", f"{type(error).__name__}: {error}")
                await asyncio.sleep(IDLE_S)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), IDLE_S)
            self._wake.clear()

    async def _round(self) -> bool:
        """Send what is due; False when nothing was. Raises when the book could not be written:
        what was sent then goes out once more."""
        rows = await self._writer.change(_due)
        attempts = (self._attempt(row) for row in rows)
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return bool(rows)

    async def _attempt(self, row: Pending) -> None:
        result = await self._send(row)
        if not isinstance(result, Delivered):
            self._log("notification_failed", f"{row.channel}: {result.detail}")
        await self._writer.change(lambda unit: _settle(unit, row, result))

    async def _send(self, row: Pending) -> Result:
        notifier = self._notifiers.get(row.channel)
        if notifier is None:
            return Refused(detail="no such channel is configured")
        notification = Notification(id=row.id, target=row.target, body=row.body)
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                return await notifier.send(notification)
        except Exception as error:  # noqa: BLE001 - one broken channel must not stop the others
            return RetryLater(detail=f"{type(error).__name__}: {error}"[:200])


def _due(unit: UnitOfWork) -> list[Pending]:
    cursor: Cursor = unit.execute(
        "SELECT id, channel, target, body, attempts FROM outbox"
        " WHERE state = 'pending' AND (next_at_ms <= ? OR next_at_ms > ?)"
        " ORDER BY next_at_ms, id LIMIT ?",
        # No pause is longer: a later time was written by a clock that has been set back since.
        (unit.now_ms, unit.now_ms + RETRY_MAX_MS, BATCH_MAX),
    )
    return [Pending(id=i, channel=c, target=t, body=b, attempts=a) for i, c, t, b, a in cursor]


def _settle(unit: UnitOfWork, row: Pending, result: Result) -> None:
    attempts = row.attempts + 1
    if isinstance(result, RetryLater):
        state = "pending" if attempts < ATTEMPTS_MAX else "dead"
        next_at_ms = unit.now_ms + retry_delay_ms(attempts)
    else:
        state = "delivered" if isinstance(result, Delivered) else "refused"
        next_at_ms = unit.now_ms
    unit.execute(
        "UPDATE outbox SET state = ?, attempts = ?, next_at_ms = ?, done_at_ms = ?, detail = ?"
        " WHERE id = ?",
        (
            state,
            attempts,
            next_at_ms,
            None if state == "pending" else unit.now_ms,
            result.detail[:500],
            row.id,
        ),
    )
