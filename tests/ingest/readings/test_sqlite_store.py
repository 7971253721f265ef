"""The SQLite adapter: nothing is lost from commit to fold, damage is set aside, roll-ups stay."""

import sqlite3
import threading
from pathlib import Path

import pytest

from contract.errors import ContractError
from ingest.marks import SpoolMark
from ingest.readings import sqlite_reader
from ingest.readings.port import DAY_MS, HOUR_MS, StoreError
from ingest.readings.sqlite_reader import SqliteReader
from ingest.readings.sqlite_store import SqliteStore

KEY = ("gw-1", "meter-1", "power")
# 2026-11-23T00:00:00+08:00
MIDNIGHT_MS = 1_795_363_200_000


class Shelf:
    """A store and a reader of one file."""

    def __init__(self, folder: Path, keep_raw_days: int = 90) -> None:
        self.path = folder / "readings.db"
        self.keep_raw_days = keep_raw_days
        self.open()

    def open(self) -> None:
        self.store = SqliteStore(self.path, keep_raw_days=self.keep_raw_days)
        self.reader = SqliteReader(self.path)

    def put(self, *rows: tuple[int, float], key=KEY, field: str = "power_w") -> None:
        self.store.begin_batch()
        for at_ms, value in rows:
            self.store.add(key, at_ms, {field: value})
        self.store.commit()

    def fold(self, now_ms: int = MIDNIGHT_MS) -> None:
        while self.store.maintain(now_ms):
            pass

    def points(self, resolution="raw", from_ms=0, to_ms=MIDNIGHT_MS + 400 * DAY_MS):
        found = self.reader.series(*KEY, "power_w", from_ms, to_ms, resolution)
        return list(found[0].points) if found else []

    def sql(self, text: str, *parameters):
        connection = sqlite3.connect(self.path)
        try:
            with connection:
                return connection.execute(text, parameters).fetchall()
        finally:
            connection.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_readings_are_seen_at_once_and_the_same_after_folding(shelf: Shelf) -> None:
    rows = [(MIDNIGHT_MS + n * 60_000, float(n)) for n in range(200)]
    shelf.put(*rows[:120])
    shelf.put(*rows[120:])
    before = shelf.points()
    shelf.fold()
    assert before == shelf.points() == rows
    assert shelf.reader.count() == 200
    assert shelf.sql("SELECT count(*) FROM batch") == [(0,)]


def test_another_thread_sees_a_batch_as_soon_as_it_is_committed(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS, 1.0))
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(shelf.points()))
    thread.start()
    thread.join()
    assert seen == [[(MIDNIGHT_MS, 1.0)]]


def test_a_moment_written_again_is_there_once_and_the_later_value_counts(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS, 1.0), (MIDNIGHT_MS, 2.0))
    assert shelf.points() == [(MIDNIGHT_MS, 2.0)]
    shelf.fold()
    shelf.put((MIDNIGHT_MS, 3.0))
    assert (shelf.reader.count(), shelf.points()) == (1, [(MIDNIGHT_MS, 3.0)])
    shelf.fold()
    assert (shelf.reader.count(), shelf.points()) == (1, [(MIDNIGHT_MS, 3.0)])


def test_readings_that_come_late_find_their_hour(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS, 1.0), (MIDNIGHT_MS + 2000, 3.0))
    shelf.fold()
    shelf.put((MIDNIGHT_MS + 1000, 2.0))
    for _ in range(2):
        assert [value for _at, value in shelf.points()] == [1.0, 2.0, 3.0]
        assert shelf.points("hour") == [(MIDNIGHT_MS, 1.0, 2.0, 3.0)]
        shelf.fold()


def test_a_batch_given_up_leaves_nothing_and_gives_its_names_back(shelf: Shelf) -> None:
    shelf.store.begin_batch()
    shelf.store.add(KEY, MIDNIGHT_MS, {"power_w": 1.0, "energy_kwh": 2.0})
    shelf.store.begin_batch()
    shelf.store.add(("gw-1", "other", "power"), MIDNIGHT_MS, {"power_w": 5.0})
    shelf.store.commit()
    shelf.put((MIDNIGHT_MS, 7.0))
    shelf.fold()
    assert shelf.points() == [(MIDNIGHT_MS, 7.0)]
    assert shelf.reader.count() == 2


