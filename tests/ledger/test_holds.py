"""A dark village and a stay from the wire to what is held and back, on both databases."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from alarms.holding import HOUR_MS, LIGHT_GRACE_MS
from alarms.stays import NewStay
from contract.moment import to_iso
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.embedded_broker import free_port
from hearthwatch.hub import Hub
from hearthwatch.hub_config import HttpConfig, HubConfig
from ingest import wire
from ingest.urgent_lane import decode_message
from ledger.place import Place, SqliteBook
from ledger.schema import ALARM, ENTRY, STAY, TASK
from rules.config import default_rules
from rules.finding import Finding, episode_id
from tests.adapters.hub_bench import Clock

MINUTE_MS = 60_000
DAY_MS = 24 * HOUR_MS
HOMES = 6
ROSTER = """
[[region]]
code = "1"
name = "县"
level = "county"
[[region]]
code = "11"
name = "三里垭村"
level = "village"
parent = "1"
[[region]]
code = "112"
name = "二组"
level = "group"
parent = "11"
[[gateway]]
id = "gw-1"
region = "11"
""" + "\n".join(
    f"""
[[home]]
id = "home-{n}"
region = "{"112" if n == 2 else "11"}"
address = "{n} 号"
[[home.person]]
id = "person-{n}"
name = "张三"
born = "1941-01-01"
conditions = {'["慢阻肺，家用制氧机"]' if n == 4 else "[]"}
[[home.device]]
gateway = "gw-1"
device = "meter-{n}"
kind = "power"
[[home.device]]
gateway = "gw-1"
device = "motion-{n}"
kind = "motion"
[[home.device]]
gateway = "gw-1"
device = "button-{n}"
kind = "sos"
"""
    for n in range(1, HOMES + 1)
)


class Bench:
    """A hub without its broker; its lanes are handed what would have come."""

    def __init__(self, folder: Path, book: Place) -> None:
        self.folder, self.book = folder, book
        (folder / "homes.toml").write_text(ROSTER)
        self.clock = Clock()
        self.seq = {"telemetry": 0, "activation": 0}
        self.open()

    def open(self) -> None:
        config = HubConfig(
            data_dir=self.folder / "hub",
            book=self.book,
            homes=self.folder / "homes.toml",
            http=HttpConfig(port=free_port()),
            broker=BrokerConfig(port=free_port()),
        )
        self.hub = Hub(config, self.clock, default_rules())
        # As the lane does before it hears anything.
        self.hub.batch.reload()

    def restart(self) -> None:
        self.hub.close()
        self.open()

    def change(self, apply):
        return self.hub.writer.submit(apply).result(30)

    def envelope(self, lane: str, device: str, kind: str, values, **attrs) -> bytes:
        self.seq[lane] += 1
        seq, at = self.seq[lane], to_iso(self.clock.at_ms)
        item = {"id": f"{lane}-{seq}", "seq": seq, "device": device, "kind": kind}
        item |= {"measured_at": at, "received_at": at, "values": values, "attrs": attrs}
        head = {"v": 1, "gateway": "gw-1", "spool": f"spool-{lane}", "sent_at": at}
        return json.dumps({**head, "clock": "synced", "items": [item]}).encode()

    def urgent(self, device: str, kind: str, **attrs) -> None:
        payload = self.envelope("activation", device, kind, {}, **attrs)
        decoded = decode_message(b"hw/v1/gw-1/activation", payload)
        done = self.change(lambda unit: self.hub.urgent._take_all(unit, [decoded]))
        self.hub.batch.begin()
        for stored in done.stored:
            self.hub.batch.note_activation(stored)
        self.hub.batch.commit()

    def reading(self, device: str, kind: str, values, **attrs) -> None:
        payload = self.envelope("telemetry", device, kind, values, **attrs)
        self.hub.batch.begin()
        self.hub.batch.take(wire.decode(payload, "gw-1"))
        self.hub.batch.commit()

    def find(self, home: str, kind: str, **changes) -> str:
        """As a rule would, in the lane's own transaction."""
        at_ms = self.clock.at_ms
        found = {
            "episode": episode_id(home, kind, str(at_ms)),
            "home": home,
            "rule": kind,
            "kind": kind,
            "severity": "urgent",
            "phase": "raised",
            "reason": "no_activity",
            "raised_at_ms": at_ms,
            "at_ms": at_ms,
        }
        finding = Finding(**{**found, **changes})
        return self.change(lambda unit: self.hub.book.take(unit, finding, gateway="gw-1"))

    def later(self, ms: int) -> None:
        self.clock.at_ms += ms
        while self.change(self.hub.book.fire_due):
            continue
        self.hub.batch.begin()
        self.hub.batch.commit()

    def away(self, home: str, *, tick: bool = True) -> None:
        now_ms = self.clock.at_ms
        stay = NewStay(
            id="stay-1",
            home=home,
            person=None,
            kind="away",
            from_ms=now_ms,
            until_ms=now_ms + 5 * DAY_MS,
            note="",
        )
        self.change(lambda unit: self.hub.book.stays.begin(unit, stay, "duty1"))
        if tick:
            self.later(1000)

    def rows(self, table, **where) -> list[dict]:
        wanted = select(table).where(*(table.c[name] == value for name, value in where.items()))
        with self.hub.reader.connect() as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    def facts(self, subject: str) -> list[str]:
        entries = [e for e in self.rows(ENTRY, subject=subject) if e["topic"] != "task"]
        return [e["fact"] for e in entries if e["fact"] != "nobody_told"]


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    book: Place = SqliteBook(path=tmp_path / "hub" / "hub.db")
    if request.param == "postgres":
        book = request.getfixturevalue("postgres").fresh()
    made = Bench(tmp_path, book)
    yield made
    made.hub.close()


