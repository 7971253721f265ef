"""I'm well: by the key, button or gesture that is named, on every driver; a call stays a call."""

import json

import pytest

from contract.config import ConfigError
from contract.item import check_measurement
from contract.kinds import is_urgent, says_well
from gateway.driver import Decoded
from gateway.registry import DRIVERS

NOW_MS = 1_795_392_309_000
RADIO = [{"id": "B1E1E", "device": "button-1", "keys": {"4": "well"}}]


def found(outcomes) -> list[tuple[str, str]]:
    """(device, what it meant) of each measurement."""
    said = []
    for measurement in (m for o in outcomes if isinstance(o, Decoded) for m in o.measurements):
        check_measurement(measurement)
        well = says_well(measurement.kind, measurement.attrs)
        # On the wire it is a reading, and nothing stands before a call.
        assert well is not is_urgent(measurement.kind, measurement.attrs)
        if well:
            assert dict(measurement.values) == {"present": 1.0}
        said.append((measurement.device, "well" if well else str(measurement.attrs["action"])))
    return said


class Heard:
    """A message driver told things a minute apart."""

    def __init__(self, name: str, **config) -> None:
        self.driver = DRIVERS[name].build(config)
        self.at_ms = NOW_MS

    def says(self, topic: str, document: object, *, retained: bool = False) -> list:
        self.at_ms += 60_000
        text = document if isinstance(document, str) else json.dumps(document)
        decode = self.driver.decode_retained if retained else self.driver.decode
        return found(decode(topic, text.encode(), self.at_ms))


def radio(config: dict, code: str, line_ms: int = 0) -> list:
    receiver = config.setdefault("receiver", DRIVERS["ev1527"].build({"buttons": RADIO}))
    frame = bytes.fromhex(f"AAA4251C014A03A2{code}55")
    return found(receiver.feed(frame, NOW_MS + line_ms, line_ms))


def test_a_key_of_a_radio_button() -> None:
    own: dict = {}
    assert radio(own, "B1E1E4") == [("button-1", "well")]
    assert radio(own, "B1E1E4", 300) == []  # the radio repeats itself
    assert radio(own, "B1E1E8", 400) == [("button-1", "press")]  # a call, a moment later
    assert radio(own, "B1E1E4", 5000) == [("button-1", "well")]
    assert radio(own, "ABCDE4", 6000) == [("ev1527-abcde", "press")]  # of no other transmitter


def test_a_key_by_tasmotas_bridge_and_a_button_of_tasmota() -> None:
    heard = Heard(
        "tasmota",
        radio_buttons=RADIO,
        call_buttons=["bed"],
        well_buttons=[{"name": "bed", "action": "DOUBLE"}, {"name": "hall"}],
    )
    assert heard.says("tele/b/RESULT", {"RfReceived": {"Data": "B1E1E4"}}) == [("button-1", "well")]
    assert heard.says("tele/b/RESULT", {"RfReceived": {"Data": "B1E1E8"}}) == [
        ("button-1", "press")
    ]
    for name, action, meant in (
        ("bed", "SINGLE", "press"),
        ("bed", "DOUBLE", "well"),
        ("bed", "HOLD", "hold"),
        ("hall", "SINGLE", "well"),
        ("hall", "HOLD", "well"),
    ):
        document = {"Button1": {"Action": action}}
        assert heard.says(f"stat/{name}/RESULT", document) == [(name, meant)], (name, action)
    assert heard.says("stat/attic/RESULT", {"Button1": {"Action": "SINGLE"}}) == []


def test_gestures_of_zigbee_buttons() -> None:
    heard = Heard(
        "zigbee2mqtt",
        call_buttons=["bed"],
        well_buttons=[{"name": "bed", "action": "double"}, {"name": "hall"}],
    )
    for name, action, meant in (
        ("bed", "single", "press"),
        ("bed", "double", "well"),
        ("bed", "hold", "hold"),
        ("bed", "emergency", "press"),
        ("hall", "single", "well"),
        ("hall", "emergency", "press"),  # by any button, always
        ("hall", "sos", "press"),
    ):
        said = heard.says(f"zigbee2mqtt/{name}", {"action": action})
        assert said == [(name, meant)], (name, action)
    assert heard.says("zigbee2mqtt/hall", {"action": "release"}) == []
    assert heard.says("zigbee2mqtt/hall", {"action": ""}) == []
    assert heard.says("zigbee2mqtt/hall", {"action": "single"}, retained=True) == []


