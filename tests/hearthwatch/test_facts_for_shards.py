"""Shards that begin together are told of everybody by facts that were made once, each its own."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hearthwatch import urgent_side
from hearthwatch.urgent_side import FACTS_KEPT_MS
from ledger.place import SqliteBook
from rules.config import default_rules
from rules.engine import Engine
from tests.adapters.hub_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"))
    yield bench
    bench.hub.close()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each making of facts of homes."""
    calls: list[int] = []
    facts = urgent_side.home_facts

    def counted(*given: object) -> object:
        calls.append(1)
        return facts(*given)

    monkeypatch.setattr(urgent_side, "home_facts", counted)
    return calls


def _told(bench: Bench, mine: Callable[[str], bool] | None = None) -> dict[str, object]:
    engine = Engine(default_rules(), lane="readings")
    side, now_ms = bench.hub.side, bench.clock.now_ms()
    if mine is None:
        side.know_homes(engine, now_ms)
    else:
        side.know_homes(engine, now_ms, mine=mine)
    return {home: engine._homes[home].facts for home in engine.homes()}


def test_each_shard_has_its_own_and_together_they_have_all(bench: Bench, made: list[int]) -> None:
    everybody = _told(bench)
    made.clear()
    some = sorted(everybody)[::2]
    shard, other = _told(bench, lambda s: s in some), _told(bench, lambda s: s not in some)
    assert len(made) == 1
    assert shard.keys() == set(some)
    assert {**shard, **other} == everybody


def test_another_register_is_read_anew(bench: Bench, made: list[int]) -> None:
    _told(bench, lambda _subject: True)
    register = bench.hub.side.register
    homes = {**register.index.homes}
    homes["moved-in"] = {**next(iter(homes.values())), "id": "moved-in"}
    register.index = replace(register.index, homes=homes)
    assert "moved-in" in _told(bench, lambda _subject: True)
    assert len(made) == 2


def test_they_are_let_go_once_the_shards_have_begun(bench: Bench, made: list[int]) -> None:
    _told(bench, lambda _subject: True)
    side = bench.hub.side
    bench.hub.writer.submit(side.flush).result(60)
    assert side._told is not None
    bench.clock.at_ms += FACTS_KEPT_MS + 1
    bench.hub.writer.submit(side.flush).result(60)
    assert side._told is None