def go_dark(bench: Bench) -> dict:
    """Meters of four of six homes; one of them in a group of the village."""
    for n in (1, 2, 3, 5):
        bench.urgent(f"meter-{n}", "device_health", fault="no_answer")
        bench.later(1000)
    bench.later(MINUTE_MS)
    [dark] = bench.rows(ALARM, kind="village_dark")
    return dark


@pytest.mark.parametrize("restarts", [False, True])
def test_a_village_whose_homes_have_moved_is_dark_no_more(bench: Bench, restarts: bool) -> None:
    """The last of them too: nobody is left there who could say that it is light again."""
    dark = go_dark(bench)

    def move(unit) -> None:
        unit.execute("UPDATE home SET region = '1'")
        bench.hub.roster_changed(unit)

    if restarts:
        moved = re.sub(r'(id = "home-\d"\nregion = )"\d+"', r'\1"1"', ROSTER)
        (bench.folder / "homes.toml").write_text(moved)
        bench.restart()
        bench.later(HOUR_MS)
    else:
        bench.change(move)
    bench.later(1000)
    [alarm] = bench.rows(ALARM, id=dark["id"])
    assert (alarm["state"], alarm["outcome"]) == ("closed", "recovered")
    views = bench.hub.batch.engine.view("region:11", bench.clock.at_ms)
    assert next(v for v in views if v.rule == "village_dark").explanation["meters_known"] == 0


