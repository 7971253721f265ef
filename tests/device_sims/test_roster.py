"""The simulated county's homes, and the configuration files they lead to."""

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from device_sims.devices.ble_cuff import cuff_model
from device_sims.registry import SIMULATED
from device_sims.roster import (
    GatewayPlaces,
    gateway_toml,
    homes_toml,
    households,
    zigbee_base,
)
from gateway.config import load as load_gateway
from ledger.roster import parse

PLACES = GatewayPlaces(
    host="127.0.0.1",
    port=1883,
    username="hearthwatch",
    password_file=Path("password"),
    protocol="5",
    data_dir=Path("data"),
    line_dir=Path("lines"),
    clock_plan=Path("clock.json"),
)


def test_twenty_four_homes_in_three_villages() -> None:
    homes = households(24, 1)
    assert Counter(h.gateway for h in homes) == {"gw-0001": 8, "gw-0002": 8, "gw-0003": 8}
    assert len({h.village for h in homes}) == 3
    fitted = Counter(d.model for h in homes for d in h.devices)
    assert fitted["meter"] == 24
    assert fitted["rf-button"] == fitted["zigbee-button"] == 12
    assert set(fitted) == set(SIMULATED)
    assert {h.register_kwh for h in homes} == {0.01, 0.1}


def test_people_are_invented_but_likely() -> None:
    homes = households(500, 1)
    assert all(68 <= 2026 - int(h.born[:4]) <= 93 for h in homes)
    assert all(h.phone.startswith("1380000") and len(h.phone) == 11 for h in homes)
    assert all(h.contact_phone.startswith("1390000") for h in homes)
    assert len({h.name for h in homes}) > 150
    in_care = [h for h in homes if h.category in ("失能", "重残")]
    assert in_care
    assert all(h.grade in ("中度", "重度", "完全") for h in in_care)
    assert all(h.grade in ("完好", "轻度") for h in homes if h not in in_care)
    assert {cuff_model(h.seed).kpa for h in homes} == {True, False}
    assert {cuff_model(h.seed).stamps_time for h in homes} == {True, False}
    assert all("糖尿病" in h.conditions for h in homes if h.fitted("glucometer"))


def test_same_seed_same_people_other_seed_others() -> None:
    assert households(50, 1) == households(50, 1)
    assert households(50, 1) == households(60, 1)[:50], "more homes leave the others alone"
    assert [h.name for h in households(50, 1)] != [h.name for h in households(50, 2)]


@pytest.mark.parametrize("count", [1, 24, 1000])
def test_the_hub_takes_the_roster(count: int) -> None:
    roster = parse(homes_toml(households(count, 1)))
    assert len(roster.homes) == len(roster.persons) == count
    assert len(roster.gateways) == (count + 7) // 8
    assert len({g["name"] for g in roster.gateways}) == len(roster.gateways)


def test_ten_thousand_homes_keep_their_names_apart() -> None:
    homes = households(10_001, 1)
    for names in (
        [h.home for h in homes],
        [h.seed for h in homes],
        [d.address for h in homes for d in h.devices if d.model == "meter"],
        [d.address for h in homes for d in h.devices if d.model == "rf-button"],
    ):
        assert len(set(names)) == len(names)
    assert all(len(d.address) == 5 for h in homes for d in h.devices if d.model == "rf-button")


@pytest.mark.parametrize("gateway", ["gw-0001", "gw-0002", "gw-0003"])
def test_the_gateway_takes_its_configuration(tmp_path: Path, gateway: str) -> None:
    homes = households(24, 1)
    (tmp_path / "password").write_text("secret")
    (tmp_path / "gateway.toml").write_text(gateway_toml(gateway, homes, PLACES))
    config = load_gateway(tmp_path / "gateway.toml")
    assert config.gateway == gateway
    document = tomllib.loads((tmp_path / "gateway.toml").read_text())
    meters = document["serial"][0]["config"]["meters"]
    buttons = document["serial"][1]["config"]["buttons"]
    mine = [h for h in homes if h.gateway == gateway]
    assert [m["device"] for m in meters] == [f"meter-{h.home[5:]}" for h in mine]
    assert len(buttons) == 4
    assert document["mqtt"][0]["config"]["base_topic"] == zigbee_base(gateway)
