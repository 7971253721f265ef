"""The readings store that hub.toml asks for."""

from hearthwatch.hub_config import HubConfig
from ingest.readings.port import ReadingsReader, ReadingsStore
from ingest.readings.sqlite_reader import SqliteReader
from ingest.readings.sqlite_store import SqliteStore


def open_readings(config: HubConfig) -> tuple[ReadingsStore, ReadingsReader]:
    influx = config.readings.influx
    if influx is not None:
        # Imported here: whoever keeps readings in SQLite need not pay for the client.
        from ingest.readings.influx_reader import InfluxReader
        from ingest.readings.influx_store import InfluxStore

        return InfluxStore(influx, config.data_dir / "readings-state.db"), InfluxReader(influx)
    path = config.data_dir / "readings.db"
    store = SqliteStore(path, keep_raw_days=config.readings.keep_raw_days)
    return store, SqliteReader(path)
