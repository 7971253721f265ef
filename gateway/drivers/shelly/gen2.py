"""Shelly, second generation and later: notifications on `<id>/events/rpc`.

{"src", "method", "params": {"ts": epoch seconds, "<component>:<n>": {...}}}; the methods are
NotifyStatus (what changed; an absent key is unchanged), NotifyFullStatus, NotifyEvent with
`params.events` [{"component", "event", "ts"}] (shelly-api-docs.shelly.cloud, gen2, Notifications
and Components). Energies are Wh in `aenergy.total` (switch, pm1, cover), `total_act` (emdata,
three phases) and `total_act_energy` (em1data).

`<id>/status/<component>:<n>` carries the component's object alone, where it is enabled;
`<id>/online` is true, or false as last will. BTHome buttons behind a gateway come as events of a
`bthomedevice`.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from contract.item import Measurement
from contract.kinds import WELL
from gateway.driver import Decoded, Outcome
from gateway.drivers.shelly.gen1 import of_channel
from gateway.messages import (
    BadMessage,
    Devices,
    Said,
    believed_ms,
    clean,
    moment_ms,
    number,
    numbers,
    read_json,
    shown,
    truth,
)
from gateway.well import WellButtons

# Components and events of one notification; devices have some dozens.
PARTS_MAX: Final = 64
# A press is notified as single_push and, by gateways, once more within moments.
SAME_PRESS_MS: Final = 1000

_COMPONENT: Final = re.compile(r"([a-z0-9_]{1,32}):(\d{1,4})\Z")
_PRESSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("single_push", "double_push", "triple_push"), "press"),
        "long_push": "hold",
    }
)
_CIRCUIT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "apower": "power_w",
        "act_power": "power_w",
        "voltage": "voltage_v",
        "current": "current_a",
        "pf": "power_factor",
        "freq": "frequency_hz",
    }
)
_THREE_PHASE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "total_act_power": "power_w",
        "a_voltage": "voltage_v",
        "a_current": "current_a",
        "a_pf": "power_factor",
        "a_freq": "frequency_hz",
    }
)
_PHASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"{p}_{theirs}": f"{quantity}_{p}_{unit}"
        for p in "abc"
        for theirs, quantity, unit in (("voltage", "voltage", "v"), ("act_power", "power", "w"))
    }
)
_CIRCUITS: Final = frozenset({"switch", "pm1", "cover", "light", "em1"})


class Gen2:
    """Stateless but for what is told once."""

    def __init__(self, devices: Devices, call_buttons: frozenset[str], well: WellButtons) -> None:
        self._devices = devices
        self._call_buttons = call_buttons
        self._well = well

    def notification(self, said: Said, payload: bytes) -> Outcome:
        """A message on `<id>/events/rpc`."""
        document = read_json(payload)
        params = document.get("params") if isinstance(document, dict) else None
        method = document.get("method") if isinstance(document, dict) else None
        if not isinstance(method, str) or not isinstance(params, dict):
            raise BadMessage("not_a_notification", f"{payload[:60]!r}")
        fields: dict[str, Any] = {"kind": clean(method), "device": clean(said.name)}
        said = replace(said, at_ms=believed_ms(moment_ms(params.get("ts")), said.now_ms))
        if method == "NotifyEvent":
            return self._events(said, params.get("events"), fields)
        if method not in {"NotifyStatus", "NotifyFullStatus"}:
            return Decoded(fields=fields)
        found: list[Measurement] = []
        for name, status in list(params.items())[:PARTS_MAX]:
            if isinstance(status, dict):
                found += self._component(said, name, status, fields)
        return Decoded(fields=fields, measurements=found)

    def status(self, said: Said, component: str, payload: bytes) -> Outcome:
        """A message on `<id>/status/<component>`."""
        document = read_json(payload)
        fields: dict[str, Any] = {"kind": "status", "device": clean(said.name)}
        fields["component"] = clean(component)
        if not isinstance(document, dict):
            raise BadMessage("not_a_table", f"{payload[:60]!r}")
        found = self._component(said, component, document, fields)
        return Decoded(fields=fields, measurements=found)

    def _component(
        self, said: Said, component: str, status: Mapping[str, Any], fields: dict[str, Any]
    ) -> list[Measurement]:
        split = _COMPONENT.match(component)
        if split is None:
            return []
        kind, channel = split.groups()
        if kind in _CIRCUITS:
            return self._circuit(of_channel(said, channel), status, fields)
        if kind in {"em", "emdata", "em1data"}:
            return self._meter(of_channel(said, channel), kind, status, fields)
        return self._sensor(said, kind, channel, status, fields)

    def _circuit(
        self, said: Said, status: Mapping[str, Any], fields: dict[str, Any]
    ) -> list[Measurement]:
        values = numbers(status, _CIRCUIT)
        energy = status.get("aenergy")
        total_wh = number(energy.get("total")) if isinstance(energy, dict) else None
        if total_wh is not None:
            values["energy_kwh"] = total_wh / 1000
            fields.setdefault("total_Wh", shown(total_wh))
        if truth(status.get("output")) is not None:
            fields.setdefault("on", truth(status["output"]))
        for ours, theirs in (("power_w", "power_W"), ("voltage_v", "voltage_V")):
            if ours in values:
                fields.setdefault(theirs, shown(values[ours]))
        return self._devices.read(said, "power", values) if values else []

    def _meter(
        self, said: Said, kind: str, status: Mapping[str, Any], fields: dict[str, Any]
    ) -> list[Measurement]:
        if kind == "em":
            values = numbers(status, _THREE_PHASE)
            phases = {k: v for k, v in numbers(status, _PHASES).items() if abs(v) < 1e9}
            said = replace(said, attrs=phases)
        else:
            theirs = "total_act" if kind == "emdata" else "total_act_energy"
            total_wh = number(status.get(theirs))
            values = {} if total_wh is None else {"energy_kwh": total_wh / 1000}
            if total_wh is not None:
                fields.setdefault("total_Wh", shown(total_wh))
        if "power_w" in values:
            fields.setdefault("power_W", shown(values["power_w"]))
        return self._devices.read(said, "power", values) if values else []

    def _sensor(
        self,
        said: Said,
        kind: str,
        channel: str,
        status: Mapping[str, Any],
        fields: dict[str, Any],
    ) -> list[Measurement]:
        if kind in {"smoke", "flood"}:
            active = truth(status.get("alarm"))
            if active is None:
                return []
            fields[kind] = active
            what = "leak" if kind == "flood" else kind
            return self._devices.detect(said, what, f"{kind}:{channel}", active=active)
        if kind in {"temperature", "humidity"}:
            names = {"tC": "temperature_c"} if kind == "temperature" else {"rh": "humidity_pct"}
            values = numbers(status, names)
            fields.update({name: shown(value) for name, value in values.items()})
            # Channels from 100 on are probes of an add-on: places of their own.
            place = of_channel(said, channel)
            return self._devices.read(place, "environment", values) if values else []
        battery = status.get("battery")
        if kind == "devicepower" and isinstance(battery, dict):
            values = numbers(battery, {"percent": "battery_pct"})
            volts = number(battery.get("V"))
            if volts is not None:
                values["battery_mv"] = volts * 1000
            fields.update({name: shown(value) for name, value in values.items()})
            return self._devices.read(said, "device_health", values) if values else []
        return []

    def _events(self, said: Said, events: object, fields: dict[str, Any]) -> Outcome:
        if not isinstance(events, list):
            raise BadMessage("not_events", "params.events is no list")
        found: list[Measurement] = []
        told: list[dict[str, Any]] = []
        for event in events[:PARTS_MAX]:
            if not isinstance(event, dict):
                continue
            what, component = shown(event.get("event")), shown(event.get("component"))
            told.append({"component": component, "event": what})
            meant = _PRESSES.get(what) if isinstance(what, str) else None
            if meant is None or not isinstance(component, str):
                continue
            # A button behind a gateway may be bound by itself: `<id>/<component>`.
            own = f"{said.name}/{component}"
            button = f"{component} {what}"
            # A part that is named as a call stays one, whatever is said of the whole.
            of_whole = own not in self._call_buttons and self._well.said(said.name, button)
            if of_whole or self._well.said(own, button):
                meant = WELL
            elif said.name not in self._call_buttons and own not in self._call_buttons:
                continue
            name = own if component.startswith("bthome") else said.name
            at_ms = believed_ms(moment_ms(event.get("ts")), said.now_ms)
            pressed = replace(said, name=name, at_ms=at_ms)
            found += self._devices.press(pressed, meant, button=button, same_ms=SAME_PRESS_MS)
        fields.update(events=told, sos=any(m.kind == "sos" for m in found))
        return Decoded(fields=fields, measurements=found)
