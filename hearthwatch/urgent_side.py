"""The side of a hub that writes the book: register, presence, spool marks, writer, alarms and
the urgent lane, put together once for the hub and for its simulation.

The order matters: each projection is read back before the writer starts, the roster before what
is named by it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from alarms.book import AlarmBook
from alarms.dispatcher import Dispatcher
from alarms.outbox import TableOutbox, WebhookTarget
from hearthwatch.device_facts import device_facts
from hearthwatch.region_facts import home_facts
from hearthwatch.rule_settings import RuleSettings
from ingest.presence import Presence
from ingest.stored_marks import StoredMarks
from ingest.supervision import watch_gaps
from ingest.urgent_lane import Stored, UrgentLane
from ledger.cursor import Connection
from ledger.feed import Feed, FeedEvent
from ledger.register import Register
from ledger.rule_settings import NewSetting
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer
from rules.engine import Engine
from rules.rule import GATEWAY_PREFIX, HomeFacts, Rule


class UrgentSide:
    """Lives with its writer. `call_soon` brings what was committed to the event loop; the
    dispatcher is given before anything is."""

    def __init__(
        self,
        connection: Connection,
        *,
        rules: Sequence[Rule],
        webhooks: Sequence[WebhookTarget],
        clock: Callable[[], int],
        call_soon: Callable[[Callable[[], None]], None],
        on_stored: Callable[[Sequence[Stored]], None],
        log: Callable[[str, str], None],
    ) -> None:
        self._call_soon = call_soon
        self._outbox_written = False
        self.dispatcher: Dispatcher | None = None
        self.feed = Feed()
        self.register = Register()
        self.presence = Presence(self.register)
        self.marks = StoredMarks()
        self.writer = Writer(connection, clock, self.committed)
        self.settings = RuleSettings(rules, self.register, log)
        self.book = AlarmBook(
            self.register,
            TableOutbox(webhooks, self._note_outbox),
            self.settings.asks_for_s,
            self.settings.is_shadowed,
        )
        self.register.troubles = self.book.troubles
        self.register.now_ms = clock
        self.urgent = UrgentLane(
            writer=self.writer,
            book=self.book,
            presence=self.presence,
            marks=self.marks,
            make_engine=lambda: Engine(rules, lane="urgent"),
            know_homes=self.know_homes,
            clock=clock,
            call_soon=call_soon,
            on_stored=on_stored,
            log=log,
        )
        for projection in (
            self.register,
            self.settings,
            self.presence,
            self.marks,
            self.book,
            self.urgent,
        ):
            self.writer.attach(projection)

    def know_homes(self, engine: Engine, now_ms: int) -> None:
        index, rules = self.register.index, self.settings.current
        engine.configure(rules.rules)
        devices = device_facts(index.devices.values()) if engine.wants_devices else {}
        for facts in home_facts(index, devices):
            if facts.home in index.homes:
                differs = self.settings.of_home(rules, index, facts.home)
                # A village has no settings of its own.
                facts = replace(facts, overrides=differs.overrides, signed=differs.signed)  # noqa: PLW2901
            engine.add_home(facts, now_ms)
        for gateway, row in index.gateways.items():
            subject = f"{GATEWAY_PREFIX}{gateway}"
            facts = HomeFacts(
                home=subject, region=row["region"] or "", devices=devices.get(subject, ())
            )
            engine.add_home(facts, now_ms)

    def roster_changed(self, unit: UnitOfWork) -> None:
        """In the writer's thread, inside the transaction that changed the roster."""
        self.register.reload(unit.cursor)
        self.presence.reload(unit.cursor)
        self.urgent.roster_changed(unit.now_ms)

    def change_rule(self, unit: UnitOfWork, new: NewSetting) -> None:
        """In the writer's thread; ConfigError when it makes no sense, and nothing has changed."""
        self.settings.change(unit, new)
        # A press waits for this transaction: homes are gone through only where it matters here.
        rule = self.settings.current.rule(new.rule)
        if rule is not None and rule.kind.lane == "urgent":
            self.urgent.roster_changed(unit.now_ms)

    def flush(self, unit: UnitOfWork) -> None:
        """What is written every few seconds: last-seen times, heartbeats, gaps, marks; and what is
        forgotten."""
        watch_gaps(unit, self.book, self.marks, self.presence.flush(unit))
        self.marks.write(unit)
        self.book.shadow.forget(unit)

    def committed(self, events: Sequence[FeedEvent]) -> None:
        """In the writer's thread, after each commit with entries."""
        # Waking the dispatcher for nothing would cost a press its turn at the interpreter.
        to_send, self._outbox_written = self._outbox_written, False
        self._call_soon(lambda: self._publish(events, to_send))

    def _note_outbox(self) -> None:
        self._outbox_written = True

    def _publish(self, events: Sequence[FeedEvent], to_send: bool) -> None:
        self.feed.publish(events)
        if to_send and self.dispatcher is not None:
            self.dispatcher.wake()
