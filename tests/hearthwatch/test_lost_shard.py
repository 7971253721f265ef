"""A hub whose shard of the readings was taken by another one says so."""

import asyncio
from types import SimpleNamespace

import pytest

from hearthwatch.hub_ingest import Ingest
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_store import PgStore
from ingest.readings.port import StoreError
from ingest.shard_work import ShardWork
from tests.adapters.postgres import Postgres


def test_a_hub_without_its_shard_is_not_well(postgres: Postgres) -> None:
    settings = PgSettings(conninfo=postgres.empty().conninfo(), keep_raw_days=30)
    first, second = PgStore(settings), PgStore(settings)
    ingest = Ingest.__new__(Ingest)
    ingest.store, ingest.client = first, SimpleNamespace(connected=asyncio.Event())
    ingest.lane, ingest.set = SimpleNamespace(connected=True, state="ok"), None
    batch = SimpleNamespace(loaded=False)
    ingest.work = ShardWork(client=SimpleNamespace(), batch=batch, log=print)
    assert first.fence == 1
    assert ingest.health()["readings_lane"] == "reads what rules have learned"
    batch.loaded = True
    assert ingest.health()["readings_lane"] == "ok"
    assert ingest.readings_heard
    assert second.fence == 2
    first.begin_batch()
    with pytest.raises(StoreError):
        first.commit()
    assert ingest.health()["readings_lane"] == "another worker has taken its shard"
    assert not ingest.readings_heard
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("part", "state"),
    [("set", "every shard fails here, of late 0: see the log"), ("lane", "ended 4 times")],
)
def test_a_worker_that_does_nothing_with_its_shards_is_not_well(part: str, state: str) -> None:
    """Though it is connected, and its thread lives."""
    ingest = Ingest.__new__(Ingest)
    ingest.store, ingest.client = None, SimpleNamespace(connected=asyncio.Event())
    ingest.lane = SimpleNamespace(connected=True, state="ok")
    ingest.work = ingest.set = SimpleNamespace(state="ok", shards=[], failing=[0])
    assert ingest.readings_heard
    getattr(ingest, part).state = state
    assert state in ingest.health().values()
    assert not ingest.readings_heard
    assert ingest.shown() == {"shards": [], "shards_failing": [0]}
