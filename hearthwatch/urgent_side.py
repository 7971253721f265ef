"""The side of a hub that writes the book: register, presence, spool marks, writer, alarms and
the urgent lane, put together once for the hub and for its simulation.

The order matters: each projection is read back before the writer starts, the roster before what
is named by it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from alarms.book import AlarmBook, Escalating
from alarms.dispatcher import Dispatcher
from alarms.escalation.policy import Policies
from alarms.escalation.retention import StepRetention
from alarms.escalation.timers import Clocks
from alarms.outbox import TableOutbox, WebhookTarget
from alarms.register_responders import PointsOf, RegisterResponders, no_points
from alarms.rota.coverage import WARN_HOURS
from alarms.rota.duty import RotaResponders
from alarms.rota.side import RotaSide
from alarms.rota.watch import Reaches, at_the_board
from alarms.telling import Telling
from contract.envelope import Ack
from hearthwatch.device_facts import device_facts
from hearthwatch.region_facts import facts_of_home, home_facts, homes_of, village_of
from hearthwatch.rule_settings import RuleSettings
from ingest.backup_marks import BackupMarks
from ingest.presence import Presence
from ingest.stored_marks import StoredMarks
from ingest.supervision import watch_gaps
from ingest.urgent_lane import Stored, UrgentLane
from ledger.checked_copies import KEPT
from ledger.cursor import Connection
from ledger.feed import Feed, FeedEvent
from ledger.making import Making
from ledger.register import Register
from ledger.register_changes import Changed, Touched
from ledger.rule_settings import NewSetting
from ledger.unit_of_work import UnitOfWork
from ledger.views import RosterIndex
from ledger.writer import Writer
from rules.engine import Engine
from rules.in_force import InForce
from rules.rule import GATEWAY_PREFIX, REGION_PREFIX, HomeFacts, Rule

# The shards of a worker that begins come within this; then other workers' homes are let go.
FACTS_KEPT_MS: Final = 60_000


class Told(NamedTuple):
    """What the rules were told of everybody, by which register and settings."""

    register: RosterIndex
    rules: InForce
    at_ms: int
    facts: Sequence[HomeFacts]


def _everybody(_subject: str) -> bool:
    return True


def _nothing() -> None:
    """What else is kept for shards that begin: who keeps something says so."""


class Joined(Protocol):
    def committed(self, events: Sequence[FeedEvent]) -> None: ...


class UrgentSide:
    """Lives with its writer. `call_soon` brings what was committed to the event loop; the
    dispatcher is given before anything is."""

    # What its time has come for is done here, and not by another process.
    escalates = True
    # Where others write the book as well: their entries and ours in one order.
    joined: Joined | None = None
    # Everybody as the rules were told of them last, for shards that begin together.
    _told: Told | None = None

    def __init__(
        self,
        connection: Connection,
        *,
        rules: Sequence[Rule],
        webhooks: Sequence[WebhookTarget],
        telling: Telling | None = None,
        policies: Policies,
        points_of: PointsOf = no_points,
        clock: Callable[[], int],
        look: Clocks,
        call_soon: Callable[[Callable[[], None]], None],
        on_stored: Callable[[Sequence[Stored]], None],
        log: Callable[[str, str], None],
        warn_hours: Sequence[float] = WARN_HOURS,
        reaches: Reaches = at_the_board,
        copies_kept: int = KEPT,
    ) -> None:
        self._call_soon = call_soon
        self.on_facts_let_go: Callable[[], None] = _nothing
        self._outbox_written = False
        self.dispatcher: Dispatcher | None = None
        self.feed = Feed()
        self.register = Register()
        self.presence = Presence(self.register)
        self.marks, self.backups = StoredMarks(), BackupMarks(copies_kept)
        self.writer = Writer(connection, clock, self.committed, beside=self._beside)
        self.settings = RuleSettings(rules, self.register, log)
        self._outbox = TableOutbox(webhooks, self.note_outbox, telling)
        self.book = AlarmBook(
            self.register,
            self._outbox,
            Escalating(
                responders=RotaResponders(
                    RegisterResponders(self.register, points_of), lambda: self.rota.book.plan
                ),
                policies=policies,
                clocks=look,
                log=log,
            ),
            self.settings.asks_for_s,
            self.settings.is_shadowed,
        )
        self.rota = RotaSide(clock, self.book, reaches=reaches, warn_hours=warn_hours)
        self.old_steps = StepRetention()
        self.register.troubles = self.book.troubles
        self.register.now_ms = clock
        self.urgent = UrgentLane(
            writer=self.writer,
            book=self.book,
            presence=self.presence,
            marks=self.marks,
            backups=self.backups,
            make_engine=lambda: Engine(rules, lane="urgent"),
            know_homes=self.know_homes,
            clock=clock,
            call_soon=call_soon,
            on_stored=on_stored,
            log=log,
        )
        read_first = (self.register, self.settings, self.presence, self.marks, self.backups)
        for projection in (*read_first, self.book, self.urgent):
            self.writer.attach(projection)
        self.rota.attach(self.writer)

    def know_homes(
        self,
        engine: Engine,
        now_ms: int,
        touched: Touched | None = None,
        mine: Callable[[str], bool] = _everybody,
    ) -> None:
        """Tell the rules of the homes, villages and gateways; of those that were touched alone.
        `mine`: whom this engine watches."""
        index, rules = self.register.index, self.settings.current
        engine.configure(rules.rules)
        if engine.meets and mine is _everybody:
            self._let_meet(engine, now_ms, touched)
            return
        if touched is None and mine is not _everybody:
            for facts in self._everyone(index, rules, now_ms):
                if mine(facts.home):
                    engine.add_home(facts, now_ms)
            return
        villages, gateways, homes = set(index.regions), set(index.gateways), homes_of(index)
        if touched is not None:
            villages = {village_of(region, index.regions) for region in touched.regions}
            gateways &= touched.gateways
            homes = homes_of(index, villages)
        if mine is not _everybody:
            villages = {code for code in villages if mine(f"{REGION_PREFIX}{code}")}
            gateways = {gateway for gateway in gateways if mine(f"{GATEWAY_PREFIX}{gateway}")}
            # A village knows all of its homes, whoever watches them.
            homes = {home: v for home, v in homes.items() if v in villages or mine(home)}
        told = self._facts(index, rules, homes, villages, gateways, devices=engine.wants_devices)
        for facts in told:
            if mine(facts.home):
                engine.add_home(facts, now_ms)

    def _let_meet(self, engine: Engine, now_ms: int, touched: Touched | None) -> None:
        """It asks for homes when it needs them; those that it has are told of what changed."""
        engine.meet(self._met, now_ms)
        index, villages = self.register.index, set[str]()
        if touched is not None:
            villages = {village_of(region, index.regions) for region in touched.regions}
        for home in engine.homes():
            facts = self._met(home)
            if facts is not None and (
                touched is None
                or facts.region in villages
                or home.removeprefix(GATEWAY_PREFIX) in touched.gateways
            ):
                engine.add_home(facts, now_ms)

    def _met(self, subject: str) -> HomeFacts | None:
        """From any thread: facts for rules that ask neither for devices nor for villages."""
        index = self.register.index
        if subject.startswith(GATEWAY_PREFIX):
            row = index.gateways.get(subject.removeprefix(GATEWAY_PREFIX))
            return None if row is None else HomeFacts(home=subject, region=row["region"] or "")
        facts = facts_of_home(index, subject)
        return None if facts is None else self._with_settings(self.settings.current, index, facts)

    def _everyone(self, index: RosterIndex, rules: InForce, now_ms: int) -> Sequence[HomeFacts]:
        """All facts, made once for all shards that begin on the same register."""
        told = self._told
        if told is None or told.register is not index or told.rules is not rules:
            homes = homes_of(index)
            villages, gateways = set(index.regions), set(index.gateways)
            facts = self._facts(index, rules, homes, villages, gateways, devices=True)
            told = self._told = Told(index, rules, now_ms, list(facts))
        return told.facts

    def _facts(
        self,
        index: RosterIndex,
        rules: InForce,
        homes: Mapping[str, str],
        villages: Set[str],
        gateways: Set[str],
        *,
        devices: bool,
    ) -> Iterator[HomeFacts]:
        """Of these homes, villages and gateways; with their devices where rules ask for them."""
        of_subject = {}
        if devices:
            of_subject = device_facts(
                row
                for row in index.devices.values()
                if row["home"] in homes or (row["home"] is None and row["gateway"] in gateways)
            )
        for facts in home_facts(index, of_subject, homes, villages):
            # A village has no settings of its own.
            if facts.home in index.homes:
                yield self._with_settings(rules, index, facts)
            else:
                yield facts
        for gateway in gateways:
            subject, region = f"{GATEWAY_PREFIX}{gateway}", index.gateways[gateway]["region"]
            own = of_subject.get(subject, ())
            yield HomeFacts(home=subject, region=region or "", devices=own)

    def _with_settings(self, rules: InForce, index: RosterIndex, facts: HomeFacts) -> HomeFacts:
        differs = self.settings.of_home(rules, index, facts.home)
        if not (differs.overrides or differs.signed):
            return facts
        return replace(facts, overrides=differs.overrides, signed=differs.signed)

    def roster_changed(self, unit: UnitOfWork, changed: Changed | None = None) -> Touched | None:
        """In the writer's thread, inside the transaction that changed the roster; None: much of
        it. A press waits for this transaction, so few rows are read where few were written."""
        if changed is None:
            self.register.reload(unit.cursor)
            self.presence.reload(unit.cursor)
            self.urgent.roster_changed(unit.now_ms)
            return None
        changed |= self.presence.take_discovered()
        touched = self.register.follow(unit.cursor, changed)
        self.presence.follow(unit.cursor, changed)
        self.book.visiting.vacate(unit, sorted(changed.persons))
        if touched:
            self.urgent.roster_changed(unit.now_ms, touched)
        return touched

    def change_rule(self, unit: UnitOfWork, new: NewSetting) -> None:
        """In the writer's thread; ConfigError when it makes no sense, and nothing has changed."""
        self.settings.change(unit, new)
        # A press waits for this transaction: homes are gone through only where it matters here.
        rule = self.settings.current.rule(new.rule)
        if rule is not None and rule.kind.lane == "urgent":
            self.urgent.roster_changed(unit.now_ms)

    def flush(self, unit: UnitOfWork) -> list[tuple[str, Ack]]:
        """What is written every few seconds: last-seen times, heartbeats, gaps, marks; and what is
        forgotten. Returns what gateways are to be told of copies."""
        if self._told is not None and unit.now_ms > self._told.at_ms + FACTS_KEPT_MS:
            self._told = None
            self.on_facts_let_go()
        heartbeats = self.presence.flush(unit)
        watch_gaps(unit, self.book, self.marks, heartbeats, self._outbox)
        self.marks.write(unit)
        self.book.shadow.forget(unit)
        self.old_steps.forget(unit)
        self.backups.follow(unit.cursor)
        if not self.escalates:
            self.look(unit)
        return self.backups.untold(unit, heartbeats)

    def committed(self, events: Sequence[FeedEvent]) -> None:
        """In the writer's thread, after each commit with entries."""
        # Waking the dispatcher for nothing would cost a press its turn at the interpreter.
        to_send, self._outbox_written = self._outbox_written, False
        if self.joined is None:
            self._call_soon(lambda: self._publish(events, to_send))
            return
        if to_send:
            self._call_soon(self._wake_dispatcher)
        self.joined.committed(events)

    def _beside(self, making: Making) -> None:
        """In the writer's thread, as a commit with entries begins."""
        self._call_soon(lambda: self.feed.prepare(making.begin()))

    def note_outbox(self) -> None:
        """In the writer's thread: the dispatcher has something to send after this commit."""
        self._outbox_written = True

    def tell_all(self, events: Sequence[FeedEvent]) -> None:
        """From any thread: entries of this process and of others, none left out between them."""
        self._call_soon(lambda: self.feed.publish(events, whole=True))

    def look(self, unit: UnitOfWork) -> None:
        """What rules and pages are told of, where another process does what its time has come
        for."""
        self.book.look(unit)
        self.rota.look(unit)

    def note_foreign_outbox(self) -> None:
        """In the writer's thread: another process has committed something to send."""
        self._call_soon(self._wake_dispatcher)

    def _wake_dispatcher(self) -> None:
        if self.dispatcher is not None:
            self.dispatcher.wake()

    def _publish(self, events: Sequence[FeedEvent], to_send: bool) -> None:
        self.feed.publish(events)
        if to_send:
            self._wake_dispatcher()
