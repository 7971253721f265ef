"""Tasmota: phases, topics, the radio bridge, buttons."""

import json

import pytest

from contract.config import ConfigError
from gateway.driver import Decoded, Undecodable
from gateway.registry import DRIVERS

NOW = 1_795_392_309_000
RADIO = {"radio_buttons": [{"id": "7028d", "device": "button-1", "keys": {"4": "hold"}}]}


def says(driver, topic, document, now_ms=NOW):
    outcomes = driver.decode(topic, json.dumps(document).encode(), now_ms)
    return [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]


def build(**config):
    return DRIVERS["tasmota"].build(config)


def heard(code):
    return {"RfReceived": {"Sync": 1, "Low": 1, "High": 1, "Data": code}}


def test_a_bound_transmitter_a_stranger_and_repeats() -> None:
    driver = build(**RADIO)
    topic = "tele/bridge/RESULT"
    [bound] = says(driver, topic, heard("7028D4"))
    assert (bound.device, bound.kind, bound.attrs["action"]) == ("button-1", "sos", "hold")
    assert says(driver, topic, heard("7028D4"), NOW + 300) == []
    [other_key] = says(driver, topic, heard("7028D8"), NOW + 300)
    assert other_key.attrs["action"] == "press"
    assert len(says(driver, topic, heard("7028D4"), NOW + 5000)) == 1
    [stranger] = says(driver, topic, heard("ABCDE1"))
    assert (stranger.device, stranger.attrs["unauthenticated_radio"]) == ("ev1527-abcde", True)


@pytest.mark.parametrize("code", ["7028D", "XYZXYZ", "", None, 7])
def test_a_code_that_is_none_is_refused(code) -> None:
    [outcome] = build().decode("tele/b/RESULT", json.dumps(heard(code)).encode(), NOW)
    assert isinstance(outcome, Undecodable)
    assert outcome.code == "not_rf_received"


def test_phases() -> None:
    meter = {"Total": [1.5, 2, 3], "Power": [-1, 2, 3], "Current": [1, 5, 2], "Voltage": [230, 231]}
    [power] = says(build(), "tele/m/SENSOR", {"ENERGY": meter})
    assert power.values == {"energy_kwh": 6.5, "power_w": 4, "current_a": 5, "voltage_v": 230}
    assert power.attrs["voltage_b_v"] == 231


def test_a_phase_without_its_value_gives_no_wrong_sum() -> None:
    [power] = says(build(), "tele/m/SENSOR", {"ENERGY": {"Power": [1, None, 3], "Total": 7}})
    assert power.values["energy_kwh"] == 7
    assert power.values["power_w"] != 4


def test_a_meter_of_no_phases_measures_nothing() -> None:
    meter = {"Total": [], "Power": [], "Current": [], "Voltage": []}
    assert says(build(), "tele/m/SENSOR", {"ENERGY": meter}) == []


def test_fahrenheit_and_two_sensors_in_two_places() -> None:
    document = {"A": {"Temperature": 68}, "B": {"Temperature": 50}, "TempUnit": "F"}
    first, second = says(build(), "tele/m/SENSOR", document)
    assert (first.device, first.values) == ("m", {"temperature_c": 20})
    assert (second.device, second.values) == ("m-B", {"temperature_c": 10})


def test_a_full_topic_of_their_own() -> None:
    driver = build(full_topic="home/%topic%/%prefix%/")
    assert driver.subscriptions() == ["home/+/tele/+", "home/+/stat/+"]
    [power] = says(driver, "home/plug/tele/SENSOR", {"ENERGY": {"Power": 5}})
    assert power.device == "plug"
    [refused] = driver.decode("tele/plug/SENSOR", b"{}", NOW)
    assert isinstance(refused, Undecodable)


def test_only_a_named_button_calls() -> None:
    driver = build(call_buttons=["wall"])
    pressed = {"Button1": {"Action": "SINGLE"}}
    assert [m.kind for m in says(driver, "stat/wall/RESULT", pressed)] == ["sos"]
    assert says(driver, "stat/lamp/RESULT", pressed) == []
    assert says(driver, "stat/wall/RESULT", {"Button1": {"Action": "CLEAR"}}) == []
    assert says(driver, "stat/wall/RESULT", {"POWER": "ON"}) == []


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"full_topic": "%topic%/"}, "full_topic"),
        ({"radio_buttons": [{"id": "12", "device": "a"}]}, "id"),
        ({"radio_buttons": [{"id": "12345", "device": "a b"}]}, "device"),
        ({"radio_button": []}, "radio_buttons"),
    ],
)
def test_mistakes_in_the_configuration_name_their_key(config, key) -> None:
    with pytest.raises(ConfigError, match=key):
        build(**config)
