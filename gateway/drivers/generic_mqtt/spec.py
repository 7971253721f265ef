"""The registry entry. Without a configuration nothing is known of a message: `decode` uses EXAMPLE,
a plug that publishes power, energy, a button and its availability in the commonest shapes.
"""

from collections.abc import Mapping
from typing import Any, Final

from gateway.driver import Decoder, DecodeRequest, Driver, DriverSpec, Outcome
from gateway.drivers.generic_mqtt.driver import GenericMqtt
from gateway.drivers.generic_mqtt.plan import read_rules

_WHERE: Final = "generic-mqtt"
EXAMPLE: Final[Mapping[str, Any]] = {
    "messages": [
        {
            "topic": "{device}/state",
            "kind": "power",
            "time_path": "time",
            "values": [
                {"field": "power_w", "path": "power"},
                {"field": "energy_kwh", "path": "energy", "unit": "Wh"},
                {"field": "voltage_v", "path": "voltage"},
            ],
        },
        {
            "topic": "{device}/temperature",
            "kind": "environment",
            "values": [{"field": "temperature_c"}],
        },
        {
            "topic": "{device}/button",
            "kind": "sos",
            "press": {"path": "action", "equals": ["single", "sos"], "hold": ["long"]},
        },
    ],
    "availability": [{"topic": "{device}/availability"}],
}


# Read once: `decode` and the fuzzer begin anew with every message.
EXAMPLE_RULES: Final = read_rules(EXAMPLE, _WHERE)


def build(config: Mapping[str, Any]) -> Driver:
    return GenericMqtt(read_rules(config, _WHERE))


def _decoder() -> Decoder:
    driver = GenericMqtt(EXAMPLE_RULES)

    def decode(request: DecodeRequest) -> list[Outcome]:
        return driver.decode(request.topic or "device/state", request.data, request.now_ms)

    return decode


SPEC = DriverSpec(
    name="generic-mqtt",
    title="any device over MQTT that the configuration describes (CONTRIBUTING.md)",
    title_zh="任何 MQTT 设备，只需写配置（见 CONTRIBUTING.md）",
    transport="mqtt",
    line=None,
    settings={
        "messages": "list of {topic, device, kind, values, press, time_path}",
        "availability": "list of {topic, device, path, online, offline}",
    },
    build=build,
    decoder=_decoder,
)
