"""The hub process: everything between the broker and the screens, or a role's part of it, composed
here and only here."""

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx2
import uvicorn
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select

from alarms.replies import Replies
from dashboard.permissions import may
from hearthwatch.backtest.tries import ProcessRunner, Tries
from hearthwatch.book_look import BookLook
from hearthwatch.broker_sources import Source, commands_source
from hearthwatch.clock import PlannedClock
from hearthwatch.enrolling import enrolling
from hearthwatch.following import Following
from hearthwatch.housekeeping import House
from hearthwatch.http_server import Server, http_of
from hearthwatch.hub_config import HubConfig
from hearthwatch.hub_feed import joined_feed
from hearthwatch.hub_ingest import Ingest
from hearthwatch.logs import say
from hearthwatch.notices import Notices
from hearthwatch.part_gauges import measure_part
from hearthwatch.person_terms import catch_up
from hearthwatch.roles import ALL, Role, open_book
from hearthwatch.sealed_book import opened
from hearthwatch.stored_views import KeepsStates, StoredViews
from hearthwatch.stores import open_reader
from hearthwatch.to_loop import ToLoop
from hearthwatch.urgent_side import UrgentSide
from hearthwatch.watchdog.watch import Watchdog
from ingest.backup_marks import tell
from ingest.readings_batch import ReadingsBatch
from ingest.shard_work import ShardWork
from ingest.urgent_lane import Stored
from ledger import register as roster_table
from ledger.changes import shorten
from ledger.cursor import HubConnection
from ledger.register_changes import Changed
from ledger.roster import parse as parse_roster
from ledger.schema import ENTRY
from ledger.unit_of_work import UnitOfWork
from rules.engine import Engine
from rules.rule import Rule

if TYPE_CHECKING:
    from hearthwatch.offices import Offices

# Presence (last seen, heartbeats) is written this often.
FLUSH_S: Final = 2.0
# What its time has come for (questions to elders) is looked for this often.
DUE_S: Final = 1.0
# And never more often: what is due at the same moment shares a look.
DUE_MIN_S: Final = 0.02
# Whether this hub still has the book, and while waiting for it whether it is free.
LEASE_LOOK_S: Final = 0.5
# The log of what was changed is shortened this often, where there is one.
SHORTEN_S: Final = 60.0


