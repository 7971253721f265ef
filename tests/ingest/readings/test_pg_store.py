"""Readings on a PostgreSQL server: who may write, what an accident leaves, what is where."""

import threading
from collections.abc import Iterator
from contextlib import closing
from fnmatch import fnmatch

import psycopg
import pytest

from contract.errors import ContractError
from ingest.marks import SpoolMark
from ingest.readings import pg_fold
from ingest.readings.pg_reader import PgReader
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_shard import ShardLostError
from ingest.readings.pg_store import PgStore
from ingest.readings.port import DAY_MS, HOUR_MS, StoreError
from tests.adapters.pg_line import CutLine
from tests.adapters.postgres import Postgres

KEY = ("gw-1", "meter-1", "power")
# 2026-11-23T00:00:00+08:00
MIDNIGHT_MS = 1_795_363_200_000


class County:
    """A database for readings, and whoever writes there."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self.place = postgres.empty()
        self.settings = self.at(self.place.conninfo())
        self.reader = PgReader(self.settings)
        self._stores: list[PgStore] = []

    @staticmethod
    def at(conninfo: str) -> PgSettings:
        return PgSettings(conninfo=conninfo, keep_raw_days=28)

    def worker(self, shard: int = 0, settings: PgSettings | None = None) -> PgStore:
        store = PgStore(settings or self.settings, shard)
        self._stores.append(store)
        return store

    def sql(self, text: str) -> list[tuple[object, ...]]:
        return self.postgres.sql(text, self.place.url.database)

    def points(self, resolution: str = "raw", key=KEY) -> list[object]:
        found = self.reader.series(*key, None, 0, MIDNIGHT_MS + 900 * DAY_MS, resolution)
        return list(found[0].points) if found else []

    def tables(self, like: str) -> list[str]:
        rows = self.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'readings' ORDER BY 1")
        return [str(name) for (name,) in rows if fnmatch(str(name), like)]

    def chunks(self) -> int:
        [(count,)] = self.sql("SELECT count(*)::int FROM readings.chunk")
        assert isinstance(count, int)
        return count

    def close(self) -> None:
        self.reader.close()
        for store in self._stores:
            store.close()


@pytest.fixture
def county(postgres: Postgres) -> Iterator[County]:
    county = County(postgres)
    yield county
    county.close()


def put(store: PgStore, *rows: tuple[int, float], key=KEY, spool: str = "s") -> None:
    store.begin_batch()
    for at_ms, value in rows:
        store.add(key, at_ms, {"power_w": value})
    store.write_marks([SpoolMark(spool=spool, gateway="gw-1", contiguous=len(rows))])
    store.write_rule_states([("home-1", "sos", b"{%d}" % len(rows))])
    store.commit()


def fold(store: PgStore, now_ms: int = MIDNIGHT_MS) -> None:
    for _ in range(1000):
        if not store.maintain(now_ms):
            return
    raise AssertionError("it folds for ever")


def kept(store: PgStore) -> tuple[dict[str, int], list[bytes]]:
    return (
        {mark.spool: mark.contiguous for mark in store.load_marks()},
        [state for _home, _rule, state in store.load_rule_states()],
    )


def test_a_worker_that_lost_its_shard_changes_nothing_more(county: County) -> None:
    first = county.worker()
    put(first, (MIDNIGHT_MS, 1.0))
    second = county.worker()
    assert second.fence == first.fence + 1
    before = kept(second)
    with pytest.raises(ShardLostError):
        put(first, (MIDNIGHT_MS, 7.0), (MIDNIGHT_MS + 1, 7.0))
    # A device that nobody knew, a round of housekeeping: neither.
    with pytest.raises(ShardLostError):
        put(first, (MIDNIGHT_MS, 7.0), key=("gw-1", "new", "power"))
    with pytest.raises(ShardLostError):
        fold(first, MIDNIGHT_MS + 3 * HOUR_MS)
    assert first.lost
    assert not second.lost
    assert (kept(second), county.points()) == (before, [(MIDNIGHT_MS, 1.0)])
    assert county.sql("SELECT device FROM readings.series") == [("meter-1",)]
    put(second, (MIDNIGHT_MS + 5, 2.0))
    assert county.points() == [(MIDNIGHT_MS, 1.0), (MIDNIGHT_MS + 5, 2.0)]


def test_shards_have_marks_and_states_of_their_own(county: County) -> None:
    left, right = county.worker(0), county.worker(1)
    put(left, (MIDNIGHT_MS, 1.0))
    put(right, (MIDNIGHT_MS, 2.0), (MIDNIGHT_MS + 1, 2.0), key=("gw-2", "m", "power"), spool="t")
    assert kept(left) == ({"s": 1}, [b"{1}"])
    assert kept(right) == ({"t": 2}, [b"{2}"])
    fold(left, MIDNIGHT_MS + 2 * HOUR_MS)
    assert county.reader.count() == 3
    # A taking of one is none of the other's business.
    county.worker(0).load_marks()
    put(right, (MIDNIGHT_MS + 2, 3.0), key=("gw-2", "m", "power"), spool="t")


def test_a_taking_waits_for_a_commit_that_is_under_way(county: County) -> None:
    """It would read marks without the last of what was acknowledged."""
    first = county.worker()
    put(first, (MIDNIGHT_MS, 1.0))
    number = first.fence
    second = county.worker()
    with psycopg.connect(county.settings.conninfo) as under_way:
        under_way.execute("SELECT readings.hold(0, %s)", (number,))
        under_way.execute("UPDATE readings.mark SET contiguous = 99")
        fences: list[int] = []
        seen: list[dict[str, int]] = []
        taking = threading.Thread(
            target=lambda: (fences.append(second.fence), seen.append(kept(second)[0]))
        )
        taking.start()
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        for _ in range(10_000):
            if fences or county.sql(waits) == [(1,)]:
                break
        assert not fences
    taking.join()
    assert (fences, seen) == ([number + 1], [{"s": 99}])


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_line_cut_in_the_middle_of_a_commit(county: County, cut: str) -> None:
    """Before the server had it all, or before its answer came: what is acknowledged in the end is
    there once, whichever it was."""
    with CutLine(county.place.url) as line:
        store = county.worker(settings=county.at(line.conninfo))
        put(store, (MIDNIGHT_MS, 1.0))
        line.cut(cut)
        rows = [(MIDNIGHT_MS, 1.0), (MIDNIGHT_MS + 1, 2.0)]
        with pytest.raises(StoreError) as failure:
            put(store, *rows)
        assert failure.value.retryable
        line.settled(county.sql)
        line.mend()
        marks, states = kept(store)
        assert (marks, states) in (({"s": 1}, [b"{1}"]), ({"s": 2}, [b"{2}"]))
        assert (marks["s"] == 2) == (cut == "after")
        # It comes again, as the gateway has heard nothing.
        put(store, *rows)
        assert county.points() == rows
        assert (county.reader.count(), kept(store)) == (2, ({"s": 2}, [b"{2}"]))


def test_a_server_that_ends_our_session_is_found_again(county: County) -> None:
    store = county.worker()
    put(store, (MIDNIGHT_MS, 1.0))
    assert county.points() == [(MIDNIGHT_MS, 1.0)]
    fence = store.fence
    county.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'hearthwatch%' AND datname = current_database()"
    )
    with pytest.raises(StoreError) as failure:
        put(store, (MIDNIGHT_MS + 1, 2.0))
    assert failure.value.retryable
    assert kept(store) == ({"s": 1}, [b"{1}"])
    put(store, (MIDNIGHT_MS + 1, 2.0))
    assert (store.fence, store.lost) == (fence, False)
    assert county.points() == [(MIDNIGHT_MS, 1.0), (MIDNIGHT_MS + 1, 2.0)]


def test_a_folding_that_stops_halfway_loses_and_doubles_nothing(
    county: County, monkeypatch
) -> None:
    monkeypatch.setattr(pg_fold, "SLICE_HOURS", 2)
    store = county.worker()
    rows = [(MIDNIGHT_MS + n * 20 * 60_000, float(n)) for n in range(30)]  # ten hours
    put(store, *rows)
    late = MIDNIGHT_MS + 30 * HOUR_MS
    put(store, (late, 99.0))  # the first slice of what is over is folded behind it
    assert store.maintain(late)
    hours = county.points("hour")
    assert 0 < county.chunks() < 10
    assert county.points() == [*rows, (late, 99.0)]
    again = county.worker()  # the first is gone in the middle of it
    # Something comes for an hour that was folded already.
    put(again, (late, 98.0), (MIDNIGHT_MS + 60_000, 7.5))
    rows.insert(1, (MIDNIGHT_MS + 60_000, 7.5))
    fold(again, late)
    assert county.chunks() == 10
    assert county.sql("SELECT sum(n) FROM readings.hour") == [(31,)]
    hours[0], hours[-1] = (MIDNIGHT_MS, 0.0, 2.625, 7.5), (late, 98.0, 98.0, 98.0)
    assert (county.points(), county.points("hour")) == ([*rows, (late, 98.0)], hours)
    assert county.reader.count() == 32


def test_what_waits_is_joined_into_few_batches(county: County, monkeypatch) -> None:
    monkeypatch.setattr(pg_fold, "BATCHES_MAX", 8)
    store = county.worker()
    store.maintain(MIDNIGHT_MS)
    rows = []
    for n in range(100):
        rows.append((MIDNIGHT_MS + n, float(n)))
        put(store, rows[-1], (MIDNIGHT_MS, float(n)))
        assert county.sql("SELECT count(*) <= 9 FROM readings.batch") == [(True,)]
    rows[0] = (MIDNIGHT_MS, 99.0)
    assert county.points() == rows
    fold(store, MIDNIGHT_MS + 5 * HOUR_MS)
    assert county.points() == rows


def test_months_are_made_ahead_and_dropped_whole(county: County) -> None:
    store = county.worker()
    put(store, (MIDNIGHT_MS, 10.0), (MIDNIGHT_MS + 60_000, 20.0))
    put(store, (MIDNIGHT_MS + HOUR_MS, 1.0))
    fold(store, MIDNIGHT_MS + HOUR_MS)
    assert county.tables("chunk_2*") == [f"chunk_{m}" for m in (202610, 202611, 202612, 202701)]
    assert county.sql("SELECT count(*) FROM readings.chunk_202611") == [(1,)]
    later = MIDNIGHT_MS + 100 * DAY_MS
    for n in range(3):
        put(store, (later + n * HOUR_MS, 1.0), key=("gw-2", "m", "power"))
    fold(store, later + 2 * HOUR_MS)
    assert "chunk_202611" not in county.tables("chunk_2*")
    assert {"hour_202611", "chunk_202703"} <= set(county.tables("*_2*"))
    assert [point for point in county.points("hour") if point[0] < later] == [
        (MIDNIGHT_MS, 10.0, 15.0, 20.0),
        (MIDNIGHT_MS + HOUR_MS, 1.0, 1.0, 1.0),
    ]
    # A gateway that was away for months still adds what it kept, however often something comes.
    for number, highest in ((2, 60.0), (3, 90.0)):
        put(store, (MIDNIGHT_MS + number * 60_000, highest))
        for _ in range(2):
            at, low, mean, high = county.points("hour")[0]
            assert (at, low, high) == (MIDNIGHT_MS, 10.0, highest)
            assert mean == pytest.approx(30.0 if number == 2 else 45.0)
            fold(store, later + (number + 3) * HOUR_MS)
        fold(store, later + number * 2 * DAY_MS)


def test_a_clock_that_is_a_year_ahead_has_nothing_forgotten(county: County) -> None:
    store = county.worker()
    ahead = MIDNIGHT_MS + 400 * DAY_MS
    put(store, (MIDNIGHT_MS, 10.0))
    fold(store, ahead)
    put(store, (MIDNIGHT_MS + HOUR_MS, 20.0))
    fold(store, ahead + HOUR_MS)
    again = county.worker()
    fold(again, ahead + 3 * DAY_MS)
    assert len(county.points()) == 2


def test_damage_is_set_aside_and_the_rest_goes_on(county: County) -> None:
    store = county.worker()
    for n in range(3):
        put(store, (MIDNIGHT_MS + n, float(n)))
    county.sql(
        "UPDATE readings.batch SET body = set_byte(body, 20, 255 - get_byte(body, 20))"
        " WHERE seq = (SELECT min(seq) + 1 FROM readings.batch)"
    )
    put(store, (MIDNIGHT_MS + HOUR_MS, 9.0))
    fold(store, MIDNIGHT_MS + HOUR_MS)
    assert [value for _at, value in county.points()] == [0.0, 2.0, 9.0]
    assert county.sql("SELECT count(*) FROM readings.damaged") == [(1,)]
    county.sql("UPDATE readings.chunk SET body = '\\x00112233445566778899aabbccddeeff'")
    put(store, (MIDNIGHT_MS + 7, 4.0))
    fold(store, MIDNIGHT_MS + 9 * HOUR_MS)
    assert [value for _at, value in county.points()] == [4.0, 9.0]
    assert county.sql("SELECT count(*) FROM readings.damaged") == [(2,)]
    # What the hour amounted to before is not forgotten with it.
    assert county.points("hour")[0] == (MIDNIGHT_MS, 0.0, 2.0, 4.0)


def test_names_that_a_server_can_t_hold_harm_nobody(county: County) -> None:
    store = county.worker()
    put(store, (MIDNIGHT_MS, 1.0), key=("gw-1", "a\x00b", "power"), spool="s\x00")
    put(store, (MIDNIGHT_MS, 2.0))
    assert county.reader.count() == 2
    assert set(kept(store)[0]) == {"s\N{REPLACEMENT CHARACTER}", "s"}


def test_a_county_of_series_is_told_when_it_is_too_large(county: County, monkeypatch) -> None:
    monkeypatch.setattr("ingest.readings.pg_series.SERIES_MAX", 2)
    store = county.worker()
    store.begin_batch()
    store.add(KEY, MIDNIGHT_MS, {"power_w": 1.0, "energy_kwh": 1.0})
    with pytest.raises(ContractError, match="too_many_series"):
        store.add(("gw-2", "m", "power"), MIDNIGHT_MS, {"power_w": 1.0})
    store.commit()
    assert county.reader.count() == 2


def test_tables_of_a_newer_program_are_left_alone(county: County) -> None:
    put(county.worker(), (MIDNIGHT_MS, 1.0))
    county.sql("UPDATE readings.version SET version = 99")
    with closing(county.worker()) as store, pytest.raises(StoreError, match="version 99") as told:
        put(store, (MIDNIGHT_MS, 2.0))
    assert not told.value.retryable
    assert county.points() == [(MIDNIGHT_MS, 1.0)]
