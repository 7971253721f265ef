"""Mistakes planted in the product, one at a time: a simulation that misses them is broken.

Each is what somebody might really write, and must be caught within `SEEDS` seeds from 0.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from unittest import mock

from alarms import dispatcher, lifecycle
from alarms.book import AlarmBook
from alarms.escalation.plan import Now
from alarms.escalation.steps import Steps
from alarms.escalation.timers import Timers
from alarms.lifecycle import AlarmMove, AlarmState, Outcome, TaskMove, TaskState
from alarms.notifier import Delivered
from contract import topics
from contract.codec import encode_ack
from contract.envelope import Ack
from gateway import boot_time
from gateway.spool import spool
from gateway.spool.lane import Lane, LaneSettings
from gateway.spool.row import numbered
from gateway.spool.writer import Writer as SpoolWriter
from gateway.uplink.sender import Sender
from gateway.uplink.uplink import LaneUplink
from hearthwatch.clock import PlannedClock
from ingest import urgent_lane
from ingest.marks import SpoolMark
from ingest.quarantine import Unreadable
from ingest.readings import lane_state
from ingest.shard_work import ShardWork
from ingest.urgent_lane import UrgentLane
from ledger import database
from ledger.unit_of_work import SYSTEM
from tests.simulation import hub_machine

Planted = contextlib.AbstractContextManager[object]


def delete_on_puback() -> Planted:
    """The gateway believes the broker."""
    honest = LaneUplink.confirmed

    def confirmed(self, mid, reason):
        sent = self._unconfirmed.get(mid)
        honest(self, mid, reason)
        if sent is not None and reason == 0:
            self.acked(Ack(spool=self.spool, ids=list(sent.ids)))

    return mock.patch.object(LaneUplink, "confirmed", confirmed)


def ack_before_commit() -> Planted:
    honest = UrgentLane.on_messages

    def on_messages(self, messages, link, acker):
        for topic, payload, _id in messages:
            decoded = urgent_lane.decode_message(topic, payload)
            if not isinstance(decoded, Unreadable):
                ack = Ack(spool=decoded.spool, ids=[item.id for item in decoded.items])
                acker.publish_soon(topics.topic(decoded.gateway, "ack"), encode_ack(ack))
        honest(self, messages, link, acker)

    return mock.patch.object(UrgentLane, "on_messages", on_messages)


def tone_before_commit() -> Planted:
    honest = SpoolWriter._commit

    def commit(self, batch):
        tell, self.on_commit = self.on_commit, lambda _items: None
        name, last = self.lane.spool, self.lane.last_seq
        tell([numbered(m, name, last + n) for n, m in enumerate(batch, start=1)])
        try:
            honest(self, batch)
        finally:
            self.on_commit = tell

    return mock.patch.object(SpoolWriter, "_commit", commit)


@contextlib.contextmanager
def no_unique_key() -> Iterator[None]:
    """Neither the table nor the lane minds an event that is there already."""
    honest = database.open_writer

    def open_writer(path, connect):
        connection = honest(path, connect)
        columns = [row[1] for row in connection.look("PRAGMA table_info(event)")]
        others = ", ".join(f'"{name}"' for name in columns if name != "seq")
        connection.look(f"CREATE TABLE free (seq INTEGER PRIMARY KEY, {others})")
        connection.look("INSERT INTO free SELECT * FROM event")
        connection.look("DROP TABLE event")
        connection.look("ALTER TABLE free RENAME TO event")
        return connection

    with (
        mock.patch.object(hub_machine, "open_writer", open_writer),
        mock.patch.object(UrgentLane, "_is_known", staticmethod(lambda _unit, _id: False)),
    ):
        yield


def no_dedupe() -> Planted:
    """The table refuses a second row, and the whole batch with it, again and again."""
    return mock.patch.object(UrgentLane, "_is_known", staticmethod(lambda _unit, _id: False))


def resend_forgotten() -> Planted:
    """What was sent on the old connection counts as sent."""

    def all_due(self, now_s):
        for flight in self._flights.values():
            if flight.attempts:
                flight.due_s = float("inf")

    return mock.patch.object(Sender, "all_due", all_due)


def spool_not_synced() -> Planted:
    """The usual advice for write-ahead mode."""
    honest = Lane._open

    def _open(self):
        honest(self)
        self._connection.execute("PRAGMA synchronous=NORMAL")

    return mock.patch.object(Lane, "_open", _open)


@contextlib.contextmanager
def book_not_synced() -> Iterator[None]:
    honest = database.open_writer

    def open_writer(path, connect):
        connection = honest(path, connect)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    with mock.patch.object(hub_machine, "open_writer", open_writer):
        yield


@contextlib.contextmanager
def double_claim() -> Iterator[None]:
    """The second to reach for a case gets it too."""
    tasks = {**lifecycle.TASK_MOVES, (TaskState.ACCEPTED, TaskMove.ACCEPT): TaskState.ACCEPTED}
    taken = (AlarmState.ACKNOWLEDGED, AlarmMove.ACKNOWLEDGE)
    alarms = {**lifecycle.ALARM_MOVES, taken: AlarmState.ACKNOWLEDGED}
    with (
        mock.patch.object(lifecycle, "TASK_MOVES", MappingProxyType(tasks)),
        mock.patch.object(lifecycle, "ALARM_MOVES", MappingProxyType(alarms)),
    ):
        yield


def closed_by_silence() -> Planted:
    """A case that has been heard often enough is done with."""
    honest = AlarmBook._join

    def _join(self, unit, row, finding, *, worsened):
        honest(self, unit, row, finding, worsened=worsened)
        if row["event_count"] >= 4:
            self.close(unit, row["id"], SYSTEM, Outcome.RECOVERED, "")

    return mock.patch.object(AlarmBook, "_join", _join)


def numbers_skipped() -> Planted:
    """After a restart the spool goes on beyond its last number, to be on the safe side."""
    honest = Lane._open

    def _open(self):
        honest(self)
        if self.last_seq:
            self.last_seq += 1

    return mock.patch.object(Lane, "_open", _open)


def tidied_at_start() -> Planted:
    """A gateway that starts begins with a clean table."""
    honest = Lane._open

    def _open(self):
        honest(self)
        sql = "DELETE FROM item WHERE seq < (SELECT max(seq) FROM item)"
        self._connection.execute(sql)

    return mock.patch.object(Lane, "_open", _open)


def oldest_acked() -> Planted:
    """An acknowledgement is taken for what was sent first, not for what it names."""
    honest = Sender.seqs

    def seqs(self, ids):
        found = honest(self, ids)
        others = itertools.islice((f.item.seq for f in self._flights.values()), len(found))
        return [*others] if found else []

    return mock.patch.object(Sender, "seqs", seqs)


def times_as_given() -> Planted:
    """Whatever the clock said is the time."""
    return mock.patch.object(Lane, "told", lambda _self, items: items)


def corrected_once_more() -> Planted:
    """What waited is corrected when the clock steps, although it was when it was read."""
    honest = boot_time.told

    def told(items, boots, present):
        return [
            replace(made, measured_at_ms=2 * made.measured_at_ms - item.measured_at_ms)
            if made.attrs.get("time") == "corrected"
            else made
            for item, made in zip(items, honest(items, boots, present), strict=True)
        ]

    return mock.patch.object(boot_time, "told", told)


@contextlib.contextmanager
def known_for_ten_seconds() -> Iterator[None]:
    """Duplicates come at once or never, so what was heard before is soon forgotten."""

    def _is_known(unit, item_id):
        sql = "SELECT 1 FROM event WHERE id = ? AND ingested_at_ms > ?"
        return unit.execute(sql, (item_id, unit.now_ms - 10_000)).fetchone() is not None

    with no_unique_key(), mock.patch.object(UrgentLane, "_is_known", staticmethod(_is_known)):
        yield


def presses_evicted() -> Planted:
    """A spool that is full forgets the oldest, whatever it is."""

    def settings(**fields):
        return LaneSettings(**{**fields, "bytes_max": 2_500})

    return mock.patch.object(spool, "LaneSettings", settings)


def receipts_believed() -> Planted:
    """The provider says that they were told, so nobody else need be."""
    honest = dispatcher.settle

    def settle(unit, row, result, telling=None):
        if isinstance(result, Delivered) and row.step:
            unit.execute("DELETE FROM escalation WHERE alarm = ? AND timer = 'step'", (row.alarm,))
        return honest(unit, row, result, telling)

    return mock.patch.object(dispatcher, "settle", settle)


def waits_for_the_provider() -> Planted:
    """The next are told when the ones before have been."""
    honest = Steps.fire

    def fire(self, unit, row, timer, late_ms, *reason):
        sql = "SELECT 1 FROM outbox WHERE alarm = ? AND state = 'pending' AND step <> ''"
        if unit.execute(sql, (row["id"],)).fetchone() is not None:
            self._timers.put_off(unit, timer, 5_000)
            return
        honest(self, unit, row, timer, late_ms, *reason)

    return mock.patch.object(Steps, "fire", fire)


def by_the_wall() -> Planted:
    """Due times are compared with the clock on the wall."""

    def look(self):
        wall_ms = self._wall_ms()
        return Now(wall_ms=wall_ms, boot="wall", running_ms=wall_ms)

    return mock.patch.object(PlannedClock, "look", look)


def in_memory() -> Planted:
    """What is due is looked up when it is promised, and at no start."""
    return mock.patch.object(
        Timers, "reload", lambda self: vars(self).update(_foreign=False, _next_running_ms=1 << 60)
    )


def readings_acked_first() -> Planted:
    """A gateway need not wait for the disk of the hub."""

    def _handle(self, messages):
        honest, self.batch.commit = self.batch.commit, lambda: None
        try:
            handle(self, messages)
        finally:
            self.batch.commit = honest
        honest()

    handle = ShardWork._handle
    return mock.patch.object(ShardWork, "_handle", _handle)


def readings_not_synced() -> Planted:
    def make_durable(connection):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return mock.patch.object(lane_state, "make_durable", make_durable)


def readings_taken_twice() -> Planted:
    """Numbers that came already are not asked for."""
    honest = SpoolMark.add

    def add(self, seq):
        honest(self, seq)
        return True

    return mock.patch.object(SpoolMark, "add", add)


# Within this many seeds from 0 each must be caught.
SEEDS = 8
MUTANTS = (
    delete_on_puback,
    ack_before_commit,
    tone_before_commit,
    no_unique_key,
    no_dedupe,
    known_for_ten_seconds,
    resend_forgotten,
    spool_not_synced,
    book_not_synced,
    double_claim,
    closed_by_silence,
    numbers_skipped,
    tidied_at_start,
    presses_evicted,
    oldest_acked,
    times_as_given,
    corrected_once_more,
    receipts_believed,
    waits_for_the_provider,
    by_the_wall,
    in_memory,
    readings_acked_first,
    readings_not_synced,
    readings_taken_twice,
)
