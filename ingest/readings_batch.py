"""One batch of the readings lane: rules stepped, findings handed to the book, rows to the store."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from alarms.book import AlarmBook
from contract.envelope import Status
from contract.errors import ContractError
from contract.kinds import STORED_ATTRS, says_well, stored_values
from contract.topics import topic
from ingest.device_news import DeviceNews, Heartbeat
from ingest.doubtful_time import DOUBTFUL, place
from ingest.for_book import ForBook, Well
from ingest.human_news import HumanNews
from ingest.laying_out import undisturbed
from ingest.marks import SpoolMark
from ingest.presence import Presence
from ingest.quarantine import Unreadable
from ingest.readings.port import ReadingsStore, RefusedReading
from ingest.urgent_lane import Stored
from ingest.watched import Everybody, Watched
from ingest.wire import Taken, WireItem
from ledger.register_changes import Touched
from ledger.writer import Writer
from rules.engine import Engine
from rules.rule import DEVICE_STATUS, DEVICE_WORD, GATEWAY_PREFIX, Observation

# The book's numbers of activations that this lane has seen, kept like a spool's marks.
BOOK_SPOOL: Final = "book-events"

# What the rules of a village hear of its homes (rules.kinds.village_dark).
_OF_VILLAGES: Final = frozenset({DEVICE_STATUS, DEVICE_WORD})


class ReadingsBatch:
    """Belongs to the lane's thread. `make_engine` gives an engine that knows the roster; `watched`:
    for whom the rules here speak. `loaded`: what is stored was read back, which whoever begins to
    use it does: presses are taken before, and by others.
    """

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
        watched: Watched | None = None,
    ) -> None:
        self._store = store
        self._watched: Watched = watched or Everybody()
        self._presence = presence
        self._make_engine = make_engine
        self._know_homes = know_homes
        self._clock = clock
        self._missed = missed
        self._log = log
        self._marks: dict[str, SpoolMark] = {}
        self._touched: set[str] = set()
        self._for_book = ForBook(writer, book, presence)
        self._news = DeviceNews()
        self._human = HumanNews(book)
        self._changed = False
        self._now_ms = 0
        self._late: Mapping[str, int] = {}
        self._pending_activations: list[Stored] = []
        # What was changed of the roster since the last batch; None: any of it.
        self._roster_changes: deque[Touched | None] = deque()
        self.engine = make_engine()
        self.stored = 0
        self.duplicates = 0
        self.loaded = False

    @undisturbed()
    def reload(self) -> None:
        """Marks and rule states as of the last commit."""
        now_ms = self._clock()
        self._marks = {mark.spool: mark for mark in self._store.load_marks()}
        self._touched = set()
        self._late = self._watched.load()
        engine = self._make_engine()
        engine.expect_states()
        self._know_homes(engine, now_ms, None)
        for home, rule, state in self._store.load_rule_states():
            if self._watched.watches(home):
                engine.restore(home, rule, state)
        engine.resume(now_ms)
        before, self.engine = self.engine, engine
        before.let_go()
        # What was told of devices and not committed is told again.
        self._news = DeviceNews()
        self._human.forget(None)
        self._pending_activations = list(self._missed(self._through))
        self.loaded = True

    @property
    def _through(self) -> int:
        """The newest activation of the book that was seen here."""
        seen = self._marks.get(BOOK_SPOOL)
        return 0 if seen is None else seen.contiguous

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
            self._watched.roster_changed(touched)
            self._know_homes(self.engine, self._now_ms, touched)

    def begin(self) -> None:
        self._store.begin_batch()
        self._for_book.begin(_refused(refused) for refused in self._store.take_refused())
        self._changed = False
        self._now_ms = self._clock()
        self._follow_roster()
        late, self._late = self._late, {}
        self._catch_up(late)
        self._take_turn()
        for home, news in self._human.news(self._now_ms):
            self._observe(home, news, None, everywhere=True)
        pending, self._pending_activations = self._pending_activations, []
        for stored in pending:
            self.note_activation(stored)

    def _catch_up(self, late: Mapping[str, int]) -> None:
        """Activations that this shard has seen and that some of its subjects have not."""
        through = self._through
        behind = min((seen for seen in late.values() if 0 < seen < through), default=through)
        if behind == through:
            return
        for stored in self._missed(behind):
            if stored.seq <= through:
                self._tell_of(stored, lambda seen, seq=stored.seq: 0 < seen < seq)  # type: ignore[misc]

    def _take_turn(self) -> None:
        """Who is watched here from now on, and what others have heard of those who are."""
        turn = self._watched.turn(self._now_ms)
        if turn.came:
            self._know_homes(self.engine, self._now_ms, self._watched.touching(turn.came))
            for home, rule, state in self._watched.states_of(turn.came):
                self.engine.restore(home, rule, state)
            self._human.forget(turn.came)
            self._catch_up(turn.came)
        for subject, observation, gateway in turn.handed:
            self._observe(subject, observation, gateway, handed=True)

    def take(self, taken: Taken) -> list[str]:
        """Readings of one envelope; returns the ids to acknowledge after the commit."""
        gateway, spool = taken.gateway, taken.spool
        mark = self._mark_of(spool, gateway)
        self._watched.heard(gateway)
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
                self._for_book.found((well,), gateway)
            if home is not None:
                self._observe(home, item, gateway)
            elif (gateway, device) not in home_of:
                self._for_book.unknown((gateway, device), item.kind)
            if item.kind == "device_health":
                self._health(gateway, item)
            else:
                self._news.reading(gateway, item, self._now_ms)
        for bad in taken.bad:
            self._for_book.unreadable(
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

    def _mark_of(self, spool: str, gateway: str) -> SpoolMark:
        mark = self._marks.get(spool)
        elsewhere = self._watched.mark_of(spool, gateway, mark is not None)
        if elsewhere is not None and (mark is None or elsewhere.contiguous > mark.contiguous):
            mark = elsewhere
        if mark is None:
            mark = SpoolMark(spool=spool, gateway=gateway)
        self._marks[spool] = mark
        self._touched.add(spool)
        return mark

    def _health(self, gateway: str, item: WireItem) -> None:
        key = (gateway, item.device)
        self._presence.health(gateway, item.device, item.values)
        if "recovered" in item.attrs:
            self._for_book.recovered(key, str(item.attrs["recovered"]))
        shown = self._presence.reports_itself
        if key not in shown and self._news.shows_itself(gateway, item, self._now_ms):
            self._presence.reporting(key)
        self._tell(gateway, item)

    def _tell(self, gateway: str, item: WireItem, *, everywhere: bool = False) -> None:
        """The rules about devices: of the home, or of the gateway while no home has claimed it."""
        key = (gateway, item.device)
        if key not in self._presence.home_of:
            return  # listed with this batch; what it says next is heard
        news = self._news.item(gateway, item, self._now_ms)
        if news is not None:
            self._observe(self._subject_of(key), news, gateway, everywhere=everywhere)

    def _subject_of(self, key: tuple[str, str]) -> str:
        return self._presence.home_of.get(key) or f"{GATEWAY_PREFIX}{key[0]}"

    def _store_item(self, gateway: str, item: WireItem) -> None:
        try:
            values: Mapping[str, float] = item.values
            if item.attrs and item.kind in STORED_ATTRS:
                values = stored_values(item.kind, values, item.attrs)
            self._store.add((gateway, item.device, item.kind), item.measured_at_ms, values)
            self.stored += 1
        except ContractError as error:
            self._for_book.unreadable(
                Unreadable(
                    source=topic(gateway, "telemetry"),
                    gateway=gateway,
                    code=error.code,
                    detail=error.detail,
                    raw=item.id.encode(),
                )
            )

    def _observe(
        self,
        home: str,
        item: Observation,
        gateway: str | None,
        *,
        everywhere: bool = False,
        handed: bool = False,
    ) -> None:
        """`everywhere`: every shard is told by itself; `handed`: it comes from another one."""
        elsewhere = not self.engine.watches(home)
        try:
            found = [] if elsewhere else self.engine.observe(home, item, self._now_ms)
        except Exception as error:  # noqa: BLE001 - a broken rule must not stop the readings
            self._log("rule_failed", f"{home} {item.kind}: {type(error).__name__}: {error}")
            return
        if found:
            self._for_book.found(found, gateway)
        if elsewhere and not (everywhere or handed):
            self._watched.pass_on(home, item, gateway)
        elif item.kind in _OF_VILLAGES and elsewhere is everywhere:
            self._tell_village(home, item, gateway, everywhere=everywhere)

    def _tell_village(
        self, home: str, item: Observation, gateway: str | None, *, everywhere: bool
    ) -> None:
        """Where a home is watched in one shard and its village in another."""
        village = self._watched.village_of(home)
        if village is None or self._watched.watches(village) is not everywhere:
            return
        if everywhere:
            self._observe(village, item, gateway, handed=True)
        else:
            self._watched.pass_on(village, item, gateway)

    def status(self, status: Status) -> None:
        self._presence.status(status, self._now_ms)
        self._watched.heard(status.gateway)
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
        seq = stored.seq
        if seq <= self._through:
            return
        mark = self._marks.get(BOOK_SPOOL)
        if mark is None:
            mark = self._marks[BOOK_SPOOL] = SpoolMark(spool=BOOK_SPOOL, gateway="")
        mark.contiguous = seq
        self._touched.add(BOOK_SPOOL)
        self._changed = True
        self._tell_of(stored, lambda seen: seq > seen)

    def _tell_of(self, stored: Stored, unseen: Callable[[int], bool]) -> None:
        """`unseen`: whether it is news to who has seen activations elsewhere up to this one."""
        _seq, subject, item, gateway = stored
        if unseen(self._watched.seen(subject)):
            self._observe(subject, item, None, everywhere=True)
        if unseen(self._watched.seen(self._subject_of((gateway, item.device)))):
            self._tell(gateway, item, everywhere=True)

    def quarantine(self, found: Unreadable) -> None:
        self._for_book.unreadable(found)
        self._changed = True

    def commit(self) -> None:
        """Findings into the book, then the batch into the store; StoreError keeps nothing."""
        self._for_book.found(self.engine.advance(self._now_ms), None)
        states = self.engine.take_dirty()
        for problem in self.engine.take_problems():
            self._log("rule_state", problem)
        self._for_book.tell()
        if not (self._watched.seal(self._through) or self._changed or states):
            return
        self._store.write_rule_states(states)
        self._store.write_marks([self._marks[spool] for spool in sorted(self._touched)])
        self._touched.clear()
        self._store.commit()
        for gone in self._watched.committed():
            self.engine.remove_home(gone)

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
