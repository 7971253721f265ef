"""How far the copy of the trail is behind, and who hears of it when that is too much.

A trail that is copied nowhere keeps no press waiting, so `/readyz` says nothing of it: there are
figures, and an alarm of the hub's own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from dashboard.middleware import gauge
from hearthwatch.audit_copy.copying import AuditCopy
from ledger.trail_copy import Lag, lag

LOOK_S: Final = 15.0
LATE: Final = "watchdog_audit_copy"
DIFFERS: Final = "watchdog_audit_differs"

# Rule, whether it has failed, evidence: opens an alarm of the hub's own, or ends it.
Tell = Callable[[str, bool, Mapping[str, Any]], Awaitable[object]]


class CopyWatch:
    """`now_ms`: the time that stands in the rows."""

    def __init__(
        self,
        engine: Engine,
        late_after_ms: int,
        now_ms: Callable[[], int],
        tell: Tell,
        log: Callable[[str, str], None],
    ) -> None:
        self._engine = engine
        self._late_after_ms = late_after_ms
        self._now_ms = now_ms
        self._tell = tell
        self._log = log
        self._begun_ms = now_ms()
        # None: nothing was told since the start, and an alarm of before may be open.
        self._late: bool | None = None
        self._differs = False
        self.copy: AuditCopy | None = None
        self.lag = Lag()

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        while True:
            await self.look()
            await pause(LOOK_S)

    async def look(self) -> None:
        """Once. What stops it does not stop the hub."""
        copy = self.copy
        if copy is None:
            return
        try:
            # Where nobody could be asked yet, nothing is known to be there.
            self.lag = await asyncio.to_thread(self._read, copy)
            late = self.waits_ms() >= self._late_after_ms
            # A first copy of an old book has its time as well.
            if late and self._now_ms() - self._begun_ms < self._late_after_ms:
                return
            if late != self._late:
                evidence = {"late_s": self.waits_ms() // 1000, "rows_behind": self.lag.rows}
                await self._tell(LATE, late, evidence if late else {})
                self._late = late
            if copy.differences and not self._differs:
                await self._tell(DIFFERS, True, {"differences": copy.differences})
                self._differs = True
        except Exception as error:  # noqa: BLE001 - the book itself may be what is broken
            self._log("audit_copy_not_looked_at", type(error).__name__)

    def _read(self, copy: AuditCopy) -> Lag:
        with self._engine.connect() as connection:
            return lag(connection, copy.known or {})

    def waits_ms(self) -> int:
        """How long the oldest row that is not elsewhere has been waiting."""
        since_ms = self.lag.waits_since_ms
        return 0 if since_ms is None else max(0, self._now_ms() - since_ms)

    def measure(self, registry: CollectorRegistry) -> None:
        for name, text, read in (
            ("behind_rows", "Rows of the trail that are not elsewhere yet", lambda: self.lag.rows),
            ("waits_seconds", "How long the oldest of them waits", lambda: self.waits_ms() // 1000),
            (
                "newest_seconds",
                "When the newest row that is elsewhere was written",
                lambda: (self.lag.newest_at_ms or 0) // 1000,
            ),
            (
                "differences",
                "Rows that are not as they were copied",
                lambda: 0 if self.copy is None else self.copy.differences,
            ),
        ):
            gauge(registry, f"hearthwatch_audit_copy_{name}", text, partial(_as_float, read))


def _as_float(read: Callable[[], int]) -> float:
    return float(read())
