"""Zigbee2MQTT: buttons, meters and sensors as its bridge publishes them.

  <base>/<name>                state as JSON; the name may hold `/` and spaces
  <base>/<name>/<attribute>    one bare value (attribute output)
  <base>/<name>/availability   {"state": "online"|"offline"}, on old installations the bare word
  <base>/bridge/...            the bridge itself

A press comes once; `action` empty or null is no press. `contact: true` means closed. Batteries
may be null, text or 0. A battery device counts as offline only after 25 hours, so availability
says little about a button.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from contract.config import check_keys, get
from contract.ids import safe_name
from contract.item import ATTR_LENGTH_MAX, Measurement, Scalar
from contract.moment import EPOCH, from_iso
from gateway.driver import (
    RAW_SHOWN_MAX,
    Decoded,
    Decoder,
    DecodeRequest,
    Driver,
    DriverSpec,
    Outcome,
    Undecodable,
)

# What buttons of the makers say when somebody asks for help (devices.md, section 2).
SOS_ACTIONS: Final = frozenset({"emergency", "sos", "panic"})
# Buttons without a word for help: any press of one that is bound as a call button is a call.
PLAIN_ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"single": "press", "double": "press", "hold": "hold", "click": "press", "press": "press"}
)
PLAIN_BUTTON_MODELS: Final = frozenset({"HS1EB", "HS1EB-E", "HS1EB-N", "SOS-EF-3.0", "CR11S8UZ"})
# A press published as state and again as attribute is one press.
SAME_PRESS_MS: Final = 1500
# A device clock this far off ours is not believed.
CLOCK_SLACK_MS: Final = 24 * 3_600_000
# Names learnt from the bridge; a network has at most some hundred devices.
DEVICES_MAX: Final = 1000

_ATTRIBUTES: Final = frozenset(
    {
        "action",
        "power",
        "state",
        "energy",
        "voltage",
        "current",
        "contact",
        "occupancy",
        "battery",
        "linkquality",
        "temperature",
        "humidity",
        "smoke",
        "gas",
        "water_leak",
        "presence",
        "tamper",
    }
)
_HAZARDS: Final = (
    ("smoke", "smoke"),
    ("gas", "gas"),
    ("carbon_monoxide", "gas"),
    ("water_leak", "leak"),
)
_FALLS: Final[Mapping[str, str]] = {
    "fall_down_status": "fall",
    "fall_status": "fall_alarm",
}
_FIELDS: Final[Mapping[str, str]] = {
    "power": "power_W",
    "energy": "energy_kWh",
    "current": "current_A",
    "voltage": "voltage",
    "linkquality": "lqi",
}


class Bridge:
    """The message driver. Remembers models and the last press of each device."""

    def __init__(self, base_topic: str, call_buttons: Sequence[str] = ()) -> None:
        self._base = base_topic
        self._call_buttons = frozenset(call_buttons)
        self._models: dict[str, str] = {}
        self._pressed_ms: dict[str, int] = {}
        self._hazard: dict[tuple[str, str], bool] = {}

    def subscriptions(self) -> Sequence[str]:
        return [f"{self._base}/#"]

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        if not topic.startswith(f"{self._base}/"):
            return [_bad("bad_topic", f"{topic[:80]!r} is not below {self._base}", payload)]
        name = topic[len(self._base) + 1 :]
        if name == "bridge" or name.startswith("bridge/"):
            return self._bridge(name.removeprefix("bridge").strip("/"), payload)
        if name.endswith(("/set", "/get")):
            return []
        if name.endswith("/availability"):
            return [_availability(name.removesuffix("/availability"), payload)]
        try:
            state = json.loads(payload) if payload else None
        except (ValueError, RecursionError):
            state = payload.decode(errors="replace") if self._attribute(name) else _NOT_JSON
        if state is None:
            return [Decoded(fields={"kind": "empty", "device": name})]
        if isinstance(state, dict):
            return [self._state(name, state, now_ms)]
        if self._attribute(name):
            return [self._attribute_value(name, state, now_ms)]
        return [_bad("not_json", f"{payload[:40]!r} is no state", payload)]

    @staticmethod
    def _attribute(name: str) -> bool:
        return "/" in name and name.rsplit("/", 1)[1] in _ATTRIBUTES

    def _attribute_value(self, name: str, value: object, now_ms: int) -> Outcome:
        device, attribute = name.rsplit("/", 1)
        fields = {"kind": "attribute", "path": name, "value": value}
        # The state message has the rest; a press alone must not wait for it.
        found = self._press(device, {attribute: value}, now_ms, now_ms)
        return Decoded(fields=fields, measurements=found)

    def _bridge(self, sub: str, payload: bytes) -> list[Outcome]:
        fields: dict[str, Any] = {"kind": "bridge", "sub": sub}
        try:
            content = json.loads(payload) if payload else None
        except (ValueError, RecursionError):
            content = payload.decode(errors="replace")[:40]
        if sub == "state":
            fields["state"] = content.get("state") if isinstance(content, dict) else content
        elif sub == "devices" and isinstance(content, list):
            fields["devices"] = self._learn(content)
        return [Decoded(fields=fields)]

    def _learn(self, devices: Sequence[object]) -> list[dict[str, Any]]:
        """Names and models from `bridge/devices`."""
        found = []
        for device in devices[:DEVICES_MAX]:
            if not isinstance(device, dict):
                continue
            definition = device.get("definition")
            model = definition.get("model") if isinstance(definition, dict) else None
            name = device.get("friendly_name")
            if isinstance(name, str) and isinstance(model, str):
                self._models[name] = model
                found.append({"device": name, "model": model})
        return found

    def _state(self, name: str, state: Mapping[str, Any], now_ms: int) -> Decoded:
        at_ms = _last_seen(state.get("last_seen"), now_ms)
        found = self._press(name, state, at_ms, now_ms)
        device = safe_name(name)
        attrs = _label(name, self._models.get(name))

        def add(kind: str, values: Mapping[str, float], more: Mapping[str, Scalar]) -> None:
            found.append(
                Measurement(
                    device=device,
                    kind=kind,
                    measured_at_ms=at_ms,
                    received_at_ms=now_ms,
                    values=values,
                    attrs={**attrs, **more},
                )
            )

        for kind, action in self._detected(name, state):
            add(kind, {}, {"action": action})
        power = _numbers(
            state, {"power": "power_w", "energy": "energy_kwh", "current": "current_a"}
        )
        if power:
            power.update(_numbers(state, {"voltage": "voltage_v"}))
            add("power", power, {})
        for kind, values in self._sensed(name, state):
            add(kind, values, {})
        health = _health(state, mains=bool(power))
        if health:
            fault = {"fault": "battery_low"} if state.get("battery_low") is True else {}
            add("device_health", health, fault)
        return Decoded(fields=self._fields(name, state), measurements=found)

    def _press(
        self, name: str, state: Mapping[str, Any], at_ms: int, now_ms: int
    ) -> list[Measurement]:
        """The call in a message, once for a press that is published twice."""
        action = state.get("action")
        meant = self._meaning(name, action)
        if meant is None:
            return []
        last_ms = self._pressed_ms.get(name)
        self._pressed_ms[name] = now_ms
        if last_ms is not None and 0 <= now_ms - last_ms < SAME_PRESS_MS:
            return []
        attrs: dict[str, Scalar] = {**_label(name, self._models.get(name)), "action": meant}
        attrs["button_action"] = str(action)[:40]
        return [
            Measurement(
                device=safe_name(name),
                kind="sos",
                measured_at_ms=at_ms,
                received_at_ms=now_ms,
                attrs=attrs,
            )
        ]

    def _meaning(self, name: str, action: object) -> str | None:
        """What a button's action asks for, or None."""
        if not isinstance(action, str) or not action:
            return None
        if action in SOS_ACTIONS:
            return "press"
        plain = name in self._call_buttons or self._models.get(name) in PLAIN_BUTTON_MODELS
        return PLAIN_ACTIONS.get(action) if plain else None

    def _detected(self, name: str, state: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Activations of detectors: the beginning and the end of each, once."""
        now: list[tuple[str, bool]] = [
            (kind, state[key] is True) for key, kind in _HAZARDS if isinstance(state.get(key), bool)
        ]
        now += [("fall", state[key] == word) for key, word in _FALLS.items() if key in state]
        if isinstance(state.get("tamper"), bool):
            now.append(("tamper", state["tamper"]))
        found = []
        for kind, active in now:
            before = self._hazard.get((name, kind), False)
            self._hazard[(name, kind)] = active
            if active != before:
                testing = active and state.get("test") is True and kind != "tamper"
                found.append((kind, "test" if testing else "press" if active else "clear"))
        return found

    def _sensed(self, name: str, state: Mapping[str, Any]) -> list[tuple[str, dict[str, float]]]:
        found: list[tuple[str, dict[str, float]]] = []
        if isinstance(state.get("contact"), bool):
            if self._models.get(name) == "SPM915":
                # A sleeping pad that reports the bed as a contact: closed is nobody on it.
                found.append(("bed", {"occupied": float(not state["contact"])}))
            else:
                found.append(("contact", {"open": float(not state["contact"])}))
        for key, kind, value in (
            ("occupancy", "motion", "active"),
            ("presence", "presence", "present"),
            ("bed_occupancy", "bed", "occupied"),
        ):
            if isinstance(state.get(key), bool):
                found.append((kind, {value: float(state[key])}))
        climate = _numbers(state, {"temperature": "temperature_c", "humidity": "humidity_pct"})
        if climate:
            found.append(("environment", climate))
        return found

    def _fields(self, name: str, state: Mapping[str, Any]) -> dict[str, Any]:
        """The protocol's own fields, under the names of the shared vectors."""
        fields: dict[str, Any] = {"kind": "state", "device": name}
        model = self._models.get(name)
        if model is not None:
            fields["model"] = model
        for key, value in state.items():
            if isinstance(value, bool | int | float | str) or value is None:
                shown = _FIELDS.get(key, key)
                if key == "battery":
                    shown, value = "battery_pct", _number(value)  # noqa: PLW2901
                if value is not None or key == "action":
                    fields[shown] = value
        if "action" in state:
            fields["sos"] = self._meaning(name, state["action"]) is not None
        for key, word in _FALLS.items():
            if key in state:
                fields["fall"] = state[key] == word
        return fields


_NOT_JSON: Final = object()


def _availability(name: str, payload: bytes) -> Outcome:
    fields: dict[str, Any] = {"kind": "availability", "device": name}
    text = payload.decode(errors="replace").strip()
    if not text:
        return Decoded(fields={**fields, "removed": True})
    try:
        document = json.loads(text)
        state = document.get("state") if isinstance(document, dict) else document
    except (ValueError, RecursionError):
        state = text
    return Decoded(fields={**fields, "state": state, "online": state == "online"})


def _label(name: str, model: str | None) -> dict[str, Scalar]:
    """The name as people gave it, where the topic-safe one differs."""
    attrs: dict[str, Scalar] = {}
    if safe_name(name) != name:
        attrs["label"] = name[:ATTR_LENGTH_MAX]
    if model is not None:
        attrs["model"] = model[:ATTR_LENGTH_MAX]
    return attrs


def _number(value: object) -> float | None:
    """A finite number, also one written as text; None otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e15 else None


def _numbers(state: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    found = {ours: _number(state[theirs]) for theirs, ours in names.items() if theirs in state}
    return {name: value for name, value in found.items() if value is not None}


def _health(state: Mapping[str, Any], *, mains: bool) -> dict[str, float]:
    values = _numbers(state, {"battery": "battery_pct", "linkquality": "link_quality"})
    if "battery" in state and not mains:
        values.update(_numbers(state, {"voltage": "battery_mv"}))
    if "battery_pct" not in values and state.get("battery_low") is not True:
        # Signal alone changes with every message and says nothing worth a row.
        return {}
    return values


def _last_seen(value: object, now_ms: int) -> int:
    """When the device spoke, if it says so believably; else now."""
    at_ms: int | None = None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        at_ms = int(value)
    elif isinstance(value, str):
        try:
            at_ms = from_iso(value)
        except ValueError:
            at_ms = _naive(value)
    if at_ms is None or abs(now_ms - at_ms) > CLOCK_SLACK_MS:
        return now_ms
    return min(at_ms, now_ms)


def _naive(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=EPOCH.tzinfo) if moment.tzinfo is None else moment
    return int((moment - EPOCH).total_seconds() * 1000)


def _bad(code: str, detail: str, raw: bytes) -> Undecodable:
    return Undecodable(code=code, detail=detail[:200], raw=raw[:RAW_SHOWN_MAX])


def build(config: Mapping[str, Any]) -> Driver:
    where = "zigbee2mqtt"
    check_keys(config, ("base_topic", "call_buttons"), where)
    buttons = [str(name) for name in get(config, "call_buttons", list, where, [])]
    return Bridge(get(config, "base_topic", str, where, "zigbee2mqtt"), buttons)


class _Learning:
    """A decoder that finds the base topic in the topic and remembers what the bridge says."""

    def __init__(self) -> None:
        self._bridges: dict[str, Bridge] = {}

    def __call__(self, request: DecodeRequest) -> list[Outcome]:
        topic = request.topic or "zigbee2mqtt/device"
        base = topic.split("/", 1)[0]
        bridge = self._bridges.setdefault(base, Bridge(base))
        return bridge.decode(topic, request.data, request.now_ms)


def _decoder() -> Decoder:
    return _Learning()


SPEC = DriverSpec(
    name="zigbee2mqtt",
    title="Zigbee2MQTT: call buttons, metering plugs, motion, contact, smoke, gas, leak, fall",
    transport="mqtt",
    line=None,
    settings={
        "base_topic": "Zigbee2MQTT's base topic",
        "call_buttons": "names of plain buttons whose every press is a call",
    },
    build=build,
    decoder=_decoder,
)