def test_a_crash_between_commit_and_fold_loses_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.store.begin_batch()
    shelf.store.add(KEY, MIDNIGHT_MS, {"power_w": 4.0})
    shelf.store.write_rule_states([("home-1", "sos", b"{}"), ("home-2", "sos", b"{}")])
    shelf.store.write_marks([SpoolMark(spool="s", gateway="gw-1", contiguous=7)])
    shelf.store.commit()
    shelf.store.begin_batch()
    shelf.store.write_rule_states([("home-2", "sos", b"")])
    shelf.store.commit()
    shelf.open()  # nothing of the first is closed, as after a kill
    assert shelf.points() == [(MIDNIGHT_MS, 4.0)]
    assert list(shelf.store.load_rule_states()) == [("home-1", "sos", b"{}")]
    assert [(m.spool, m.contiguous) for m in shelf.store.load_marks()] == [("s", 7)]


def test_a_damaged_batch_is_set_aside_and_the_others_are_folded(shelf: Shelf) -> None:
    for n in range(3):
        shelf.put((MIDNIGHT_MS + n, float(n)))
    body = bytearray(shelf.sql("SELECT body FROM batch WHERE seq = 2")[0][0])
    body[-1] ^= 1
    shelf.sql("UPDATE batch SET body = ? WHERE seq = 2", bytes(body))
    shelf.fold()
    assert [value for _at, value in shelf.points()] == [0.0, 2.0]
    assert shelf.sql("SELECT source, body FROM damaged") == [("batch 2", bytes(body))]


def test_a_damaged_hour_is_set_aside_when_it_is_written_again(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS, 1.0))
    shelf.fold()
    shelf.sql("UPDATE chunk SET body = x'00112233445566778899aabbccddeeff'")
    assert shelf.points() == []
    assert shelf.reader.latest("gw-1") == []
    shelf.put((MIDNIGHT_MS + 1, 2.0))
    shelf.fold()
    assert shelf.points() == [(MIDNIGHT_MS + 1, 2.0)]
    assert shelf.sql("SELECT count(*) FROM damaged") == [(1,)]
    # What the hour amounted to before is not forgotten with it.
    assert shelf.points("hour") == [(MIDNIGHT_MS, 1.0, 1.5, 2.0)]


def test_raw_readings_are_forgotten_in_time_and_their_roll_ups_stay(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, keep_raw_days=28)
    shelf.put((MIDNIGHT_MS, 10.0), (MIDNIGHT_MS + 60_000, 20.0))
    shelf.fold(MIDNIGHT_MS + DAY_MS)
    assert len(shelf.points()) == 2
    shelf.put((MIDNIGHT_MS + 30 * DAY_MS, 1.0), key=("gw-2", "meter-2", "power"))
    shelf.fold(MIDNIGHT_MS + 30 * DAY_MS)
    assert shelf.points() == []
    assert shelf.points("hour") == [(MIDNIGHT_MS, 10.0, 15.0, 20.0)]
    assert shelf.points("day") == [(MIDNIGHT_MS, 10.0, 15.0, 20.0)]
    # A gateway that was away for a month still adds what it kept.
    shelf.put((MIDNIGHT_MS + 120_000, 60.0))
    for _ in range(2):
        assert shelf.points("hour") == [(MIDNIGHT_MS, 10.0, 30.0, 60.0)]
        shelf.fold(MIDNIGHT_MS + 30 * DAY_MS)
    # And once more, in an envelope of its own; also when the hub has begun anew in between.
    for number, highest in ((3, 70.0), (4, 90.0)):
        shelf.put((MIDNIGHT_MS + number * 60_000, highest))
        shelf.fold(MIDNIGHT_MS + 30 * DAY_MS)
        [(_at, low, mean, high)] = shelf.points("hour")
        assert (low, high) == (10.0, highest)
        assert mean * (number + 1) == pytest.approx(10.0 + 20.0 + 60.0 + 70.0 + (number == 4) * 90)
        shelf.store.close()
        shelf.open()


def test_a_clock_that_is_a_year_ahead_has_nothing_forgotten(tmp_path: Path) -> None:
    """The gateways, by whose clocks readings are dated, know better than one hub."""
    shelf = Shelf(tmp_path)
    shelf.put((MIDNIGHT_MS, 10.0))
    shelf.fold(MIDNIGHT_MS + 400 * DAY_MS)
    shelf.put((MIDNIGHT_MS + 60_000, 20.0))
    shelf.fold(MIDNIGHT_MS + 400 * DAY_MS)
    shelf.store.close()
    shelf.open()  # a start with that clock, and nothing heard yet
    shelf.fold(MIDNIGHT_MS + 400 * DAY_MS)
    assert len(shelf.points()) == 2
    # By a second gateway's word it is so.
    shelf.put((MIDNIGHT_MS + 400 * DAY_MS, 1.0), key=("gw-2", "meter-2", "power"))
    shelf.fold(MIDNIGHT_MS + 400 * DAY_MS)
    assert shelf.points() == []


