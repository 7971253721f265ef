"""Devices in the messages of a broker, told apart by the registered message drivers. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from contract.config import ConfigError
from contract.ids import safe_name
from contract.item import Scalar
from gateway.discover.finding import Finding, shown
from gateway.driver import (
    RAW_SHOWN_MAX,
    Decoded,
    DriverSpec,
    MessageDriver,
    Outcome,
    Undecodable,
)
from gateway.registry import DRIVERS

# A broker may be anybody's: more devices than a village has are not listed.
DEVICES_MAX: Final = 2000
UNKNOWN_MAX: Final = 20
# A bridge tells its base topic by what it publishes about itself (Zigbee2MQTT, "MQTT topics").
_BRIDGE: Final = re.compile(r"(?P<base>.{1,80})/bridge/(?:state|info|devices)\Z")
_BASES_MAX: Final = 16


@dataclass(slots=True)
class _Device:
    label: str
    model: str = ""
    kinds: Counter[str] = field(default_factory=Counter)
    link_quality: float | None = None
    battery_pct: float | None = None
    messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listener:
    spec: DriverSpec
    config: Mapping[str, Scalar]
    driver: MessageDriver
    configured: bool = False


class Heard:
    """Feed it what the broker publishes, then ask for `findings`.

    configured: (driver, table) of the sources that gateway.toml has for this broker.
    """

    def __init__(self, configured: Sequence[tuple[str, Mapping[str, Any]]] = ()) -> None:
        self.unknown: dict[str, int] = {}
        self._listeners: list[_Listener] = []
        self._bases: set[str] = set()
        self._devices: dict[tuple[int, str], _Device] = {}
        for name, table in configured:
            self._listen(name, table, configured=True)
        for name, spec in DRIVERS.items():
            if spec.transport == "mqtt":
                self._listen(name, {})

    def subscriptions(self) -> list[str]:
        """For a broker that does not give everything."""
        return [topic for one in self._listeners for topic in one.driver.subscriptions()]

    def take(self, topic: str, payload: bytes, now_ms: int) -> None:
        self._learn_base(topic)
        known = False
        for number, listener in enumerate(self._listeners):
            if not any(matches(one, topic) for one in listener.driver.subscriptions()):
                continue
            outcomes = _decoded(listener.driver, topic, payload, now_ms)
            good = [outcome for outcome in outcomes if isinstance(outcome, Decoded)]
            known = known or bool(good) or not outcomes
            for outcome in good:
                self._note(number, outcome)
        if not known and not topic.startswith("$"):
            level = shown(topic.split("/", 1)[0])
            if level in self.unknown or len(self.unknown) < UNKNOWN_MAX:
                self.unknown[level] = self.unknown.get(level, 0) + 1

    def findings(self) -> list[Finding]:
        return [
            self._finding(self._listeners[number], name, device)
            for (number, name), device in sorted(self._devices.items())
        ]

    def _listen(self, name: str, config: Mapping[str, Scalar], *, configured: bool = False) -> None:
        spec = DRIVERS[name]
        try:
            driver = spec.build(config)
        except ConfigError:
            return  # it reads what its table describes, and there is none yet (generic-mqtt)
        if not isinstance(driver, MessageDriver):
            return
        topics = [*driver.subscriptions()]
        same = (one for one in self._listeners if one.spec is spec)
        if all([*one.driver.subscriptions()] != topics for one in same):
            self._listeners.append(
                _Listener(spec=spec, config=config, driver=driver, configured=configured)
            )

    def _learn_base(self, topic: str) -> None:
        found = _BRIDGE.match(topic)
        if found is None or "zigbee2mqtt" not in DRIVERS:
            return
        base = found["base"]
        if base != "zigbee2mqtt" and base not in self._bases and len(self._bases) < _BASES_MAX:
            self._bases.add(base)
            self._listen("zigbee2mqtt", {"base_topic": base})

    def _note(self, number: int, outcome: Outcome) -> None:
        fields: Mapping[str, Any] = outcome.fields
        paired = fields.get("devices")
        for device in paired if isinstance(paired, list) else []:
            noted = self._device(number, str(device.get("device", "")))
            if noted is not None:
                noted.model = shown(str(device.get("model", "")))
        measurements = outcome.measurements if isinstance(outcome, Decoded) else ()
        said = fields.get("device")
        labels = [said] if isinstance(said, str) and "kind" in fields else []
        labels = labels or sorted({measured.device for measured in measurements})
        for label in labels:
            noted = self._device(number, label)
            if noted is None:
                continue
            noted.messages += 1
            noted.kinds.update(measured.kind for measured in measurements)
            noted.model = shown(str(fields.get("model") or noted.model))
            noted.link_quality = _number(fields.get("lqi"), noted.link_quality)
            noted.battery_pct = _number(fields.get("battery_pct"), noted.battery_pct)

    def _device(self, number: int, label: str) -> _Device | None:
        key = (number, safe_name(label)) if label else None
        if key is None or (key not in self._devices and len(self._devices) >= DEVICES_MAX):
            return None
        return self._devices.setdefault(key, _Device(label=shown(label)))

    def _finding(self, listener: _Listener, name: str, device: _Device) -> Finding:
        words = [device.model, ", ".join(sorted(device.kinds))]
        quality = [_messages(device.messages)]
        if device.link_quality is not None:
            quality.append(f"link quality {device.link_quality:g}")
        if device.battery_pct is not None:
            quality.append(f"battery {device.battery_pct:g} %")
        label = "" if device.label == name else f" ({device.label})"
        return Finding(
            driver=listener.spec.name,
            address=f"{name}{label}",
            what=": ".join(word for word in words if word) or listener.spec.title,
            quality=", ".join(quality),
            row=listener.config,
            configured=listener.configured,
        )


def _decoded(driver: MessageDriver, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
    try:
        return driver.decode(topic, payload, now_ms)
    except Exception as error:  # noqa: BLE001 - a driver's mistake must not end the search
        detail = f"{type(error).__name__}: {error}"
        return [Undecodable(code="driver_failed", detail=detail, raw=payload[:RAW_SHOWN_MAX])]


def matches(topic_filter: str, topic: str) -> bool:
    """MQTT's filters (MQTT 5, section 4.7)."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return not topic.startswith("$") or topic_filter.startswith("$")
        if place >= len(levels) or level not in ("+", levels[place]):
            return False
    return len(wanted) == len(levels)


def _messages(number: int) -> str:
    if not number:
        return "paired, not heard"
    return "1 message" if number == 1 else f"{number} messages"


def _number(value: object, before: float | None) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return before
