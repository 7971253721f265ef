"""A few rows read anew leave the hub's memory as the whole register read anew would."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from hearthwatch.hub import Hub
from ingest.presence import Presence
from ledger.database import upsert_sql
from ledger.place import Place, SqliteBook
from ledger.register import Register
from ledger.register_changes import Changed
from ledger.schema import ACCOUNT, DEVICE, GATEWAY, HOME, SERVICE_USER
from rules.engine import Engine
from tests.adapters.hub_bench import Bench

STEPS = 60
REGIONS = """
[[region]]
code = "1"
name = "county"
level = "county"
[[region]]
code = "11"
name = "village"
level = "village"
parent = "1"
[[region]]
code = "111"
name = "group"
level = "group"
parent = "11"
[[region]]
code = "12"
name = "another"
level = "village"
parent = "1"
[[gateway]]
id = "gw-0"
region = "11"
[[home]]
id = "home-0"
region = "11"
address = "1"
"""
TABLES = {
    "homes": HOME,
    "persons": SERVICE_USER,
    "gateways": GATEWAY,
    "devices": DEVICE,
    "accounts": ACCOUNT,
}


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    book: Place = SqliteBook(path=tmp_path / "hub" / "hub.db")
    if request.param == "postgres":
        book = request.getfixturevalue("postgres").fresh()
    bench = Bench(tmp_path, book, REGIONS)
    yield bench
    bench.hub.close()


class Town:
    """Rows by chance, of the tables as they are; homes and gateways must exist to be named."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.homes, self.gateways = ["home-0"], ["gw-0"]

    def row(self, what: str) -> dict[str, object]:
        pick, number = self.chance.choice, self.chance.randrange(4)
        region = pick(["1", "11", "111", "12"])
        match what:
            case "homes":
                home = f"home-{number}"
                self.homes = sorted({*self.homes, home})
                return {"id": home, "region": region, "address": "x", "access_note": ""}
            case "gateways":
                gateway = f"gw-{number}"
                self.gateways = sorted({*self.gateways, gateway})
                return {"id": gateway, "region": pick([region, None]), "name": "",
                        "online": pick([True, False]), "status": "{}"}  # fmt: skip
            case "persons":
                ails = pick(["[]", '["慢阻肺"]', '["呼吸机"]'])
                person = dict.fromkeys(("name", "sex", "born", "phone", "grade"), "")
                return {**person, "id": f"p-{number}", "home": pick(self.homes),
                        "categories": "[]", "conditions": ails, "contacts": "[]"}  # fmt: skip
            case "devices":
                return {"gateway": pick(self.gateways), "device": f"d-{number}",
                        "home": pick([*self.homes, None]), "kind": pick(["power", "sos"]),
                        "model": pick(["", "oxygen concentrator"]), "label": "",
                        "reports_itself": pick([True, False]), "asks": False}  # fmt: skip
        return {"username": f"u-{number}", "name": pick(["a", "b"]), "role": "duty", "region": "",
                "phone": "", "password": "", "disabled": False, "created_at_ms": 0}  # fmt: skip


def key_of(what: str, row) -> object:
    if what == "devices":
        return row["gateway"], row["device"]
    return row["username" if what == "accounts" else "id"]


def facts_of(engine: Engine) -> dict[str, object]:
    return {home: known.facts for home, known in engine._homes.items()}


def meet_all(engine: Engine, hub: Hub) -> None:
    """As if something had been heard of everybody; who was met is told of changes from then on."""
    index = hub.register.index
    for home in [*index.homes, *(f"gateway:{gateway}" for gateway in index.gateways)]:
        assert engine._homes.find(home) is not None


def memory_of(hub: Hub, presence: Presence, register: Register) -> dict[str, object]:
    return {
        "index": register.index,
        "home_of": presence.home_of,
        "devices_of": presence.devices_of,
        "reports": presence.reports_itself,
        "gateways": presence._gateways,
    }


@pytest.mark.parametrize("seed", range(3))
def test_memory_is_as_if_all_had_been_read(bench: Bench, seed: int) -> None:
    town, hub = Town(seed), bench.hub

    def change(unit) -> dict[str, object]:
        keys: dict[str, set[object]] = {}
        for what in town.chance.choices(list(TABLES), k=town.chance.randint(1, 3)):
            row = town.row(what)
            unit.execute(upsert_sql(TABLES[what], list(row)), tuple(row.values()))
            keys.setdefault(what, set()).add(key_of(what, row))
        if town.chance.random() < 0.3:
            # Heard of by the way: the register reads it with the next change.
            hub.presence.know_device(unit, "gw-0", f"new-{town.chance.randrange(9)}", "sos")
        hub.roster_changed(unit, Changed(**{what: frozenset(one) for what, one in keys.items()}))
        register = Register()
        register.reload(unit.cursor)
        presence = Presence(register)
        presence.reload(unit.cursor)
        return memory_of(hub, presence, register)

    for _ in range(STEPS):
        wanted = bench.change(change)
        assert memory_of(hub, hub.presence, hub.register) == wanted
        if town.chance.random() < 0.5:
            continue  # several changes between two batches
        hub.batch.begin()
        hub.batch.commit()
        for engine, lane in ((hub.urgent.engine, "urgent"), (hub.batch.engine, "readings")):
            anew = Engine(hub.side.settings.current.rules, lane=lane)
            hub.side.know_homes(anew, 0)
            if engine.meets:
                meet_all(anew, hub)
                # Of those that it has met before, what it has been told; before it meets others.
                told = facts_of(engine)
                assert told == {home: facts_of(anew)[home] for home in told}
                meet_all(engine, hub)
            assert facts_of(engine) == facts_of(anew)


def test_a_commit_that_failed_is_forgotten_everywhere(bench: Bench) -> None:
    hub = bench.hub

    def broken(unit) -> None:
        unit.execute("UPDATE home SET region = '12'")
        hub.roster_changed(unit, Changed(homes=frozenset({"home-0"})))
        # The readings lane comes between the change and its end.
        hub.batch.begin()
        hub.batch.commit()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        bench.change(broken)
    bench.change(lambda unit: None)
    hub.batch.begin()
    hub.batch.commit()
    assert hub.register.index.homes["home-0"]["region"] == "11"
    for engine in (hub.urgent.engine, hub.batch.engine):
        assert engine._homes["home-0"].facts.region == "11"
