"""Kill -9 and power cuts in the midst of a migration: the book is the older or the newer one."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, select, text

from ledger import database
from ledger.place import PostgresBook, SqliteBook
from ledger.schema import EVENT, METADATA
from tests.adapters.hub_bench import Bench, press
from tests.adapters.postgres import Postgres
from tests.upgrade.killed import killed_at

# Before the two newest migrations; older ones lie behind everybody.
OLDER = f"{int(database.head()) - 2:04d}"
# Where the log of the one COMMIT is cut.
CUTS = 12


def url_of(place: SqliteBook | PostgresBook) -> str:
    return database.sqlite_url(place.path) if isinstance(place, SqliteBook) else place._sqlalchemy()


def state(place: SqliteBook | PostgresBook) -> tuple[str, dict[str, list[str]], int]:
    """Its schema by name and as it is, and its presses."""
    engine = create_engine(url_of(place))
    with engine.connect() as connection:
        found = inspect(connection)
        tables = {
            table: sorted(column["name"] for column in found.get_columns(table))
            for table in sorted(found.get_table_names())
        }
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
        events = len(connection.execute(select(EVENT.c.id)).all())
    engine.dispose()
    return str(revision), tables, events


def lived(tmp_path: Path, place: SqliteBook | PostgresBook) -> Bench:
    bench = Bench(tmp_path, place)
    bench.deliver(*(press(number) for number in range(1, 6)))
    bench.hub.close()
    with database.changing(url_of(place)) as connection:
        database.downgrade(connection, OLDER)
    return bench


def power_cut(path: Path, rng: random.Random) -> None:
    """What was not synced is torn, and what was in memory alone is gone."""
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    with path.with_name(f"{path.name}-wal").open("ab") as log:
        log.write(rng.randbytes(rng.randrange(1, 9000)))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_kill_at_any_point_leaves_the_older_book_or_the_newer(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place: SqliteBook | PostgresBook = SqliteBook(path=tmp_path / "hub" / "hub.db")
    if kind == "postgres":
        place = request.getfixturevalue("postgres").fresh()
    bench = lived(tmp_path, place)
    before, rng, points = state(place), random.Random(0), 0
    while killed_at(place, points + 1):
        points += 1
        if isinstance(place, SqliteBook) and points % 2:
            power_cut(place.path, rng)
        if state(place) != before:
            break
    revision, tables, events = state(place)
    assert (revision, events) == (database.head(), 5)
    assert set(tables) == {*METADATA.tables, "alembic_version"}
    # Each of the statements, the COMMIT, and the moment after it.
    assert points >= 8
    bench.open()
    again = bench.deliver(press(5), press(6))
    assert [stored.item.id for stored in again.stored] == ["press-6"]
    bench.hub.close()


def test_a_kill_while_a_servers_book_is_copied_leaves_no_half_copy(
    tmp_path: Path, postgres: Postgres
) -> None:
    place = replace(postgres.fresh(), before=tmp_path / "hub")
    lived(tmp_path, place)
    before = state(place)
    # In the midst of the tables.
    assert killed_at(place, 40)
    left = sorted(path.name for path in (tmp_path / "hub").glob("*.before-*"))
    assert left == [f"book.before-{database.head()}.zip.part"]
    assert state(place) == before
    assert place.still_needed(0) is None
    place.migrate()
    left = [path.name for path in (tmp_path / "hub").glob("*.before-*")]
    assert left == [f"book.before-{database.head()}.zip"]
    assert state(place)[0] == database.head()


def test_a_commit_that_is_torn_by_the_power_is_the_older_book(tmp_path: Path) -> None:
    """The log is cut anywhere in what the migration wrote."""
    place = SqliteBook(path=tmp_path / "hub" / "hub.db")
    lived(tmp_path, place)
    before, log = state(place), place.path.with_name("hub.db-wal")
    points = 1
    # Right after the COMMIT nothing is folded into the file yet.
    while killed_at(place, points) and not (log.exists() and log.stat().st_size):
        points += 1
    whole, rng = log.read_bytes(), random.Random(1)
    found = set()
    for number in range(CUTS):
        folder = tmp_path / f"cut-{number}"
        folder.mkdir()
        shutil.copyfile(place.path, folder / "hub.db")
        cut = len(whole) if number == 0 else rng.randrange(len(whole))
        (folder / "hub.db-wal").write_bytes(whole[:cut] + rng.randbytes(rng.randrange(64)))
        torn = SqliteBook(path=folder / "hub.db")
        now = state(torn)
        found.add(now[0])
        assert now == before or (now[0], now[2]) == (database.head(), 5)
        assert torn.damaged(deep=True) == ()
    assert found == {OLDER, database.head()}
