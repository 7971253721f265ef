"""What gateways are told of copies: never more than what the newest of them all have."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select

from contract.envelope import Ack, Status
from hearthwatch.copies import back_up, restore, try_out
from hearthwatch.copy_records import Copies, NotNotedError, look, note
from hearthwatch.doctor_copies import copies as doctor
from hearthwatch.hub_config import HubConfig
from ledger import checked_copies, database
from ledger.archive import Manifest
from ledger.checked_copies import Held, held_in, records
from ledger.place import Place, SqliteBook
from ledger.schema import BACKUP_THROUGH
from tests.adapters.hub_bench import NOW_MS, Bench, press
from tests.adapters.migrated import migrated
from tests.adapters.postgres import Postgres

SPOOL = "spool-1"
HOUR_MS = 3_600_000


def quiet(_table: str, _rows: int) -> None:
    """Nobody watches."""


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    place: Place = SqliteBook(path=migrated(tmp_path / "hub" / "hub.db"))
    if request.param == "postgres":
        place = request.getfixturevalue("postgres").fresh()
    return Bench(tmp_path, place)


@pytest.fixture
def plain(tmp_path: Path) -> Bench:
    return Bench(tmp_path, SqliteBook(path=migrated(tmp_path / "hub" / "hub.db")))


class Copy(NamedTuple):
    """`held`: of the book when it was copied, which is what a trial finds (and takes a second)."""

    file: Path
    manifest: Manifest
    held: Held


def copied(bench: Bench, name: str, hours: int = 0) -> Copy:
    file = bench.folder / name
    manifest = back_up(bench.hub.config, file, NOW_MS + hours * HOUR_MS, quiet)
    with bench.hub.reader.connect() as connection:
        return Copy(file, manifest, held_in(connection))


def noted(bench: Bench, copy: Copy) -> Copies:
    copies = note(bench.hub.config, copy.file, copy.manifest, copy.held)
    bench.change(bench.hub.side.flush)
    return copies


def kept(bench: Bench, name: str, hours: int = 0) -> Copies:
    return noted(bench, copied(bench, name, hours))


def told(bench: Bench, number: int) -> int | None:
    """What the acknowledgement of this press says."""
    [(_gateway, ack)] = bench.deliver(press(number)).acks
    return ack.backup_through


def with_id(number: int, name: str) -> bytes:
    """As a gateway would send it whose card was put back to an older day."""
    document = json.loads(press(number))
    document["items"][0]["id"] = name
    return json.dumps(document).encode()


def heartbeat(*, online: bool = True, last_seq: int | None = None) -> Status:
    return Status(
        gateway="gw-1",
        online=online,
        spool=SPOOL,
        last_seq=last_seq,
        oldest_unacked_s=None,
        spool_free_bytes=None,
        mains=None,
        battery_pct=None,
        clock="synced",
        version="",
        devices=(),
    )


def test_gateways_are_told_what_two_copies_have(bench: Bench) -> None:
    bench.deliver(press(1), press(2))
    kept(bench, "a.zip", 0)
    assert told(bench, 3) is None
    copies = kept(bench, "b.zip", 1)
    assert [Path(record.place).name for record in copies.there] == ["b.zip", "a.zip"]
    assert told(bench, 4) == 2
    kept(bench, "c.zip", 2)
    assert told(bench, 5) == 3
    # Only what is whole: 7 waits for 6.
    bench.deliver(press(7))
    kept(bench, "d.zip", 3)
    kept(bench, "e.zip", 4)
    assert told(bench, 6) == 5
    # After a start as before.
    bench.hub.close()
    bench.open()
    assert told(bench, 8) == 5
    bench.hub.close()


def test_only_the_newest_copies_are_looked_at(
    plain: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known of older ones goes; that there were some stays."""
    monkeypatch.setattr(checked_copies, "KEPT_MAX", 3)
    plain.deliver(press(1))
    for night in range(5):
        kept(plain, f"{night}.zip", night)
    with plain.hub.reader.connect() as connection:
        known = connection.execute(select(BACKUP_THROUGH.c.copy)).scalars().all()
        assert len(records(connection)) == 5
    assert sorted(known) == [3, 4, 5]
    assert told(plain, 2) == 1
    plain.hub.close()


