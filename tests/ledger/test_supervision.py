"""A device's trouble from the wire to its repair task and back, on SQLite and on PostgreSQL."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Integer, MetaData, create_engine, select

from contract.envelope import DeviceStatus, Status
from contract.moment import to_iso
from ingest.urgent_lane import decode_message
from ledger import database
from ledger.place import Place, SqliteBook
from ledger.schema import ALARM, DEVICE, ENTRY, TASK
from tests.adapters.hub_bench import NOW_MS, ROSTER, Bench
from tests.adapters.postgres import Postgres

MINUTE_MS, HOUR_MS = 60_000, 3_600_000

SUPERVISED = f"""{ROSTER}
expected_interval_s = 3600
[[home.device]]
gateway = "gw-1"
device = "meter-1"
kind = "power"
"""


class Supervised(Bench):
    """The hub of the bench with time that passes, and a gateway that is heard or not."""

    seq = 0

    def batch(self, apply) -> None:
        batch = self.hub.batch
        batch.begin()
        apply(batch)
        batch.commit()

    def heartbeat(self, *, mains: bool | None = None, **seen_ms: int) -> None:
        devices = [
            DeviceStatus(device=name.replace("_", "-"), last_seen_at_ms=at, battery_pct=None)
            for name, at in seen_ms.items()
        ]
        status = Status(gateway="gw-1", online=True, mains=mains, devices=devices)
        self.batch(lambda batch: batch.status(status))

    def pass_time(self, minutes: int, *, mains: bool | None = None, **seen_ms: int) -> None:
        """With a heartbeat every five minutes; last seen 0 is just now."""
        for _ in range(0, minutes, 5):
            self.clock.at_ms += 5 * MINUTE_MS
            now_ms = self.clock.at_ms
            self.heartbeat(mains=mains, **{name: at or now_ms for name, at in seen_ms.items()})

    def says(
        self, device: str, kind: str = "device_health", values=None, at_ms=None, **attrs
    ) -> None:
        """A reading, or with a fault or a press an activation that then reaches the rules."""
        at_ms = self.clock.at_ms if at_ms is None else at_ms
        type(self).seq += 1
        urgent = kind != "device_health" or "fault" in attrs
        item = {
            "id": f"word-{self.seq}",
            "seq": self.seq,
            "device": device,
            "kind": kind,
            "measured_at": to_iso(at_ms),
            "received_at": to_iso(at_ms),
            "values": values or {},
            "attrs": attrs,
        }
        envelope = {"v": 1, "gateway": "gw-1", "spool": f"spool-{urgent}", "items": [item]}
        payload = json.dumps({**envelope, "sent_at": to_iso(NOW_MS), "clock": "synced"}).encode()
        if urgent:
            committed = self.deliver(payload)
            self.batch(lambda batch: [batch.note_activation(s) for s in committed.stored])
        else:
            decoded = decode_message(b"hw/v1/gw-1/telemetry", payload)
            self.batch(lambda batch: batch.take(decoded))

    def tick(self, minutes: int) -> None:
        self.clock.at_ms += minutes * MINUTE_MS
        self.batch(lambda _batch: None)

    def alarms(self, kind: str) -> list[dict]:
        rows = sorted(self.rows(ALARM), key=lambda row: row["number"])
        return [row for row in rows if row["kind"] == kind]

    def facts(self, subject: str) -> list[tuple[str, str]]:
        entries = sorted(self.rows(ENTRY), key=lambda row: row["seq"])
        return [(r["fact"], r["reason"]) for r in entries if r["subject"] == subject]

    def device(self, name: str) -> dict:
        self.change(self.hub.side.flush)
        (row,) = [row for row in self.rows(DEVICE) if row["device"] == name]
        return row


@pytest.fixture(params=["sqlite", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Supervised]:
    book: Place = SqliteBook(path=tmp_path / "hub" / "hub.db")
    if request.param == "postgres":
        book = request.getfixturevalue("postgres").fresh()
    home = Supervised(tmp_path, book, SUPERVISED)
    yield home
    home.hub.close()


def test_a_silent_button_from_the_heartbeat_to_the_repair_and_back(home: Supervised) -> None:
    home.heartbeat(button_1=1, meter_1=1)
    home.pass_time(55, button_1=1, meter_1=0)
    assert home.alarms("device_silent") == []
    home.pass_time(5, button_1=1, meter_1=0)
    (alarm,) = home.alarms("device_silent")
    (task,) = home.rows(TASK)
    assert (alarm["subject"], alarm["part"]) == ("home-1", "gw-1/button-1")
    assert (alarm["gateway"], alarm["device"], alarm["region"]) == ("gw-1", "button-1", "1")
    assert (alarm["severity"], alarm["reason"]) == ("technical", "not_heard")
    assert (task["kind"], task["home"], task["id"]) == ("repair", "home-1", alarm["task"])
    assert task["due_at_ms"] == home.clock.at_ms + 2 * HOUR_MS
    # Restarts in between: the timer is in the rule's state.
    home.hub.close()
    moment_ms = home.clock.at_ms
    home.open()
    home.clock.at_ms = moment_ms
    home.pass_time(115, button_1=1, meter_1=0)
    assert home.alarms("device_silent")[0]["severity"] == "technical"
    home.pass_time(10, button_1=1, meter_1=0)
    (alarm,) = home.alarms("device_silent")
    assert (alarm["severity"], alarm["event_count"], alarm["state"]) == ("watch", 2, "open")
    assert len(home.rows(TASK)) == 1
    home.says("button-1", "sos", action="test")
    (alarm,) = home.alarms("device_silent")
    assert (alarm["state"], alarm["outcome"]) == ("closed", "recovered")
    assert [row["state"] for row in home.rows(TASK)] == ["cancelled"]
    assert home.facts(task["id"]) == [("created", "not_heard"), ("cancelled", "recovered")]
    facts = [fact for fact, _reason in home.facts(alarm["id"])]
    assert facts == ["raised", "worsened", "cleared", "closed"]


def test_while_the_gateway_is_away_nothing_is_judged(home: Supervised) -> None:
    home.heartbeat(button_1=1, meter_1=0)
    home.pass_time(50, button_1=1, meter_1=0)
    home.tick(3 * 24 * 60)
    assert home.alarms("device_silent") == []
    home.heartbeat(button_1=1, meter_1=0)
    assert home.alarms("device_silent") == []
    home.pass_time(10, button_1=1, meter_1=0)
    assert [a["device"] for a in home.alarms("device_silent")] == ["button-1"]


def test_a_fault_and_its_recovery_come_by_two_lanes(home: Supervised) -> None:
    home.says("meter-1", fault="no_answer")
    assert home.device("meter-1")["fault"] == "no_answer"
    home.tick(44)
    assert home.alarms("device_fault") == []
    home.tick(1)
    (alarm,) = home.alarms("device_fault")
    assert (alarm["reason"], alarm["part"], alarm["state"]) == ("no_answer", "gw-1/meter-1", "open")
    home.says("meter-1", recovered="battery_low")
    assert home.device("meter-1")["fault"] == "no_answer"
    home.says("meter-1", recovered="no_answer")
    assert home.device("meter-1")["fault"] is None
    assert home.alarms("device_fault")[0]["state"] == "closed"


def test_a_short_blackout_sends_nobody(home: Supervised) -> None:
    home.says("meter-1", values={"mains": 0})
    home.tick(10)
    home.says("meter-1", values={"mains": 1})
    home.tick(24 * 60)
    assert home.alarms("device_fault") == []
    assert home.device("meter-1")["mains"] in (True, 1)


def test_a_gateway_on_its_battery(home: Supervised) -> None:
    home.heartbeat(mains=False)
    home.pass_time(5, mains=False)
    (alarm,) = home.alarms("device_fault")
    assert (alarm["subject"], alarm["reason"]) == ("gateway:gw-1", "mains_lost")
    assert (alarm["home"], alarm["gateway"], alarm["part"]) == (None, "gw-1", "gw-1/gw-1")
    assert home.rows(TASK)[0]["due_at_ms"] == home.clock.at_ms + 2 * HOUR_MS
    home.heartbeat(mains=True)
    assert home.alarms("device_fault")[0]["state"] == "closed"


def test_devices_of_one_home_have_an_alarm_each(home: Supervised) -> None:
    home.says("button-1", values={"battery_pct": 9})
    home.says("meter-1", values={"battery_pct": 9})
    assert [a["part"] for a in home.alarms("low_battery")] == ["gw-1/button-1", "gw-1/meter-1"]
    home.says("button-1", values={"battery_pct": 100})
    assert [a["state"] for a in home.alarms("low_battery")] == ["closed", "open"]


def test_a_device_that_nobody_has_claimed_is_its_gateways(home: Supervised) -> None:
    home.says("gsm-modem", fault="sim_missing")
    home.tick(46)
    (alarm,) = home.alarms("device_fault")
    assert (alarm["subject"], alarm["part"]) == ("gateway:gw-1", "gw-1/gsm-modem")

    def bind(unit) -> None:
        unit.execute('UPDATE "device" SET home = ? WHERE device = ?', ("home-1", "gsm-modem"))
        home.hub.roster_changed(unit)

    home.change(bind)
    home.tick(0)
    (alarm,) = home.alarms("device_fault")
    assert (alarm["state"], alarm["outcome"]) == ("closed", "recovered")


def test_what_a_button_shows_by_itself_is_kept(home: Supervised) -> None:
    home.says("button-1", values={"battery_pct": 90})
    home.tick(61)
    assert home.device("button-1")["reports_itself"] in (False, 0)
    home.says("button-1", values={"battery_pct": 90})
    assert home.device("button-1")["reports_itself"] in (True, 1)


def test_presses_and_tampering_are_remembered(home: Supervised) -> None:
    home.says("button-1", "sos", action="press")
    assert home.device("button-1")["tested_at_ms"] == home.clock.at_ms
    home.says("button-1", "tamper", action="press")
    assert home.device("button-1")["tampered_at_ms"] == home.clock.at_ms
    home.says("button-1", "tamper", action="clear")
    assert home.device("button-1")["tampered_at_ms"] is None


def test_a_press_of_a_backlog_is_no_newer_test(home: Supervised) -> None:
    home.says("button-1", "sos", action="press")
    home.change(home.hub.presence.flush)
    tested_ms = home.clock.at_ms
    home.says("button-1", "sos", at_ms=tested_ms - 86_400_000, action="press")
    home.change(home.hub.presence.flush)
    assert home.device("button-1")["tested_at_ms"] == tested_ms


def test_settings_of_the_page_survive_the_roster(home: Supervised) -> None:
    def change(unit) -> None:
        unit.execute(
            'UPDATE "device" SET test_interval_s = 0, expected_interval_s = 7200 WHERE device = ?',
            ("button-1",),
        )

    home.change(change)
    home.hub.close()
    home.open()
    row = home.device("button-1")
    # What homes.toml names is as it says; what it leaves out stays.
    assert (row["expected_interval_s"], row["test_interval_s"]) == (3600, 0)


DEVICE_OF_OLD = {"model": "", "last_seen_ms": 7, "fault": "no_data"}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_older_book_keeps_what_it_has(kind: str, tmp_path: Path, request) -> None:
    book: Place = SqliteBook(path=tmp_path / "hub.db")
    url = database.sqlite_url(tmp_path / "hub.db")
    if kind == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        book = postgres.empty()
        url = book._sqlalchemy()
    engine = create_engine(url)
    with engine.begin() as connection:
        database.upgrade(connection, "0001")
        old = MetaData()
        old.reflect(connection)
        connection.execute(
            old.tables["gateway"].insert(),
            {"id": "g", "name": "a", "online": False, "status": "{}"},
        )
        connection.execute(
            old.tables["device"].insert(),
            {**DEVICE_OF_OLD, "gateway": "g", "device": "d", "kind": "sos", "label": "bed"},
        )
        alarm = old.tables["alarm"]
        assert "part" not in alarm.columns
        row = {c.name: 1 if isinstance(c.type, Integer) else "x" for c in alarm.columns}
        connection.execute(alarm.insert(), row)
        connection.execute(alarm.insert(), {**row, "id": "y", "number": 2})
        for subject, fact, at_ms in (("x", "worsened", 5), ("x", "raised", 9), ("y", "raised", 5)):
            entry = {"topic": "alarm", "subject": subject, "fact": fact, "at_ms": at_ms}
            more = {"actor": "system", "reason": "", "data": "{}"}
            connection.execute(old.tables["entry"].insert(), {**entry, **more})
    engine.dispose()
    book.migrate()
    reader = book.open_reader()
    with reader.connect() as connection:
        device = connection.execute(select(DEVICE)).mappings().one()
        alarm, other = connection.execute(select(ALARM).order_by(ALARM.c.id)).mappings().all()
    reader.dispose()
    assert (device["label"], device["last_seen_ms"], device["fault"]) == ("bed", 7, "no_data")
    assert (device["expected_interval_s"], bool(device["reports_itself"])) == (None, False)
    assert (alarm["id"], alarm["part"], alarm["rule"]) == ("x", "", "x")
    assert (alarm["worsened_at_ms"], other["worsened_at_ms"]) == (5, None)
