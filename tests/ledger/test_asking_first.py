"""Asking first from end to end in one process: finding, command in the outbox, the elder's reading,
closed; no answer, task; a call meanwhile. On both databases."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from contract.codec import decode_command
from contract.item import Item
from contract.moment import to_iso
from hearthwatch import hub as hub_module
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.embedded_broker import free_port
from hearthwatch.hub import Hub
from hearthwatch.hub_config import HttpConfig, HubConfig
from ingest import wire
from ingest.urgent_lane import decode_message
from ledger.place import Place, SqliteBook
from ledger.schema import ALARM, DEVICE, ENTRY, OUTBOX, TASK
from rules.config import default_rules
from rules.finding import Finding, episode_id
from rules.signs import LifeReason, Signs
from tests.adapters.hub_bench import ROSTER, Clock
from tests.adapters.processes import until

ASKS_MS = 300_000
WELL = """
[[home.device]]
gateway = "gw-1"
device = "well-1"
kind = "presence"
"""


class Bench:
    """A hub without its broker; its lanes are handed what would have come."""

    def __init__(self, folder: Path, book: Place) -> None:
        self.folder, self.book = folder, book
        (folder / "homes.toml").write_text(ROSTER + WELL)
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

    def reading(self, device: str, kind: str, values, **attrs) -> None:
        payload = self.envelope("telemetry", device, kind, values, **attrs)
        self.hub.batch.begin()
        self.hub.batch.take(wire.decode(payload, "gw-1"))
        self.hub.batch.commit()

    def well(self, *, asks: bool = True) -> None:
        self.reading("well-1", "presence", {"present": 1}, action="well", asks=asks)

    def press(self) -> None:
        payload = self.envelope("activation", "button-1", "sos", {}, action="press")
        decoded = decode_message(b"hw/v1/gw-1/activation", payload)
        self.change(lambda unit: self.hub.urgent._take_all(unit, [decoded]))

    def online(self) -> None:
        self.change(lambda unit: self.hub.presence.gateway_online(unit, "gw-1", online=True))

    def silence(self) -> str:
        """As the rule would find it, in the lane's own transaction."""
        at_ms = self.clock.at_ms
        found = Finding(
            episode=episode_id("home-1", "no_sign_of_life", str(at_ms)),
            home="home-1",
            rule="no_sign_of_life",
            kind="no_sign_of_life",
            severity="urgent",
            phase="raised",
            reason="no_activity",
            raised_at_ms=at_ms,
            at_ms=at_ms,
        )
        return self.change(lambda unit: self.hub.book.take(unit, found, gateway="gw-1"))

    def later(self, ms: int) -> None:
        self.clock.at_ms += ms
        while self.change(self.hub.book.fire_due):
            continue

    def rows(self, table, **where) -> list[dict]:
        wanted = select(table).where(*(table.c[name] == value for name, value in where.items()))
        with self.hub.reader.connect() as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    def facts(self, alarm: str) -> list[str]:
        entries = self.rows(ENTRY, topic="alarm", subject=alarm)
        return [e["fact"] for e in entries if e["fact"] != "nobody_told"]

    def commands(self) -> list[tuple[str, str, dict]]:
        """State, device and args of what goes to the gateway, in the order of its making."""
        rows = sorted(self.rows(OUTBOX), key=lambda row: (row["created_at_ms"], row["id"]))
        found = [(row["state"], decode_command(row["body"].encode())) for row in rows]
        return [(s, c.device or "", dict(c.args)) for s, c in found if c.command == "ask"]


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    book: Place = SqliteBook(path=tmp_path / "hub" / "hub.db")
    if request.param == "postgres":
        book = request.getfixturevalue("postgres").fresh()
    made = Bench(tmp_path, book)
    yield made
    made.hub.close()


def fitted(bench: Bench) -> None:
    """The installer has pressed the key once; weeks ago."""
    bench.online()
    bench.well()
    bench.clock.at_ms += 86_400_000


