"""The part of a hub that hears gateways: both lanes behind their connections to the broker."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Engine as SqlEngine
from sqlalchemy import func, select

from hearthwatch.broker_sources import readings_source, sharded_source, urgent_source
from hearthwatch.clock import PlannedClock
from hearthwatch.hub_config import HubConfig
from hearthwatch.logs import say
from hearthwatch.shard_roster import ShardRoster
from hearthwatch.stored_events import stored_event
from hearthwatch.stores import open_reader, open_readings, open_shard
from hearthwatch.urgent_side import UrgentSide
from ingest.mqtt.session import Message
from ingest.readings.port import ReadingsStore
from ingest.readings_batch import BOOK_SPOOL, ReadingsBatch
from ingest.readings_lane import ReadingsLane, ReadingsSource
from ingest.shard_set import Made, ShardSet
from ingest.shard_subjects import ShardSubjects
from ingest.shard_work import ShardWork
from ingest.urgent_lane import MessageLink, Stored
from ingest.watched import Watched
from ledger.cursor import Cursor
from ledger.register_changes import Touched
from ledger.schema import EVENT
from rules.engine import Engine
from rules.rule import Rule

# Activations read back at a start for the rules that take them as signs of life: at 100 a day
# more than a year of a village.
MISSED_MAX: Final = 50_000

_BEHIND: Final = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?"


class Ingest:
    """Built behind the writer's start; `start` and `stop` are the readings lane's. `set`: the
    shards, where several workers share them; else there is one `store` and one batch."""

    def __init__(
        self,
        config: HubConfig,
        clock: PlannedClock,
        rules: Sequence[Rule],
        side: UrgentSide,
        reader: SqlEngine,
    ) -> None:
        self._config, self._clock, self._rules = config, clock, rules
        self._side, self._reader = side, reader
        # The newest activation that the readings lane was told of: what is there now is read below.
        self._followed = _newest_event(reader)
        self.store: ReadingsStore | None = None
        self.set: ShardSet | None = None
        source: ReadingsSource
        self.work: ShardWork | ShardSet
        if config.shares_shards:
            self.readings = open_reader(config)
            source = sharded = sharded_source(config.broker, say)
            self._roster = ShardRoster(side.register, side.presence)
            side.on_facts_let_go = self._roster.forget
            self._shards: Callable[[], int] = lambda: sharded.shards
            self.work = self.set = ShardSet(
                client=sharded, make=self._shard, monotonic=time.monotonic, log=say
            )
        else:
            self.store, self.readings = open_readings(config)
            source = readings_source(config.broker, say)
            batch = self._batch(self.store)
            self.work = ShardWork(client=source, batch=batch, log=say)
        side.settings.on_reload = self.work.roster_changed
        self.lane = ReadingsLane(client=source, work=self.work, monotonic=time.monotonic, log=say)
        self.client = urgent_source(config.broker, self._messages, say)

    def _shard(self, shard: int) -> Made:
        """In the lane's thread, once the broker has made it ours."""
        store = open_shard(self._config, shard)
        watched = ShardSubjects(
            shard,
            shards=self._shards,
            table=store.subjects,
            roster=self._roster,
            book_spool=BOOK_SPOOL,
        )
        return Made(store, self._batch(store, watched))

    def _batch(self, store: ReadingsStore, watched: Watched | None = None) -> ReadingsBatch:
        side = self._side
        return ReadingsBatch(
            store=store,
            writer=side.writer,
            book=side.book,
            presence=side.presence,
            make_engine=lambda: Engine(self._rules, lane="readings"),
            know_homes=(
                side.know_homes
                if watched is None
                else partial(side.know_homes, mine=watched.watches)
            ),
            clock=self._clock.now_ms,
            missed=self._missed,
            log=say,
            watched=watched,
        )

    def stored(self, stored: Sequence[Stored]) -> None:
        self.lane.note_activations(stored)

    def roster_changed(self, touched: Touched | None = None) -> None:
        self.work.roster_changed(touched)

    def follow_events(self, cursor: Cursor) -> None:
        """In the writer's thread: other processes have stored activations, over the second path or
        from shards of theirs. Ours among them are known to the lane by their numbers."""
        cursor.execute(_BEHIND, (self._followed, MISSED_MAX))
        names = [column[0] for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        if found:
            self._followed = found[-1]["seq"]
            self.lane.note_activations([stored_event(row) for row in found])

    def _messages(self, messages: list[Message], link: MessageLink) -> None:
        self._side.urgent.on_messages(messages, link, self.client)

    def _missed(self, after_seq: int) -> Iterator[Stored]:
        """Activations in the book that the readings lane has not seen yet."""
        newest = select(EVENT).where(EVENT.c.seq > after_seq).order_by(EVENT.c.seq.desc())
        with self._reader.connect() as connection:
            rows = connection.execute(newest.limit(MISSED_MAX)).mappings().all()
        for row in reversed(rows):
            yield stored_event(row)

    @property
    def engines(self) -> Sequence[Engine]:
        if isinstance(self.work, ShardSet):
            return self.work.engines
        return [self.work.batch.engine]

    @property
    def began(self) -> bool:
        """Whether what rules have learned was read; of shards each is read as it comes."""
        return not isinstance(self.work, ShardWork) or self.work.batch.loaded

    @property
    def counted(self) -> tuple[int, int]:
        """Readings stored, and those seen before."""
        of = self.work if isinstance(self.work, ShardSet) else self.work.batch
        return of.stored, of.duplicates

    def close(self) -> None:
        """Behind the lane's end."""
        if self.set is not None:
            self.set.close()
        if self.store is not None:
            self.store.close()

    def shown(self) -> dict[str, object]:
        """The shards of readings that are here now, and those that failed here a moment ago."""
        if self.set is None:
            return {}
        return {"shards": self.set.shards, "shards_failing": self.set.failing}

    def health(self) -> dict[str, str]:
        """Presses are heard before any state is read: then only the readings lane is not ready."""
        urgent = "ok" if self.client.connected.is_set() else "not connected"
        return {"broker_urgent": urgent} | self._readings_health()

    def _readings_health(self) -> dict[str, str]:
        its_shards = {} if self.set is None else {"shards": self.set.state}
        return its_shards | {
            "broker_readings": "ok" if self.lane.connected else "not connected",
            "readings_lane": self._lane_state(),
        }

    @property
    def readings_heard(self) -> bool:
        return all(state == "ok" for state in self._readings_health().values())

    def _lane_state(self) -> str:
        if getattr(self.store, "lost", False):
            # A copy was put back beside this hub, or one of another book writes there: nothing more
            # is stored until this one is started again.
            return "another worker has taken its shard"
        if self.lane.state != "ok":
            return self.lane.state
        return "ok" if self.began else "reads what rules have learned"


def _newest_event(reader: SqlEngine) -> int:
    with reader.connect() as connection:
        return connection.scalar(select(func.max(EVENT.c.seq))) or 0
