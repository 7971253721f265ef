"""Zigbee2MQTT: presses, detectors, names, and what is told once."""

import json

import pytest

from contract.config import ConfigError
from gateway.driver import Decoded
from gateway.messages import SAME_CLOCK_MS
from gateway.registry import DRIVERS

NOW = 1_795_392_309_000


class Net:
    def __init__(self, **config) -> None:
        self.driver = DRIVERS["zigbee2mqtt"].build(config)
        self.at = NOW

    def says(self, name, document, *, retained=False, after_ms=60_000):
        self.at += after_ms
        payload = document if isinstance(document, str) else json.dumps(document)
        decode = self.driver.decode_retained if retained else self.driver.decode
        outcomes = decode(f"zigbee2mqtt/{name}", payload.encode(), self.at)
        assert all(isinstance(o, Decoded) for o in outcomes), outcomes
        return [m for o in outcomes for m in o.measurements]

    def lists(self, *devices):
        self.says(
            "bridge/devices",
            [
                {
                    "friendly_name": name,
                    "definition": {
                        "model": model,
                        "description": description,
                        "exposes": [{"property": p} for p in properties],
                    },
                }
                for name, model, description, *properties in devices
            ],
        )


def kinds(found):
    return [(m.kind, m.attrs.get("action"), dict(m.values)) for m in found]


def test_a_button_described_as_sos_calls_with_any_press_and_a_remote_does_not() -> None:
    net = Net()
    net.lists(("卧室/sos", "X1", "SOS button", "action"), ("remote", "X2", "Remote", "action"))
    [press] = net.says("卧室/sos", {"action": "single"})
    assert (press.kind, press.attrs["label"], press.attrs["model"]) == ("sos", "卧室/sos", "X1")
    assert kinds(net.says("卧室/sos", {"action": "hold"})) == [("sos", "hold", {})]
    assert net.says("卧室/sos", {"action": "hold_release"}) == []
    assert net.says("remote", {"action": "single"}) == []


@pytest.mark.parametrize("action", ["", None, "release", 7])
def test_no_press(action) -> None:
    assert Net(call_buttons=["b"]).says("b", {"action": action}) == []


def test_keys_of_a_call_button() -> None:
    net = Net(call_buttons=["b"])
    assert [m.attrs["action"] for m in net.says("b", {"action": "1_single"})] == ["press"]
    assert [m.attrs["action"] for m in net.says("b", {"action": "button_2_hold"})] == ["hold"]


def test_a_retained_press_is_none_even_with_its_time_and_does_not_hide_the_next() -> None:
    net = Net()
    state = {"action": "emergency", "last_seen": NOW - 5000}
    assert net.says("b", state, retained=True) == []
    assert [m.kind for m in net.says("b", {"action": "emergency"}, after_ms=0)] == ["sos"]


@pytest.mark.parametrize(
    ("age_ms", "own"), [(0, False), (SAME_CLOCK_MS, False), (SAME_CLOCK_MS + 1, True)]
)
def test_a_time_near_ours_may_be_the_clock_of_this_machine(age_ms: int, own: bool) -> None:
    net = Net()
    (made,) = net.says("a", {"occupancy": True, "last_seen": NOW - age_ms}, after_ms=0)
    assert (made.measured_at_ms, made.own_time) == (NOW - age_ms, own)


def test_state_and_attribute_of_one_press_are_one_and_the_next_is_another() -> None:
    net = Net()
    assert len(net.says("b", {"action": "emergency"})) == 1
    assert net.says("b/action", "emergency", after_ms=10) == []
    assert len(net.says("b", {"action": "emergency"}, after_ms=5000)) == 1


def test_a_retained_alarm_sounds_still() -> None:
    net = Net()
    assert kinds(net.says("kitchen", {"smoke": True}, retained=True)) == [("smoke", "press", {})]
    assert kinds(net.says("kitchen", {"smoke": True})) == []
    assert kinds(net.says("kitchen", {"smoke": False})) == [("smoke", "clear", {})]


