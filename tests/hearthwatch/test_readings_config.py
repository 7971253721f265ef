"""[readings] of hub.toml, and what the doctor says of the place that it names."""

from pathlib import Path

import pytest

from contract.config import ConfigError
from hearthwatch.doctor_readings import readings
from hearthwatch.hub_config import HubConfig, load
from hearthwatch.stores import open_reader, open_readings
from ingest.readings.pg_reader import PgReader
from ingest.readings.pg_store import PgStore
from tests.adapters.postgres import Postgres

BOOK = '[book]\nurl = "postgresql://hub@db:5432/county"\n'


def loaded(folder: Path, text: str) -> HubConfig:
    path = folder / "hub.toml"
    path.write_text(f'data_dir = "hub"\n{text}')
    return load(path)


def conninfo(config: HubConfig) -> str:
    """Without how soon a server that is gone is noticed (tests/ledger/test_pg_address.py)."""
    assert config.readings.postgres is not None
    return config.readings.postgres.conninfo.partition("?")[0]


def test_readings_go_to_the_book_s_server_or_to_one_of_their_own(tmp_path: Path) -> None:
    with_book = loaded(tmp_path, f'{BOOK}[readings]\nstore = "postgresql"\nkeep_raw_days = 400\n')
    assert conninfo(with_book) == "postgresql://hub@db:5432/county"
    assert with_book.readings.postgres.keep_raw_days == 400
    (tmp_path / "secret").write_text("p@ss\n")
    own = 'url = "postgresql://r@other/readings"\npassword_file = "secret"\n'
    for book in ("", BOOK):
        config = loaded(tmp_path, f'{book}[readings]\nstore = "postgresql"\n{own}')
        assert conninfo(config) == "postgresql://r:p%40ss@other/readings"
        assert "p%40ss" not in repr(config.readings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('store = "postgres"', "did you mean|postgresql"),
        ('store = "postgresql"', "readings.url.*the book is in a file"),
        ('store = "postgresql"\nurl = "https://db"', "readings.url.*postgresql://"),
        ('store = "postgresql"\nurl = "postgresql://r:pw@o/d"', "readings.url.*password_file"),
        ('store = "postgresql"\npassword_file = "f"', "password_file.*only with url"),
        ('store = "postgresql"\nbucket = "b"', 'bucket.*only with store = "influxdb"'),
        ('url = "postgresql://r@o/d"', "url.*only with store"),
        ('store = "postgresql"\nkeep_raw_days = 3', "keep_raw_days"),
    ],
)
def test_a_mistake_names_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){said}"):
        loaded(tmp_path, f"[readings]\n{text}\n")


def test_a_server_that_is_away_is_no_reason_not_to_begin(tmp_path: Path) -> None:
    """Presses don't need it; the doctor says what is wrong."""
    nobody = f"postgresql:///readings?host={tmp_path}"
    config = loaded(tmp_path, f'[readings]\nstore = "postgresql"\nurl = "{nobody}"\n')
    store, reader = open_readings(config)
    assert isinstance(store, PgStore)
    assert isinstance(reader, PgReader)
    store.close()
    reader.close()
    [finding] = readings(config)
    assert finding.verdict == "fail"
    assert "mend [readings]" in finding.remedy


def test_the_doctor_looks_at_the_server(tmp_path: Path, postgres: Postgres) -> None:
    address = postgres.empty().conninfo()
    config = loaded(tmp_path, f'[readings]\nstore = "postgresql"\nurl = "{address}"\n')
    [before] = readings(config)
    assert (before.verdict, "made at the first start" in before.detail) == ("ok", True)
    store, _reader = open_readings(config)
    store.begin_batch()
    store.add(("gw-1", "m", "power"), 1_795_363_200_000, {"power_w": 1.0})
    store.commit()
    store.close()
    there, folded = readings(config)
    assert (there.verdict, folded.verdict) == ("ok", "ok")
    assert "1 readings wait to be folded in 1 shards" in folded.detail
    reader = open_reader(config)
    assert reader.count() == 1
    reader.close()
    postgres.sql(
        "INSERT INTO readings.damaged VALUES ('chunk 1', '', 'checksum')",
        address.split("/")[-1].split("?")[0],
    )
    assert [f.check for f in readings(config) if f.verdict == "warn"] == ["readings damaged"]
