"""Every driver over MQTT: hostile payloads are refused with a reason, and what follows is read."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.item import check_measurement
from gateway.driver import Decoded, DecodeRequest, RetainedDriver, Undecodable
from gateway.drivers.generic_mqtt.spec import EXAMPLE
from gateway.messages import DEPTH_MAX, MESSAGE_BYTES_MAX
from gateway.registry import DRIVERS

NOW = 1_795_392_309_000
# A topic that takes JSON, one that takes a bare value, and the config.
TOPICS = {
    "zigbee2mqtt": ("zigbee2mqtt/plug", "zigbee2mqtt/plug/power"),
    "tasmota": ("tele/plug/SENSOR", "tele/plug/LWT"),
    "shelly": ("plug/events/rpc", "shellies/plug/relay/0/power"),
    "esphome": ("homeassistant/sensor/n/o/config", "n/sensor/o/state"),
    "generic-mqtt": ("plug/state", "plug/temperature"),
}
CONFIGS = {"generic-mqtt": EXAMPLE}
# A reading that must still come through after any damage.
GOOD = {
    "zigbee2mqtt": ("zigbee2mqtt/plug", b'{"power": 7}', "power_w", 7),
    "tasmota": ("tele/plug/SENSOR", b'{"ENERGY": {"Power": 7}}', "power_w", 7),
    "shelly": ("shellies/plug/relay/0/power", b"7", "power_w", 7),
    "esphome": ("n/binary_sensor/b/state", b"ON", "present", 1),
    "generic-mqtt": ("plug/state", b'{"power": 7}', "power_w", 7),
}
HOSTILE = {
    "too_long": b'{"power": "' + b"x" * MESSAGE_BYTES_MAX + b'"}',
    "too_deep": b'{"power":' + b"[" * (DEPTH_MAX + 2) + b"]" * (DEPTH_MAX + 2) + b"}",
    "not_json": b"[" * 60_000,
    "duplicate_key": b'{"power": 1, "power": 2}',
    "bad_utf8": b'{"power": "\xff\xfe"}',
}


def built(name):
    config = dict(CONFIGS.get(name, {}))
    if name == "esphome":
        config = {"entities": {"n/b": "presence", "n/o": "power_w"}}
    return DRIVERS[name].build(config)


def measured(outcomes):
    return [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]


def good(name, driver):
    topic, payload, field, value = GOOD[name]
    found = measured(driver.decode(topic, payload, NOW))
    return [m.values.get(field) for m in found] == [value]


def test_all_of_them_are_here() -> None:
    mqtt = {name for name, spec in DRIVERS.items() if spec.transport == "mqtt"}
    assert set(TOPICS) == set(GOOD) == mqtt - {"ble-health"}


@pytest.mark.parametrize("name", TOPICS)
@pytest.mark.parametrize("code", HOSTILE)
def test_hostile_json_is_refused_with_its_reason(name, code) -> None:
    driver = built(name)
    [outcome] = driver.decode(TOPICS[name][0], HOSTILE[code], NOW)
    assert isinstance(outcome, Undecodable)
    assert outcome.code == code
    assert good(name, driver)


@pytest.mark.parametrize("name", TOPICS)
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5000, '"7x"'])
def test_no_number_is_ever_a_reading(name, number) -> None:
    driver = built(name)
    wrapped = {
        "zigbee2mqtt": '{"power": %s}',
        "tasmota": '{"ENERGY": {"Power": %s}}',
        "shelly": '{"method": "NotifyStatus", "params": {"switch:0": {"apower": %s}}}',
        "esphome": "%s",
        "generic-mqtt": '{"power": %s}',
    }[name]
    topic = TOPICS[name][1 if name == "esphome" else 0]
    for outcome in driver.decode(topic, (wrapped % number).encode(), NOW):
        json.dumps(dict(outcome.fields), allow_nan=False)
        for measurement in measured([outcome]):
            assert not measurement.values
            assert measurement.attrs["fault"] == "implausible_value"
    assert good(name, driver)


@pytest.mark.parametrize("name", TOPICS)
def test_an_impossible_value_is_one_fault_until_a_good_one(name) -> None:
    driver = built(name)
    topic, _, field, _ = GOOD[name]
    far = {
        "zigbee2mqtt": b'{"power": 1e7}',
        "tasmota": b'{"ENERGY": {"Power": 1e7}}',
        "shelly": b"1e7",
        "esphome": b"1e7",
        "generic-mqtt": b'{"power": "1e7"}',
    }[name]
    if name == "esphome":
        topic = "n/sensor/o/state"
    faults = [
        m.attrs.get("fault") for _ in range(3) for m in measured(driver.decode(topic, far, NOW))
    ]
    assert faults == ["implausible_value"]
    assert good(name, driver)
    assert field


@pytest.mark.parametrize("name", TOPICS)
def test_offline_is_told_once_and_so_is_the_return(name) -> None:
    driver = built(name)
    topic, off, on = {
        "zigbee2mqtt": ("zigbee2mqtt/plug/availability", b'{"state":"offline"}', b"online"),
        "tasmota": ("tele/plug/LWT", b"Offline", b"Online"),
        "shelly": ("shellies/plug/online", b"false", b"true"),
        "esphome": ("plug/status", b"offline", b"online"),
        "generic-mqtt": ("plug/availability", b"offline", b"online"),
    }[name]
    assert isinstance(driver, RetainedDriver)
    first = measured(driver.decode_retained(topic, off, NOW))
    assert [(m.device, m.attrs["fault"]) for m in first] == [("plug", "offline")]
    assert first[0].urgent
    assert measured(driver.decode(topic, off, NOW)) == []
    back = measured(driver.decode(topic, on, NOW))
    assert [m.attrs for m in back] == [{"recovered": "offline"}]
    [bad] = driver.decode(topic, b"perhaps", NOW)
    assert isinstance(bad, Undecodable)


@pytest.mark.parametrize("name", TOPICS)
def test_an_old_state_is_no_reading_of_now(name) -> None:
    driver = built(name)
    topic, payload, _, _ = GOOD[name]
    assert measured(driver.decode_retained(topic, payload, NOW)) == []


NAMES = [
    *("power", "energy", "action", "contact", "battery", "smoke", "last_seen", "time"),
    *("ENERGY", "Total", "Power", "Wifi", "Signal", "RfReceived", "Data"),
    *("method", "params", "events", "event", "component", "ts"),
    *("switch:0", "em:0", "emdata:0", "apower", "aenergy", "total"),
    *("stat_t", "~", "dev_cla", "event_type", "friendly_name", "definition"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES) | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
MORE = [
    "zigbee2mqtt/bridge/devices",
    "zigbee2mqtt/bridge/groups",
    "zigbee2mqtt/bridge/state",
    "tele/a/RESULT",
    "stat/a/STATUS8",
    "shellies/a/input_event/0",
    "shellies/a/sensor/flood",
    "a/status/switch:0",
    "a/event/b/state",
    "a/button",
]


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([t for pair in TOPICS.values() for t in pair] + MORE)
            | st.text(max_size=12),
            JSON.map(lambda d: json.dumps(d).encode()) | st.binary(max_size=60),
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_any_messages_give_lawful_outcomes(messages) -> None:
    for name in TOPICS:
        driver = built(name)
        for topic, payload, retained in messages:
            decode = driver.decode_retained if retained else driver.decode
            outcomes = decode(topic, payload, NOW)
            once = DRIVERS[name].decode_once(DecodeRequest(topic=topic, data=payload, now_ms=NOW))
            for outcome in [*outcomes, *once]:
                json.dumps(dict(outcome.fields), allow_nan=False).encode()
                for measurement in measured([outcome]):
                    check_measurement(measurement)
                    assert measurement.device
                    assert not (retained and measurement.kind == "sos" and outcome in outcomes)
        assert good(name, driver) or any(t == GOOD[name][0] for t, _, _ in messages)
