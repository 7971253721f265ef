"""The readings store that hub.toml asks for."""

from typing import TYPE_CHECKING

from hearthwatch.hub_config import HubConfig
from ingest.readings.port import ReadingsReader, ReadingsStore
from ingest.readings.sqlite_reader import SqliteReader
from ingest.readings.sqlite_store import SqliteStore

if TYPE_CHECKING:
    from ingest.readings.pg_store import PgStore


def open_reader(config: HubConfig) -> ReadingsReader:
    """Reading alone, beside whoever has the store open."""
    # Imported where they are asked for: whoever keeps readings in SQLite pays for no client.
    if config.readings.influx is not None:
        from ingest.readings.influx_reader import InfluxReader

        return InfluxReader(config.readings.influx)
    if config.readings.postgres is not None:
        from ingest.readings.pg_reader import PgReader

        return PgReader(config.readings.postgres)
    return SqliteReader(config.data_dir / "readings.db")


def open_shard(config: HubConfig, shard: int) -> "PgStore":
    """One of several shards, whose workers share a server."""
    from ingest.readings.pg_store import PgStore

    if config.readings.postgres is None:
        raise LookupError("readings are not on PostgreSQL")
    return PgStore(config.readings.postgres, shard)


def open_readings(config: HubConfig) -> tuple[ReadingsStore, ReadingsReader]:
    """For a hub that hears everybody."""
    reader = open_reader(config)
    if config.readings.influx is not None:
        from ingest.readings.influx_store import InfluxStore

        state = config.data_dir / "readings-state.db"
        return InfluxStore(config.readings.influx, state), reader
    if config.readings.postgres is not None:
        from ingest.readings.pg_store import PgStore

        return PgStore(config.readings.postgres, alone=True), reader
    path = config.data_dir / "readings.db"
    return SqliteStore(path, keep_raw_days=config.readings.keep_raw_days), reader