def test_a_blackout_is_one_alarm_and_what_it_explains_is_held_over_restarts(bench: Bench) -> None:
    dark = go_dark(bench)
    assert (dark["subject"], dark["region"], dark["home"]) == ("region:11", "11", None)
    evidence = json.loads(dark["evidence"])
    assert (evidence["meters_silent"], evidence["meters_known"]) == (4, 6)
    assert evidence["homes_first"] == ["home-4"]
    assert evidence["homes_first_why"] == ["conditions"]
    assert evidence["homes_others"] == ["home-1", "home-2", "home-3", "home-5"]
    [task] = bench.rows(TASK)
    assert (task["alarm"], task["due_at_ms"] - task["created_at_ms"]) == (dark["id"], 45 * 60_000)
    # The repair alarms of the meters, after their 45 minutes, and a doubt about a person.
    bench.restart()
    bench.later(50 * MINUTE_MS)
    broken = bench.rows(ALARM, kind="device_fault")
    assert [(a["home"], a["held_by"]) for a in broken] == [
        (f"home-{n}", dark["id"]) for n in (1, 2, 3, 5)
    ]
    silent = bench.find("home-2", "no_sign_of_life")
    bench.urgent("button-2", "sos", action="press")
    [call] = bench.rows(ALARM, kind="sos")
    assert {t["alarm"] for t in bench.rows(TASK)} == {dark["id"], call["id"]}
    # Light: the meters' alarms end with their cause, and the doubt waits half an hour more.
    bench.restart()
    for n in (1, 2, 3, 5):
        bench.reading(f"meter-{n}", "device_health", {}, recovered="no_answer")
    bench.later(1000)
    assert bench.rows(ALARM, id=dark["id"])[0]["outcome"] == "recovered"
    assert {a["state"] for a in bench.rows(ALARM, kind="device_fault")} == {"closed"}
    bench.later(LIGHT_GRACE_MS - MINUTE_MS)
    assert silent not in {t["alarm"] for t in bench.rows(TASK)}
    bench.restart()
    bench.later(MINUTE_MS)
    assert silent in {t["alarm"] for t in bench.rows(TASK)}
    assert bench.facts(silent) == ["raised", "held", "hold_ends", "released"]
    repairs = {a["id"] for a in broken}
    assert not repairs & {t["alarm"] for t in bench.rows(TASK)}


def test_away_is_ended_by_a_movement_and_by_nothing_else(bench: Bench) -> None:
    bench.away("home-3")
    bench.later(DAY_MS)
    silent = bench.find("home-3", "no_sign_of_life")
    assert (bench.rows(ALARM, id=silent)[0]["held_by"], bench.rows(TASK)) == ("stay-1", [])
    bench.reading("motion-2", "motion", {"active": 1})  # next door
    bench.restart()
    bench.later(1000)
    assert bench.rows(STAY)[0]["ended_at_ms"] is None
    bench.reading("motion-3", "motion", {"active": 1})
    [stay] = bench.rows(STAY)
    assert (stay["ended_how"], stay["ended_at_ms"]) == ("activity", bench.clock.at_ms)
    assert bench.facts("stay-1") == ["set", "ended"]
    assert bench.rows(ALARM, kind="back_early") == []
    # Nothing cleared the doubt: it is an alarm half an hour later.
    bench.later(LIGHT_GRACE_MS)
    assert [t["alarm"] for t in bench.rows(TASK)] == [silent]


def test_a_stay_that_is_over_is_known_to_the_rules_after_a_restart(bench: Bench) -> None:
    bench.away("home-3")
    bench.later(DAY_MS)
    [before] = [v for v in bench.hub.batch.engine.view("home-3", 0) if v.rule == "back_early"]
    bench.restart()
    bench.later(5 * DAY_MS)
    [after] = [v for v in bench.hub.batch.engine.view("home-3", 0) if v.rule == "back_early"]
    assert (before.state, after.state) == ("away", "quiet")
    assert bench.rows(STAY)[0]["ended_how"] == "until"
    bench.reading("motion-3", "motion", {"active": 1})
    assert bench.facts("stay-1") == ["set", "ended"]


def test_what_was_told_of_a_stay_and_not_kept_is_told_again(bench: Bench) -> None:
    """The store failed after the rules had heard of it: they are as of the last commit."""
    bench.away("home-3", tick=False)
    bench.hub.batch.begin()
    bench.hub.batch.reload()
    bench.later(1000)
    [view] = [v for v in bench.hub.batch.engine.view("home-3", 0) if v.rule == "back_early"]
    assert view.state == "away"