def test_a_button_that_its_maker_sells_for_distress_stays_one() -> None:
    heard = Heard("zigbee2mqtt", well_buttons=[{"name": "red"}])
    definition = {"model": "X1", "description": "SOS button", "exposes": [{"property": "action"}]}
    listed = [{"friendly_name": "red", "definition": definition}]
    heard.says("zigbee2mqtt/bridge/devices", listed)
    assert heard.says("zigbee2mqtt/red", {"action": "single"}) == [("red", "press")]
    named = Heard("zigbee2mqtt", well_buttons=[{"name": "red", "action": "double"}])
    named.says("zigbee2mqtt/bridge/devices", listed)
    assert named.says("zigbee2mqtt/red", {"action": "double"}) == [("red", "well")]
    assert named.says("zigbee2mqtt/red", {"action": "single"}) == [("red", "press")]


def test_shelly_of_both_generations() -> None:
    heard = Heard(
        "shelly",
        call_buttons=["old", "new/input:1"],
        well_buttons=[{"name": "old", "action": "L"}, {"name": "new"}],
    )
    for number, (event, meant) in enumerate((("S", "press"), ("L", "well")), start=1):
        document = {"event": event, "event_cnt": number}
        assert heard.says("shellies/old/input_event/0", document) == [("old", meant)]
    for component, meant in (("input:0", "well"), ("input:1", "press")):
        event = {"component": component, "event": "single_push"}
        document = {"method": "NotifyEvent", "params": {"events": [event]}}
        assert heard.says("new/events/rpc", document) == [("new", meant)], component


def test_any_device_by_configuration() -> None:
    rule = {"topic": "a/{device}", "kind": "sos", "press": {"equals": ["1"], "well": ["2"]}}
    only = {"topic": "b/{device}", "kind": "sos", "press": {"well": ["on"]}}
    heard = Heard("generic-mqtt", messages=[rule, only])
    assert heard.says("a/x", "1") == [("x", "press")]
    assert heard.says("a/x", "2") == [("x", "well")]
    assert heard.says("b/y", "on") == [("y", "well")]
    assert heard.says("b/y", "on", retained=True) == []


ZIGBEE = {"call_buttons": ["bed"]}


@pytest.mark.parametrize(
    ("driver", "config", "says"),
    [
        ("zigbee2mqtt", {**ZIGBEE, "well_buttons": [{"name": "bed"}]}, "are calls for help"),
        ("zigbee2mqtt", {"well_buttons": [{"name": "b", "action": "sos"}]}, "always a call"),
        ("zigbee2mqtt", {"well_buttons": [{"name": "b", "actoin": "x"}]}, "action"),
        ("zigbee2mqtt", {"well_buttons": ["b"]}, "no table"),
        ("zigbee2mqtt", {"well_buttons": [{"action": "x"}]}, "name"),
        ("zigbee2mqtt", {"well_buttons": [{"name": "b"}, {"name": "b", "action": "x"}]}, "already"),
        ("zigbee2mqtt", {"well_buttons": [{"name": f"b{n}"} for n in range(501)]}, "at most"),
        ("tasmota", {**ZIGBEE, "well_buttons": [{"name": "bed"}]}, "are calls for help"),
        ("shelly", {**ZIGBEE, "well_buttons": [{"name": "bed"}]}, "are calls for help"),
        ("ev1527", {"buttons": [{**RADIO[0], "keys": {"4": "wel"}}]}, "'well'"),
        (
            "generic-mqtt",
            {
                "messages": [
                    {
                        "topic": "a",
                        "device": "d",
                        "kind": "smoke",
                        "press": {"equals": ["1"], "well": ["2"]},
                    }
                ]
            },
            "detector",
        ),
    ],
)
def test_mistakes_are_named(driver, config, says) -> None:
    with pytest.raises(ConfigError) as refusal:
        DRIVERS[driver].build(config)
    assert says in str(refusal.value)
