"""Who saw what: views of people's records, written beside the requests and not in their way.

Changes are audited in their own transaction; a view is queued here and written within
milliseconds. Reading goes on when the book cannot be written (a responder needs the address more
than we need the row), which is counted and logged.
"""

import asyncio
import contextlib
import logging
from collections import deque
from typing import Final

from dashboard.ports import RecordWriter
from ledger.unit_of_work import UnitOfWork

_LOG = logging.getLogger("hearthwatch.dashboard")

# Rows waiting for the writer; at 200 bytes each 2 MB, and minutes of a stuck disk.
QUEUE_MAX: Final = 10_000
# The object column holds this much.
OBJECT_LENGTH_MAX: Final = 160


class AuditTrail:
    """`note` from any thread; `run` is the task on the event loop that writes."""

    def __init__(self, writer: RecordWriter) -> None:
        self._writer = writer
        self._rows: deque[tuple[str, str, str, str]] = deque()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self.lost = 0

    def note(self, actor: str, action: str, object_: str, detail: str = "") -> None:
        if len(self._rows) >= QUEUE_MAX:
            self._lose(1, "the queue is full")
            return
        self._rows.append((actor, action, object_[:OBJECT_LENGTH_MAX], detail))
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Write what is queued until `close`; then write the rest."""
        self._loop = asyncio.get_running_loop()
        while not (self._closing and not self._rows):
            if not self._rows:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self.flush()

    async def flush(self) -> None:
        # Only this task takes rows out; threads add at the other end meanwhile.
        rows = [self._rows.popleft() for _ in range(len(self._rows))]
        if not rows:
            return

        def write(unit: UnitOfWork) -> None:
            for actor, action, object_, detail in rows:
                unit.audit(actor, action, object_, detail)

        try:
            await self._writer.change(write)
        except Exception as error:  # noqa: BLE001 - whatever stops the writer must not stop reading
            self._lose(len(rows), type(error).__name__)

    async def close(self, task: asyncio.Task[None]) -> None:
        self._closing = True
        self._wake.set()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def _lose(self, count: int, why: str) -> None:
        self.lost += count
        _LOG.error("%d audit rows of views were not stored: %s", count, why)
