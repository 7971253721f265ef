"""The readings store that hub.toml asks for."""

from hearthwatch.hub_config import HubConfig
from ingest.readings.port import ReadingsReader, ReadingsStore
from ingest.readings.sqlite_reader import SqliteReader
from ingest.readings.sqlite_store import SqliteStore


def open_reader(config: HubConfig) -> ReadingsReader:
    """Reading alone, beside a hub that has the store open."""
    influx = config.readings.influx
    if influx is not None:
        from ingest.readings.influx_reader import InfluxReader

        return InfluxReader(influx)
    return SqliteReader(config.data_dir / "readings.db")


def open_readings(config: HubConfig) -> tuple[ReadingsStore, ReadingsReader]:
    influx = config.readings.influx
    if influx is not None:
        # Imported here: whoever keeps readings in SQLite need not pay for the client.
        from ingest.readings.influx_store import InfluxStore

        state = config.data_dir / "readings-state.db"
        return InfluxStore(influx, state), open_reader(config)
    path = config.data_dir / "readings.db"
    store = SqliteStore(path, keep_raw_days=config.readings.keep_raw_days)
    return store, open_reader(config)