def test_one_press_while_fitting_makes_a_home_askable(bench: Bench) -> None:
    bench.online()
    assert not bench.rows(DEVICE, device="well-1")[0]["asks"]
    before = bench.silence()
    assert bench.rows(ALARM, id=before)[0]["ask_until_ms"] is None
    bench.well()
    assert bench.rows(DEVICE, device="well-1")[0]["asks"]
    bench.well(asks=False)  # the loudspeaker was taken away
    assert not bench.rows(DEVICE, device="well-1")[0]["asks"]
    facts = [e["fact"] for e in bench.rows(ENTRY, topic="device", subject="gw-1/well-1")]
    assert facts == ["asks_began", "asks_ended"]


def test_asked_answered_closed_over_a_restart(bench: Bench) -> None:
    fitted(bench)
    alarm = bench.silence()
    [(state, device, args)] = bench.commands()
    assert (state, device) == ("pending", "well-1")
    until = to_iso(bench.clock.at_ms + ASKS_MS)
    assert args == {
        "alarm": alarm,
        "until": until,
        "for_s": 300,
        "devices": "button-1,well-1",
    }
    assert bench.rows(TASK) == []
    bench.restart()
    bench.later(60_000)
    bench.well()
    [row] = bench.rows(ALARM)
    assert (row["state"], row["outcome"], row["answer"]) == ("closed", "answered_well", "well")
    assert bench.facts(alarm) == ["raised", "asked", "answered_well", "closed"]
    dropped, taken_back = bench.commands()
    assert dropped[0] == "dead"
    assert (taken_back[0], taken_back[1], taken_back[2]["for_s"]) == ("pending", "well-1", 0)
    bench.later(ASKS_MS * 10)
    assert bench.rows(TASK) == []


def test_no_answer_sends_somebody_after_a_restart_too(bench: Bench) -> None:
    fitted(bench)
    alarm = bench.silence()
    bench.restart()
    bench.later(ASKS_MS - 1)
    assert bench.rows(TASK) == []
    bench.restart()
    bench.later(1)
    [task] = bench.rows(TASK)
    assert (task["alarm"], task["kind"], task["state"]) == (alarm, "emergency", "open")
    assert bench.facts(alarm) == ["raised", "asked", "not_answered"]
    assert bench.rows(ALARM)[0]["answer"] == "none"


async def test_a_running_hub_ends_a_question_by_itself(tmp_path: Path, monkeypatch) -> None:
    """Also without its broker."""
    monkeypatch.setattr(hub_module, "DUE_S", 0)
    bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"))
    fitted(bench)
    bench.silence()
    stop = asyncio.Event()
    running = asyncio.create_task(bench.hub.run(stop, lambda: None))
    bench.clock.at_ms += ASKS_MS
    try:
        await until(lambda: len(bench.rows(TASK)) == 1, "somebody is sent")
    finally:
        stop.set()
        await running


def test_a_call_meanwhile_is_a_call_and_ends_the_question(bench: Bench) -> None:
    fitted(bench)
    soft = bench.silence()
    bench.press()
    [call] = bench.rows(ALARM, kind="sos")
    assert (call["state"], call["home"]) == ("open", "home-1")
    assert {task["alarm"] for task in bench.rows(TASK)} == {call["id"], soft}
    assert bench.facts(soft) == ["raised", "asked", "answered_help"]


def test_a_gateway_that_is_away_is_not_waited_for(bench: Bench) -> None:
    fitted(bench)
    bench.change(lambda unit: bench.hub.presence.gateway_online(unit, "gw-1", online=False))
    bench.silence()
    assert (len(bench.rows(TASK)), bench.commands()) == (1, [])


def test_a_well_is_a_sign_of_life_and_an_unchanged_sensor_is_none() -> None:
    """An older hub has only the second half: to it a button that always says 1 never changes."""

    def seen(signs: Signs, **attrs) -> LifeReason | None:
        return signs.read(
            Item(
                id="i",
                seq=1,
                device="well-1",
                kind="presence",
                measured_at_ms=1,
                received_at_ms=1,
                values={"present": 1.0},
                attrs=attrs,
            )
        )

    signs = Signs()
    assert [seen(signs, action="well") for _ in range(2)] == [LifeReason.SAID_WELL] * 2
    assert [seen(signs), seen(signs)] == [None, None]
