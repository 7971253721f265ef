"""A person's COPD from the register to the alarm: live, after a restart, and overruled by hand."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.moment import to_iso
from ingest.urgent_lane import decode_message
from ledger.place import SqliteBook
from ledger.rule_settings import NewSetting
from ledger.schema import ALARM
from tests.adapters.hub_bench import NOW_MS, ROSTER, Bench

MINUTE_MS = 60_000
ELDER = f"""{ROSTER}
[[home.device]]
gateway = "gw-1"
device = "oximeter-1"
kind = "oximetry"
[[home.person]]
id = "person-1"
name = "赵德福"
conditions = ["慢阻肺"]
"""
COPD, NOBODY = '["慢阻肺"]', "[]"


class Breath(Bench):
    """A person who measures twice, half a minute apart."""

    seq = 0

    def batch(self, apply) -> None:
        self.hub.batch.begin()
        apply(self.hub.batch)
        self.hub.batch.commit()

    def measure(self, percent: float) -> None:
        for _ in range(2):
            self.clock.at_ms += MINUTE_MS // 2
            self.seq += 1
            item = {
                "id": f"spo2-{self.seq}",
                "seq": self.seq,
                "device": "oximeter-1",
                "kind": "oximetry",
                "measured_at": to_iso(self.clock.at_ms),
                "received_at": to_iso(self.clock.at_ms),
                "values": {"spo2_pct": percent},
                "attrs": {"mode": "spot"},
            }
            envelope = {"v": 1, "gateway": "gw-1", "spool": "spool-1", "items": [item]}
            envelope |= {"sent_at": to_iso(NOW_MS), "clock": "synced"}
            decoded = decode_message(b"hw/v1/gw-1/telemetry", json.dumps(envelope).encode())
            self.batch(lambda batch, decoded=decoded: batch.take(decoded))

    def conditions(self, text: str) -> None:
        """As the page of the register changes them."""

        def apply(unit) -> None:
            unit.execute("UPDATE service_user SET conditions = ?", (text,))
            self.hub.roster_changed(unit)

        self.change(apply)

    def set_by_hand(self, **params) -> None:
        new = NewSetting(
            actor="boss",
            rule="oximetry",
            scope="person:person-1",
            mode=None,
            params=params,
            reason="医生建议",
            signed_off_by="",
            signed_off_on="",
        )
        self.change(lambda unit: self.hub.side.change_rule(unit, new))

    def restart(self) -> None:
        at_ms = self.clock.at_ms
        self.hub.close()
        self.open()
        self.clock.at_ms = at_ms

    def low(self) -> list[dict]:
        return [row for row in self.rows(ALARM) if row["rule"] == "oximetry"]

    def profile(self) -> object:
        views = self.hub.batch.engine.view("home-1", self.clock.at_ms)
        view = next(view for view in views if view.rule == "oximetry")
        return view.explanation.get("limits_profile")


@pytest.fixture
def elder(tmp_path: Path) -> Iterator[Breath]:
    elder = Breath(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"), ELDER)
    yield elder
    elder.hub.close()


def test_eighty_eight_is_usual_for_who_has_copd_by_the_file(elder) -> None:
    elder.measure(88)
    assert elder.low() == []
    assert elder.profile() == "copd_by_file"
    elder.restart()
    elder.measure(88)
    assert elder.low() == []
    assert elder.profile() == "copd_by_file"
    elder.measure(80)
    (alarm,) = elder.low()
    evidence = json.loads(alarm["evidence"])
    assert (alarm["severity"], evidence["limit_spo2_pct"]) == ("urgent", 83.0)
    assert evidence["limits_profile"] == "copd_by_file"


def test_the_register_is_followed_while_the_hub_runs(elder) -> None:
    elder.conditions(NOBODY)
    elder.measure(88)
    (alarm,) = elder.low()
    assert json.loads(alarm["evidence"])["limit_spo2_pct"] == 91.0
    assert elder.profile() is None
    elder.conditions(COPD)
    elder.measure(90)
    assert elder.low()[0]["cleared_at_ms"] is not None


def test_an_unclear_file_is_told_and_changes_nothing(elder) -> None:
    elder.conditions('["疑似慢阻肺"]')
    elder.measure(88)
    assert len(elder.low()) == 1
    assert elder.profile() == "copd_unclear"


def test_a_setting_of_the_person_goes_before_the_file(elder) -> None:
    elder.set_by_hand(copd_by_file=False)
    elder.measure(88)
    (alarm,) = elder.low()
    assert json.loads(alarm["evidence"])["limit_spo2_pct"] == 91.0
    elder.conditions(NOBODY)
    elder.set_by_hand(copd_users=["*"])
    elder.measure(90)
    assert elder.profile() == "copd_by_hand"
    assert elder.low()[0]["cleared_at_ms"] is not None
