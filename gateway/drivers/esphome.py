"""ESPHome nodes with the `mqtt` component.

  <prefix>/status                        online, or offline as last will
  <prefix>/sensor/<object>/state         text; `nan` and `unknown` are no value
  <prefix>/binary_sensor/<object>/state  ON or OFF
  <prefix>/event/<object>/state          {"event_type": "..."}
  <discovery>/<component>/<node>/<object>/config   for Home Assistant, retained

`<prefix>` is the node's name unless changed. What a value means is in the discovery message alone:
`device_class` and `unit_of_measurement`, or their short forms `dev_cla` and `unit_of_meas`, for the
topic in `state_topic` or `stat_t`, where `~` stands for the message's own base
(home-assistant.io, MQTT discovery). Where a node has discovery off, `entities` says it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError, check_keys, get, one_of
from contract.item import Measurement
from gateway.driver import Decoded, Decoder, DecodeRequest, Driver, DriverSpec, Outcome
from gateway.messages import (
    BadMessage,
    Devices,
    Said,
    clean,
    number,
    read_json,
    read_text,
    refuse,
    truth,
)

# Entities of a network; a node has some dozens.
ENTITIES_MAX: Final = 5000
DISCOVERY_PREFIX: Final = "homeassistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """value: of the item's kind, or "" for a detector or a fault, whose name is `kind`."""

    kind: str
    value: str = ""
    scale: float = 1.0
    offset: float = 0.0


