"""The hub process: everything between the broker and the screens, composed here and only here."""

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select

from alarms.desk import Desk
from alarms.replies import Replies
from alarms.rota.duty import on_duty_for, visiting_for
from dashboard.app import create_app
from dashboard.middleware import gauge
from dashboard.permissions import may
from dashboard.ports import Deps
from dashboard.request_rate import ACCOUNT, ADDRESS, rate_of
from hearthwatch.apart import in_a_process
from hearthwatch.backtest.tries import ProcessRunner, Tries
from hearthwatch.book_look import BookLook
from hearthwatch.broker_sources import readings_source, urgent_source
from hearthwatch.clock import PlannedClock, wall_ms
from hearthwatch.department_exports import DepartmentExports
from hearthwatch.enrolling import enrolling
from hearthwatch.following import Following
from hearthwatch.housekeeping import House
from hearthwatch.http_server import Server, http_of
from hearthwatch.hub_config import HubConfig
from hearthwatch.logs import say
from hearthwatch.notices import Notices
from hearthwatch.person_terms import catch_up
from hearthwatch.rule_views import EngineViews
from hearthwatch.sealed_book import eraser_of, opened
from hearthwatch.stored_events import stored_event
from hearthwatch.stores import open_readings
from hearthwatch.urgent_side import UrgentSide
from hearthwatch.visit_tasks import MorningTasks
from hearthwatch.watchdog.watch import Watchdog
from ingest.backup_marks import tell
from ingest.mqtt.session import Message
from ingest.readings_batch import ReadingsBatch
from ingest.readings_lane import ReadingsLane
from ingest.urgent_lane import MessageLink, Stored
from ledger import register as roster_table
from ledger.cursor import HubConnection
from ledger.register_changes import Changed
from ledger.roster import parse as parse_roster
from ledger.schema import ENTRY, EVENT
from ledger.unit_of_work import UnitOfWork
from rules.engine import Engine
from rules.rule import Rule

# Presence (last seen, heartbeats) is written this often.
FLUSH_S: Final = 2.0
# What its time has come for (questions to elders) is looked for this often.
DUE_S: Final = 1.0
# And never more often: what is due at the same moment shares a look.
DUE_MIN_S: Final = 0.02
# Whether this hub still has the book, and while waiting for it whether it is free.
LEASE_LOOK_S: Final = 0.5
# Activations read back at a start for the rules that take them as signs of life: at 100 a day
# more than a year of a village.
MISSED_MAX: Final = 50_000


