"""The urgent lane: activations and faults, one transaction, then the acknowledgement.

  MQTT message -> decode -> writer's transaction {event, rule step, alarm, task, outbox, entry,
  marks, rule state} -> COMMIT -> application ack -> PUBACK, in the order of receipt

A crash between any two of these steps ends in a redelivery that the event's id absorbs. A rule
that fails or says nothing never silences a press: then the lane itself makes the finding.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from copy import copy
from functools import partial
from typing import Final, NamedTuple, Protocol

from alarms.book import AlarmBook
from contract import topics
from contract.codec import encode_ack
from contract.envelope import ACK_IDS_MAX, Ack
from contract.errors import ContractError
from contract.ids import name_uuid
from contract.kinds import ACTIVATION_KINDS
from ingest import wire
from ingest.backup_marks import Acker, BackupMarks, tell
from ingest.doubtful_time import place
from ingest.mqtt.session import Message
from ingest.own_findings import unreadable_finding, unruled_finding
from ingest.presence import Presence
from ingest.quarantine import Unreadable, keep
from ingest.stored_marks import StoredMarks
from ingest.wire import Taken, WireItem
from ledger.changes import pair
from ledger.cursor import Cursor
from ledger.database import insert_sql, upsert_sql
from ledger.register_changes import Touched
from ledger.schema import EVENT, RULE_STATE
from ledger.unit_of_work import DRAWN, UnitOfWork, compact
from ledger.writer import Writer, WriterBusy, WriterClosed
from rules.engine import Engine
from rules.finding import Finding
from rules.rule import HomeFacts

# Messages in one change: between two of them the writer may give others their turn.
PORTION_MESSAGES_MAX: Final = 100
_EVENT_COLUMNS: Final = [c.name for c in EVENT.columns if c.name != "seq"]
# A second row of one id would be a second press: the table itself refuses it.
_INSERT_EVENT: Final = insert_sql(EVENT, _EVENT_COLUMNS, DRAWN)
_KNOWN_EVENT: Final = "SELECT 1 FROM event WHERE id = ?"
_OWNER: Final = "SELECT gateway FROM event WHERE id = ?"
# Ids of presses whose own ids were another gateway's already are made below it.
_ANOTHERS: Final = uuid.UUID("6f1c1d0e-5b0a-4e0e-9d53-2f0c8a0f7f31")
_UPSERT_STATE: Final = upsert_sql(RULE_STATE)
_STATE: Final = "SELECT state FROM rule_state WHERE home = ? AND rule = ?"

# Actions that ask for nothing: the home tests its button, or the detector says it is over.
_QUIET_ACTIONS: Final = frozenset({"test", "clear"})

# A device that no home has claimed is its own subject: its press is an alarm all the same.
UNBOUND: Final = "unbound:"

Decoded = Taken | Unreadable


class Stored(NamedTuple):
    """An activation or fault in the book; `subject`: its home, or `unbound:<gateway>/<device>`."""

    seq: int
    subject: str
    item: WireItem
    gateway: str


class Committed(NamedTuple):
    """What one transaction did: acks by gateway, and the new activations."""

    acks: list[tuple[str, Ack]]
    stored: list[Stored]


class MessageLink(Protocol):
    def ack(self, packet_ids: Sequence[int]) -> None: ...


class UrgentLane:
    """Decodes on the event loop, decides in the writer's thread, answers on the loop again."""

    def __init__(
        self,
        *,
        writer: Writer,
        book: AlarmBook,
        presence: Presence,
        marks: StoredMarks,
        backups: BackupMarks,
        make_engine: Callable[[], Engine],
        know_homes: Callable[[Engine, int, Touched | None], None],
        clock: Callable[[], int],
        call_soon: Callable[[Callable[[], None]], None],
        on_stored: Callable[[Sequence[Stored]], None],
        log: Callable[[str, str], None],
    ) -> None:
        self._writer, self._book, self._presence = writer, book, presence
        self._marks, self._backups = marks, backups
        self._make_engine, self._know_homes = make_engine, know_homes
        self._clock = clock
        self.engine = make_engine()
        self._call_soon, self._on_stored, self._log = call_soon, on_stored, log
        self.stored = self.duplicates = 0

    def reload(self, cursor: Cursor) -> None:
        """Rule states as of the last commit."""
        engine = self._make_engine()
        now_ms = self._clock()
        self._know_homes(engine, now_ms, None)
        cursor.execute("SELECT home, rule, state FROM rule_state")
        self.engine = engine
        for home, rule, state in cursor.fetchall():
            self._restore(home, rule, state, now_ms)

    def follow(self, cursor: Cursor, states: Sequence[str], now_ms: int) -> None:
        """States that others have written, each of a home's rule: theirs are newer."""
        for home, rule in map(pair, states):
            for (state,) in cursor.execute(_STATE, (home, rule)).fetchall():
                self._restore(home, rule, bytes(state), now_ms)

    def _restore(self, home: str, rule: str, state: bytes, now_ms: int) -> None:
        if home.startswith(UNBOUND):
            self.engine.add_home(HomeFacts(home=home), now_ms)
        self.engine.restore(home, rule, state)

    def roster_changed(self, now_ms: int, touched: Touched | None = None) -> None:
        """In the writer's thread: homes were added or changed; None: any of them."""
        self._know_homes(self.engine, now_ms, touched)

    # On the event loop.

    def on_messages(self, messages: list[Message], link: MessageLink, acker: Acker) -> None:
        """Messages of one read; acknowledged together after their commit."""
        self._writer.rouse()
        decoded = [(decode_message(topic, payload), number) for topic, payload, number in messages]
        for at in range(0, len(decoded), PORTION_MESSAGES_MAX):
            self._submit(decoded[at : at + PORTION_MESSAGES_MAX], link, acker)

    def _submit(
        self, batch: Sequence[tuple[Decoded, int]], link: MessageLink, acker: Acker
    ) -> None:
        decoded = [message for message, _packet_id in batch]
        try:
            future = self._writer.submit(lambda unit: self._take_all(unit, decoded))
        except (WriterBusy, WriterClosed) as refusal:
            # No application ack: the gateways send again.
            self._log("urgent_refused", type(refusal).__name__)
            link.ack(_packet_ids(batch))
            return
        answer = partial(self._answer, future, batch, link, acker)
        # Twice: behind the screens, whose turn the same commit has brought to the loop just before.
        future.add_done_callback(lambda _done: self._call_soon(partial(self._call_soon, answer)))

    def _answer(
        self,
        done: "Future[Committed]",
        batch: Sequence[tuple[Decoded, int]],
        link: MessageLink,
        acker: Acker,
    ) -> None:
        failure = done.exception()
        if failure is None:
            committed = done.result()
            tell(committed.acks, acker)
            if committed.stored:
                # Behind the screens: it wakes a thread that would take the interpreter from them.
                self._call_soon(lambda: self._on_stored(committed.stored))
        else:
            self._log("urgent_commit_failed", f"{type(failure).__name__}: {failure}")
            if len(batch) > 1:
                # Whatever one message did to the transaction must not cost another's press.
                for alone in batch:
                    self._submit([alone], link, acker)
                return
        # A PUBACK frees the broker's window and promises nothing: a gateway forgets an item
        # only on the application ack, which went out above or not at all.
        link.ack(_packet_ids(batch))

    async def accept(self, payload: bytes, gateway: str) -> bytes:
        """The second path (HTTPS): the same envelope, the same answer as on the ack topic."""
        decoded = _decode(f"http/{gateway}", gateway, payload)
        committed = await self._writer.change(lambda unit: self._take_all(unit, [decoded]))
        if committed.stored:
            self._on_stored(committed.stored)
        if isinstance(decoded, Unreadable):
            raise ContractError(decoded.code, decoded.detail)
        ids = [i for _gateway, ack in committed.acks for i in ack.ids]
        through = max((ack.backup_through or 0 for _gateway, ack in committed.acks), default=0)
        return encode_ack(Ack(spool=decoded.spool, ids=ids, backup_through=through or None))

    # In the writer's thread.

    def _take_all(self, unit: UnitOfWork, batch: Sequence[Decoded]) -> "Committed":
        """Store a batch in this transaction; what to say and tell after the commit."""
        taken: list[tuple[Taken, list[str]]] = []
        stored: list[Stored] = []
        for decoded in batch:
            if isinstance(decoded, Unreadable):
                self._quarantine(unit, decoded)
                continue
            taken.append((decoded, self._take(unit, decoded, stored)))
        acks = [
            (one.gateway, Ack(spool=one.spool, ids=part, backup_through=through))
            for one, ids in taken
            for through in (self._backups.through(one.spool),)
            for part in (ids[at : at + ACK_IDS_MAX] for at in range(0, len(ids), ACK_IDS_MAX))
        ]
        self._marks.write(unit)
        unit.cursor.executemany(_UPSERT_STATE, self.engine.take_dirty())
        return Committed(acks, stored)

    def _take(self, unit: UnitOfWork, taken: Taken, stored: list[Stored]) -> list[str]:
        mark = self._marks.of(taken.spool, taken.gateway)
        place(taken, unit.now_ms)
        ids = []
        for item in taken.items:
            is_new = self._store(unit, taken, item, stored)
            if not mark.add(item.seq) and is_new:
                self._backups.renumbered(unit, taken.spool)
            ids.append(item.id)
        for bad in taken.bad:
            source = topics.topic(taken.gateway, "activation")
            self._quarantine(
                unit,
                Unreadable(
                    source=source,
                    gateway=taken.gateway,
                    code=bad.code,
                    detail=bad.detail,
                    raw=bad.raw,
                ),
            )
            if bad.seq is not None:
                mark.add(bad.seq)
            if bad.id is not None:
                ids.append(bad.id)
        return ids

    def _store(
        self,
        unit: UnitOfWork,
        taken: Taken,
        item: WireItem,
        stored: list[Stored],
    ) -> bool:
        """One item: the event row, then what the rules make of it. False: it is known."""
        gateway, device = taken.gateway, item.device
        self._presence.know_device(unit, gateway, device, item.kind)
        home = self._presence.home_of.get((gateway, device))
        if self._is_known(unit, item.id):
            own = self._own(unit, gateway, item)
            if own is None or self._is_known(unit, own.id):
                self.duplicates += 1
                return False
            item = own
        subject = home if home is not None else f"{UNBOUND}{gateway}/{device}"
        # The rules first: the row then holds its alarm from the beginning.
        alarm: str | None = None
        for finding in self._findings(subject, item, unit.now_ms):
            alarm = self._book.take(unit, finding, gateway=gateway, replayable=False) or alarm
        # After the press was heard as any other: the visitor's own is the proof of the arrival.
        arrival = self._arrival(unit, subject, gateway, item, alarm)
        row = (
            item.id,
            gateway,
            taken.spool,
            item.seq,
            device,
            home,
            item.kind,
            item.measured_at_ms,
            item.received_at_ms,
            unit.now_ms,
            compact(item.values),
            compact(item.attrs),
            alarm,
            arrival,
        )
        event_seq = unit.numbered(_INSERT_EVENT, row)
        self.stored += 1
        self._presence.heard(gateway, device, item.measured_at_ms)
        if item.kind == "device_health":
            self._health(unit, gateway, item)
        else:
            action = item.attrs.get("action")
            at_ms = min(item.measured_at_ms, unit.now_ms)
            self._presence.activated(gateway, device, item.kind, action, at_ms)
        stored.append(Stored(event_seq, subject, item, gateway))
        return True

    @staticmethod
    def _is_known(unit: UnitOfWork, item_id: str) -> bool:
        return unit.execute(_KNOWN_EVENT, (item_id,)).fetchone() is not None

    @staticmethod
    def _own(unit: UnitOfWork, gateway: str, item: WireItem) -> WireItem | None:
        """The item under an id that no other gateway can have used up; None: it is this one's own,
        come again. Who learned the id of a press must not swallow it by being first."""
        [owner] = unit.execute(_OWNER, (item.id,)).fetchone()
        if owner == gateway:
            return None
        own = copy(item)
        own.id = name_uuid(_ANOTHERS, f"{gateway}/{item.id}")
        return own

    def _findings(self, subject: str, item: WireItem, now_ms: int) -> Iterable[Finding]:
        """What the rules say; for an activation that must be heard, never nothing."""
        try:
            if subject.startswith(UNBOUND):
                self.engine.add_home(HomeFacts(home=subject), now_ms)
            findings = self.engine.observe(subject, item, now_ms)
        except Exception as error:  # noqa: BLE001 - a broken rule must not silence a press
            self._log("rule_failed", f"{type(error).__name__}: {error}")
            findings = []
        loud = item.kind in ACTIVATION_KINDS and item.attrs.get("action") not in _QUIET_ACTIONS
        if findings or not loud:
            return findings
        return [unruled_finding(subject, item, now_ms)]

    def _arrival(
        self, unit: UnitOfWork, subject: str, gateway: str, item: WireItem, alarm: str | None
    ) -> str | None:
        """The task whose visitor has arrived with this press; a proof never costs a press."""
        try:
            return self._book.visiting.pressed(unit, subject, gateway, item, alarm)
        except Exception as error:  # noqa: BLE001 - as above
            self._log("arrival_failed", f"{type(error).__name__}: {error}")
            return None

    def _health(self, unit: UnitOfWork, gateway: str, item: WireItem) -> None:
        self._presence.health(gateway, item.device, item.values)
        fault = item.attrs.get("fault")
        if fault:
            self._presence.fault(unit, (gateway, item.device), str(fault))
        elif "recovered" in item.attrs:
            ended = str(item.attrs["recovered"])
            self._presence.recovered(unit, (gateway, item.device), ended)

    def _quarantine(self, unit: UnitOfWork, found: Unreadable) -> None:
        """Kept, and told to a person: somebody may have pressed a button."""
        if not keep(unit, found) or found.gateway is None:
            return
        finding = unreadable_finding(found.gateway, found.code, found.detail, unit.now_ms)
        self._book.take(unit, finding, replayable=False)


def _packet_ids(batch: Sequence[tuple[Decoded, int]]) -> list[int]:
    return [packet_id for _message, packet_id in batch if packet_id]


def decode_message(topic: bytes, payload: bytes) -> Decoded:
    """An activation message as items, or as what must be quarantined. Never raises."""
    source = topic.decode(errors="replace")
    try:
        gateway, _leaf = topics.parse(source)
    except ContractError as error:
        return Unreadable(
            source=source, gateway=None, code=error.code, detail=error.detail, raw=payload
        )
    return _decode(source, gateway, payload)


def _decode(source: str, gateway: str, payload: bytes) -> Decoded:
    try:
        return wire.decode(payload, gateway)
    except ContractError as error:
        return Unreadable(
            source=source, gateway=gateway, code=error.code, detail=error.detail, raw=payload
        )
