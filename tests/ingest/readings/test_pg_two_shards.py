"""Two workers fold the same hours of a gateway that has just moved from one shard to the other:
what either wrote is there, whoever comes first."""

import random
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from ingest.readings import pg_chunks, pg_schema
from ingest.readings.pg_reader import PgReader
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_store import PgStore
from ingest.readings.port import DAY_MS, HOUR_MS, StoreError
from tests.acceptance.rig import wait_until
from tests.adapters.postgres import Postgres

KEY = ("gw-1", "meter-1", "power")
# 2026-11-23T00:00:00+08:00
MIDNIGHT_MS = 1_795_363_200_000
NEXT_MS = MIDNIGHT_MS + 5 * HOUR_MS
LATER_MS = MIDNIGHT_MS + 10 * HOUR_MS
LAST_MS = MIDNIGHT_MS + 15 * HOUR_MS
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock' AND application_name LIKE 'hearthwatch-readings-%'"
)


class Move:
    """One database, and the workers of the shards that the gateway leaves and comes to."""

    def __init__(self, postgres: Postgres) -> None:
        self.place = postgres.empty()
        self.settings = PgSettings(conninfo=self.place.conninfo(), keep_raw_days=28)
        self.left, self.right = PgStore(self.settings, 0), PgStore(self.settings, 1)
        self.reader = PgReader(self.settings)

    def points(self, resolution: str = "raw") -> list[object]:
        end_ms = MIDNIGHT_MS + 2 * DAY_MS
        [series] = self.reader.series(*KEY, None, MIDNIGHT_MS, end_ms, resolution)
        return list(series.points)

    def fold_at_once(self) -> None:
        """Both have looked, and neither has written, when the table lets them."""
        failed: list[BaseException] = []
        threads = [
            threading.Thread(target=_caught(failed, end_of_hours, store))
            for store in (self.left, self.right)
        ]
        with psycopg.connect(self.settings.conninfo) as holder:
            holder.execute("LOCK TABLE readings.chunk IN SHARE MODE")
            for thread in threads:
                thread.start()
            with psycopg.connect(self.settings.conninfo, autocommit=True) as watcher:
                wait_until(
                    lambda: watcher.execute(_WAITING).fetchone() == (2,), 8, "both wait to write"
                )
        for thread in threads:
            thread.join(30)
        assert not failed, failed

    def close(self) -> None:
        self.reader.close()
        self.left.close()
        self.right.close()


def _caught(failed: list[BaseException], work: Callable[..., None], *args: object):
    def run() -> None:
        try:
            work(*args)
        except BaseException as error:  # noqa: BLE001 - of a thread: told by the test
            failed.append(error)

    return run


def put(store: PgStore, *rows: tuple[int, float]) -> None:
    store.begin_batch()
    for at_ms, value in rows:
        store.add(KEY, at_ms, {"power_w": value})
    store.commit()


def fold(store: PgStore, now_ms: int) -> None:
    for _ in range(1000):
        if not store.maintain(now_ms):
            return
    raise AssertionError("it folds for ever")


def end_of_hours(store: PgStore, at_ms: int = LAST_MS) -> None:
    """Something that is dated later comes: what was before is over, and folded."""
    put(store, (at_ms, 0.0))
    fold(store, at_ms)


@pytest.fixture
def move(postgres: Postgres) -> Iterator[Move]:
    move = Move(postgres)
    yield move
    move.close()


FIRST = (MIDNIGHT_MS + 1, 100.0)
LEFT = [(MIDNIGHT_MS + n * 60_000, 1.0) for n in range(1, 30)]
RIGHT = [(MIDNIGHT_MS + n * 60_000, 2.0) for n in range(30, 60)]