class Hub:
    """Built, then run by `run` until asked to stop. `ingest`: None where the role hears nobody."""

    def __init__(
        self,
        config: HubConfig,
        clock: PlannedClock,
        rules: Sequence[Rule],
        connection: HubConnection | None = None,
        role: Role = ALL,
    ) -> None:
        """`connection`: a hub's to its book, which is made when it is left out."""
        self.config, self.clock, self.rules, self.role = config, clock, rules, role
        self.connection = opened(config, connection or open_book(role, config))
        self.to_loop = ToLoop()
        self.notices = Notices(config)
        self.lost = False
        self.side = side = self._side()
        side.escalates = role.escalates
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
        self.joined = joined_feed(self)
        self.key_turns = config.book.open_key_turns()
        self.writer.attach(self.notices.contacts)
        decline, says = self.book.handing.cannot_come, self.book.contacts.says
        self.replies = Replies(self.writer, self.book, decline, may, says)
        self.following = Following(side, config.book.ring)
        self.writer.follow = self.following.follow
        self.writer.start()
        if config.homes is not None and role.escalates:
            self._import(config.homes)
        self.ingest = None
        if role.hears:
            self.ingest = Ingest(config, clock, rules, side, self.reader)
            self.following.on_events = self.ingest.follow_events
            self.following.on_roster = self.ingest.roster_changed
        self.readings = open_reader(config) if self.ingest is None else self.ingest.readings
        self._stored_views = self._views()
        self.client = self._client()
        self.look = BookLook(config.book, config.data_dir, self.connection.damage, say)
        self.enrolling = enrolling(config, self.reader, side.register, say)
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
            call_soon=self.to_loop.call_soon,
            on_stored=self._stored,
            log=say,
        )

    def _client(self) -> Source | None:
        if self.ingest is not None:
            return self.ingest.client
        return commands_source(self.config.broker, say) if self.role.escalates else None

    def _views(self) -> StoredViews | None:
        """Where another process hears readings, and keeps its states where we can read them."""
        elsewhere = self.ingest is None or self.ingest.set is not None
        if not (elsewhere and self.role.serves and isinstance(self.readings, KeepsStates)):
            return None
        return StoredViews(
            self.side,
            self.readings,
            make_engine=partial(Engine, self.rules, lane="readings"),
            now_ms=self.clock.now_ms,
            monotonic=time.monotonic,
            log=say,
        )

    def roster_changed(self, unit: UnitOfWork, changed: Changed | None = None) -> None:
        """In the writer's thread, inside the transaction that changed the roster."""
        self.following.on_roster(self.side.roster_changed(unit, changed))

    def _import(self, path: Path) -> None:
        roster = parse_roster(path.read_text(), path.name)

        def apply(unit: UnitOfWork) -> None:
            roster_table.store(unit, roster)
            self.side.roster_changed(unit)

        self.writer.submit(apply).result()

    def _stored(self, stored: Sequence[Stored]) -> None:
        if self.ingest is not None:
            self.ingest.stored(stored)

    def _last_entry(self) -> int:
        with self.reader.connect() as connection:
            return connection.scalar(select(func.max(ENTRY.c.seq))) or 0

    # The lane that hears readings, where this process has it.

    @property
    def batch(self) -> ReadingsBatch:
        """Of a hub that hears everybody, for whoever hands it readings in the lane's place."""
        if self.ingest is None or not isinstance(self.ingest.work, ShardWork):
            raise LookupError(f"role {self.role.name} has no batch of all gateways")
        self.ingest.work.prepare()
        return self.ingest.work.batch

    @cached_property
    def offices(self) -> "Offices":
        """Made with the pages."""
        from hearthwatch.offices import Offices

        return Offices(self)

    # Running.

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        self.to_loop.open()
        self._served = asyncio.Event()
        async with self.notices.client() as http:
            # What lives as long as the hub need not be looked through again and again, nor now.
            gc.freeze()
            tasks = self._parts(http)
            if self.joined is not None:
                self.joined.start()
            # Presses are taken from here on; the pages follow, and then what rules have learned.
            server = await asyncio.to_thread(self._server)
            self._served.set()
            serving = asyncio.create_task(server.serve(), name="http")
            if self.ingest is not None:
                self.ingest.lane.start()
            ready()
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({stopping, serving, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done() and not self.lost:
                    say("task_ended", f"{task.get_name()}: {task.exception()!r}")
            if self.role.serves:
                self.app.state.streams.close()
            server.should_exit = True
            await serving
            stopping.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.close()

    def _parts(self, http: httpx2.AsyncClient) -> list[asyncio.Task[None]]:
        """What this role does, each on its own."""
        parts: dict[str, Coroutine[Any, Any, None]] = {
            "supervision": self._supervise(),
            "lease": self._watch_lease(),
        }
        if self.client is not None:
            parts["urgent-broker"] = self.client.run()
        if not self.role.escalates or self.client is None:
            return [
                _task(name, part) for name, part in {**parts, "house": self.house.see()}.items()
            ]
        dispatcher = self.side.dispatcher = self.notices.dispatcher(self.writer, http, self.client)
        parts |= {
            "dispatcher": dispatcher.run(),
            "due": self._watch_due(),
            "offices": self._serve_offices(),
            "enrolment": self.enrolling.run(),
            "modem": self.notices.listen(self.replies),
            "house": self.house.run(),
            "book-look": self.look.run(),
        }
        if self.joined is not None:
            parts["change-log"] = self._shorten_log()
        return [*(_task(*part) for part in parts.items()), *self.watchdog.start(http)]

    def close(self) -> None:
        if self.ingest is not None:
            self.ingest.lane.stop()
        if self.joined is not None:
            self.joined.close()
        self.tries.close()
        with contextlib.suppress(Exception):
            self.writer.submit(self.presence.flush).result(5)
        self.writer.close()
        if self.ingest is not None:
            self.ingest.close()
        if self.key_turns is not None:
            self.key_turns.close()
        self.readings.close()
        self.reader.dispose()

    async def _serve_offices(self) -> None:
        await self._served.wait()
        offices = await asyncio.to_thread(lambda: self.offices)
        await offices.run()

    async def _supervise(self) -> None:
        if not self.role.escalates:
            await self._flush_for_ever()
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
                acks = await self.writer.change(self.side.flush)
                if self.client is not None:
                    tell(acks, self.client)
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

    async def _shorten_log(self) -> None:
        while True:
            await asyncio.sleep(SHORTEN_S)
            try:
                while await self.writer.run(shorten):
                    continue
            except Exception as error:  # noqa: BLE001 - as above
                say("change_log_not_shortened", f"{type(error).__name__}: {error}")

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
        """In a thread: what is imported here takes as long as everything before it."""
        registry = CollectorRegistry()
        measure_part(registry, self)
        self.notices.measure(registry, self.reader)
        if self.role.escalates:
            self.house.measure(registry)
        if not self.role.serves:
            from dashboard.part_pages import create_part

            return Server(
                http_of(
                    self.config, create_part(self.role.name, self.health, registry, self._shown)
                )
            )
        from hearthwatch.hub_pages import Seen, pages

        seen = Seen(readings=self.readings, engines=self._engines, reading=self._reading)
        self.app = pages(self, seen, registry)
        return Server(http_of(self.config, self.app))

    def _shown(self) -> dict[str, object]:
        return {} if self.ingest is None else self.ingest.shown()

    def _engines(self) -> Sequence[Engine]:
        if self._stored_views is not None:
            return (self.urgent.engine, self._stored_views.engine())
        return (self.urgent.engine, *(() if self.ingest is None else self.ingest.engines))

    def _reading(self) -> bool:
        return self._stored_views is None and self.ingest is not None and not self.ingest.began

    def health(self) -> dict[str, str]:
        """Each part with "ok" or what is wrong with it."""
        found = {} if self.ingest is None else self.ingest.health()
        if self.ingest is None and self.client is not None:
            found["broker_commands"] = "ok" if self.client.connected.is_set() else "not connected"
        found["book"] = "ok" if self.writer.healthy else "last commit failed"
        found["lease"] = "another hub has the book" if self.lost else "ok"
        if self.joined is not None:
            found["others"] = self.joined.state
        if self.role.escalates:
            found["book_file"] = self.look.state
            found["enrolment"] = self.enrolling.state
            found |= self.watchdog.health()
        return found


def _task(name: str, part: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(part, name=name)
