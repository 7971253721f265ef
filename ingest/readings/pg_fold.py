"""Committed batches of one shard into the hours of their series.

Every reading is copied into its chunk once, when its hour is over; so a home costs the same however
many homes there are. Until then it waits in `batch`, where the reader finds it. Small batches are
joined into larger ones, the newest first and only with such as are not much larger: each reading is
copied a few times, whatever the rate.

Hours are folded a slice at a time, each slice in a transaction of its own. Between two slices some
readings are in both places; merging them again changes nothing. Last, what is still to wait takes
the batches' place.
"""

from array import array
from typing import Final, NamedTuple

import numpy as np
import psycopg

from ingest.readings.folding import Damaged, rows_of
from ingest.readings.packing import Rows, pack_columns
from ingest.readings.pg_chunks import write_hours
from ingest.readings.pg_schema import drop_before, make_months, months_for, months_there
from ingest.readings.pg_shard import PgShard, faults
from ingest.readings.port import HOUR_MS, StoreError
from ingest.readings.rollup import BUCKET_BITS, BUCKET_MASK, Sorted, begins_of, sort_rows

# More readings than this wait for no hour to be over: a chart reads them all, 20 bytes each.
WAITING_MAX: Final = 1_000_000
# Batches that wait are few: a chart reads each.
BATCHES_MAX: Final = 64
# Hours of series in one transaction: a quarter of a second's work, in which nothing is received.
SLICE_HOURS: Final = 10_000
# One gateway may date what it says a year ahead: hours are over only so far beyond the one before
# which nine tenths of what waits are.
MOST: Final = 0.9
AHEAD_H: Final = 2
DAY_H: Final = 24


class _Folding(NamedTuple):
    """What is being folded: rows that go into their hours, and those that are to wait on."""

    through: int
    ripe: Sorted
    begins: "np.typing.NDArray[np.int64]"
    carried: Sorted
    damaged: list[Damaged]
    folded_h: int