def test_gas_and_carbon_monoxide_of_one_detector_do_not_answer_for_each_other() -> None:
    net = Net()
    found = net.says("d", {"gas": False, "carbon_monoxide": True})
    assert [(m.kind, m.attrs["detector"]) for m in found] == [("gas", "carbon_monoxide")]
    assert net.says("d", {"gas": False, "carbon_monoxide": True}) == []


def test_a_low_battery_is_one_fault() -> None:
    net = Net()
    low = {"battery_low": True, "battery": 5}
    assert [m.attrs.get("fault") for m in net.says("b", low)] == [None, "battery_low"]
    assert [m.attrs.get("fault") for m in net.says("b", low)] == [None]
    assert [m.attrs for m in net.says("b", {"battery_low": False})] == [
        {"recovered": "battery_low"}
    ]


def test_radar_bed_climate_and_fall() -> None:
    net = Net()
    net.lists(("pad", "SPM915", "Sleeping pad", "contact"))
    assert kinds(net.says("pad", {"contact": False})) == [("bed", None, {"occupied": 1})]
    assert kinds(net.says("r", {"presence": "none"})) == [("presence", None, {"present": 0})]
    assert kinds(net.says("r", {"status": "falling"})) == [("fall", "press", {})]
    assert kinds(net.says("r", {"fall_down_status": "maybe_fall"})) == []
    climate = {"temperature": "21.5", "humidity": 40}
    values = {"temperature_c": 21.5, "humidity_pct": 40}
    assert kinds(net.says("c", climate)) == [("environment", None, values)]


def test_three_phases_are_summed() -> None:
    state = {"power_phase_a": 1, "power_phase_b": 2, "power_phase_c": 3, "voltage_phase_a": 230}
    assert kinds(Net().says("m", state)) == [("power", None, {"power_w": 6, "voltage_v": 230})]


def test_attribute_output_alone_gives_readings_and_beside_states_no_second_ones() -> None:
    net = Net()
    assert kinds(net.says("room/plug/power", "12.5")) == [("power", None, {"power_w": 12.5})]
    assert net.says("room/plug/child_lock", "UNLOCK") == []
    net.says("room/plug", {"power": 12.5})
    assert net.says("room/plug/power", "12.5") == []


def test_groups_and_the_bridge_are_no_devices() -> None:
    net = Net()
    net.says("bridge/groups", [{"friendly_name": "all lights"}])
    assert net.says("all lights", {"power": 3}) == []
    assert net.says("bridge/logging", "text, not JSON") == []
    assert net.says("lamp/set", {"state": "ON"}) == []
    [lost] = net.says("bridge/state", {"state": "offline"}, retained=True)
    assert (lost.attrs["fault"], lost.attrs["label"]) == ("offline", "zigbee2mqtt/bridge")


@pytest.mark.parametrize("battery", ["NaN", "1e999", "9" * 5000, '"\\ud800"', "[[]]"])
def test_a_wrong_value_does_not_take_the_press_with_it(battery) -> None:
    found = Net().says("b", f'{{"action":"emergency","battery":{battery}}}')
    assert found[0].kind == "sos"
    assert all(not m.values for m in found)


def test_a_device_that_leaves_is_a_fault_until_it_is_back() -> None:
    net = Net()

    def event(kind):
        found = net.says("bridge/event", {"type": kind, "data": {"friendly_name": "b"}})
        return [(m.device, dict(m.attrs)) for m in found]

    assert event("device_announce") == []
    assert event("device_leave") == [("b", {"fault": "left_network"})]
    assert event("device_leave") == []
    assert event("device_joined") == [("b", {"recovered": "left_network"})]


def test_text_that_no_encoder_takes_is_mended() -> None:
    [press] = Net(call_buttons=["b"]).says("b", r'{"action":"single_\ud800"}')
    assert str(press.attrs["button_action"]).encode() == b"single_?"


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"base_topik": "x"}, "base_topik"),
        ({"base_topic": "a/#"}, "base_topic"),
        ({"call_buttons": [3]}, "call_buttons[1]"),
    ],
)
def test_mistakes_in_the_configuration_name_their_key(config, key) -> None:
    with pytest.raises(ConfigError, match=key.replace("[", r"\[")):
        DRIVERS["zigbee2mqtt"].build(config)
