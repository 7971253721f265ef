"""A hub of this program on the book of an older one, and the way back."""

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text

from contract.codec import decode_ack
from contract.config import ConfigError
from hearthwatch.__main__ import main
from hearthwatch.copies import restore
from hearthwatch.hub_config import HubConfig, load
from ledger import archive, before_migrating, database
from ledger.database import BookNewerError
from ledger.place import Place, SqliteBook
from ledger.schema import ALARM, EVENT
from tests.adapters.hub_bench import Bench, press
from tests.adapters.postgres import Postgres

# Open alarms, tasks and telling are as they are now; what came later is gone from it.
OLDER = "0024"


def url_of(place: Place) -> str:
    return database.sqlite_url(place.path) if isinstance(place, SqliteBook) else place._sqlalchemy()


def made_older(place: Place) -> None:
    """As the program of that time had left it."""
    with database.changing(url_of(place)) as connection:
        database.downgrade(connection, OLDER)


def revision(place: Place) -> str:
    engine = create_engine(url_of(place))
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    engine.dispose()
    return str(found)


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "postgres":
        return Bench(tmp_path, request.getfixturevalue("postgres").fresh())
    return Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"))


def test_a_stream_of_presses_goes_on_through_a_migration(bench: Bench) -> None:
    """The last ones were not acknowledged any more: they come again, to the new program."""
    for number in range(1, 6):
        bench.deliver(press(number))
    before = {row["id"]: (row["state"], row["event_count"]) for row in bench.rows(ALARM)}
    bench.hub.close()
    made_older(bench.book)
    assert revision(bench.book) == OLDER
    bench.open()
    assert revision(bench.book) == database.head()
    again = bench.deliver(press(4), press(5), press(6))
    assert [ack.ids for _gateway, ack in again.acks] == [["press-4"], ["press-5"], ["press-6"]]
    assert [stored.item.id for stored in again.stored] == ["press-6"]
    assert bench.count(EVENT) == 6
    ((alarm, (state, count)),) = before.items()
    (row,) = bench.rows(ALARM)
    assert (row["id"], row["state"], row["event_count"]) == (alarm, state, count + 1)
    bench.hub.close()