class Hub:
    """Built by `build`, run by `run` until asked to stop."""

    def __init__(
        self,
        config: HubConfig,
        clock: PlannedClock,
        rules: Sequence[Rule],
        connection: HubConnection | None = None,
    ) -> None:
        """`connection`: a hub's to its book, which is made when it is left out."""
        self.config = config
        self.clock = clock
        self.rules = rules
        self.connection = opened(config, connection)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.notices = Notices(config)
        self.lost = False
        self.side = side = self._side()
        self.feed, self.register, self.presence = side.feed, side.register, side.presence
        self.writer, self.book, self.urgent = side.writer, side.book, side.urgent
        self.reader = config.book.open_reader()
        self.tries = Tries(
            self.reader,
            lambda: side.settings.current,
            clock.now_ms,
            lambda task: ProcessRunner(config, task),
        )
        self.feed.last_seq = self._last_entry()
        self.writer.attach(self.notices.contacts)
        decline, says = self.book.handing.cannot_come, self.book.contacts.says
        self.replies = Replies(self.writer, self.book, decline, may, says)
        self.writer.start()
        if config.homes is not None:
            self._import(config.homes)
        self.store, self.readings = open_readings(config)
        self.batch = ReadingsBatch(
            store=self.store,
            writer=self.writer,
            book=self.book,
            presence=self.presence,
            make_engine=lambda: Engine(rules, lane="readings"),
            know_homes=self.side.know_homes,
            clock=clock.now_ms,
            missed=self._missed,
            log=say,
        )
        side.settings.on_reload = side.on_roster = self.batch.roster_changed
        self.writer.follow = Following(side, config.book.ring).follow
        self.lane = ReadingsLane(
            client=readings_source(config.broker, say),
            batch=self.batch,
            monotonic=time.monotonic,
            log=say,
        )
        self.client = urgent_source(config.broker, self._messages, say)
        self.visit_tasks = MorningTasks(
            self.reader, self.writer, self.book.visiting, clock.now_ms, config.morning_tasks
        )
        self.look = BookLook(config.book, config.data_dir, self.connection.damage, say)
        self.enrolling = enrolling(config, self.reader, side.register, say)
        self.exports = DepartmentExports(self.reader, self.writer, clock.now_ms, config.data_dir)
        self.house = House(config, side, self.reader, self.enrolling, clock.now_ms)
        self.watchdog = Watchdog(config, side, clock.now_ms, self.health, self.roster_changed)

    # Wiring.

    def _side(self) -> UrgentSide:
        return UrgentSide(
            self.connection,
            rules=self.rules,
            webhooks=[target for target, _secret in self.config.webhooks],
            telling=self.notices.telling,
            policies=self.config.policies,
            points_of=self.notices.contacts.points_of,
            clock=self.clock.now_ms,
            look=self.clock.look,
            warn_hours=self.config.rota_warn_hours,
            reaches=self.notices.reaches(),
            copies_kept=self.config.copies_kept,
            call_soon=self._call_soon,
            on_stored=self._stored,
            log=say,
        )

    def roster_changed(self, unit: UnitOfWork, changed: Changed | None = None) -> None:
        """In the writer's thread, inside the transaction that changed the roster."""
        self.batch.roster_changed(self.side.roster_changed(unit, changed))

    def _import(self, path: Path) -> None:
        roster = parse_roster(path.read_text(), path.name)

        def apply(unit: UnitOfWork) -> None:
            roster_table.store(unit, roster)
            self.side.roster_changed(unit)

        self.writer.submit(apply).result()

    def _messages(self, messages: list[Message], link: MessageLink) -> None:
        self.urgent.on_messages(messages, link, self.client)

    def _stored(self, stored: Sequence[Stored]) -> None:
        self.lane.note_activations(stored)

    def _call_soon(self, callback: Callable[[], None]) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(callback)

    def _missed(self, after_seq: int) -> Iterator[Stored]:
        """Activations in the book that the readings lane has not seen yet."""
        newest = select(EVENT).where(EVENT.c.seq > after_seq).order_by(EVENT.c.seq.desc())
        with self.reader.connect() as connection:
            rows = connection.execute(newest.limit(MISSED_MAX)).mappings().all()
        for row in reversed(rows):
            yield stored_event(row)

    def _last_entry(self) -> int:
        with self.reader.connect() as connection:
            return connection.scalar(select(func.max(ENTRY.c.seq))) or 0

    # Running.

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        async with self.notices.client() as http:
            server = self._server()
            dispatcher = self.side.dispatcher = self.notices.dispatcher(
                self.writer, http, self.client
            )
            self.lane.start()
            tasks = [
                asyncio.create_task(self.client.run(), name="urgent-broker"),
                asyncio.create_task(dispatcher.run(), name="dispatcher"),
                asyncio.create_task(self._supervise(), name="supervision"),
                asyncio.create_task(self._watch_due(), name="due"),
                asyncio.create_task(self.visit_tasks.run(), name="visits"),
                asyncio.create_task(self.exports.run(), name="department-files"),
                asyncio.create_task(self.enrolling.run(), name="enrolment"),
                *self.watchdog.start(http),
                asyncio.create_task(self.notices.listen(self.replies), name="modem"),
                asyncio.create_task(self._watch_lease(), name="lease"),
                asyncio.create_task(self.house.run(), name="house"),
                asyncio.create_task(self.look.run(), name="book-look"),
            ]
            serving = asyncio.create_task(server.serve(), name="http")
            # What lives as long as the hub need not be looked through again and again.
            gc.collect()
            gc.freeze()
            ready()
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({stopping, serving, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done() and not self.lost:
                    say("task_ended", f"{task.get_name()}: {task.exception()!r}")
            self.app.state.streams.close()
            server.should_exit = True
            await serving
            stopping.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.close()

    def close(self) -> None:
        self.lane.stop()
        self.tries.close()
        with contextlib.suppress(Exception):
            self.writer.submit(self.presence.flush).result(5)
        self.writer.close()
        self.store.close()
        self.readings.close()
        self.reader.dispose()

    async def _supervise(self) -> None:
        # Beside it, and not before it: a large book takes minutes, and a gateway that is gone is
        # missed meanwhile.
        catching_up = asyncio.create_task(catch_up(self.writer), name="catching-up")
        try:
            await self._flush_for_ever()
        finally:
            catching_up.cancel()

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                tell(await self.writer.change(self.side.flush), self.client)
                await asyncio.to_thread(self.config.book.tend)
            except Exception as error:  # noqa: BLE001 - a full disk must not end the watch
                say("presence_not_written", f"{type(error).__name__}: {error}")

    async def _watch_due(self) -> None:
        """Beside the supervision: what has its time waits for no heartbeats and no folded log."""
        while True:
            await asyncio.sleep(self._due_in_s())
            try:
                while await self.writer.change(self.book.fire_due):
                    continue
                # In a transaction of its own: no step of an alarm waits for it.
                await self.writer.change(self.side.rota.fire_due)
                self.watchdog.due_looked_for()
            except Exception as error:  # noqa: BLE001 - a full disk must not end the watch
                say("due_not_fired", f"{type(error).__name__}: {error}")

    async def _watch_lease(self) -> None:
        """Ends, and with it the hub, when another one has taken the book over. What is in memory
        here is no longer true; the next start waits for its turn."""
        lease = self.connection.lease
        while not lease.lost:  # noqa: ASYNC110 - it is set by a thread
            await asyncio.sleep(LEASE_LOOK_S)
        self.lost = True
        say("lease_lost", "another hub has taken the book over")

    def _due_in_s(self) -> float:
        """Until the next step, and never longer than a tick."""
        next_ms = self.book.next_in_ms()
        if next_ms is None:
            return DUE_S
        real_s = next_ms / 1000 / self.clock.speed()
        return min(DUE_S, max(real_s, DUE_MIN_S))

    def _server(self) -> uvicorn.Server:
        registry = CollectorRegistry()
        self._gauges(registry)
        self.notices.measure(registry, self.reader)
        self.house.measure(registry)
        self.app = create_app(
            Deps(
                engine=self.reader,
                writer=self.writer,
                desk=Desk(
                    self.writer,
                    self.book,
                    self.register,
                    nobody_met_days=self.config.nobody_met_days,
                ),
                feed=self.feed,
                intake=self.urgent,
                readings=self.readings,
                rules=EngineViews(
                    self.side, lambda: (self.urgent.engine, self.batch.engine), self.clock
                ),
                clock=self.clock,
                wall_ms=wall_ms,
                registry=registry,
                health=self.health,
                copied_at_ms=lambda: self.side.backups.made_at_ms,
                roster_changed=self.roster_changed,
                tries=self.tries,
                timezone=self.config.notify.telling.zone.key,
                apart=in_a_process,
                gps_proof=self.config.gps_proof,
                account_rate=rate_of(ACCOUNT, self.config.http.account_per_s),
                address_rate=rate_of(ADDRESS, self.config.http.address_per_s),
                eraser=eraser_of(self.config),
                signing_in=self.config.signing_in,
                notices=self.notices,
                replies=self.replies,
                rota=self.side.rota,
                on_duty=self._on_duty,
                shift_of=self._shift_of,
                outbox=self.exports.folder,
                departments=self.exports,
                enrolment=self.enrolling,
            )
        )
        return Server(http_of(self.config, self.app))

    def _gauges(self, registry: CollectorRegistry) -> None:
        copies = self.side.backups
        for name, text, read in (
            ("alarms_open", "Alarms that are not closed", lambda: self.book.open_count),
            ("activations_stored", "Activations stored", lambda: self.urgent.stored),
            ("activations_duplicate", "Redeliveries absorbed", lambda: self.urgent.duplicates),
            ("readings_stored", "Readings stored", lambda: self.batch.stored),
            ("readings_duplicate", "Readings seen before", lambda: self.batch.duplicates),
            ("commits", "Transactions of the book", lambda: self.writer.commits),
            ("commit_failures", "Changes that failed", lambda: self.writer.failures),
            ("backup_copies", "Checked copies that are there", lambda: copies.copies),
            ("backup_made_seconds", "When the newest was made", lambda: copies.made_at_ms // 1000),
            ("live_listeners", "Open live streams", lambda: self.feed.listeners),
        ):
            gauge(registry, f"hearthwatch_{name}", text, partial(_as_float, read))

    def _on_duty(self, region: str | None, at_ms: int) -> list[str]:
        """Those at the desk, and those whose shift it is to go."""
        plan = self.side.rota.book.plan
        there = (*on_duty_for(plan, region, at_ms), *visiting_for(plan, region, at_ms))
        return [on.person for on in there]

    def _shift_of(self, region: str | None, at_ms: int) -> str | None:
        on_duty = on_duty_for(self.side.rota.book.plan, region, at_ms)
        return on_duty[0].shift.name if on_duty else None

    def health(self) -> dict[str, str]:
        """Each part with "ok" or what is wrong with it."""
        return {
            "broker_urgent": "ok" if self.client.connected.is_set() else "not connected",
            "broker_readings": "ok" if self.lane.connected else "not connected",
            "readings_lane": "ok" if self.lane.alive else "stopped",
            "book": "ok" if self.writer.healthy else "last commit failed",
            "book_file": self.look.state,
            "lease": "another hub has the book" if self.lost else "ok",
            "enrolment": self.enrolling.state,
            **self.watchdog.health(),
        }


def _as_float(read: Callable[[], int]) -> float:
    return float(read())
