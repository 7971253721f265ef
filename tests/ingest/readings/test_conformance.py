"""What every readings store owes, asked of each: the same rows in, the same answers out."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.errors import ContractError
from ingest.marks import SpoolMark
from ingest.readings import pg_reader, sqlite_reader
from ingest.readings.pg_reader import PgReader
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_store import PgStore
from ingest.readings.port import DAY_MS, HOUR_MS, ReadingsReader, ReadingsStore
from ingest.readings.sqlite_reader import SqliteReader
from ingest.readings.sqlite_store import SqliteStore

KEY = ("gw-1", "meter-1", "power")
# 2026-11-23T00:00:00+08:00
MIDNIGHT_MS = 1_795_363_200_000


class Shelf:
    """A store and a reader of the same readings."""

    def __init__(self, store, reader) -> None:
        self._make = store
        self.store: ReadingsStore = store()
        self.killed: list[ReadingsStore] = []
        self.reader: ReadingsReader = reader()

    def reopen(self) -> None:
        """As after a kill: nothing of the first is closed."""
        self.killed.append(self.store)
        self.store = self._make()

    def put(self, *rows: tuple[int, float], key=KEY, field: str = "power_w") -> None:
        self.store.begin_batch()
        for at_ms, value in rows:
            self.store.add(key, at_ms, {field: value})
        self.store.commit()

    def fold(self, now_ms: int = MIDNIGHT_MS) -> None:
        for _ in range(1000):
            if not self.store.maintain(now_ms):
                return
        raise AssertionError("it folds for ever")

    def points(self, resolution="raw", from_ms=0, to_ms=MIDNIGHT_MS + 400 * DAY_MS, key=KEY):
        found = self.reader.series(*key, "power_w", from_ms, to_ms, resolution)
        return list(found[0].points) if found else []


@pytest.fixture(params=["sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    if request.param == "sqlite":
        path = tmp_path / "readings.db"
        shelf = Shelf(lambda: SqliteStore(path), lambda: SqliteReader(path))
    else:
        postgres = request.getfixturevalue("postgres")
        settings = PgSettings(conninfo=postgres.empty().url.render_as_string(hide_password=False))
        shelf = Shelf(lambda: PgStore(settings), lambda: PgReader(settings))
    yield shelf
    for store in (*shelf.killed, shelf.store):
        store.close()
    shelf.reader.close()


def test_what_nobody_has_written_is_nothing(shelf: Shelf) -> None:
    assert (shelf.points(), shelf.reader.latest(), shelf.reader.count()) == ([], [], 0)
    assert (list(shelf.store.load_marks()), list(shelf.store.load_rule_states())) == ([], [])


def test_readings_are_seen_at_once_and_the_same_after_folding(shelf: Shelf) -> None:
    rows = [(MIDNIGHT_MS + n * 60_000, float(n)) for n in range(200)]
    shelf.put(*rows[:120])
    shelf.put(*rows[120:])
    hours = shelf.points("hour")
    assert shelf.points() == rows
    shelf.fold()
    assert shelf.points() == rows
    assert shelf.points("hour") == hours
    assert shelf.reader.count() == 200


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
    for hour, value in enumerate((3.0, 4.0), 1):
        shelf.put((MIDNIGHT_MS, value))
        assert (shelf.reader.count(), shelf.points()) == (1, [(MIDNIGHT_MS, value)])
        shelf.fold(MIDNIGHT_MS + hour * HOUR_MS)
        assert (shelf.reader.count(), shelf.points()) == (1, [(MIDNIGHT_MS, value)])


def test_readings_that_come_late_find_their_hour(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS, 1.0), (MIDNIGHT_MS + 2000, 3.0))
    shelf.put((MIDNIGHT_MS + HOUR_MS, 9.0))
    shelf.fold()
    shelf.put((MIDNIGHT_MS + 1000, 2.0))
    for n in range(2):
        assert [value for _at, value in shelf.points()] == [1.0, 2.0, 3.0, 9.0]
        assert shelf.points("hour")[0] == (MIDNIGHT_MS, 1.0, 2.0, 3.0)
        shelf.put((MIDNIGHT_MS + (2 + n) * HOUR_MS, 9.0), key=("gw-2", "m", "power"))
        shelf.fold(MIDNIGHT_MS + (n + 3) * HOUR_MS)


def test_a_batch_given_up_leaves_nothing(shelf: Shelf) -> None:
    shelf.store.begin_batch()
    shelf.store.add(KEY, MIDNIGHT_MS, {"power_w": 1.0, "energy_kwh": 2.0})
    shelf.store.write_marks([SpoolMark(spool="s", gateway="gw-1", contiguous=7)])
    shelf.store.begin_batch()
    shelf.store.add(("gw-1", "other", "power"), MIDNIGHT_MS, {"power_w": 5.0})
    shelf.store.commit()
    shelf.put((MIDNIGHT_MS, 7.0))
    shelf.fold()
    assert shelf.points() == [(MIDNIGHT_MS, 7.0)]
    assert (shelf.reader.count(), list(shelf.store.load_marks())) == (2, [])


def test_states_and_marks_are_kept_with_their_batch(shelf: Shelf) -> None:
    shelf.store.begin_batch()
    shelf.store.add(KEY, MIDNIGHT_MS, {"power_w": 4.0})
    shelf.store.write_rule_states(
        [("home-1", "sos", b"{}"), ("home-2", "sos", b"old"), ("home-2", "sos", b"{\x00\xff}")]
    )
    shelf.store.write_marks(
        [
            SpoolMark(spool="s", gateway="gw-1", contiguous=7, beyond=[[9, 12]], gap_since_ms=5),
            SpoolMark(spool="t", gateway="gw-2", contiguous=2**40),
        ]
    )
    shelf.store.commit()
    shelf.store.begin_batch()
    shelf.store.write_rule_states([("home-1", "sos", b""), ("home-3", "早起", b"x")])
    shelf.store.commit()
    shelf.reopen()
    assert sorted(shelf.store.load_rule_states()) == [
        ("home-2", "sos", b"{\x00\xff}"),
        ("home-3", "早起", b"x"),
    ]
    marks = {
        m.spool: (m.gateway, m.contiguous, m.beyond, m.gap_since_ms)
        for m in shelf.store.load_marks()
    }
    assert marks == {"s": ("gw-1", 7, [[9, 12]], 5), "t": ("gw-2", 2**40, [], None)}
    assert shelf.points() == [(MIDNIGHT_MS, 4.0)]


def test_days_begin_at_the_county_s_midnight(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS - 1, 1.0), (MIDNIGHT_MS, 2.0), (MIDNIGHT_MS + DAY_MS - 1, 4.0))
    for _ in range(2):
        assert shelf.points("day") == [
            (MIDNIGHT_MS - DAY_MS, 1.0, 1.0, 1.0),
            (MIDNIGHT_MS, 2.0, 3.0, 4.0),
        ]
        shelf.fold()


def test_the_resolution_follows_the_span(shelf: Shelf) -> None:
    shelf.put((MIDNIGHT_MS, 1.0))
    for days, chosen in ((2, "raw"), (3, "hour"), (92, "hour"), (93, "day")):
        found = shelf.reader.series(*KEY, None, MIDNIGHT_MS, MIDNIGHT_MS + days * DAY_MS, "auto")
        assert found[0].resolution == chosen


def test_more_points_than_an_answer_holds_is_said(shelf: Shelf, monkeypatch) -> None:
    shelf.put(*((MIDNIGHT_MS + n, 1.0) for n in range(11)))
    for module in (sqlite_reader, pg_reader):
        monkeypatch.setattr(module, "POINTS_MAX", 10)
    with pytest.raises(ContractError, match="resolution hour or day"):
        shelf.points()
    assert len(shelf.points("hour")) == 1


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
        shelf.fold(MIDNIGHT_MS + 2 * HOUR_MS)


@pytest.mark.parametrize("at_ms", [0, HOUR_MS - 1, 7_258_118_400_000])
def test_moments_at_the_ends_of_time_are_kept(shelf: Shelf, at_ms: int) -> None:
    shelf.put((at_ms, 1.5))
    shelf.put((MIDNIGHT_MS, 2.5))
    expected = sorted([(at_ms - at_ms % HOUR_MS, 1.5, 1.5, 1.5), (MIDNIGHT_MS, 2.5, 2.5, 2.5)])
    for hour in range(1, 4):
        assert shelf.points("hour", to_ms=at_ms + MIDNIGHT_MS + 1) == expected
        shelf.fold(MIDNIGHT_MS + hour * HOUR_MS)


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_writing_folding_and_killing_gives_the_same(shelf: Shelf, seed: int) -> None:
    """Beside a plain dictionary: late, doubled, future readings of several devices."""
    draw = random.Random(seed)
    truth: dict[tuple[str, int], float] = {}
    now_ms = MIDNIGHT_MS
    devices = [f"m{n}" for n in range(4)]
    for step in range(60):
        now_ms += draw.choice((60_000, 15 * 60_000, 2 * HOUR_MS))
        shelf.store.begin_batch()
        for _ in range(draw.randrange(1, 30)):
            back_ms = draw.choice((0, 0, 0, HOUR_MS, 30 * HOUR_MS, -5 * HOUR_MS))
            at_ms = now_ms - back_ms - draw.randrange(0, 20) * 60_000
            device, value = draw.choice(devices), float(step)
            shelf.store.add(("gw", device, "power"), at_ms, {"power_w": value})
            truth[device, at_ms] = value
        shelf.store.commit()
        if draw.random() < 0.5:
            shelf.store.maintain(now_ms)
        if draw.random() < 0.1:
            shelf.reopen()
    for _ in range(2):
        assert shelf.reader.count() == len(truth)
        for device in devices:
            its = sorted((at, value) for (name, at), value in truth.items() if name == device)
            assert shelf.points(key=("gw", device, "power")) == its
            hours: dict[int, list[float]] = {}
            for at, value in its:
                hours.setdefault(at - at % HOUR_MS, []).append(value)
            rolled = shelf.points("hour", key=("gw", device, "power"))
            assert [(at, low, high) for at, low, _mean, high in rolled] == [
                (at, min(values), max(values)) for at, values in sorted(hours.items())
            ]
            assert [mean for _at, _low, mean, _high in rolled] == pytest.approx(
                [sum(values) / len(values) for _at, values in sorted(hours.items())]
            )
        shelf.fold(now_ms + 3 * HOUR_MS)
