"""Readings of one shard on a PostgreSQL server: a commit is a row, an hour of a series is a row.

  add … commit  ->  batch(seq, body)          one transaction, one way to the server and back
  maintain      ->  chunk(series, hour, body) hours that are over, each folded once
                    hour(…)                   its roll-up

A commit holds readings, rule states and marks, and nothing of it when another worker has taken the
shard meanwhile (`pg_shard`). What an interrupted COMMIT left is seen by reloading marks and states:
items that come again are known by their marks, or were not stored.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from contract.errors import ContractError
from ingest.marks import SpoolMark
from ingest.readings import pg_lane_state
from ingest.readings.packing import pack_columns
from ingest.readings.pg_fold import PgFold
from ingest.readings.pg_series import SeriesNumbers
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_shard import HOLD, PgShard, faults
from ingest.readings.pg_subjects import PgSubjects
from ingest.readings.port import RefusedReading, RuleState, SeriesKey

# Values held by one batch; far above what one read of the socket brings.
BATCH_VALUES_MAX: Final = 1_000_000
_PUT: Final = "INSERT INTO readings.batch (shard, n, body) VALUES (%s, %s, %b)"


class PgStore:
    """The lane's side of the port; one thread. Making it does not connect."""

    def __init__(self, settings: PgSettings, shard: int = 0, *, alone: bool = False) -> None:
        """`alone`: of a hub that hears everybody, whatever shards there were."""
        self._alone = alone
        self._shard = PgShard(settings, shard)
        self._fold = PgFold(self._shard, settings.keep_raw_days)
        self._series = SeriesNumbers()
        # Whom this shard judges, where there are several.
        self.subjects = PgSubjects(self._shard)
        self._places: array[int] = array("I")
        self._moments: array[int] = array("q")
        self._values: array[float] = array("d")
        self._states: list[RuleState] = []
        self._marks: list[SpoolMark] = []

    @property
    def fence(self) -> int:
        """The number of this taking of the shard; taken when the store is first used."""
        return self._shard.fence

    @property
    def lost(self) -> bool:
        """Whether another worker has taken the shard."""
        return self._shard.lost

    def begin_batch(self) -> None:
        self._places, self._moments, self._values = array("I"), array("q"), array("d")
        self._states, self._marks = [], []
        self.subjects.begin()

    def add(self, series_key: SeriesKey, measured_at_ms: int, values: Mapping[str, float]) -> None:
        if len(self._places) + len(values) > BATCH_VALUES_MAX:
            raise ContractError("batch_full", f"over {BATCH_VALUES_MAX} values in one batch")
        fields = self._series.places(series_key)
        for field, value in values.items():
            place = fields.get(field)
            if place is None:
                place = self._series.place(series_key, field, fields)
            self._places.append(place)
            self._moments.append(measured_at_ms)
            self._values.append(value)

    def write_rule_states(self, rows: Sequence[RuleState]) -> None:
        self._states.extend(rows)

    def write_marks(self, rows: Sequence[SpoolMark]) -> None:
        self._marks.extend(rows)

    def commit(self) -> None:
        shard = self._shard
        if not self._series.complete:
            with shard.transaction() as raw:
                self._series.learn(raw, shard.shard)
            self._series.learned()
        with faults(shard):
            raw = shard.connected()
            # One way there and back: whatever fails, the server skips all that follows it.
            with raw.pipeline():
                raw.execute("BEGIN")
                raw.execute(HOLD, shard.held)
                if self._places:
                    raw.execute(_PUT, (shard.shard, len(self._places), self._body()))
                pg_lane_state.write(raw, shard.shard, self._states, self._marks)
                self.subjects.write(raw)
                raw.execute("COMMIT")
        self._fold.committed(len(self._places), self._moments)
        self.begin_batch()
        self._fold.go_on()

    def _body(self) -> bytes:
        return pack_columns(
            self._series.numbers(self._places),
            np.frombuffer(self._moments, np.int64),
            np.frombuffer(self._values, np.float64),
        )

    def load_rule_states(self) -> Iterable[RuleState]:
        return self._loaded_states()

    def _loaded_states(self) -> Iterator[RuleState]:
        with faults(self._shard):
            yield from pg_lane_state.load_states(self._shard.connected(), self._shard.shard)

    def load_marks(self) -> Iterable[SpoolMark]:
        """Before the states: who is alone gathers both first."""
        if self._alone:
            self.subjects.become_alone()
        with faults(self._shard):
            return pg_lane_state.load_marks(self._shard.connected(), self._shard.shard)

    def maintain(self, now_ms: int) -> bool:
        return self._fold.maintain(now_ms)

    def take_refused(self) -> list[RefusedReading]:
        """The server takes every finite number: nothing is ever refused for good."""
        return []

    def close(self) -> None:
        self._shard.close()
