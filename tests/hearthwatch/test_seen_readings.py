"""A server of readings that is away is told as such, and a wrong question as a wrong question."""

from pathlib import Path

import psycopg
import pytest

from contract.errors import ContractError
from dashboard.ports import ReadingsAway
from hearthwatch.embedded_broker import free_port
from hearthwatch.seen_readings import SeenReadings
from ingest.readings.pg_reader import PgReader
from ingest.readings.pg_settings import PgSettings
from ingest.readings.sqlite_reader import SqliteReader

ASKED = ("gw-1", "meter-1", "power", None, 0, 1000)


def test_a_server_that_is_away_is_told_as_away() -> None:
    said: list[tuple[str, str]] = []
    url = f"postgresql://nobody:secret-word@127.0.0.1:{free_port()}/readings"
    reader = SeenReadings(PgReader(PgSettings(conninfo=url)), lambda *words: said.append(words))
    with pytest.raises(ReadingsAway) as away:
        reader.series(*ASKED, "raw")
    assert isinstance(away.value.__cause__.__cause__, psycopg.Error)
    [(event, detail)] = said
    assert event == "readings_away"
    assert "secret-word" not in detail


def test_a_file_that_is_damaged_is_told_as_away(tmp_path: Path) -> None:
    (tmp_path / "readings.db").write_bytes(b"no database" * 1000)
    reader = SeenReadings(SqliteReader(tmp_path / "readings.db"), lambda *_words: None)
    with pytest.raises(ReadingsAway):
        reader.series(*ASKED, "raw")


def test_a_wrong_question_is_none_of_the_stores(tmp_path: Path) -> None:
    reader = SeenReadings(SqliteReader(tmp_path / "readings.db"), lambda *_words: None)
    with pytest.raises(ContractError):
        reader.series("gw-1", "meter-1", "power", None, 1000, 0, "raw")
