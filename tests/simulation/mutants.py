"""Mistakes planted in the product, one at a time: a simulation that misses them is broken.

Each is what somebody might really write, and must be caught within `SEEDS` seeds from 0.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from unittest import mock

from alarms import lifecycle
from alarms.book import AlarmBook
from alarms.lifecycle import AlarmMove, AlarmState, Outcome, TaskMove, TaskState
from contract import topics
from contract.codec import encode_ack
from contract.envelope import Ack
from gateway import boot_time
from gateway.spool.lane import Lane
from gateway.spool.row import numbered
from gateway.spool.writer import Writer as SpoolWriter
from gateway.uplink.sender import Sender
from gateway.uplink.uplink import LaneUplink
from ingest import urgent_lane
from ingest.quarantine import Unreadable
from ingest.urgent_lane import UrgentLane
from ledger import database
from ledger.unit_of_work import SYSTEM
from tests.simulation import machines

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
        spool, last = self.lane.spool, self.lane.last_seq
        tell([numbered(m, spool, last + n) for n, m in enumerate(batch, start=1)])
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
        mock.patch.object(machines, "open_writer", open_writer),
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

    with mock.patch.object(machines, "open_writer", open_writer):
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


# Within this many seeds from 0 each must be caught.
SEEDS = 6
MUTANTS = (
    delete_on_puback,
    ack_before_commit,
    tone_before_commit,
    no_unique_key,
    no_dedupe,
    resend_forgotten,
    spool_not_synced,
    book_not_synced,
    double_claim,
    closed_by_silence,
    numbers_skipped,
    tidied_at_start,
    oldest_acked,
    times_as_given,
    corrected_once_more,
)
