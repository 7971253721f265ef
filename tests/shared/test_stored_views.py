"""What a process that serves pages shows of rules whose states another process keeps."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hearthwatch.stored_views import AGE_MAX_S, KeepsStates, StoredViews
from ingest.readings.pg_reader import PgReader
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_store import PgStore
from ingest.readings.sqlite_reader import SqliteReader
from ingest.wire import WireItem
from rules.config import default_rules
from rules.engine import Engine
from tests.adapters.postgres import Postgres
from tests.shared.histories import County


class Looking:
    """A worker's engine and its store, and the views of another process."""

    def __init__(self, postgres: Postgres, folder: Path) -> None:
        self.county = County(folder, postgres.fresh(), 1, 3)
        settings = PgSettings(conninfo=self.county.book.conninfo(), keep_raw_days=28)
        self.store, self.reader = PgStore(settings, 0), PgReader(settings)
        side, clock = self.county.hubs[0].side, self.county.clock
        self.now_s = 0.0
        self.said: list[str] = []
        self.worker = Engine(default_rules(), lane="readings")
        side.know_homes(self.worker, clock.now_ms())
        self.store.load_rule_states()
        self.views = StoredViews(
            side,
            self.reader,
            make_engine=lambda: Engine(default_rules(), lane="readings"),
            now_ms=clock.now_ms,
            monotonic=lambda: self.now_s,
            log=lambda event, _detail: self.said.append(event),
        )

    def hears(self, number: int) -> None:
        self.county.clock.at_ms += 60_000
        now_ms = self.county.clock.now_ms()
        at = datetime.fromtimestamp(now_ms / 1000, tz=UTC)
        item = WireItem(
            id=f"i-{number}",
            seq=number,
            device="clip-1",
            kind="oximetry",
            measured_at=at,
            received_at=at,
            values={"spo2_pct": 99.0 - 6 * number, "pulse_bpm": 70.0},
            attrs={},
        )
        self.worker.observe("home-0", item, now_ms)
        self.store.begin_batch()
        self.store.write_rule_states(self.worker.take_dirty())
        self.store.commit()

    def same(self) -> bool:
        now_ms = self.county.clock.now_ms()
        return self.views.engine().view("home-0", now_ms) == self.worker.view("home-0", now_ms)

    def close(self) -> None:
        self.store.close()
        self.reader.close()
        self.county.close()


@pytest.fixture
def looking(postgres: Postgres, tmp_path: Path) -> Iterator[Looking]:
    looking = Looking(postgres, tmp_path)
    yield looking
    looking.close()


def test_it_shows_what_the_worker_thinks_and_reads_it_again_when_it_is_old(
    looking: Looking,
) -> None:
    looking.hears(1)
    assert looking.same()
    before = looking.views.engine()
    looking.hears(2)
    assert looking.views.engine() is before
    assert not looking.same(), "this oracle would see nothing"
    looking.now_s += AGE_MAX_S + 1
    assert looking.same()


def test_a_server_that_is_away_leaves_what_was_thought_before(looking: Looking) -> None:
    looking.hears(1)
    before = looking.views.engine()
    looking.county.on(
        looking.county.hubs[0],
        lambda unit: unit.execute("ALTER TABLE readings.rule_state RENAME TO away").rowcount,
    )
    looking.now_s += AGE_MAX_S + 1
    assert looking.views.engine() is before
    assert looking.said == ["rule_states_not_read"]


def test_states_in_a_file_of_the_worker_are_its_own(tmp_path: Path) -> None:
    assert not isinstance(SqliteReader(tmp_path / "readings.db"), KeepsStates)
