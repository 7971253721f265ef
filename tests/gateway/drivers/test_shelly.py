"""Shelly: watt-minutes, three phases, presses once, deltas."""

import json

import pytest

from contract.config import ConfigError
from gateway.driver import Decoded
from gateway.registry import DRIVERS

NOW = 1_795_392_309_000


def says(driver, topic, document, now_ms=NOW):
    payload = document if isinstance(document, str) else json.dumps(document)
    outcomes = driver.decode(topic, payload.encode(), now_ms)
    assert all(isinstance(o, Decoded) for o in outcomes), outcomes
    return [m for o in outcomes for m in o.measurements]


def build(**config):
    return DRIVERS["shelly"].build(config)


def values(found):
    return [(m.device, dict(m.values)) for m in found]


def test_energies_and_channels() -> None:
    driver = build()
    [(device, relay)] = values(says(driver, "shellies/p/relay/0/energy", "81010"))
    assert (device, relay) == ("p", {"energy_kwh": pytest.approx(1.350167, abs=1e-6)})
    assert values(says(driver, "shellies/em/emeter/1/total", "10533.1")) == [
        ("em-1", {"energy_kwh": pytest.approx(10.5331)})
    ]
    assert says(driver, "shellies/em/emeter/1/energy", "3") == []


def test_three_phases_of_the_first_generation_are_summed_when_all_are_known() -> None:
    driver = build()
    topic = "shellies/shellyem3-A/emeter"
    assert says(driver, f"{topic}/0/power", "10") == []
    assert says(driver, f"{topic}/1/power", "20") == []
    assert values(says(driver, f"{topic}/2/power", "-5")) == [("shellyem3-A", {"power_w": 25})]
    assert says(driver, f"{topic}/0/power", "11") == []


def test_an_event_with_the_same_count_is_the_same_press() -> None:
    driver = build(call_buttons=["b"])
    event = {"event": "S", "event_cnt": 7}
    assert [m.kind for m in says(driver, "shellies/b/input_event/0", event)] == ["sos"]
    assert says(driver, "shellies/b/input_event/0", event, NOW + 60_000) == []
    event["event_cnt"] = 8
    [again] = says(driver, "shellies/b/input_event/0", {**event, "event": "L"})
    assert again.attrs["action"] == "hold"
    assert says(driver, "shellies/other/input_event/0", event) == []


def test_detectors_and_doors() -> None:
    driver = build()
    found = says(driver, "shellies/f/sensor/flood", "true")
    found += says(driver, "shellies/g/sensor/gas", "mild")
    found += says(driver, "shellies/d/sensor/state", "open")
    assert [(m.kind, m.attrs.get("action")) for m in found] == [
        ("leak", "press"),
        ("gas", "press"),
        ("contact", None),
    ]


def test_notifications_are_changes_and_carry_their_time() -> None:
    driver = build()
    params = {"ts": (NOW - 2000) / 1000, "switch:1": {"id": 1, "apower": 5.5}}
    [power] = says(driver, "x/events/rpc", {"method": "NotifyStatus", "params": params})
    assert (power.device, power.values, power.measured_at_ms) == (
        "x-1",
        {"power_w": 5.5},
        NOW - 2000,
    )


def test_a_plug_of_the_second_generation_tells_watt_hours() -> None:
    plug = {"switch:0": {"output": True, "apower": 0.0, "aenergy": {"total": 30473.355}}}
    [power] = says(build(), "x/events/rpc", {"method": "NotifyStatus", "params": plug})
    assert power.values == {"power_w": 0, "energy_kwh": pytest.approx(30.473355)}


def test_three_phases_and_sensors_of_the_second_generation() -> None:
    params = {
        "em:0": {"total_act_power": 60, "a_voltage": 230, "b_voltage": 231},
        "emdata:0": {"total_act": 1000},
        "smoke:0": {"alarm": True},
        "temperature:0": {"tC": 21},
        "devicepower:0": {"battery": {"V": 2.9, "percent": 80}},
    }
    found = says(build(), "x/events/rpc", {"method": "NotifyFullStatus", "params": params})
    assert [(m.kind, dict(m.values)) for m in found] == [
        ("power", {"power_w": 60, "voltage_v": 230}),
        ("power", {"energy_kwh": 1}),
        ("smoke", {}),
        ("environment", {"temperature_c": 21}),
        ("device_health", {"battery_pct": 80, "battery_mv": 2900}),
    ]
    assert found[0].attrs["voltage_b_v"] == 231


def test_a_press_is_a_call_where_it_was_bound() -> None:
    driver = build(call_buttons=["x", "gw/bthomedevice:200"])

    def push(device, component, event="single_push"):
        events = [{"component": component, "event": event, "ts": NOW / 1000}]
        document = {"method": "NotifyEvent", "params": {"events": events}}
        return [m.attrs["action"] for m in says(driver, f"{device}/events/rpc", document)]

    assert push("x", "input:0") == ["press"]
    assert push("x", "input:0") == []
    assert push("x", "input:0", "btn_up") == []
    assert push("x", "input:1", "long_push") == ["hold"]
    assert push("gw", "bthomedevice:200") == ["press"]
    assert push("gw", "bthomedevice:201") == []


def test_topics_of_a_prefix_and_mistakes() -> None:
    driver = build(topic_prefix="home/shelly")
    assert "home/shelly/+/events/rpc" in driver.subscriptions()
    assert values(says(driver, "home/shelly/x/status/switch:0", {"apower": 1})) == [
        ("x", {"power_w": 1})
    ]
    with pytest.raises(ConfigError, match="topic_prefix"):
        build(topic_prefix="a/+")
    with pytest.raises(ConfigError, match="call_buttons"):
        build(call_button=[])