def test_days_begin_at_the_county_s_midnight(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS - 1, 1.0), (MIDNIGHT_MS, 2.0), (MIDNIGHT_MS + DAY_MS - 1, 4.0))
    shelf.fold()
    assert shelf.points("day") == [
        (MIDNIGHT_MS - DAY_MS, 1.0, 1.0, 1.0),
        (MIDNIGHT_MS, 2.0, 3.0, 4.0),
    ]


def test_the_resolution_follows_the_span(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS, 1.0))
    for days, chosen in ((2, "raw"), (3, "hour"), (92, "hour"), (93, "day")):
        found = shelf.reader.series(*KEY, None, MIDNIGHT_MS, MIDNIGHT_MS + days * DAY_MS, "auto")
        assert found[0].resolution == chosen


def test_more_points_than_an_answer_holds_is_said(shelf: Shelf, monkeypatch) -> None:
    shelf.put(*((MIDNIGHT_MS + n, 1.0) for n in range(11)))
    monkeypatch.setattr(sqlite_reader, "POINTS_MAX", 10)
    with pytest.raises(ContractError, match="resolution hour or day"):
        shelf.points()
    assert len(shelf.points("hour")) == 1


def test_a_full_disk_keeps_nothing_of_the_batch_and_passes(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS, 1.0))
    pages = shelf.store._connection.execute("PRAGMA page_count").fetchone()[0]
    shelf.store._connection.execute(f"PRAGMA max_page_count={pages}")
    shelf.store.begin_batch()
    for n in range(5000):
        shelf.store.add(KEY, MIDNIGHT_MS + n, {"power_w": 2.0})
    shelf.store.write_marks([SpoolMark(spool="s", gateway="gw-1", contiguous=7)])
    with pytest.raises(StoreError) as failure:
        shelf.store.commit()
    assert failure.value.retryable
    assert (shelf.points(), list(shelf.store.load_marks())) == ([(MIDNIGHT_MS, 1.0)], [])
    shelf.store._connection.execute("PRAGMA max_page_count=1000000")
    shelf.put((MIDNIGHT_MS + 1, 3.0))
    assert shelf.points() == [(MIDNIGHT_MS, 1.0), (MIDNIGHT_MS + 1, 3.0)]


def test_folding_that_fails_leaves_the_batches(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS, 1.0))
    shelf.sql("CREATE TRIGGER no_hours BEFORE INSERT ON hour BEGIN SELECT RAISE(FAIL, 'no'); END")
    with pytest.raises(StoreError):
        shelf.store.maintain(MIDNIGHT_MS)
    assert shelf.points() == [(MIDNIGHT_MS, 1.0)]
    shelf.sql("DROP TRIGGER no_hours")
    shelf.fold()
    assert shelf.points("hour") == [(MIDNIGHT_MS, 1.0, 1.0, 1.0)]


def test_a_file_of_a_version_without_roll_ups_gets_them(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put((MIDNIGHT_MS, 1.0), (MIDNIGHT_MS + 1, 5.0), (MIDNIGHT_MS + HOUR_MS, 7.0))
    shelf.fold()
    shelf.store.close()
    shelf.sql("DROP TABLE hour")
    shelf.sql("PRAGMA user_version=0")
    shelf.open()
    assert shelf.points("hour") == [
        (MIDNIGHT_MS, 1.0, 3.0, 5.0),
        (MIDNIGHT_MS + HOUR_MS, 7.0, 7.0, 7.0),
    ]


def test_the_newest_value_of_each_series(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS + 5, 1.0), (MIDNIGHT_MS, 2.0))
    shelf.put((MIDNIGHT_MS, 9.0), key=("gw-2", "cuff-1", "blood_pressure"), field="pulse_bpm")
    for _ in range(2):
        latest = {(x.gateway, x.field): (x.measured_at_ms, x.value) for x in shelf.reader.latest()}
        assert latest == {
            ("gw-1", "power_w"): (MIDNIGHT_MS + 5, 1.0),
            ("gw-2", "pulse_bpm"): (MIDNIGHT_MS, 9.0),
        }
        assert [x.field for x in shelf.reader.latest("gw-2", "cuff-1")] == ["pulse_bpm"]
        shelf.fold()