# device_class, unit: meaning.
_SENSORS: Final[Mapping[tuple[str, str], Meaning]] = MappingProxyType(
    {
        ("power", "W"): Meaning(kind="power", value="power_w"),
        ("power", "kW"): Meaning(kind="power", value="power_w", scale=1000),
        ("energy", "kWh"): Meaning(kind="power", value="energy_kwh"),
        ("energy", "Wh"): Meaning(kind="power", value="energy_kwh", scale=0.001),
        ("energy", "MWh"): Meaning(kind="power", value="energy_kwh", scale=1000),
        ("voltage", "V"): Meaning(kind="power", value="voltage_v"),
        ("current", "A"): Meaning(kind="power", value="current_a"),
        ("current", "mA"): Meaning(kind="power", value="current_a", scale=0.001),
        ("frequency", "Hz"): Meaning(kind="power", value="frequency_hz"),
        ("power_factor", ""): Meaning(kind="power", value="power_factor"),
        ("power_factor", "%"): Meaning(kind="power", value="power_factor", scale=0.01),
        ("temperature", "°C"): Meaning(kind="environment", value="temperature_c"),
        ("temperature", "°F"): Meaning(
            kind="environment", value="temperature_c", scale=5 / 9, offset=-160 / 9
        ),
        ("humidity", "%"): Meaning(kind="environment", value="humidity_pct"),
        ("carbon_monoxide", "ppm"): Meaning(kind="environment", value="co_ppm"),
        ("battery", "%"): Meaning(kind="device_health", value="battery_pct"),
        ("signal_strength", "dBm"): Meaning(kind="device_health", value="signal_dbm"),
    }
)
_BINARY: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "motion": Meaning(kind="motion", value="active"),
        "moving": Meaning(kind="motion", value="active"),
        "occupancy": Meaning(kind="presence", value="present"),
        "presence": Meaning(kind="presence", value="present"),
        "door": Meaning(kind="contact", value="open"),
        "window": Meaning(kind="contact", value="open"),
        "opening": Meaning(kind="contact", value="open"),
        "garage_door": Meaning(kind="contact", value="open"),
        "bed": Meaning(kind="bed", value="occupied"),
        "smoke": Meaning(kind="smoke"),
        "gas": Meaning(kind="gas"),
        "carbon_monoxide": Meaning(kind="gas"),
        "moisture": Meaning(kind="leak"),
        "tamper": Meaning(kind="tamper"),
        "fall": Meaning(kind="fall"),
        "battery": Meaning(kind="battery_low"),
        "sos": Meaning(kind="sos"),
    }
)
# What `entities` may say: a value with its unit, or what a binary sensor tells.
_NAMED: Final[Mapping[str, Meaning]] = MappingProxyType(
    {m.value: m for m in _SENSORS.values() if m.scale == 1 and m.value} | dict(_BINARY)
)
_STATE: Final = re.compile(
    r"(?P<node>.+)/(?P<what>sensor|binary_sensor|event|text_sensor)/(?P<object>[^/]+)/state\Z"
)
_NOT_KNOWN: Final = frozenset({"nan", "unknown", "unavailable", "none", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class EsphomePlan:
    """entities: `node/object` to its meaning. separate: nodes whose objects are devices each."""

    prefix: str = ""
    discovery_prefix: str = DISCOVERY_PREFIX
    entities: Mapping[str, Meaning] = field(default_factory=dict)
    call_buttons: frozenset[str] = frozenset()
    separate: frozenset[str] = frozenset()


class Esphome:
    """The message driver. Remembers what discovery said of each state topic."""

    def __init__(self, plan: EsphomePlan) -> None:
        self._plan = plan
        self._above = f"{plan.prefix}/" if plan.prefix else ""
        self._devices = Devices()
        self._found: dict[str, Meaning | None] = {}

    def subscriptions(self) -> Sequence[str]:
        states = [f"{self._above}+/{w}/+/state" for w in ("sensor", "binary_sensor", "event")]
        found = [f"{self._plan.discovery_prefix}/{levels}/config" for levels in ("+/+/+", "+/+")]
        return [*found, *states, f"{self._above}+/status"]

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        return self._decode(topic, payload, now_ms, retained=False)

    def decode_retained(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        return self._decode(topic, payload, now_ms, retained=True)

    def _decode(self, topic: str, payload: bytes, now_ms: int, *, retained: bool) -> list[Outcome]:
        try:
            if topic.startswith(f"{self._plan.discovery_prefix}/"):
                return [self._discovered(topic, payload)]
            place = _STATE.match(topic)
            node = place["node"] if place else topic.removesuffix("/status")
            name = node.removeprefix(self._above)
            said = Said(name=name, now_ms=now_ms, at_ms=now_ms, retained=retained)
            if place is None and node != topic:
                return [self._availability(said, payload)]
            if place is None:
                raise BadMessage("bad_topic", f"{topic[:80]!r} is no state of a node")
            return [self._state(said, topic, place["what"], place["object"], payload)]
        except BadMessage as error:
            return [refuse(error, payload)]

    def _discovered(self, topic: str, payload: bytes) -> Outcome:
        fields: dict[str, Any] = {"kind": "discovery"}
        if not topic.endswith("/config") or not payload:
            return Decoded(fields=fields)
        document = read_json(payload)
        if not isinstance(document, dict):
            raise BadMessage("not_a_table", "a discovery message is a table")
        state = _either(document, "stat_t", "state_topic")
        base = document.get("~")
        if isinstance(base, str):
            state = re.sub(r"\A~|~\Z", lambda _: base, state)
        device_class = _either(document, "dev_cla", "device_class")
        unit = _either(document, "unit_of_meas", "unit_of_measurement")
        component = topic.split("/")[len(self._plan.discovery_prefix.split("/"))]
        meaning = (
            _BINARY.get(device_class)
            if component == "binary_sensor"
            else _SENSORS.get((device_class, unit))
        )
        if _STATE.match(state):
            if state not in self._found and len(self._found) >= ENTITIES_MAX:
                self._found.pop(next(iter(self._found)))
            self._found[state] = meaning
        fields.update(state_topic=clean(state), device_class=clean(device_class), unit=clean(unit))
        return Decoded(fields=fields)

    def _availability(self, said: Said, payload: bytes) -> Outcome:
        word = read_text(payload)
        if word not in {"online", "offline"}:
            raise BadMessage("bad_availability", f"{word[:40]!r}")
        online = word == "online"
        found = self._devices.available(said, online=online)
        fields = {"kind": "availability", "device": clean(said.name), "online": online}
        return Decoded(fields=fields, measurements=found)

    def _state(self, said: Said, topic: str, what: str, entity: str, payload: bytes) -> Outcome:
        text = read_text(payload)
        fields: dict[str, Any] = {"kind": what, "device": clean(said.name), "object": clean(entity)}
        fields["value"] = clean(text)
        own = f"{said.name}/{entity}"
        calls = own in self._plan.call_buttons or said.name in self._plan.call_buttons
        if what == "event":
            return self._event(said, entity, payload, fields, calls=calls)
        meaning = self._plan.entities.get(own) or self._found.get(topic)
        if said.name in self._plan.separate:
            said = replace(said, name=f"{said.name}-{entity}")
        if what == "binary_sensor":
            on = truth(text)
            if on is None:
                raise BadMessage("bad_value", f"{entity} is {text[:40]!r}")
            fields["value"] = on
            if calls or (meaning is not None and meaning.kind == "sos"):
                pressed = self._devices.press(said, "press", button=entity) if on else []
                return Decoded(fields={**fields, "sos": on}, measurements=pressed)
            found = self._binary(said, entity, meaning, on=on)
            return Decoded(fields=fields, measurements=found)
        if what == "text_sensor" or text.lower() in _NOT_KNOWN:
            return Decoded(fields=fields)
        value = number(text)
        if value is None:
            raise BadMessage("not_a_number", f"{entity} is {text[:40]!r}")
        fields["value"] = clean(text)
        if meaning is None or not meaning.value:
            return Decoded(fields=fields, measurements=self._devices.unmapped(said, entity))
        value = round(value * meaning.scale + meaning.offset, 6) if abs(value) < 1e12 else value
        found = self._devices.read(said, meaning.kind, {meaning.value: value})
        return Decoded(fields=fields, measurements=found)

    def _binary(
        self, said: Said, entity: str, meaning: Meaning | None, *, on: bool
    ) -> list[Measurement]:
        if meaning is None:
            return self._devices.unmapped(said, entity)
        if meaning.kind == "battery_low":
            return self._devices.fault(said, "battery_low", present=on)
        if meaning.value:
            return self._devices.read(said, meaning.kind, {meaning.value: float(on)})
        return self._devices.detect(said, meaning.kind, entity, active=on)

    def _event(
        self, said: Said, entity: str, payload: bytes, fields: dict[str, Any], *, calls: bool
    ) -> Outcome:
        document = read_json(payload)
        event = document.get("event_type") if isinstance(document, dict) else None
        if not isinstance(event, str):
            raise BadMessage("not_an_event", f"{payload[:40]!r}")
        released = "release" in event.lower()
        fields.update(event=clean(event), sos=calls and not released)
        if not calls or released:
            return Decoded(fields=fields)
        held = "hold" in event.lower() or "long" in event.lower()
        button = f"{entity} {event}"
        found = self._devices.press(said, "hold" if held else "press", button=button)
        return Decoded(fields=fields, measurements=found)


def _either(document: Mapping[str, Any], short: str, long: str) -> str:
    value = document.get(short, document.get(long))
    return value if isinstance(value, str) else ""


def build(config: Mapping[str, Any]) -> Driver:
    where = "esphome"
    keys = ("topic_prefix", "discovery_prefix", "entities", "call_buttons", "separate")
    check_keys(config, keys, where)
    entities = {}
    for name, says in get(config, "entities", dict, where, {}).items():
        entities[name] = _NAMED[one_of(str(says), _NAMED, f"{where}.entities.{name}")]
    return Esphome(
        EsphomePlan(
            prefix=_topic(config, "topic_prefix", "", where),
            discovery_prefix=_topic(config, "discovery_prefix", DISCOVERY_PREFIX, where),
            entities=entities,
            call_buttons=_names(config, "call_buttons", where),
            separate=_names(config, "separate", where),
        )
    )


def _topic(config: Mapping[str, Any], key: str, default: str, where: str) -> str:
    topic = get(config, key, str, where, default).strip("/")
    if "+" in topic or "#" in topic:
        raise ConfigError(f"{where}.{key}", f"{topic[:60]!r} is no topic")
    return topic


def _names(config: Mapping[str, Any], key: str, where: str) -> frozenset[str]:
    names = get(config, key, list, where, [])
    if not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{where}.{key}", "is a list of names")
    return frozenset(names)


def _decoder() -> Decoder:
    driver = Esphome(EsphomePlan())

    def decode(request: DecodeRequest) -> list[Outcome]:
        return driver.decode(request.topic or "node/status", request.data, request.now_ms)

    return decode


SPEC = DriverSpec(
    name="esphome",
    title="ESPHome nodes; what a value means is learnt from their discovery messages",
    title_zh="ESPHome 节点，含义取自其自动发现消息",
    transport="mqtt",
    line=None,
    settings={
        "topic_prefix": "levels above the nodes' names, none unless changed",
        "discovery_prefix": "where discovery messages are, homeassistant unless changed",
        "entities": "table of node/object to what it tells, for nodes without discovery",
        "call_buttons": "node or node/object whose every press is a call",
        "separate": "nodes whose objects are devices of their own, named <node>-<object>",
    },
    build=build,
    decoder=_decoder,
)
