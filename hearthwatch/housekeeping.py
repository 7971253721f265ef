"""What a hub does beside its work: memory given back, heads told, and what has had its time taken
away each night."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from alarms.trial_press import finding
from hearthwatch.audit_copy.config import LATE_AFTER_MIN
from hearthwatch.audit_copy.copying import audit_copy
from hearthwatch.audit_copy.watch import CopyWatch
from hearthwatch.certificate_ends import CertificateEnds, measure_ends, served
from hearthwatch.clock import wall_ms
from hearthwatch.enrolling import Enrolling, NoEnrolling
from hearthwatch.heads import tell_heads
from hearthwatch.hub_config import HubConfig
from hearthwatch.logs import say
from hearthwatch.memory import keep_tidy
from hearthwatch.server_watch import ServerWatch
from hearthwatch.urgent_side import UrgentSide
from ledger.erasure.periods import Periods
from ledger.erasure.retention import proposed, take_away
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer
from rules.finding import Severity
from rules.local_time import day_of

# Whether a night has passed is looked for this often.
LOOK_S: Final = 600.0
MINUTE_MS: Final = 60_000


class House:
    """Built with the hub, run beside it."""

    def __init__(
        self,
        config: HubConfig,
        side: UrgentSide,
        reader: Engine,
        enrolling: Enrolling | NoEnrolling,
        now_ms: Callable[[], int],
    ) -> None:
        self._config, self._side, self._reader, self._now_ms = config, side, reader, now_ms
        late_min = LATE_AFTER_MIN if config.audit_copy is None else config.audit_copy.late_after_min
        self.copying = CopyWatch(reader, late_min * MINUTE_MS, now_ms, self._told, say)
        self.servers = ServerWatch(reader, say) if config.book.has_standby else None
        self.ends: CertificateEnds | None = None
        if config.enrolment is not None:
            look = partial(served, config.enrolment, config.broker)
            self.ends = CertificateEnds(look, enrolling.certificate, wall_ms, self._told, say)
            enrolling.ends = self.ends

    async def run(self) -> None:
        writer, now_ms = self._side.writer, self._now_ms
        await asyncio.gather(
            keep_tidy(),
            tell_heads(self._reader, say),
            keep_periods(writer, self._config.periods, now_ms, say),
            self._copy_trail(),
            *(() if self.servers is None else (self.servers.run(),)),
            *(() if self.ends is None else (self.ends.run(),)),
        )

    async def see(self) -> None:
        """In a process that keeps no house, beside the one that does: what its pages say."""
        if self.ends is not None:
            self.ends.tells = False
        await asyncio.gather(keep_tidy(), *(() if self.ends is None else (self.ends.run(),)))

    def measure(self, registry: CollectorRegistry) -> None:
        self.copying.measure(registry)
        measure_ends(registry, self.ends)
        if self.servers is not None:
            self.servers.measure(registry)

    async def _copy_trail(self) -> None:
        config = self._config.audit_copy
        if config is None:
            return
        copier = self._config.book.open_copier()
        try:
            async with audit_copy(
                config, copier, self._side.writer, lambda: wall_ms() // 1000, say
            ) as copy:
                self.copying.copy = copy
                await asyncio.gather(copy.run(), self.copying.run())
        finally:
            copier.dispose()

    async def _told(
        self,
        rule: str,
        failed: bool,
        evidence: Mapping[str, Any],
        severity: Severity = "technical",
        /,
    ) -> None:
        """Open an alarm of the hub's own, or end it."""

        def take(unit: UnitOfWork) -> None:
            found = finding(
                rule, failed=failed, now_ms=unit.now_ms, evidence=evidence, severity=severity
            )
            self._side.book.take(unit, found, replayable=False)

        await self._side.writer.change(take)


async def keep_periods(
    writer: Writer,
    periods: Periods,
    now_ms: Callable[[], int],
    log: Callable[[str, str], None],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Once a day, and at the start. What stops it does not stop the hub."""
    done: int | None = None
    while True:
        today = day_of(now_ms())
        if today != done:
            try:
                await _keep(writer, periods, log)
                done = today
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                log("retention_not_kept", f"{type(error).__name__}: {error}")
        await pause(LOOK_S)


async def _keep(writer: Writer, periods: Periods, log: Callable[[str, str], None]) -> None:
    taken = 0
    while some := await writer.change(lambda unit: take_away(unit, periods)):
        taken += some
    if taken:
        log("retention", f"{taken} rows of what could not be read were taken away")
    found = await writer.change(lambda unit: proposed(unit.cursor, periods, unit.now_ms))
    if found:
        log("erasure_proposed", f"{len(found)} persons; see hearthwatch retention --plan")
