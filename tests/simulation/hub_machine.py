"""A hub: the product's own `UrgentSide` and readings side, with dispatcher and the look for what is
due, as `hearthwatch/hub.py` puts them together; no HTTP, no migration."""

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path

from alarms.contact_book import ContactBook
from alarms.desk import Desk
from alarms.dispatcher import Dispatcher
from alarms.escalation.defaults import default_policies
from alarms.notifiers.gateway_command import GatewayCommand
from alarms.telling import Telling, TellingSettings
from contract import topics
from hearthwatch.clock import PlannedClock
from hearthwatch.hub import DUE_MIN_S, DUE_S, FLUSH_S
from hearthwatch.urgent_side import UrgentSide
from ingest.backup_marks import tell
from ledger.database import open_writer
from rules.config import default_rules
from tests.simulation.disk import Crash
from tests.simulation.machines import COMMIT_S, SLOW_COMMIT_S, Machine
from tests.simulation.network import Broker, HubClient
from tests.simulation.oracle import Oracle
from tests.simulation.providers import CHANNELS, Provider
from tests.simulation.readings_side import ReadingsSide

RULES = default_rules()
POLICIES = default_policies()


class HubMachine(Machine):
    def __init__(
        self, folder, rng, oracle, broker: Broker, *, template: Path | None, name: str = "hub"
    ) -> None:
        """`template`: the book that it begins with, on its own disk."""
        super().__init__(name, folder, rng, oracle)
        self._broker = broker
        if template is not None:
            (self.disk.folder / "hub.db").write_bytes(template.read_bytes())
        self.desk: Desk | None = None
        self.providers = {name: Provider(name, rng, oracle) for name in CHANNELS}
        self._client: HubClient | None = None
        self._connection = None
        self.readings: ReadingsSide | None = None

    def log(self, event: str, detail: str) -> None:
        self.oracle.say(f"hub: {event} {detail}")

    def _start(self):
        client = self._build(open_writer(self.disk.folder / "hub.db", self.disk.connect))
        self.oracle.hub_boots(self._connection, self.readings.store._connection)
        return self._run(client)

    def _build(self, connection) -> HubClient:
        """The product's parts on a book that is open."""
        self.hub_clock = clock = PlannedClock(
            None,
            self.clock.now_ms,
            lambda: self.loop.time() * 1000,
            f"{self.name}-boot-{self.clock.boots}",
            self.clock.running_ms,
        )
        self._connection = connection
        contacts, telling = ContactBook(CHANNELS), Telling(TellingSettings())
        self.readings = None
        self.side = UrgentSide(
            self._connection,
            rules=RULES,
            webhooks=(),
            telling=telling,
            policies=POLICIES,
            points_of=contacts.points_of,
            clock=clock.now_ms,
            look=clock.look,
            call_soon=self.loop.call_soon_threadsafe,
            on_stored=self._stored,
            log=self.log,
        )
        self.writer, self.book, self.urgent = self.side.writer, self.side.book, self.side.urgent
        self.writer.attach(contacts)
        # The oracle hears of every entry before the screens do.
        self.writer._on_commit = self._entries
        self._client = client = HubClient(
            self._broker, [topics.topic("+", "activation")], self._message, self.name
        )
        self.desk = Desk(self.writer, self.book, self.side.register)
        self._acker = _Acker(client, self.oracle)
        self.readings = self._readings_side()
        self.dispatcher = self.side.dispatcher = Dispatcher(
            self.writer,
            {"gateway_command": GatewayCommand(client), **self.providers},
            lambda _event, _detail: None,
            telling=telling,
        )
        return client

    def _readings_side(self) -> ReadingsSide | None:
        return ReadingsSide(self, self.side, self._broker, RULES)

    def _parts(self, client: HubClient) -> list[Coroutine[None, None, None]]:
        return [
            client.run(),
            self.readings.client.run(),
            self.readings.idle(),
            self.dispatcher.run(),
            self._supervise(),
            self._watch_due(),
        ]

    async def _run(self, client: HubClient) -> None:
        tasks = [self.loop.create_task(part) for part in self._parts(client)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            with contextlib.suppress(Exception):  # as the hub does: it tries again
                tell(await self.writer.change(self.side.flush), self._acker)

    async def _watch_due(self) -> None:
        while True:
            next_ms = self.book.next_in_ms()
            await asyncio.sleep(
                DUE_S if next_ms is None else min(DUE_S, max(next_ms / 1000, DUE_MIN_S))
            )
            with contextlib.suppress(Exception):  # as above
                while await self.writer.change(self.book.fire_due):
                    continue

    def soon(self, work) -> None:
        """Work of another thread than the writer's, at the pace of this machine's disk."""
        boots = self.disk.folder

        def turn() -> None:
            if not self.up or boots != self.disk.folder:
                return
            try:
                work()
            except Crash:
                self.die(self.disk.end)

        self.loop.call_later(self.rng.uniform(*(SLOW_COMMIT_S if self.slow else COMMIT_S)), turn)

    def _message(self, topic: str, payload: bytes, packet_id: int, link) -> None:
        if self.up:
            self.urgent.on_messages([(topic.encode(), payload, packet_id)], link, self._acker)

    def _stored(self, stored) -> None:
        if self.readings is not None:
            self.readings.lane.note_activations(stored)

    def _entries(self, events) -> None:
        self.oracle.feed(events)
        self.side.committed(events)

    def _writers(self):
        return (self.writer,)

    def _buried(self) -> None:
        if self._client is not None:
            self._client.close()
        if self.readings is not None:
            self.readings.bury()
        if self._connection is not None:
            self._connection.close()

    def _committed(self, connection, durable: bool) -> None:
        if connection.path.name == "readings.db":
            self.oracle.readings.hub_committed(connection, durable)
        else:
            self.oracle.hub_committed(connection, durable)


class _Acker:
    """Looks at every acknowledgement on its way out."""

    def __init__(self, client: HubClient, oracle: Oracle) -> None:
        self._client = client
        self._oracle = oracle

    def publish_soon(self, topic: str, payload: bytes) -> bool:
        self._oracle.acknowledged(payload)
        return self._client.publish_soon(topic, payload)
