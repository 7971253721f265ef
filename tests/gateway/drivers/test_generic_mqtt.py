"""Devices by configuration alone: the example of CONTRIBUTING.md, and every mistake in one."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from contract.config import ConfigError
from gateway.config import load
from gateway.driver import Decoded, Undecodable
from gateway.registry import DRIVERS

NOW = 1_795_392_309_000
ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
SECTION = TEXT[TEXT.index("## A new device by TOML alone") :]
[EXAMPLE] = re.findall(r"```toml\n(.*?)```", SECTION, re.DOTALL)
CONFIG = tomllib.loads(EXAMPLE)["mqtt"][0]["config"]
HEAD = 'gateway = "gw-0001"\ndata_dir = "data"\n[uplink]\nhost = "hub.example"\n'


def says(driver, topic, document, *, retained=False):
    payload = document if isinstance(document, str) else json.dumps(document)
    decode = driver.decode_retained if retained else driver.decode
    outcomes = decode(topic, payload.encode(), NOW)
    return [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]


def build(config=CONFIG):
    return DRIVERS["generic-mqtt"].build(config)


def test_the_example_loads(tmp_path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(HEAD + EXAMPLE)
    [source] = load(path).sources
    assert source.spec.name == "generic-mqtt"


def test_the_example_reads_what_it_says() -> None:
    driver = build()
    sent = {"t": NOW / 1000 - 5, "meter": {"kw": [0.25], "wh": "1500"}}
    [power] = says(driver, "acme/m1/report", sent)
    assert (power.device, power.values) == ("m1", {"power_w": 250, "energy_kwh": 1.5})
    assert power.measured_at_ms == NOW - 5000
    [press] = says(driver, "acme/m1/button", "2")
    assert (press.kind, press.attrs["action"]) == ("sos", "hold")
    assert says(driver, "acme/m1/button", "0") == []
    assert says(driver, "acme/m1/button", "1", retained=True) == []
    [door] = says(driver, "hall/door", {"state": "OPEN"})
    assert (door.device, door.values) == ("door-0001", {"open": 1})
    [lost] = says(driver, "acme/m1/alive", "dead")
    assert lost.attrs["fault"] == "offline"


def rule(**changes):
    return {
        "messages": [
            {"topic": "{device}/x", "kind": "power", "values": [{"field": "power_w"}]} | changes
        ]
    }


def test_one_bad_value_does_not_take_the_others_with_it() -> None:
    values = [{"field": "power_w", "path": "p"}, {"field": "voltage_v", "path": "v"}]
    outcomes = build(rule(values=values)).decode("d/x", b'{"p": "much", "v": 230}', NOW)
    assert [type(o) for o in outcomes] == [Decoded, Undecodable]
    assert outcomes[0].measurements[0].values == {"voltage_v": 230}


def test_scale_offset_words_and_detectors() -> None:
    values = [{"field": "power_w", "scale": 2, "offset": 1, "words": {"idle": 0}}]
    driver = build(rule(values=values))
    assert [says(driver, "d/x", text)[0].values for text in ("3", "idle")] == [
        {"power_w": 7},
        {"power_w": 0},
    ]
    press = {"equals": [True, "wet"], "clear": [False]}
    leak = build(rule(kind="leak", values=[], press=press, topic="{device}/x"))
    actions = [m.attrs["action"] for t in ("wet", "true", "false") for m in says(leak, "d/x", t)]
    assert actions == ["press", "clear"]


@pytest.mark.parametrize(
    ("stamp", "at_ms"),
    [
        (NOW - 9000, NOW - 9000),
        (NOW / 1000 - 9, NOW - 9000),
        ("2026-11-23T08:05:00+08:00", 1_795_392_300_000),
        ("2001-01-01T00:00:00Z", NOW),
        ("yesterday", NOW),
    ],
)
def test_times(stamp, at_ms) -> None:
    driver = build(rule(time_path="t", values=[{"field": "power_w", "path": "p"}]))
    assert says(driver, "d/x", {"t": stamp, "p": 1})[0].measured_at_ms == at_ms


@pytest.mark.parametrize(
    ("config", "says_so"),
    [
        ({}, "messages: missing"),
        ({"message": []}, "did you mean 'messages'"),
        (rule(kind="powr"), r"messages\[1\].kind.*did you mean 'power'"),
        (rule(values=[{"field": "power"}]), r"values\[1\].field.*did you mean 'power_w'"),
        (rule(values=[{"field": "power_w", "unit": "kw"}]), "unit.*did you mean 'kW'"),
        (rule(values=[{"field": "power_w", "unit": "W", "scale": 2}]), "not both"),
        (rule(values=[{"field": "power_w", "path": "a..b"}]), "path"),
        (rule(values=[{"field": "power_w", "path": "a["}]), "path"),
        (rule(values=[]), "values: missing"),
        (rule(topic="a/b"), "device"),
        (rule(device="d"), "device"),
        (rule(topic="{device}/{device}"), "topic"),
        (rule(topic="{device}x/y"), "topic"),
        (rule(press={"equals": ["1"]}), "no press"),
        (rule(kind="sos"), "values: sos carries none"),
        (rule(kind="sos", values=[]), "needs press"),
        (rule(kind="sos", values=[], press={"clear": ["1"]}), "equals: missing"),
        (rule(kind="sos", values=[], press={"equals": ["1"], "hold": [1]}), "two meanings"),
    ],
)
def test_mistakes_in_the_configuration_name_their_key(config, says_so) -> None:
    with pytest.raises(ConfigError, match=says_so):
        build(config)
