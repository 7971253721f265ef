"""The readings store that hub.toml asks for."""

from hearthwatch.hub_config import HubConfig
from ingest.readings.port import ReadingsReader, ReadingsStore
from ingest.readings.sqlite_reader import SqliteReader
from ingest.readings.sqlite_store import SqliteStore


def open_readings(config: HubConfig) -> tuple[ReadingsStore, ReadingsReader]:
    path = config.data_dir / "readings.db"
    store = SqliteStore(path, keep_raw_days=config.readings.keep_raw_days)
    return store, SqliteReader(path)
