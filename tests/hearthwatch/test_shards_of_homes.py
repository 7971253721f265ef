"""Two shards of readings side by side, each with its rules, on one register and a real PostgreSQL:
everybody is judged in exactly one of them, wherever they are heard."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from zlib import crc32

import pytest

from contract.envelope import Status
from contract.moment import to_iso
from hearthwatch.shard_roster import ShardRoster
from hearthwatch.stored_events import stored_event
from ingest import wire
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_store import PgStore
from ingest.readings_batch import BOOK_SPOOL, ReadingsBatch
from ingest.shard_subjects import ShardSubjects
from ledger.place import SqliteBook
from ledger.schema import ALARM, EVENT
from rules.config import default_rules
from rules.engine import Engine
from tests.adapters.hub_bench import Bench, press
from tests.adapters.postgres import Postgres

HOMES = 8
SHARDS = 2
SECOND_MS = 1_000


def roster() -> str:
    text = '[[region]]\ncode = "1"\nname = "v"\nlevel = "village"\n'
    for number in range(1, HOMES + 1):
        text += f'[[gateway]]\nid = "gw-{number}"\nregion = "1"\n'
    for number in range(1, HOMES + 1):
        text += f'[[home]]\nid = "home-{number}"\nregion = "1"\naddress = "{number} 号"\n'
        for device, kind in (("meter", "power"), ("button-1", "sos"), ("cuff", "blood_pressure")):
            # Of home-8 the cuff is behind another's gateway.
            gateway = "gw-1" if (number, device) == (8, "cuff") else f"gw-{number}"
            name = "cuff-8" if (number, device) == (8, "cuff") else device
            text += f'[[home.device]]\ngateway = "{gateway}"\ndevice = "{name}"\nkind = "{kind}"\n'
    return text


class County:
    def __init__(self, folder: Path, settings: PgSettings) -> None:
        self.bench = Bench(folder, SqliteBook(path=folder / "hub" / "hub.db"), roster())
        self.settings = settings
        self.stores: list[PgStore] = []
        self.shards = [self.begin(shard) for shard in range(SHARDS)]
        self._seq = 0

    def begin(self, shard: int) -> ReadingsBatch:
        """As a worker that has been given it."""
        side, store = self.bench.hub.side, PgStore(self.settings, shard)
        self.stores.append(store)
        watched = ShardSubjects(
            shard,
            shards=lambda: SHARDS,
            table=store.subjects,
            roster=ShardRoster(side.register, side.presence),
            book_spool=BOOK_SPOOL,
        )
        batch = ReadingsBatch(
            store=store,
            writer=side.writer,
            book=side.book,
            presence=side.presence,
            make_engine=lambda: Engine(default_rules(), lane="readings"),
            know_homes=partial(side.know_homes, mine=watched.watches),
            clock=self.bench.clock.now_ms,
            missed=self.missed,
            log=lambda *said: pytest.fail(str(said)),
            watched=watched,
        )
        batch.reload()
        assert batch.loaded
        return batch

    def missed(self, after: int):
        return [stored_event(row) for row in self.bench.rows(EVENT) if row["seq"] > after]

    def hear(self, shard: int, gateway: str, device: str, kind: str, **more: object) -> None:
        self._seq += 1
        now = to_iso(self.bench.clock.at_ms)
        item = {"id": f"i{self._seq}", "seq": self._seq, "device": device, "kind": kind,
                "measured_at": now, "received_at": now, **more}  # fmt: skip
        envelope = {"v": 1, "gateway": gateway, "spool": f"of-{gateway}", "items": [item]}
        batch = self.shards[shard]
        batch.begin()
        batch.take(wire.decode(json.dumps(envelope).encode(), gateway))
        batch.commit()

    def pass_time(self, seconds: int = 2) -> None:
        for _second in range(seconds):
            self.bench.clock.at_ms += SECOND_MS
            for batch in self.shards:
                batch.begin()
                batch.commit()

    def watched(self) -> list[set[str]]:
        return [set(batch.engine.homes()) for batch in self.shards]

    def at(self, subject: str) -> int:
        [shard] = [at for at, watched in enumerate(self.watched()) if subject in watched]
        return shard

    def alarms(self, kind: str) -> list[str]:
        rows = self.bench.rows(ALARM)
        return sorted(row["subject"] for row in rows if row["kind"] == kind)

    def close(self) -> None:
        for store in self.stores:
            store.close()
        self.bench.hub.close()


@pytest.fixture
def county(tmp_path: Path, postgres: Postgres) -> Iterator[County]:
    made = County(tmp_path, PgSettings(conninfo=postgres.empty().conninfo(), keep_raw_days=30))
    try:
        yield made
    finally:
        made.close()


def everybody() -> set[str]:
    homes = {f"home-{number}" for number in range(1, HOMES + 1)}
    gateways = {f"gateway:gw-{number}" for number in range(1, HOMES + 1)}
    return homes | gateways | {"region:1"}


def shard_of_name(name: str) -> int:
    return crc32(name.encode()) % SHARDS


def test_everybody_is_watched_in_one_shard_before_they_are_heard(county: County) -> None:
    one, two = county.watched()
    assert not one & two
    assert one | two == everybody()
    assert one
    assert two
    assert county.at("home-3") == county.at("gateway:gw-3") == shard_of_name("gw-3")


def test_who_is_heard_elsewhere_moves_there_with_what_rules_know(county: County) -> None:
    old = county.at("gateway:gw-3")
    new = 1 - old
    county.hear(new, "gw-3", "meter", "power", values={"power_w": 5.0})
    county.pass_time(4)
    assert county.at("gateway:gw-3") == county.at("home-3") == new
    one, two = county.watched()
    assert not one & two
    assert one | two == everybody()
    # Nobody speaks for two minutes: each gateway is missed once, wherever it is judged by now.
    county.pass_time(120)
    assert county.alarms("gateway_silent") == sorted(
        f"gateway:gw-{number}" for number in range(1, HOMES + 1)
    )


def test_a_device_behind_another_gateway_is_judged_with_its_home(county: County) -> None:
    """The cuff of home-8 is heard by the gateway of home-1, in whichever shard that is."""
    here = county.at("home-8")
    elsewhere = 1 - here
    county.hear(here, "gw-8", "meter", "power", values={"power_w": 5.0})
    county.pass_time()
    values = {"systolic_mmhg": 230.0, "diastolic_mmhg": 130.0, "pulse_bpm": 80.0}
    county.hear(elsewhere, "gw-1", "cuff-8", "blood_pressure", values=values)
    assert not county.alarms("blood_pressure")
    county.pass_time()
    assert county.alarms("blood_pressure") == ["home-8"]
    assert county.at("home-8") == here
    county.pass_time(3)
    assert county.stores[here].subjects.look().passed == []


def test_what_a_gateway_says_that_nobody_has_placed_waits_for_nobody(county: County) -> None:
    placed = next(f"gw-{n}" for n in range(1, HOMES + 1) if county.at(f"gateway:gw-{n}") == 1)
    batch = county.shards[0]
    batch.begin()
    for gateway in ("gw-new", placed):
        batch.status(Status(gateway=gateway, online=True))
    batch.commit()
    raw = county.stores[0]._shard.connected()
    found = {row[0] for row in raw.execute("SELECT subject FROM readings.passed").fetchall()}
    assert f"gateway:{placed}" in found
    assert "gateway:gw-new" not in found


def test_a_rule_that_misses_a_key_is_told_of_and_hands_nothing_over(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = county.at("home-3")
    batch, said = county.shards[here], []
    monkeypatch.setattr(batch, "_log", lambda *words: said.append(words))

    def broken(*_args: object) -> None:
        raise KeyError("a mistake of a rule's")

    monkeypatch.setattr(batch.engine, "observe", broken)
    county.hear(here, "gw-3", "meter", "power", values={"power_w": 5.0})
    assert [event for event, _detail in said] == ["rule_failed"]
    raw = county.stores[here]._shard.connected()
    assert raw.execute("SELECT count(*) FROM readings.passed").fetchone() == (0,)


def test_a_village_is_seen_whole(county: County) -> None:
    """Two of its meters fall silent in each shard; three are enough to say so."""
    numbers = range(1, HOMES + 1)
    for shard in range(SHARDS):
        for number in [n for n in numbers if county.at(f"home-{n}") == shard][:2]:
            attrs = {"fault": "no_answer"}
            county.hear(shard, f"gw-{number}", "meter", "device_health", attrs=attrs)
    county.pass_time(70)
    assert county.alarms("village_dark") == ["region:1"]


def test_a_press_is_told_to_the_home_once_wherever_it_moves(county: County) -> None:
    """Both shards see the book; a home that moves has seen as much as its last shard had."""
    told: list[tuple[str, str]] = []
    for shard, batch in enumerate(county.shards):
        observe = batch._observe

        def spy(home, item, gateway, *, observe=observe, shard=shard, **more) -> None:
            if item.kind == "sos" and home in county.watched()[shard]:
                told.append((home, item.id))
            observe(home, item, gateway, **more)

        batch._observe = spy
    old = county.at("home-1")
    new = 1 - old
    county.bench.deliver(press(1))
    [first] = county.missed(0)
    for batch in county.shards:
        batch.begin()
        batch.note_activation(first)
        batch.commit()
    # The next is known in the new shard before it has the home, and not yet in the old one.
    county.bench.deliver(press(2))
    [_first, second] = county.missed(0)
    county.shards[new].begin()
    county.shards[new].note_activation(second)
    county.shards[new].commit()
    county.hear(new, "gw-1", "meter", "power", values={"power_w": 5.0})
    county.pass_time(4)
    assert county.at("home-1") == new
    county.shards[old].begin()
    county.shards[old].note_activation(second)
    county.shards[old].commit()
    assert told == [("home-1", "press-1"), ("home-1", "press-2")]


def test_a_worker_that_takes_a_shard_goes_on_where_the_dead_one_was(county: County) -> None:
    """What was handed over and not judged yet is judged by it."""
    here = county.at("home-8")
    values = {"systolic_mmhg": 230.0, "diastolic_mmhg": 130.0, "pulse_bpm": 80.0}
    county.hear(1 - here, "gw-1", "cuff-8", "blood_pressure", values=values)
    before = county.watched()[here]
    county.shards[here] = county.begin(here)
    assert county.watched()[here] == before
    county.pass_time()
    assert county.alarms("blood_pressure") == ["home-8"]


def test_a_broker_with_fewer_shards_leaves_nobody_behind(county: County) -> None:
    """It was made anew; workers that begin have heard of two shards and not of six."""
    raw = county.stores[0]._shard.connected()
    raw.execute("INSERT INTO readings.shard (shard, fence, folded_h) VALUES (5, 1, 0)")
    raw.execute("UPDATE readings.subject SET shard = 5 WHERE subject LIKE 'home-%'")
    county.shards = [county.begin(shard) for shard in range(SHARDS)]
    one, two = county.watched()
    assert not one & two
    assert one | two == everybody()
