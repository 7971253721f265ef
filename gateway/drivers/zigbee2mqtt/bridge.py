"""The message driver of Zigbee2MQTT.

  <base>/<name>                state as JSON; the name may hold `/` and spaces
  <base>/<name>/<attribute>    one bare value (attribute output)
  <base>/<name>/availability   {"state": "online"|"offline"}, on old installations the bare word
  <base>/bridge/...            the bridge itself

A press comes once; `action` empty or null is no press. A battery device counts as offline only
after 25 hours, so availability says little about a button.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from contract.item import Measurement
from contract.kinds import WELL
from contract.moment import EPOCH
from gateway.driver import Decoded, Outcome
from gateway.drivers.zigbee2mqtt import meaning
from gateway.drivers.zigbee2mqtt.meaning import SOS_ACTIONS
from gateway.drivers.zigbee2mqtt.network import BED_CONTACT_MODELS, Network
from gateway.messages import (
    DEVICES_MAX,
    LIST_BYTES_MAX,
    BadMessage,
    Devices,
    Said,
    believed_ms,
    clean,
    moment_ms,
    number,
    read_json,
    read_text,
    refuse,
    shown,
    truth,
)
from gateway.well import WellButtons

# A press published as state and again as attribute is one press.
SAME_PRESS_MS: Final = 1500

_ATTRIBUTE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
# Types of `bridge/event`: whether the device is gone.
_MEMBERSHIP: Final[Mapping[object, bool]] = {
    "device_leave": True,
    "device_joined": False,
    "device_announce": False,
}
_SHOWN: Final[Mapping[str, str]] = {
    "power": "power_W",
    "energy": "energy_kWh",
    "current": "current_A",
    "linkquality": "lqi",
}


class Bridge:
    """Remembers what the bridge lists, and of each device the last press and what it detects."""

    def __init__(
        self,
        base_topic: str,
        call_buttons: Sequence[str] = (),
        well: WellButtons | None = None,
    ) -> None:
        self._base = base_topic
        self._well = well or WellButtons()
        self._call_buttons = frozenset(call_buttons)
        self._network = Network()
        self._devices = Devices()
        self._whole: dict[str, None] = {}

    def subscriptions(self) -> Sequence[str]:
        return [f"{self._base}/#"]

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        return self._decode(topic, payload, now_ms, retained=False)

    def decode_retained(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        return self._decode(topic, payload, now_ms, retained=True)

    def _decode(self, topic: str, payload: bytes, now_ms: int, *, retained: bool) -> list[Outcome]:
        try:
            if not topic.startswith(f"{self._base}/"):
                raise BadMessage("bad_topic", f"{topic[:80]!r} is not below {self._base}")
            name = topic[len(self._base) + 1 :]
            said = Said(name=name, now_ms=now_ms, at_ms=now_ms, retained=retained)
            if name == "bridge" or name.startswith("bridge/"):
                return [self._bridge(said, payload)]
            if name.endswith(("/set", "/get")) or "/set/" in name or "/get/" in name:
                return []
            if name.endswith("/availability"):
                return [self._availability(said, payload)]
            return [self._device(said, payload)]
        except BadMessage as error:
            return [refuse(error, payload)]

    def _device(self, said: Said, payload: bytes) -> Outcome:
        fields = {"device": clean(said.name)}
        if not payload:
            return Decoded(fields={"kind": "empty", **fields})
        if self._network.is_group(said.name):
            # A group's state repeats that of its members.
            return Decoded(fields={"kind": "group", **fields})
        device, _, last = said.name.rpartition("/")
        attribute = last if device and _ATTRIBUTE.match(last) else None
        try:
            state = read_json(payload)
        except BadMessage as error:
            if attribute is None or error.code != "not_json":
                raise
            state = read_text(payload)
        if isinstance(state, dict):
            if len(self._whole) < DEVICES_MAX:
                self._whole[said.name] = None
            return self._state(said, state)
        if attribute is None:
            raise BadMessage("not_a_state", f"{payload[:40]!r} is no state")
        value = shown(state)
        found: list[Measurement] = []
        whole = {attribute: state}
        of_device = _with(said, name=device)
        # Where the whole state comes too it has the rest; a press alone must not wait for it.
        if device in self._whole:
            found = self._press(of_device, whole)
        else:
            found = list(self._state(of_device, whole).measurements)
        fields = {"kind": "attribute", "path": clean(said.name), "value": value}
        return Decoded(fields=fields, measurements=found)

    def _availability(self, said: Said, payload: bytes) -> Outcome:
        said = _with(said, name=said.name.removesuffix("/availability"))
        fields: dict[str, Any] = {"kind": "availability", "device": clean(said.name)}
        if not payload.strip():
            return Decoded(fields={**fields, "removed": True})
        state = _word(payload)
        if state not in {"online", "offline"}:
            raise BadMessage("bad_availability", f"{payload[:40]!r}")
        found = []
        if not self._network.is_group(said.name):
            found = self._devices.available(self._labelled(said), online=state == "online")
        fields.update(state=state, online=state == "online")
        return Decoded(fields=fields, measurements=found)

    def _bridge(self, said: Said, payload: bytes) -> Outcome:
        sub = said.name.removeprefix("bridge").strip("/")
        fields: dict[str, Any] = {"kind": "bridge", "sub": clean(sub)}
        found: list[Measurement] = []
        if sub == "state" and payload:
            fields["state"] = state = _word(payload)
            # Without its bridge no button of the network is heard.
            bridge = _with(said, name=f"{self._base}/bridge")
            if state in {"online", "offline"}:
                found = self._devices.available(bridge, online=state == "online")
        elif sub == "event" and payload and not said.retained:
            found = self._event(said, read_json(payload, LIST_BYTES_MAX), fields)
        elif sub in {"devices", "groups"} and payload:
            content = read_json(payload, LIST_BYTES_MAX)
            if not isinstance(content, list):
                raise BadMessage("not_a_list", f"bridge/{sub} is no list")
            learn = self._network.learn_devices if sub == "devices" else self._network.learn_groups
            fields[sub] = learn(content)
        return Decoded(fields=fields, measurements=found)

    def _event(self, said: Said, event: object, fields: dict[str, Any]) -> list[Measurement]:
        """A device that left the network is heard no more, whatever its availability says."""
        data = event.get("data") if isinstance(event, dict) else None
        kind = shown(event.get("type")) if isinstance(event, dict) else None
        name = data.get("friendly_name") if isinstance(data, dict) else None
        if not isinstance(name, str) or kind not in _MEMBERSHIP:
            return []
        fields.update(event=kind, device=clean(name))
        device = self._labelled(_with(said, name=name))
        return self._devices.fault(device, "left_network", present=_MEMBERSHIP[kind])

    def _state(self, said: Said, state: Mapping[str, Any]) -> Decoded:
        said = self._labelled(said)
        timed = _with(said, at_ms=_last_seen(state.get("last_seen"), said.now_ms))
        found = self._press(timed, state)
        testing = truth(state.get("test")) is True
        for key, kind in meaning.HAZARDS:
            active = truth(state.get(key))
            if active is not None:
                test = testing and kind != "tamper"
                found += self._devices.detect(timed, kind, key, active=active, test=test)
        for key, fallen in meaning.falls(state):
            found += self._devices.detect(timed, "fall", key, active=fallen)
        power = meaning.power(state)
        if power:
            found += self._devices.read(timed, "power", power)
        bed_contact = self._network.model(said.name) in BED_CONTACT_MODELS
        for kind, values in meaning.sensed(state, bed_contact=bed_contact):
            found += self._devices.read(timed, kind, values)
        health = meaning.health(state, mains=bool(power))
        if health:
            found += self._devices.read(timed, "device_health", health)
        low = truth(state.get("battery_low"))
        if low is not None:
            found += self._devices.fault(said, "battery_low", present=low)
        return Decoded(fields=self._fields(said.name, state), measurements=found)

    def _press(self, said: Said, state: Mapping[str, Any]) -> list[Measurement]:
        action = state.get("action")
        meant = self._meant(said.name, action)
        if meant is None:
            return []
        said = self._labelled(said)
        button = clean(str(action), 40)
        return self._devices.press(said, meant, button=button, same_ms=SAME_PRESS_MS)

    def _meant(self, name: str, action: object) -> str | None:
        for_help = name in self._call_buttons or self._network.calls_for_help(name)
        meant = meaning.press_meant(action, call_button=for_help)
        if not isinstance(action, str) or action in SOS_ACTIONS:
            return meant
        if not self._well.only(name):
            return WELL if self._well.said(name, action) else meant
        # What a maker's button of distress does stays a call: its very gesture would be named.
        plain = meaning.press_meant(action, call_button=True)
        return meant if for_help or plain is None else WELL

    def _labelled(self, said: Said) -> Said:
        model = self._network.model(said.name)
        return said if model is None else _with(said, attrs={"model": model})

    def _fields(self, name: str, state: Mapping[str, Any]) -> dict[str, Any]:
        """The protocol's own fields, under the names of the shared vectors."""
        fields: dict[str, Any] = {"kind": "state", "device": clean(name)}
        model = self._network.model(name)
        if model is not None:
            fields["model"] = model
        for key, value in state.items():
            if isinstance(value, dict | list):
                continue
            plain = number(value) if key == "battery" else shown(value)
            if plain is not None or key == "action":
                fields["battery_pct" if key == "battery" else _SHOWN.get(key, clean(key))] = plain
        if "action" in state:
            fields["sos"] = self._meant(name, state["action"]) not in {None, WELL}
        fallen = meaning.falls(state)
        if fallen:
            fields["fall"] = any(active for _, active in fallen)
        return fields


def _with(said: Said, **changes: Any) -> Said:
    return replace(said, **changes)


def _word(payload: bytes) -> str:
    """`online`, or {"state": "online"}."""
    try:
        document = read_json(payload)
    except BadMessage as error:
        if error.code != "not_json":
            raise
        document = read_text(payload)
    state = document.get("state") if isinstance(document, dict) else document
    return clean(state) if isinstance(state, str) else ""


def _last_seen(value: object, now_ms: int) -> int:
    """When the device spoke, if it says so believably; a time without a zone is read as UTC."""
    at_ms = moment_ms(value)
    if at_ms is None and isinstance(value, str):
        try:
            naive = datetime.fromisoformat(value)
        except ValueError:
            return now_ms
        if naive.tzinfo is None:
            seconds = (naive.replace(tzinfo=EPOCH.tzinfo) - EPOCH).total_seconds()
            at_ms = int(seconds * 1000)
    return believed_ms(at_ms, now_ms)
