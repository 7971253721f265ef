"""What the book's PostgreSQL servers say of themselves, as figures for `/metrics`: whether one
takes writes, how far its standbys are behind, how often each part of the hub was taken over.

One process asks (who escalates), every few seconds, beside everything else; where a server does not
say it (its user is no member of pg_monitor) the figure is missing, and not zero.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Connection, Engine, text

from dashboard.middleware import gauge

# As often as Prometheus asks.
EVERY_S: Final = 15.0
_MAY: Final = "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"
_ASKED: Final = "SELECT current_setting('synchronous_standby_names') <> ''"
_STANDBYS: Final = (
    "SELECT count(*) FILTER (WHERE state = 'streaming'),"
    " COALESCE(max(EXTRACT(epoch FROM replay_lag)), 0),"
    " COALESCE(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0)"
    " FROM pg_stat_replication"
)
_SIZES: Final = (
    "SELECT COALESCE((SELECT max(seq) FROM entry), 0), pg_database_size(current_database())"
)
_LEASES: Final = "SELECT name, fence FROM hub_lease"
_HAS_SHARDS: Final = "SELECT to_regclass('readings.shard') IS NOT NULL"
_SHARDS: Final = "SELECT COALESCE(sum(fence), 0) FROM readings.shard"
# Of the takings that are counted: the shards' all together.
_OF_SHARDS: Final = "readings"
_TEXTS: Final = {
    "book_server_up": "Whether a server that takes writes answers",
    "book_standbys_asked": "Whether a commit waits for a standby",
    "book_standbys": "Standbys that follow",
    "book_standby_lag_seconds": "How long after the primary the slowest shows a commit",
    "book_standby_lag_bytes": "What the slowest has not shown yet",
    "book_entries_newest": "Number of the newest entry",
    "book_size_bytes": "Size of the database",
}


@dataclass(slots=True)
class Looked:
    """One look; NaN where the server did not say."""

    figures: dict[str, float] = field(default_factory=dict)
    takings: dict[str, float] = field(default_factory=dict)


class ServerWatch:
    def __init__(
        self,
        reader: Engine,
        log: Callable[[str, str], None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._reader, self._log, self._pause = reader, log, pause
        self._last = Looked()
        self._away = False
        self._takings: Gauge | None = None

    def measure(self, registry: CollectorRegistry) -> None:
        for name, words in _TEXTS.items():
            gauge(registry, f"hearthwatch_{name}", words, partial(self._figure, name))
        self._takings = Gauge(
            "hearthwatch_takings",
            "How often a part of the hub was taken; one more is a takeover",
            ("part",),
            registry=registry,
        )

    async def run(self) -> None:
        while True:
            try:
                self._last = await asyncio.to_thread(self._look)
                self._away = False
            except Exception as error:  # noqa: BLE001 - a server that is away is looked for again
                self._last.figures = {"book_server_up": 0.0}
                if not self._away:
                    self._log("book_server_away", type(error).__name__)
                self._away = True
            if self._takings is not None:
                for part, count in self._last.takings.items():
                    self._takings.labels(part).set(count)
            await self._pause(EVERY_S)

    def _figure(self, name: str) -> float:
        return self._last.figures.get(name, math.nan)

    def _look(self) -> Looked:
        with self._reader.connect() as connection:
            return looked(connection)


def looked(connection: Connection) -> Looked:
    entries, size = connection.execute(text(_SIZES)).one()
    figures = {
        "book_server_up": 1.0,
        "book_standbys_asked": float(connection.execute(text(_ASKED)).scalar_one()),
        "book_entries_newest": float(entries),
        "book_size_bytes": float(size),
    }
    if connection.execute(text(_MAY)).scalar_one():
        count, seconds, behind = connection.execute(text(_STANDBYS)).one()
        figures["book_standbys"] = float(count)
        figures["book_standby_lag_seconds"] = float(seconds)
        figures["book_standby_lag_bytes"] = float(behind)
    takings = {str(name): float(fence) for name, fence in connection.execute(text(_LEASES))}
    if connection.execute(text(_HAS_SHARDS)).scalar_one():
        takings[_OF_SHARDS] = float(connection.execute(text(_SHARDS)).scalar_one())
    return Looked(figures, takings)