@pytest.mark.parametrize(
    ("before", "late"),
    [
        pytest.param([], ("left", "right"), id="nobody has written it and both look"),
        pytest.param([], ("left",), id="one looks and one takes it for new"),
        pytest.param([], (), id="both take it for new"),
        pytest.param([FIRST], ("left", "right"), id="something is there and both look"),
        pytest.param([FIRST], (), id="something is there and one takes it for new"),
    ],
)
def test_an_hour_of_two_shards_has_what_both_heard(
    move: Move, before: list[tuple[int, float]], late: tuple[str, ...]
) -> None:
    if before:
        put(move.left, *before)
        end_of_hours(move.left, NEXT_MS)
    for store in (getattr(move, name) for name in late):
        # It has folded a later hour: this one is no new one to it.
        put(store, (NEXT_MS, 0.0))
        end_of_hours(store, LATER_MS)
    put(move.left, *LEFT)
    put(move.right, *RIGHT)
    move.fold_at_once()
    everything = [*before, *LEFT, *RIGHT]
    assert [point for point in move.points() if point[0] < NEXT_MS] == everything
    values = [value for _at, value in everything]
    [hour] = [point for point in move.points("hour") if point[0] == MIDNIGHT_MS]
    assert hour == (
        MIDNIGHT_MS,
        min(values),
        pytest.approx(sum(values) / len(values)),
        max(values),
    )


def test_who_met_another_looks_up_no_more_than_it_must(move: Move, monkeypatch) -> None:
    """What was met once is no reason to look every hour up for ever."""
    put(move.left, *LEFT)
    put(move.right, *RIGHT)
    # The one that comes second gives up within its commit, and begins once more.
    monkeypatch.setattr(pg_chunks, "LOOKS_MAX", 1)
    move.fold_at_once()
    with psycopg.connect(move.settings.conninfo) as raw:
        rows = raw.execute("SELECT DISTINCT folded_h FROM readings.shard").fetchall()
    assert rows == [(MIDNIGHT_MS // HOUR_MS,)]


def test_two_that_fold_all_the_time_lose_nothing(move: Move) -> None:
    """Random hours of one series, by two threads that wait for nobody."""
    heard: dict[int, float] = {}
    parts: dict[str, list[list[tuple[int, float]]]] = {"left": [], "right": []}
    draw = random.Random(20261123)
    for name, rounds in parts.items():
        for _ in range(25):
            rows = {
                MIDNIGHT_MS + 2 * draw.randrange(6 * 1800) * 1000 + (name == "right"): draw.random()
                for _ in range(40)
            }
            rounds.append(list(rows.items()))
            heard |= rows
    failed: list[BaseException] = []

    def work(store: PgStore, rounds: list[list[tuple[int, float]]]) -> None:
        for number, rows in enumerate(rounds):
            put(store, *rows)
            end_of_hours(store, LATER_MS + number * HOUR_MS)

    threads = [
        threading.Thread(target=_caught(failed, work, getattr(move, name), rounds))
        for name, rounds in parts.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed, failed
    assert [point for point in move.points() if point[0] < LATER_MS] == sorted(heard.items())


def test_who_always_meets_another_says_so_and_comes_again(move: Move, monkeypatch) -> None:
    put(move.left, *LEFT)
    monkeypatch.setattr(pg_chunks, "LOOKS_MAX", 0)
    with pytest.raises(StoreError) as failure:
        end_of_hours(move.left)
    assert failure.value.retryable
    monkeypatch.undo()
    fold(move.left, LAST_MS + HOUR_MS)
    assert [point for point in move.points() if point[0] < NEXT_MS] == LEFT


def test_two_that_begin_at_once_make_the_tables_once(move: Move) -> None:
    failed: list[BaseException] = []
    threads = [
        threading.Thread(target=_caught(failed, put, store, FIRST))
        for store in (move.left, move.right)
    ]
    with psycopg.connect(move.settings.conninfo) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", (pg_schema.SCHEMA_LOCK,))
        for thread in threads:
            thread.start()
        with psycopg.connect(move.settings.conninfo, autocommit=True) as watcher:
            wait_until(lambda: watcher.execute(_WAITING).fetchone() == (2,), 8, "both wait")
    for thread in threads:
        thread.join(30)
    assert not failed, failed
    assert move.points() == [FIRST]
