"""The registry entry of Zigbee2MQTT, its configuration, and a decoder that needs none."""

from collections.abc import Mapping
from typing import Any, Final

from contract.config import ConfigError, check_keys, get
from gateway.driver import Decoder, DecodeRequest, Driver, DriverSpec, Outcome
from gateway.drivers.zigbee2mqtt.bridge import Bridge
from gateway.drivers.zigbee2mqtt.meaning import SOS_ACTIONS
from gateway.well import read_well_buttons

_WHERE: Final = "zigbee2mqtt"
# `decode` of a file with many base topics remembers so many networks.
_NETWORKS_MAX: Final = 16


def build(config: Mapping[str, Any]) -> Driver:
    check_keys(config, ("base_topic", "call_buttons", "well_buttons"), _WHERE)
    buttons = get(config, "call_buttons", list, _WHERE, [])
    for index, name in enumerate(buttons, start=1):
        if not isinstance(name, str):
            raise ConfigError(f"{_WHERE}.call_buttons[{index}]", f"{name!r:.40} is no name")
    base = get(config, "base_topic", str, _WHERE, "zigbee2mqtt").strip("/")
    if not base or "+" in base or "#" in base:
        raise ConfigError(f"{_WHERE}.base_topic", f"{base[:60]!r} is no topic")
    well = read_well_buttons(config, _WHERE, calls=buttons, never=SOS_ACTIONS)
    return Bridge(base, buttons, well)


class _Learning:
    """A decoder that finds the base topic in the topic and remembers what the bridge says."""

    def __init__(self) -> None:
        self._bridges: dict[str, Bridge] = {}

    def __call__(self, request: DecodeRequest) -> list[Outcome]:
        topic = request.topic or "zigbee2mqtt/device"
        base = topic.split("/", 1)[0]
        if base not in self._bridges and len(self._bridges) >= _NETWORKS_MAX:
            self._bridges.pop(next(iter(self._bridges)))
        bridge = self._bridges.setdefault(base, Bridge(base))
        return bridge.decode(topic, request.data, request.now_ms)


def _decoder() -> Decoder:
    return _Learning()


SPEC = DriverSpec(
    name="zigbee2mqtt",
    title=(
        "Zigbee2MQTT: call buttons, metering plugs, motion, presence, bed, contact, smoke, gas, "
        "CO, leak, fall, climate"
    ),
    title_zh=(
        "Zigbee2MQTT：呼叫按钮、计量插座、人体、存在雷达、床垫、门磁、烟雾、燃气、"
        "一氧化碳、漏水、跌倒、温湿度"
    ),
    transport="mqtt",
    line=None,
    settings={
        "base_topic": "Zigbee2MQTT's base topic",
        "call_buttons": "names of plain buttons whose every press is a call",
        "well_buttons": "list of {name, action}: what says I'm well; without action every press",
    },
    build=build,
    decoder=_decoder,
)
