"""Two workers hear at once, each the shards that the broker gives it; when one is killed the other
judges its homes, and those that say nothing are missed there."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.postgres import Postgres
from tests.adapters.rabbitmq import Server
from tests.shared.two_workers import MUTE, SHARDS, Workers

pytestmark = pytest.mark.rabbitmq
GATEWAYS = 10
NAMES = ("one", "two")


@pytest.fixture
def county(postgres: Postgres, rabbitmq: Server, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(tmp_path, postgres, rabbitmq.place(), GATEWAYS, NAMES)
    try:
        yield workers
    finally:
        workers.close()


def test_each_judges_its_part_and_the_other_goes_on(county: Workers) -> None:
    county.start(*NAMES)
    half = SHARDS // 2
    county.until(lambda: len(county.shards("one")) == len(county.shards("two")) == half, "halves")
    assert sorted(county.shards("one") + county.shards("two")) == list(range(SHARDS))

    heartbeats = Heartbeats(county)
    for spool in county.spools.values():
        spool.press()
        spool.read()
    heartbeats.until(lambda: county.rows("SELECT count(*) FROM event") == [(GATEWAYS,)], "presses")
    heartbeats.until(lambda: county.readings.count() == GATEWAYS, "readings")
    # Everybody is watched once, and where they are heard.
    heartbeats.until(lambda: len(county.heard_in()) == GATEWAYS, "where they are heard")
    heartbeats.until(lambda: _settled(county), "watched where they are heard")
    assert len(county.watched_in()) == 2 * GATEWAYS + 2  # homes, gateways, a mute one, the village
    # Who was never heard is missed, once.
    heartbeats.until(lambda: county.missed(MUTE) == ["open"], "the one that never spoke")

    # The one with more gateways is killed, and one of its gateways says nothing any more.
    heard = county.heard_in()
    parts = {name: {g for g in heard if heard[g] in county.shards(name)} for name in NAMES}
    dead, other = sorted(NAMES, key=lambda name: -len(parts[name]))
    mute = min(parts[dead])
    heartbeats.mute.add(mute)
    county.programs[dead].kill()
    for spool in county.spools.values():
        spool.press()
        if spool.name != mute:
            spool.read()
    heartbeats.until(lambda: len(county.shards(other)) == SHARDS, "the other has all shards")
    heartbeats.until(lambda: county.rows("SELECT count(*) FROM event") == [(2 * GATEWAYS,)], "all")
    heartbeats.until(lambda: county.readings.count() == 2 * GATEWAYS - 1, "all readings")
    heartbeats.until(lambda: "open" in county.missed(mute), "the silent one is missed")

    # And back: it gets its part again, and what it hears ends what the other one found.
    county.start(dead)
    heartbeats.until(lambda: len(county.shards(dead)) == half, "its part again")
    heartbeats.mute.clear()
    heartbeats.until(lambda: "open" not in county.missed(mute), "it is back")
    assert county.missed(MUTE) == ["open"]
    assert len(county.watched_in()) == 2 * GATEWAYS + 2
    assert county.rows("SELECT count(*) FROM alarm WHERE kind = 'sos'") == [(GATEWAYS,)]
    _and_say_when_nothing_can_be_kept(county)


def _and_say_when_nothing_can_be_kept(county: Workers) -> None:
    """Connected as ever, with a thread that lives: and every shard fails."""

    def said(name: str) -> str:
        return county.checks(name).get("shards", "")

    county.rows("ALTER TABLE readings.shard RENAME TO shard_away")
    for name in NAMES:
        county.until(
            lambda name=name: said(name).startswith("every shard fails"), f"{name} says it"
        )
    assert {county.checks(name)["book"] for name in NAMES} == {"ok"}
    county.rows("ALTER TABLE readings.shard_away RENAME TO shard")
    for name in NAMES:
        county.until(lambda name=name: said(name) == "ok", f"{name} is well again")


def _settled(county: Workers) -> bool:
    heard, watched = county.heard_in(), county.watched_in()
    return all(
        watched.get(f"gateway:{gateway}") == watched.get(f"home-{gateway}") == shard
        for gateway, shard in heard.items()
    )


class Heartbeats:
    """Said while something is waited for, as often as a gateway of this test is patient."""

    EVERY_S = 3.0

    def __init__(self, county: Workers) -> None:
        self._county = county
        self.mute: set[str] = set()
        self._said_s = 0.0

    def until(self, condition, what: str) -> None:
        def beaten() -> bool:
            if time.monotonic() - self._said_s > self.EVERY_S:
                self._said_s = time.monotonic()
                for name, spool in self._county.spools.items():
                    if name not in self.mute:
                        spool.beat()
            return bool(condition())

        self._county.until(beaten, what)