def test_a_book_of_a_newer_program_is_refused_and_left_as_it_is(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.hub.close()
    engine = create_engine(url_of(bench.book))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(BookNewerError, match=r"newer program \(schema 9999, this one knows \d+\)"):
        bench.book.open_hub()
    assert revision(bench.book) == "9999"
    if isinstance(bench.book, SqliteBook):
        (tmp_path / "hub.toml").write_text('data_dir = "hub"\n[broker]\nhost = "127.0.0.1"\n')
        assert main(["hub", "--config", str(tmp_path / "hub.toml")]) == 2
        assert "install that one" in capsys.readouterr().err


def test_the_way_back_is_a_copy_from_before(tmp_path: Path) -> None:
    book = SqliteBook(path=tmp_path / "hub" / "hub.db")
    bench = Bench(tmp_path, book)
    bench.deliver(press(1), press(2))
    bench.hub.close()
    made_older(book)
    bench.open()
    bench.deliver(press(3))
    bench.hub.close()
    kept = book.path.with_name(f"hub.db.before-{database.head()}")
    assert kept.stat().st_mode & 0o777 == 0o600
    # As the page says: put it back. The older program would go on here; ours migrates it again.
    for name in ("hub.db-wal", "hub.db-shm"):
        book.path.with_name(name).unlink(missing_ok=True)
    shutil.copyfile(kept, book.path)
    assert revision(book) == OLDER
    with closing(sqlite3.connect(book.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    bench.open()
    again = bench.deliver(press(2), press(3))
    assert [stored.item.id for stored in again.stored] == ["press-3"]
    bench.hub.close()
    assert [path.name for path in book.path.parent.glob("hub.db.before*")] == [kept.name]
    # A book that is up to date is not copied, and an erasure leaves no copy.
    kept.unlink()
    book.migrate()
    assert not kept.exists()
    kept.write_bytes(b"")
    book.forget()
    assert not kept.exists()


def test_the_way_back_of_a_servers_book_is_a_copy_too(tmp_path: Path, postgres: Postgres) -> None:
    """As an archive in the hub's folder; an empty database takes it back."""
    book = replace(postgres.fresh(), before=tmp_path / "hub")
    bench = Bench(tmp_path, book)
    bench.deliver(press(1), press(2))
    bench.hub.close()
    made_older(book)
    bench.open()
    bench.deliver(press(3))
    bench.hub.close()
    [kept] = (tmp_path / "hub").glob("book.before-*")
    assert kept.name == f"book.before-{database.head()}.zip"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert book.still_needed(int(kept.stat().st_mtime * 1000)) == {"spool-1": 2}
    later_ms = int(kept.stat().st_mtime * 1000) + before_migrating.WAY_BACK_MS + 1000
    assert book.still_needed(later_ms) is None
    with zipfile.ZipFile(kept) as file:
        manifest = archive.read_manifest(file)
        assert manifest.revision == OLDER
        assert manifest.made_at_ms > 0
    empty = postgres.empty()
    (tmp_path / "back").mkdir()
    restore(HubConfig(data_dir=tmp_path / "back", book=empty), kept, lambda _table, _rows: None)
    back = Bench(tmp_path / "back", empty)
    again = back.deliver(press(2), press(3))
    assert [stored.item.id for stored in again.stored] == ["press-3"]
    back.hub.close()
    # What is up to date is not copied, and an erasure leaves no copy.
    before = kept.stat().st_mtime_ns
    book.migrate()
    assert kept.stat().st_mtime_ns == before
    book.forget()
    assert not kept.exists()


def test_a_servers_book_is_not_migrated_without_a_copy_unless_somebody_says_so(
    tmp_path: Path, postgres: Postgres
) -> None:
    folder = tmp_path / "hub"
    book = replace(postgres.fresh(), before=folder)
    made_older(book)
    folder.write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="copy_before_migrating = false"):
        book.open_hub()
    assert revision(book) == OLDER
    (tmp_path / "hub.toml").write_text(
        'data_dir = "hub"\n[book]\nurl = "postgresql://hub@127.0.0.1/book"\n'
        "copy_before_migrating = false\n"
    )
    assert load(tmp_path / "hub.toml").book.before is None
    replace(book, before=None).migrate()
    assert revision(book) == database.head()


def test_without_room_for_the_copy_nothing_is_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = SqliteBook(path=tmp_path / "hub" / "hub.db")
    Bench(tmp_path, book).hub.close()
    made_older(book)
    full = SimpleNamespace(free=1 << 10)
    monkeypatch.setattr(before_migrating.shutil, "disk_usage", lambda _path: full)
    with pytest.raises(ConfigError, match="make room, or go on with the older program"):
        book.open_hub()
    assert revision(book) == OLDER
    # Whoever has made a copy says so.
    (tmp_path / "hub.toml").write_text('data_dir = "hub"\n[book]\ncopy_before_migrating = false\n')
    config = load(tmp_path / "hub.toml")
    assert config.book.path == book.path
    config.book.migrate()
    assert revision(book) == database.head()


GOLDEN = Path(__file__).resolve().parents[1] / "contract" / "golden"


async def test_a_gateway_of_the_first_program_and_this_hub_understand_each_other(
    tmp_path: Path,
) -> None:
    """Its envelope as it was written then; our answer as it reads it."""
    bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"))
    bench.hub.to_loop.open()
    sent = (GOLDEN / "envelope.json").read_bytes()
    gateway = json.loads(sent)["gateway"]
    answer = json.loads(await bench.hub.urgent.accept(sent, gateway))
    assert answer["v"] == 1
    assert answer["spool"] == json.loads(sent)["spool"]
    assert answer["ids"] == [item["id"] for item in json.loads(sent)["items"]]
    # And a later hub's answer has more in it than this gateway knows.
    later = json.dumps({**answer, "later": {"a": 1}}).encode()
    assert list(decode_ack(later).ids) == answer["ids"]
    bench.hub.close()