def test_what_is_only_copied_or_fails_its_trial_is_told_nobody(plain: Bench) -> None:
    plain.deliver(press(1), press(3))
    kept(plain, "a.zip", 0)
    file, manifest, held = copied(plain, "b.zip", 1)
    assert (held.through, held.event_seq) == ({SPOOL: 1}, 2)
    assert try_out(file, quiet, plain.folder) == (manifest, held)
    assert told(plain, 2) is None
    broken = copied(plain, "c.zip", 2).file
    broken.write_bytes(broken.read_bytes()[:-200])
    with pytest.raises(Exception, match="no whole copy"):
        try_out(broken, quiet)
    plain.change(plain.hub.side.flush)
    assert told(plain, 4) is None
    plain.hub.close()


def test_a_quiet_gateway_is_told_once_when_it_is_there(plain: Bench) -> None:

    def untold(heartbeat: Status) -> list[tuple[str, Ack]]:
        return plain.change(lambda unit: plain.hub.side.backups.untold(unit, [heartbeat]))

    plain.deliver(press(1))
    kept(plain, "a.zip", 0)
    assert untold(heartbeat()) == []
    kept(plain, "b.zip", 1)
    assert untold(heartbeat(online=False)) == []
    [(gateway, ack)] = untold(heartbeat())
    assert (gateway, ack.spool, ack.ids, ack.backup_through) == ("gw-1", SPOOL, (), 1)
    assert untold(heartbeat()) == []
    plain.deliver(press(2))
    kept(plain, "c.zip", 2)
    assert untold(heartbeat()) == []
    kept(plain, "d.zip", 3)
    assert [ack.backup_through for _gateway, ack in untold(heartbeat(last_seq=2))] == [2]
    # One that has counted less than the copies have is a card of an older day.
    assert told(plain, 3) == 2
    assert untold(heartbeat(last_seq=1)) == []
    assert told(plain, 4) is None
    plain.hub.close()


def test_a_copy_that_is_lost_or_written_over_does_not_count(plain: Bench) -> None:
    plain.deliver(press(1))
    kept(plain, "a.zip", 0)
    plain.deliver(press(2))
    kept(plain, "b.zip", 1)
    assert told(plain, 3) == 1
    # The same name each night: then there is one copy.
    for night in range(2, 4):
        copies = kept(plain, "b.zip", night)
    assert [Path(record.place).name for record in copies.there] == ["b.zip", "a.zip"]
    assert told(plain, 4) == 1
    (plain.folder / "a.zip").unlink()
    copies = kept(plain, "b.zip", 4)
    assert len(copies.there) == 1
    assert told(plain, 5) is None
    assert plain.hub.side.backups.copies == 1
    # It was only moved, and is looked at where it lies now.
    moved = copied(plain, "c.zip", 5)
    elsewhere = plain.folder / "elsewhere.zip"
    noted(plain, moved)
    assert told(plain, 6) == 4
    moved.file.rename(elsewhere)
    kept(plain, "d.zip", 6)
    assert told(plain, 7) == 4
    noted(plain, moved._replace(file=elsewhere))
    assert told(plain, 8) == 5
    plain.hub.close()


@pytest.mark.parametrize("target", ["sqlite", "postgres"])
def test_a_restored_book_knows_no_copy_younger_than_its_own(
    target: str, plain: Bench, postgres: Postgres
) -> None:
    plain.deliver(press(1))
    kept(plain, "a.zip", 0)
    plain.deliver(press(2))
    second = copied(plain, "b.zip", 1)
    noted(plain, second)
    plain.deliver(press(3))
    younger = copied(plain, "c.zip", 2)
    noted(plain, younger)
    assert told(plain, 4) == 2
    plain.hub.close()
    folder = plain.folder / "new"
    folder.mkdir()
    place: Place = SqliteBook(path=folder / "hub" / "hub.db")
    if target == "postgres":
        place = postgres.empty()
    restore(HubConfig(data_dir=folder / "hub", book=place), second.file, quiet)
    again = Bench(folder, place)
    # It has what `a` has, and was made before anything was noted of itself.
    assert told(again, 2) is None
    # What the lost book had said in its copies is nothing to this one.
    with pytest.raises(NotNotedError, match="what a restored hub doesn't know"):
        noted(again, younger)
    assert told(again, 3) is None
    noted(again, second)
    assert told(again, 4) == 1
    again.hub.close()


