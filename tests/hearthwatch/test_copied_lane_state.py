"""A copy carries what the readings lane knew beside its book, also when that is on a server."""

from dataclasses import replace
from pathlib import Path

import pytest

from hearthwatch.copies import back_up, restore
from hearthwatch.hub_config import HubConfig
from hearthwatch.readings_config import ReadingsConfig
from hearthwatch.stores import open_readings
from ingest.marks import SpoolMark
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_shard import HOLD, ShardLostError
from ingest.readings.pg_store import PgStore
from ingest.readings.port import ReadingsStore
from ledger.place import SqliteBook
from tests.adapters.migrated import migrated
from tests.adapters.postgres import Postgres

AT_MS = 1_795_363_200_000


def quiet(_table: str, _rows: int) -> None:
    """Nobody watches."""


def hub(folder: Path, server: PgSettings | None = None) -> HubConfig:
    book = SqliteBook(path=folder / "hub" / "hub.db")
    config = HubConfig(data_dir=folder / "hub", book=book)
    if server is None:
        return config
    return replace(config, readings=ReadingsConfig(store="postgresql", postgres=server))


def write(store: ReadingsStore, contiguous: int) -> None:
    store.begin_batch()
    store.add(("gw-1", "m", "power"), AT_MS + contiguous, {"power_w": 1.0})
    store.write_marks([SpoolMark(spool="book-events", gateway="", contiguous=contiguous)])
    store.write_rule_states([("home-1", "sos", b"{%d\x00}" % contiguous)])
    store.commit()


def known(store: ReadingsStore) -> tuple[list[int], list[bytes]]:
    states = [state for _home, _rule, state in store.load_rule_states()]
    return [mark.contiguous for mark in store.load_marks()], states


def settings(postgres: Postgres) -> PgSettings:
    return PgSettings(conninfo=postgres.empty().conninfo())


def lived(folder: Path, server: PgSettings | None) -> tuple[HubConfig, ReadingsStore]:
    config = hub(folder, server)
    config.data_dir.mkdir(parents=True)
    migrated(config.data_dir / "hub.db")
    store, reader = open_readings(config)
    reader.close()
    write(store, 7)
    return config, store


def test_the_server_goes_back_to_what_was_known_with_the_book(
    tmp_path: Path, postgres: Postgres
) -> None:
    """It would take presses for told that the older book has yet to tell."""
    server = settings(postgres)
    config, store = lived(tmp_path / "old", server)
    other = PgStore(server, 1)
    write(other, 3)
    back_up(config, tmp_path / "copy.zip", AT_MS, quiet)
    write(store, 9)
    (tmp_path / "new").mkdir()
    new = hub(tmp_path / "new", server)
    restore(new, tmp_path / "copy.zip", quiet)
    # A hub that was not ended before can do no more harm.
    with pytest.raises(ShardLostError):
        write(store, 10)
    right = PgStore(server, 1)
    assert known(right) == ([3], [b"{3\x00}"])
    again, reader = open_readings(new)
    assert known(again) == ([7], [b"{7\x00}"])
    # Readings are the server's own copies' work: nothing is taken away.
    assert reader.count() == 3
    for each in (store, other, again, right, reader):
        each.close()
    assert not (new.data_dir / "readings-state.db").exists()


@pytest.mark.parametrize("made", [True, False])
def test_a_hub_with_files_moves_to_a_server(tmp_path: Path, postgres: Postgres, made: bool) -> None:
    """Its states and marks become those of shard 0; without any the server forgets its own."""
    config, store = lived(tmp_path / "old", None)
    store.close()
    if not made:
        (config.data_dir / "readings.db").unlink()
    back_up(config, tmp_path / "copy.zip", AT_MS, quiet)
    server = settings(postgres)
    before = PgStore(server)
    write(before, 99)
    before.close()
    (tmp_path / "new").mkdir()
    restore(hub(tmp_path / "new", server), tmp_path / "copy.zip", quiet)
    after = PgStore(server)
    assert known(after) == (([7], [b"{7\x00}"]) if made else ([], []))
    after.close()


def test_another_server_finds_what_was_known_in_whichever_shard_it_lay(
    tmp_path: Path, postgres: Postgres
) -> None:
    """No shard of it was ever taken, and the first that is may judge whom another one judged."""
    config, store = lived(tmp_path / "old", settings(postgres))
    other = PgStore(config.readings.postgres, 5)
    other.begin_batch()
    other.write_marks([SpoolMark(spool="spool-1", gateway="gw-1", contiguous=4)])
    other.write_rule_states([("home-2", "absence", b"learned")])
    other.commit()
    back_up(config, tmp_path / "copy.zip", AT_MS, quiet)
    (tmp_path / "new").mkdir()
    server = settings(postgres)
    restore(hub(tmp_path / "new", server), tmp_path / "copy.zip", quiet)
    taker = PgStore(server, 2)
    assert taker.subjects.claim(["home-2"], "book-events") == {"home-2": 0}
    assert known(taker) == ([], [b"learned"])
    mark = taker.subjects.mark_of("spool-1")
    assert mark is not None
    assert mark.contiguous == 4
    # Whoever was not connected yet holds nothing.
    with pytest.raises(ShardLostError), taker._shard.transaction() as raw:
        raw.execute(HOLD, (5, 0))
    for each in (store, other, taker):
        each.close()
