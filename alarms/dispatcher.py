"""Sends what the outbox holds: at least once, with back-off, one dead channel never stopping
another. Restart-safe: everything it knows is in the table.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Final

from alarms.notifier import Delivered, Notification, Notifier, Refused, Result, RetryLater
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer

# Attempts at 1, 2, 4 … 60 s and then each minute: a channel down for a night still delivers.
RETRY_FIRST_MS: Final = 1_000
RETRY_MAX_MS: Final = 60_000
# After a day of trying somebody has long come by other ways; the row stays, marked dead.
ATTEMPTS_MAX: Final = 1_440
# Sent to one target at the same time. Each has places of its own: one that hangs, with a night's
# rows behind it, takes nobody else's turn.
PER_TARGET_MAX: Final = 8
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
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Something was committed; call on the event loop."""
        self._wake.set()

    async def run(self) -> None:
        try:
            while True:
                self._wake.clear()
                try:
                    await self._start_due()
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

    async def _start_due(self) -> None:
        known = frozenset(self._under_way)
        for row in await self._writer.change(lambda unit: _due(unit, known)):
            self._under_way[row.id] = asyncio.create_task(self._attempt(row))

    async def _attempt(self, row: Pending) -> None:
        """A book that can't be written leaves the row as it was: it goes out once more, a while
        later."""
        result = await self._send(row)
        if not isinstance(result, Delivered):
            self._log("notification_failed", f"{row.channel}: {result.detail}")
        try:
            await self._writer.change(lambda unit: _settle(unit, row, result))
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
        notification = Notification(id=row.id, target=row.target, body=row.body)
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                return await notifier.send(notification)
        except Exception as error:  # noqa: BLE001 - one broken channel must not stop the others
            return RetryLater(detail=f"{type(error).__name__}: {error}"[:200])


_DUE: Final = "state = 'pending' AND (next_at_ms <= ? OR next_at_ms > ?)"
_TARGETS: Final = f"SELECT DISTINCT channel, target FROM outbox WHERE {_DUE}"  # noqa: S608
_ROWS: Final = (
    "SELECT id, channel, target, body, attempts FROM outbox"  # noqa: S608 - own text, as above
    f" WHERE {_DUE} AND channel = ? AND target = ? ORDER BY next_at_ms, id LIMIT ?"
)


def _due(unit: UnitOfWork, under_way: Set[str] = frozenset()) -> list[Pending]:
    """What is to be sent now beside what is under way, target by target."""
    # No pause is longer: a later time was written by a clock that has been set back since.
    times = (unit.now_ms, unit.now_ms + RETRY_MAX_MS)
    found: list[Pending] = []
    for channel, target in unit.execute(_TARGETS, times).fetchall():
        # What is under way is due still, and keeps its place.
        rows = unit.execute(_ROWS, (*times, channel, target, PER_TARGET_MAX)).fetchall()
        found += [
            Pending(id=i, channel=c, target=t, body=b, attempts=a)
            for i, c, t, b, a in rows
            if i not in under_way
        ]
    return found


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
