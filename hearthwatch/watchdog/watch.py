"""The watchdog of one hub, put together."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import httpx2

from alarms.outbox import TableOutbox
from alarms.trial_press import TrialPresses, finding
from hearthwatch.broker_sources import gateway_source
from hearthwatch.hub_config import HubConfig
from hearthwatch.logs import say
from hearthwatch.urgent_side import UrgentSide
from hearthwatch.watchdog.heartbeat import Heartbeat
from hearthwatch.watchdog.press import DailyPress
from ledger.unit_of_work import UnitOfWork

# What is due is looked for every second; silence of so many means that nobody looks any more.
DUE_WITHIN_S: Final = 15.0
HEARTBEAT: Final = "heartbeat"


class Watchdog:
    """`checks`: the hub's own, this one's included."""

    def __init__(
        self,
        config: HubConfig,
        side: UrgentSide,
        now_ms: Callable[[], int],
        checks: Callable[[], Mapping[str, str]],
        roster_changed: Callable[[UnitOfWork], object],
    ) -> None:
        self._roster_changed = roster_changed
        self._config = config
        self._side = side
        self._now_ms = now_ms
        self._checks = checks
        # Of the county: `test_at` is a time of its day.
        self.zone = config.notify.telling.zone
        self._due_at = time.monotonic()
        self._heartbeat: Heartbeat | None = None

    def due_looked_for(self) -> None:
        """The watch of what is due has come round once more."""
        self._due_at = time.monotonic()

    def health(self) -> dict[str, str]:
        silent_s = time.monotonic() - self._due_at
        due = "ok" if silent_s < DUE_WITHIN_S else f"not looked for {silent_s:.0f} s"
        beats = {} if self._heartbeat is None else {HEARTBEAT: self._heartbeat.state()}
        return {"due": due, **beats}

    def start(self, http: httpx2.AsyncClient) -> list[asyncio.Task[None]]:
        """Its tasks; on the event loop."""
        self.due_looked_for()
        tasks = []
        if self._config.watchdog.url is not None:
            tasks.append(asyncio.create_task(self._beating(http), name=HEARTBEAT))
        if self._config.watchdog.test_home is not None:
            tasks += self._pressing(self._config.watchdog.test_home)
        return tasks

    async def _beating(self, http: httpx2.AsyncClient) -> None:
        config = self._config.watchdog
        url = config.url or ""
        self._heartbeat = Heartbeat(
            lambda: http.request(config.method, url),
            checks=lambda: {k: v for k, v in self._checks().items() if k != HEARTBEAT},
            commits=lambda: self._side.writer.change(_nothing),
            told=self._told,
            late_after_s=config.late_after_s,
            monotonic=time.monotonic,
            log=say,
        )
        await self._heartbeat.run(config.interval_s)

    async def _told(self, late_s: float | None) -> None:
        """Open an alarm of the hub's own, or end it."""

        def take(unit: UnitOfWork) -> None:
            evidence = {} if late_s is None else {"late_s": round(late_s)}
            found = finding(
                "watchdog_heartbeat",
                failed=late_s is not None,
                now_ms=unit.now_ms,
                evidence=evidence,
            )
            self._side.book.take(unit, found, replayable=False)

        await self._side.writer.change(take)

    def _pressing(self, home: str) -> list[asyncio.Task[None]]:
        config, side = self._config.watchdog, self._side
        outbox = TableOutbox(on_written=side.note_outbox)
        presses = TrialPresses(outbox, config.test_gateway, home, config.receipt_url)
        side.book.on_test = presses.noted
        test = DailyPress(
            config,
            presses,
            side.writer,
            lambda unit, found: side.book.take(unit, found, replayable=False),
            client=lambda: client,
            now_ms=self._now_ms,
            monotonic=time.monotonic,
            zone=self.zone,
            log=say,
            furnished=self._roster_changed,
        )
        broker = self._config.broker
        if config.test_password is not None:
            # A gateway like any other, with the rights of one.
            broker = replace(broker, username=config.test_gateway, password=config.test_password)
        client = gateway_source(broker, config.test_gateway, test.on_messages, say)
        return [
            asyncio.create_task(client.run(), name="test-broker"),
            asyncio.create_task(test.run(), name="test-press"),
        ]


def _nothing(_unit: UnitOfWork) -> None:
    return None