class PgFold:
    """One thread's, the same that commits."""

    def __init__(self, shard: PgShard, keep_raw_days: int) -> None:
        self._shard = shard
        self._keep_days = keep_raw_days
        # (seq, readings) of the batches that wait, oldest first; None: not looked yet.
        self._waiting: list[tuple[int, int]] | None = None
        self._unseen = 0
        self._folding: _Folding | None = None
        self._slice = 0
        self._months: set[int] | None = None
        # The hour that most of the last commit is about; the one before which all was folded; the
        # one that most of what waited then was about; the hub's own of folding and trimming.
        self._dated_h = self._split_h = self._median_h = 0
        self._clock_h = self._trimmed_h = 0

    def committed(self, readings: int, moments_ms: "array[int]") -> None:
        """A batch more, of so many readings."""
        if readings:
            self._unseen += readings
            self._dated_h = int(np.median(np.frombuffer(moments_ms, np.int64))) // HOUR_MS
            if self._waiting is not None:
                self._waiting.append((0, readings))

    def go_on(self) -> None:
        """Behind a commit: what can't wait for an idle moment. The batch is durable whatever
        becomes of it."""
        try:
            if self._folding is not None or self._is_due():
                self._step()
            elif self._waiting is not None and len(self._waiting) > BATCHES_MAX:
                self._join()
        except StoreError:
            self._forget()

    def maintain(self, now_ms: int) -> bool:
        """One slice of what is due; once a day raw readings past their time are forgotten.

        A clock that is a year ahead would have them all forgotten: nothing is older than it is by
        what the gateways say of their readings."""
        clock_h = now_ms // HOUR_MS
        try:
            if self._folding is not None or self._is_due() or self._over(clock_h):
                self._clock_h = clock_h
                self._step()
            self._trim(clock_h)
        except StoreError:
            self._forget()
            raise
        return self._folding is not None

    def _forget(self) -> None:
        """What is on the server is looked at again."""
        self._waiting, self._folding, self._months = None, None, None

    def _is_due(self) -> bool:
        rows = sum(n for _seq, n in self._waiting) if self._waiting is not None else self._unseen
        return rows > WAITING_MAX or (rows > 0 and self._dated_h > self._split_h)

    def _over(self, clock_h: int) -> bool:
        """Nothing may come for hours; what waits is folded all the same when its hour is over."""
        return clock_h != self._clock_h and (self._waiting is None or bool(self._waiting))

    def _look(self) -> list[tuple[int, int]]:
        with faults(self._shard):
            rows = (
                self._shard.connected()
                .execute(
                    "SELECT seq, n FROM readings.batch WHERE shard = %s ORDER BY seq",
                    (self._shard.shard,),
                )
                .fetchall()
            )
        self._waiting = rows
        return rows

    def _rows(self, first: int, through: int, damaged: list[Damaged]) -> Rows:
        with faults(self._shard):
            cursor = self._shard.connected().cursor(binary=True)
            cursor.execute(
                "SELECT seq, body FROM readings.batch WHERE shard = %s AND seq BETWEEN %s AND %s"
                " ORDER BY seq",
                (self._shard.shard, first, through),
            )
            return rows_of(cursor.fetchall(), damaged)

    def _step(self) -> None:
        if self._folding is None:
            self._folding = self._begun()
            self._slice = 0
            if self._folding is None:
                return
        its = self._folding
        first = self._slice
        last = min(first + SLICE_HOURS, its.begins.size)
        if first < last:
            begin, end = int(its.begins[first]), _end(its, last)
            part = its.ripe.some(slice(begin, end))
            write_hours(self._shard, part, its.folded_h)
            self._slice = last
        if self._slice >= its.begins.size:
            self._finish(its)

    def _begun(self) -> _Folding | None:
        """All that waits, parted into what is over and what is not."""
        waiting = self._look()
        if not waiting:
            return None
        damaged: list[Damaged] = []
        through = waiting[-1][0]
        rows = sort_rows(self._rows(0, through, damaged))
        hours = rows.keys & BUCKET_MASK
        if hours.size:
            self._median_h = int(np.median(hours))
            most_h = int(np.quantile(hours, MOST, method="lower"))
            newest_h = max(self._dated_h or most_h, self._split_h)
            self._split_h = min(newest_h, most_h + AHEAD_H)
        over = hours < self._split_h
        if hours.size > WAITING_MAX:
            over[:] = True
        ripe, carried = rows.some(over), rows.some(~over)
        self._ready_months(ripe)
        past = hours[over]
        past = past[past <= self._split_h]
        folded_h = max(self._shard.folded_h, int(past.max()) if past.size else 0)
        return _Folding(through, ripe, begins_of(ripe.keys), carried, damaged, folded_h)

    def _ready_months(self, ripe: Sorted) -> None:
        if not ripe.keys.size:
            return
        with faults(self._shard):
            raw = self._shard.connected()
            if self._months is None:
                self._months = months_there(raw)
            wanted = months_for(self._median_h, self._keep_days) - self._months
            if wanted:
                self._months |= make_months(raw, wanted)

    def _finish(self, its: _Folding) -> None:
        """What was folded leaves `batch`; what is to wait on takes its place."""
        with self._shard.transaction() as raw:
            self._replace(raw, 0, its.through, its.carried)
            raw.execute(
                "UPDATE readings.shard SET folded_h = %s WHERE shard = %s",
                (its.folded_h, self._shard.shard),
            )
            if its.damaged:
                raw.cursor().executemany(
                    "INSERT INTO readings.damaged VALUES (%s, %s, %s)", its.damaged
                )
        self._shard.folded_h, self._shard.looks_up_all = its.folded_h, False
        self._folding = None
        self._unseen = 0
        self._look()

    def _join(self) -> None:
        """The newest batches into one, with older ones as long as they are not much larger."""
        waiting = self._look()
        at, rows = len(waiting) - 1, waiting[-1][1]
        while at > 0 and waiting[at - 1][1] <= 2 * rows:
            at -= 1
            rows += waiting[at][1]
        first, through = waiting[at][0], waiting[-1][0]
        damaged: list[Damaged] = []
        joined = sort_rows(self._rows(first, through, damaged))
        if damaged:
            return  # they are set aside when they are folded
        with self._shard.transaction() as raw:
            self._replace(raw, first, through, joined)
        self._look()

    def _replace(
        self, raw: "psycopg.Connection[tuple[object, ...]]", first: int, through: int, rows: Sorted
    ) -> None:
        raw.execute(
            "DELETE FROM readings.batch WHERE shard = %s AND seq BETWEEN %s AND %s",
            (self._shard.shard, first, through),
        )
        if rows.keys.size:
            body = pack_columns(rows.keys >> BUCKET_BITS, rows.moments_ms, rows.values)
            raw.execute(
                "INSERT INTO readings.batch (seq, shard, n, body) VALUES (%s, %s, %s, %b)",
                (through, self._shard.shard, rows.keys.size, body),
            )

    def _trim(self, clock_h: int) -> None:
        hour = min(clock_h, self._median_h + DAY_H)
        if hour - self._trimmed_h < DAY_H or not self._median_h:
            return
        self._trimmed_h = hour
        with faults(self._shard):
            gone = drop_before(self._shard.connected(), hour - self._keep_days * DAY_H)
        if self._months is not None:
            self._months -= gone


def _end(its: _Folding, last: int) -> int:
    return int(its.begins[last]) if last < its.begins.size else its.ripe.keys.size
