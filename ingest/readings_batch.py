"""One batch of the readings lane: rules stepped, findings handed to the book, rows to the store."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Final, NamedTuple

from alarms.book import AlarmBook
from alarms.found_out import Known
from alarms.heard_from import Heard
from alarms.stays import Present
from contract.envelope import Status
from contract.errors import ContractError
from contract.kinds import says_well
from contract.topics import topic
from ingest.device_news import DeviceNews, Heartbeat, found_out_news, heard_news, stay_news
from ingest.doubtful_time import DOUBTFUL, place
from ingest.marks import SpoolMark
from ingest.presence import Presence
from ingest.quarantine import Unreadable, keep
from ingest.readings.port import ReadingsStore, RefusedReading, StoreError
from ingest.urgent_lane import Stored
from ingest.wire import Taken, WireItem
from ledger.register_changes import Touched
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer
from rules.engine import Engine
from rules.finding import Finding
from rules.rule import GATEWAY_PREFIX
from rules.staying import STAY_KINDS

# The book's numbers of activations that this lane has seen, kept like a spool's marks.
BOOK_SPOOL: Final = "book-events"

# Longest wait for the book to take findings; beyond it the batch is given up and comes again.
BOOK_TIMEOUT_S: Final = 30.0


class Well(NamedTuple):
    """An "I'm well" on its way into the book; `asks`: its gateway can ask where it was pressed."""

    home: str | None
    gateway: str
    device: str
    at_ms: int
    asks: bool


class ReadingsBatch:
    """Belongs to the lane's thread. `make_engine` gives an engine that knows the roster."""

    def __init__(
        self,
        *,
        store: ReadingsStore,
        writer: Writer,
        book: AlarmBook,
        presence: Presence,
        make_engine: Callable[[], Engine],
        know_homes: Callable[[Engine, int, Touched | None], None],
        clock: Callable[[], int],
        missed: Callable[[int], Iterable[Stored]],
        log: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._writer = writer
        self._book = book
        self._presence = presence
        self._make_engine = make_engine
        self._know_homes = know_homes
        self._clock = clock
        self._missed = missed
        self._log = log
        self._marks: dict[str, SpoolMark] = {}
        self._touched: set[str] = set()
        # In the order of what brought them about: a question stands before its answer.
        self._findings: list[tuple[Finding | Well, str | None]] = []
        self._unreadable: list[Unreadable] = []
        self._unknown: dict[tuple[str, str], str] = {}
        self._recovered: list[tuple[tuple[str, str], str]] = []
        self._news = DeviceNews()
        self._changed = False
        self._now_ms = 0
        # What was changed of the roster since the last batch; None: any of it.
        self._roster_changes: deque[Touched | None] = deque()
        self.engine = make_engine()
        self.stored = 0
        self.duplicates = 0
        # A server of readings that is away must not keep the hub from taking presses.
        self.loaded = False
        try:
            self.reload()
        except StoreError as error:
            log("readings_store_failed", str(error))

    def reload(self) -> None:
        """Marks and rule states as of the last commit."""
        engine = self._make_engine()
        now_ms = self._clock()
        self._know_homes(engine, now_ms, None)
        for home, rule, state in self._store.load_rule_states():
            engine.restore(home, rule, state)
        engine.resume(now_ms)
        before, self.engine = self.engine, engine
        before.let_go()
        # What was told of devices and not committed is told again.
        self._news = DeviceNews()
        self._marks = {mark.spool: mark for mark in self._store.load_marks()}
        self._touched = set()
        seen = self._marks.get(BOOK_SPOOL)
        self._stays_told: Present = {}
        self._heard_told: Heard = {}
        self._found_out_told: Known = {}
        self._pending_activations = list(self._missed(seen.contiguous if seen else 0))
        self.loaded = True

    def roster_changed(self, touched: Touched | None = None) -> None:
        """From any thread: homes were added or changed; seen at the next batch."""
        self._roster_changes.append(touched)

    def _follow_roster(self) -> None:
        changes = [self._roster_changes.popleft() for _ in range(len(self._roster_changes))]
        if not changes:
            return
        touched: Touched | None = Touched()
        for change in changes:
            touched = None if touched is None or change is None else touched | change
        if touched is None or touched:
            self._know_homes(self.engine, self._now_ms, touched)

    def begin(self) -> None:
        self._store.begin_batch()
        self._findings = []
        self._recovered = []
        self._unreadable = [_refused(refused) for refused in self._store.take_refused()]
        self._changed = False
        self._now_ms = self._clock()
        self._follow_roster()
        self._tell_stays()
        self._tell_heard()
        self._tell_found_out()
        pending, self._pending_activations = self._pending_activations, []
        for stored in pending:
            self.note_activation(stored)

    def _tell_stays(self) -> None:
        """Who is away now, where that is another than was told; after a start all is told again."""
        told, present = self._stays_told, self._book.stays.present
        if present is told:
            return
        self._stays_told = present
        for home in sorted(told.keys() | present.keys()):
            before, now = told.get(home), present.get(home, frozenset())
            for kind in sorted(STAY_KINDS if before is None else before ^ now):
                self._observe(home, stay_news(kind, kind in now, self._now_ms), None)

    def _tell_heard(self) -> None:
        """From whom somebody has heard; after a start again, and the rules know it by its time."""
        told, heard = self._heard_told, self._book.heard.present
        if heard is told:
            return
        self._heard_told = heard
        for home, at_ms in sorted(heard.items()):
            if told.get(home) != at_ms:
                self._observe(home, heard_news(at_ms, self._now_ms), None)

    def _tell_found_out(self) -> None:
        """How it was during silences; after a start again, and the rules know each by its time."""
        told, known = self._found_out_told, self._book.found_out.present
        if known is told:
            return
        self._found_out_told = known
        for home, alarms in sorted(known.items()):
            before = told.get(home, {})
            for alarm, told_now in sorted(alarms.items(), key=lambda item: item[1].raised_ms):
                if before.get(alarm) != told_now:
                    news = found_out_news(told_now.word, told_now.seen_ms, self._now_ms)
                    self._observe(home, news, None)

    def take(self, taken: Taken) -> list[str]:
        """Readings of one envelope; returns the ids to acknowledge after the commit."""
        gateway, spool = taken.gateway, taken.spool
        mark = self._marks.get(spool)
        if mark is None:
            mark = self._marks[spool] = SpoolMark(spool=spool, gateway=gateway)
        self._touched.add(spool)
        home_of = self._presence.home_of
        place(taken, self._now_ms)
        ids = []
        for item in taken.items:
            ids.append(item.id)
            if not mark.add(item.seq):
                self.duplicates += 1
                continue
            device = item.device
            self._store_item(gateway, item)
            self._presence.heard(gateway, device, item.measured_at_ms)
            home = home_of.get((gateway, device))
            if item.kind == "presence" and says_well(item.kind, item.attrs):
                # Of a doubtful time it may be older than it looks: it proves life, answers nothing.
                dated = item.attrs.get("time") != DOUBTFUL
                asks = dated and item.attrs.get("asks") is True
                at_home = home if dated else None
                well = Well(at_home, gateway, device, item.measured_at_ms, asks)
                self._findings.append((well, gateway))
            if home is not None:
                self._observe(home, item, gateway)
            elif (gateway, device) not in home_of:
                self._unknown[(gateway, device)] = item.kind
            if item.kind == "device_health":
                self._health(gateway, item)
            else:
                self._news.reading(gateway, item, self._now_ms)
        for bad in taken.bad:
            self._unreadable.append(
                Unreadable(
                    source=topic(gateway, "telemetry"),
                    gateway=gateway,
                    code=bad.code,
                    detail=bad.detail,
                    raw=bad.raw,
                )
            )
            if bad.seq is not None:
                mark.add(bad.seq)
            if bad.id is not None:
                ids.append(bad.id)
        self._changed = True
        return ids

    def _health(self, gateway: str, item: WireItem) -> None:
        key = (gateway, item.device)
        self._presence.health(gateway, item.device, item.values)
        if "recovered" in item.attrs:
            self._recovered.append((key, str(item.attrs["recovered"])))
        shown = self._presence.reports_itself
        if key not in shown and self._news.shows_itself(gateway, item, self._now_ms):
            self._presence.reporting(key)
        self._tell(gateway, item)

    def _tell(self, gateway: str, item: WireItem) -> None:
        """The rules about devices: of the home, or of the gateway while no home has claimed it."""
        key = (gateway, item.device)
        if key not in self._presence.home_of:
            return  # listed with this batch; what it says next is heard
        news = self._news.item(gateway, item, self._now_ms)
        if news is not None:
            home = self._presence.home_of.get(key)
            self._observe(home or f"{GATEWAY_PREFIX}{gateway}", news, gateway)

    def _store_item(self, gateway: str, item: WireItem) -> None:
        try:
            self._store.add((gateway, item.device, item.kind), item.measured_at_ms, item.values)
            self.stored += 1
        except ContractError as error:
            self._unreadable.append(
                Unreadable(
                    source=topic(gateway, "telemetry"),
                    gateway=gateway,
                    code=error.code,
                    detail=error.detail,
                    raw=item.id.encode(),
                )
            )

    def _observe(self, home: str, item: WireItem | Heartbeat, gateway: str | None) -> None:
        try:
            found = self.engine.observe(home, item, self._now_ms)
        except KeyError:
            return  # a home bound a moment ago; the roster's reload adds it
        except Exception as error:  # noqa: BLE001 - a broken rule must not stop the readings
            self._log("rule_failed", f"{home} {item.kind}: {type(error).__name__}: {error}")
            return
        if found:
            self._findings += [(finding, gateway) for finding in found]

    def status(self, status: Status) -> None:
        self._presence.status(status, self._now_ms)
        self._changed = True
        if status.online:
            heartbeat = Heartbeat(
                id="",
                device=status.gateway,
                kind="status",
                measured_at_ms=self._now_ms,
                received_at_ms=self._now_ms,
            )
            gateway, presence = status.gateway, self._presence
            self._observe(f"{GATEWAY_PREFIX}{gateway}", heartbeat, gateway)
            mains = self._news.mains_of(status, self._now_ms)
            if mains is not None:
                self._observe(f"{GATEWAY_PREFIX}{gateway}", mains, gateway)
            homes = presence.devices_of.get(gateway, {})
            told = self._news.statuses(status, homes, presence.reports_itself, self._now_ms)
            for home, observation in told:
                self._observe(home, observation, gateway)

    def note_activation(self, stored: Stored) -> None:
        """An activation that is in the book already: a sign of life for the rules here."""
        seq, subject, item, gateway = stored
        mark = self._marks.get(BOOK_SPOOL)
        if mark is None:
            mark = self._marks[BOOK_SPOOL] = SpoolMark(spool=BOOK_SPOOL, gateway="")
        if seq <= mark.contiguous:
            return
        mark.contiguous = seq
        self._touched.add(BOOK_SPOOL)
        self._changed = True
        self._observe(subject, item, None)
        self._tell(gateway, item)

    def quarantine(self, found: Unreadable) -> None:
        self._unreadable.append(found)
        self._changed = True

    def commit(self) -> None:
        """Findings into the book, then the batch into the store; StoreError keeps nothing."""
        found = self.engine.advance(self._now_ms)
        self._findings += [(finding, None) for finding in found]
        states = self.engine.take_dirty()
        for problem in self.engine.take_problems():
            self._log("rule_state", problem)
        if self._findings or self._unreadable or self._unknown or self._recovered:
            self._into_book()
        if not (self._changed or states):
            return
        self._store.write_rule_states(states)
        self._store.write_marks([self._marks[spool] for spool in sorted(self._touched)])
        self._touched.clear()
        self._store.commit()

    def _into_book(self) -> None:
        """Whoever must hear of this is told durably before the readings are acknowledged."""
        findings, unreadable = self._findings, self._unreadable
        unknown, self._unknown = self._unknown, {}
        recovered = self._recovered

        def apply(unit: UnitOfWork) -> None:
            for (gateway, device), kind in unknown.items():
                self._presence.know_device(unit, gateway, device, kind)
            for found in unreadable:
                keep(unit, found)
            for key, fault in recovered:
                self._presence.recovered(unit, key, fault)
            for finding, via in findings:
                self._settle(unit, finding, via)

        try:
            future: Future[None] = self._writer.submit(apply)
            future.result(BOOK_TIMEOUT_S)
        except Exception as error:
            detail = f"the book did not take the findings: {type(error).__name__}: {error}"
            raise StoreError(detail, retryable=True) from error

    def _settle(self, unit: UnitOfWork, finding: Finding | Well, gateway: str | None) -> None:
        if isinstance(finding, Well):
            self._presence.asks(unit, (finding.gateway, finding.device), finding.asks)
            if finding.home is not None:
                device = f"{finding.gateway}/{finding.device}"
                self._book.said_well(unit, finding.home, device, finding.at_ms)
            return
        self._book.take(unit, finding, gateway=gateway)
        if finding.kind == "gateway_silent":
            subject = finding.home.removeprefix("gateway:")
            self._presence.gateway_online(unit, subject, finding.phase == "cleared")

    def maintain(self) -> None:
        self._store.maintain(self._clock())


def _refused(refused: RefusedReading) -> Unreadable:
    """A reading that the store's server would never take, as a quarantine row."""
    gateway, device, kind = refused.series_key
    return Unreadable(
        source=topic(gateway, "telemetry"),
        gateway=gateway,
        code="refused_by_store",
        detail=refused.reason,
        raw=f"{device} {kind} {refused.field}={refused.value} @{refused.measured_at_ms}".encode(),
    )
