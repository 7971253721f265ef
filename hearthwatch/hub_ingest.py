"""The part of a hub that hears gateways: both lanes behind their connections to the broker."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Engine as SqlEngine
from sqlalchemy import func, select

from hearthwatch.broker_sources import readings_source, urgent_source
from hearthwatch.clock import PlannedClock
from hearthwatch.hub_config import HubConfig
from hearthwatch.logs import say
from hearthwatch.stored_events import stored_event
from hearthwatch.stores import open_readings
from hearthwatch.urgent_side import UrgentSide
from ingest.mqtt.session import Message
from ingest.readings_batch import ReadingsBatch
from ingest.readings_lane import ReadingsLane
from ingest.urgent_lane import MessageLink, Stored
from ledger.cursor import Cursor
from ledger.schema import EVENT
from rules.engine import Engine
from rules.rule import Rule

# Activations read back at a start for the rules that take them as signs of life: at 100 a day
# more than a year of a village.
MISSED_MAX: Final = 50_000

_BEHIND: Final = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?"


class Ingest:
    """Built behind the writer's start; `start` and `stop` are the readings lane's."""

    def __init__(
        self,
        config: HubConfig,
        clock: PlannedClock,
        rules: Sequence[Rule],
        side: UrgentSide,
        reader: SqlEngine,
    ) -> None:
        self._side, self._reader = side, reader
        # The newest activation that the readings lane was told of: what is there now is read below.
        self._followed = _newest_event(reader)
        self.store, self.readings = open_readings(config)
        self.batch = ReadingsBatch(
            store=self.store,
            writer=side.writer,
            book=side.book,
            presence=side.presence,
            make_engine=lambda: Engine(rules, lane="readings"),
            know_homes=side.know_homes,
            clock=clock.now_ms,
            missed=self._missed,
            log=say,
        )
        side.settings.on_reload = self.batch.roster_changed
        self.lane = ReadingsLane(
            client=readings_source(config.broker, say),
            batch=self.batch,
            monotonic=time.monotonic,
            log=say,
        )
        self.client = urgent_source(config.broker, self._messages, say)

    def stored(self, stored: Sequence[Stored]) -> None:
        self.lane.note_activations(stored)

    def follow_events(self, cursor: Cursor) -> None:
        """In the writer's thread: other processes have stored activations, over the second path.
        Ours among them are known to the lane by their numbers."""
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

    def close(self) -> None:
        self.store.close()
        self.readings.close()

    def health(self) -> dict[str, str]:
        return {
            "broker_urgent": "ok" if self.client.connected.is_set() else "not connected",
            "broker_readings": "ok" if self.lane.connected else "not connected",
            "readings_lane": self._lane_state(),
        }

    def _lane_state(self) -> str:
        if getattr(self.store, "lost", False):
            # A copy was put back beside this hub, or one of another book writes there: nothing more
            # is stored until this one is started again.
            return "another worker has taken its shard"
        return "ok" if self.lane.alive else "stopped"


def _newest_event(reader: SqlEngine) -> int:
    with reader.connect() as connection:
        return connection.scalar(select(func.max(EVENT.c.seq))) or 0
