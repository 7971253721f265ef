"""ESPHome: meanings from discovery or from the configuration, and what nobody has told."""

import json

import pytest

from contract.config import ConfigError
from gateway.driver import Decoded, Undecodable
from gateway.registry import DRIVERS

NOW = 1_795_392_309_000


def says(driver, topic, document, *, retained=False):
    payload = document if isinstance(document, str) else json.dumps(document)
    decode = driver.decode_retained if retained else driver.decode
    outcomes = decode(topic, payload.encode(), NOW)
    return [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]


def build(**config):
    return DRIVERS["esphome"].build(config)


@pytest.mark.parametrize(
    ("about", "text", "values"),
    [
        ({"dev_cla": "power", "unit_of_meas": "kW"}, "0.5", {"power_w": 500}),
        ({"dev_cla": "energy", "unit_of_meas": "Wh"}, "1500", {"energy_kwh": 1.5}),
        ({"device_class": "temperature", "unit_of_measurement": "°F"}, "68", {"temperature_c": 20}),
    ],
)
def test_discovery_says_what_a_value_is(about, text, values) -> None:
    driver = build()
    about = {**about, "~": "node/sensor", "stat_t": "~/x/state"}
    says(driver, "homeassistant/sensor/node/x/config", about, retained=True)
    [reading] = says(driver, "node/sensor/x/state", text)
    assert (reading.device, reading.values) == ("node", values)


def test_what_nobody_explained_is_listed_once_and_never_guessed() -> None:
    driver = build()
    [listed] = says(driver, "node/sensor/power/state", "7")
    assert (listed.device, listed.values, listed.attrs["unmapped"]) == ("node", {}, "power")
    assert says(driver, "node/sensor/power/state", "8") == []


def test_the_configuration_explains_too() -> None:
    driver = build(
        entities={"n/a": "power_w", "n/b": "smoke", "n/c": "battery", "n/d": "bed"},
        separate=["n"],
    )
    assert says(driver, "n/sensor/a/state", "7")[0].values == {"power_w": 7}
    smoke = says(driver, "n/binary_sensor/b/state", "ON")
    assert [(m.kind, m.device) for m in smoke] == [("smoke", "n-b")]
    assert says(driver, "n/binary_sensor/c/state", "ON")[0].attrs["fault"] == "battery_low"
    assert says(driver, "n/binary_sensor/d/state", "OFF")[0].values == {"occupied": 0}


@pytest.mark.parametrize("text", ["nan", "unknown", ""])
def test_no_value_is_no_reading(text) -> None:
    driver = build(entities={"n/a": "power_w"})
    [outcome] = driver.decode("n/sensor/a/state", text.encode(), NOW)
    assert isinstance(outcome, Decoded)
    assert not outcome.measurements


def test_presses() -> None:
    driver = build(call_buttons=["n/sos", "m"])
    assert [m.kind for m in says(driver, "n/binary_sensor/sos/state", "ON")] == ["sos"]
    assert says(driver, "n/binary_sensor/sos/state", "OFF") == []
    assert says(driver, "n/binary_sensor/sos/state", "ON", retained=True) == []
    [held] = says(driver, "m/event/b/state", {"event_type": "long_press"})
    assert held.attrs["action"] == "hold"
    assert says(driver, "m/event/b/state", {"event_type": "release"}) == []
    assert says(driver, "other/event/b/state", {"event_type": "single"}) == []


def test_a_prefix_and_other_peoples_topics() -> None:
    driver = build(topic_prefix="home/esp", entities={"n/a": "power_w"})
    assert says(driver, "home/esp/n/sensor/a/state", "7")[0].device == "n"
    [refused] = driver.decode("elsewhere", b"7", NOW)
    assert isinstance(refused, Undecodable)


def test_mistakes_in_the_configuration_name_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'power_w'"):
        build(entities={"n/a": "power_watt"})
    with pytest.raises(ConfigError, match="separate"):
        build(separate=[1])