def test_a_copy_of_another_book_is_told_nobody(plain: Bench, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stranger = Bench(other, SqliteBook(path=other / "hub" / "hub.db"))
    stranger.deliver(press(1), press(2), press(3))
    strange = copied(stranger, "a.zip")
    stranger.hub.close()
    plain.deliver(press(1))
    with pytest.raises(NotNotedError, match="copy of another book"):
        noted(plain, strange)
    assert look(plain.hub.config) == Copies(there=(), gone=())
    plain.hub.close()


def test_a_number_that_is_given_twice_is_in_no_copy(bench: Bench) -> None:
    """A gateway's card was put back to an older day: its new presses have numbers that are in."""
    bench.deliver(*(press(number) for number in range(1, 10)))
    kept(bench, "a.zip", 0)
    kept(bench, "b.zip", 1)
    assert told(bench, 10) == 9
    [(_gateway, ack)] = bench.deliver(with_id(5, "new-5")).acks
    assert (ack.ids, ack.backup_through) == (["new-5"], None)
    bench.hub.close()
    bench.open()
    assert told(bench, 10) is None
    # Copies made since have it, as far as that card has counted.
    bench.deliver(with_id(6, "new-6"))
    third = copied(bench, "c.zip", 2)
    assert third.held.through == {SPOOL: 6}
    # Between the copy and its note.
    bench.deliver(with_id(7, "new-7"))
    noted(bench, third)
    kept(bench, "d.zip", 3)
    [(_gateway, ack)] = bench.deliver(with_id(8, "new-8")).acks
    assert ack.backup_through is None
    # It comes again: known, and no reason to forget less.
    for number, hours in ((11, 4), (12, 5)):
        bench.deliver(press(number))
        kept(bench, f"{number}.zip", hours)
    [(_gateway, ack)] = bench.deliver(with_id(8, "new-8")).acks
    assert ack.backup_through == 11
    assert told(bench, 13) == 11
    bench.hub.close()


def test_nothing_is_forgotten_that_the_way_back_would_need(plain: Bench) -> None:
    """The book as an older program left it has less than the copies made since."""
    book = plain.book
    assert isinstance(book, SqliteBook)
    plain.deliver(press(1), press(2))
    plain.hub.close()
    with database.changing(database.sqlite_url(book.path)) as connection:
        database.downgrade(connection, "0027")
    plain.open()
    plain.deliver(press(3), press(4))
    kept(plain, "a.zip", 0)
    kept(plain, "b.zip", 1)
    assert told(plain, 5) == 2
    [before] = book.path.parent.glob("hub.db.before-*")
    with closing(sqlite3.connect(before)) as copy:
        assert copy.execute("SELECT contiguous FROM spool_mark").fetchall() == [(2,)]
    # One that nobody can read is no reason to forget.
    shutil.copyfile(before, before.with_name("whole"))
    before.write_bytes(b"x" * 4096)
    kept(plain, "c.zip", 2)
    kept(plain, "d.zip", 3)
    assert told(plain, 6) is None
    # Whoever has worked so long with the newer program does not go back.
    before.unlink()
    for number, hours in ((7, 4), (8, 5)):
        plain.deliver(press(number))
        kept(plain, f"{number}.zip", hours)
    assert told(plain, 9) == 7
    plain.hub.close()


def test_the_doctor_says_how_old_the_copies_are(plain: Bench) -> None:
    plain.deliver(press(1))
    config = plain.hub.config

    def says(hours: int) -> list[tuple[str, str, str]]:
        found = doctor(config, NOW_MS + hours * HOUR_MS)
        return [(one.verdict, one.check, one.detail.split(":")[0]) for one in found]

    assert says(0) == [("warn", "copies", "none")]
    kept(plain, "a.zip", 0)
    assert says(3) == [
        ("ok", "copies", "1 checked, the newest is 3 hours old"),
        ("warn", "copies for gateways", "1 of 2"),
    ]
    kept(plain, "b.zip", 24)
    assert [verdict for verdict, _check, _detail in says(25)] == ["ok", "ok"]
    assert says(100)[0] == ("warn", "copies", "2 checked, the newest is 76 hours old")
    (plain.folder / "b.zip").unlink()
    assert ("warn", "copies", "not there any more") in says(25)
    (plain.folder / "a.zip").unlink()
    assert says(25) == [("warn", "copies", "none of 2 is where it was checked")]
    plain.hub.close()
