"""Shelly, first generation: one bare value a topic.

  shellies/announce                   {"id", "model", "mac", "ip", "new_fw", "fw_ver"}
  shellies/<id>/online                true, or false as last will
  shellies/<id>/relay/N/power         W;  relay/N/energy in watt-MINUTES, from zero at each reboot
  shellies/<id>/emeter/N/power        W;  voltage, current, pf, total (Wh), total_returned (Wh),
                                      energy (watt-minutes since the last message: not used)
  shellies/<id>/input_event/N         {"event": "S", "event_cnt": 2}; S short, L long, SS, SSS
  shellies/<id>/sensor/...            temperature (C), humidity, battery, flood, smoke, gas, motion,
                                      state (open, close) of a door

A value stands for itself. Of the three phases of a 3EM the sum is told when all are known.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from contract.item import Measurement
from contract.kinds import WELL
from gateway.driver import Decoded, Outcome
from gateway.messages import (
    DEVICES_MAX,
    BadMessage,
    Devices,
    Said,
    clean,
    number,
    read_json,
    read_text,
    shown,
    truth,
)
from gateway.well import WellButtons

WATT_MINUTES_PER_WH: Final = 60
PHASES: Final = 3
# Ids of three-phase meters begin so; all others' channels are separate circuits.
THREE_PHASE_PREFIX: Final = "shellyem3"

_PRESSES: Final[Mapping[str, str]] = MappingProxyType(
    {"S": "press", "SS": "press", "SSS": "press", "SL": "press", "LS": "press", "L": "hold"}
)
_QUANTITIES: Final[Mapping[str, str]] = MappingProxyType(
    {"power": "power_w", "voltage": "voltage_v", "current": "current_a", "pf": "power_factor"}
)
_SENSORS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "temperature": ("environment", "temperature_c"),
        "humidity": ("environment", "humidity_pct"),
        "battery": ("device_health", "battery_pct"),
        "concentration": ("environment", "gas_ppm"),
    }
)
_HAZARDS: Final[Mapping[str, str]] = MappingProxyType(
    {"flood": "leak", "smoke": "smoke", "gas": "gas"}
)
# What a gas detector says instead of true and false.
_GAS_LEVELS: Final[Mapping[str, bool]] = MappingProxyType(
    {"none": False, "mild": True, "heavy": True}
)


class Gen1:
    """Remembers counters of button events and, of three-phase meters, each phase's last value."""

    def __init__(self, devices: Devices, call_buttons: frozenset[str], well: WellButtons) -> None:
        self._devices = devices
        self._call_buttons = call_buttons
        self._well = well
        self._counts: dict[tuple[str, str], object] = {}
        self._phases: dict[tuple[str, str], dict[str, float]] = {}

    def decode(self, said: Said, path: str, payload: bytes) -> Outcome:
        """A message below `shellies/<id>/`."""
        levels = path.split("/")
        match levels:
            case ["online"]:
                return self._online(said, payload)
            case ["announce" | "info"]:
                return _announced(said, payload)
            case ["relay" | "meter", channel, quantity] if quantity in {"power", "energy"}:
                return self._relay(said, channel, quantity, payload)
            case ["emeter", channel, quantity]:
                return self._emeter(said, channel, quantity, payload)
            case ["input_event", channel]:
                return self._event(said, channel, payload)
            case ["sensor", quantity]:
                return self._sensor(said, quantity, payload)
        return Decoded(fields={"kind": "other", "device": clean(said.name), "path": clean(path)})

    def _online(self, said: Said, payload: bytes) -> Outcome:
        online = truth(read_text(payload))
        if online is None:
            raise BadMessage("bad_availability", f"{payload[:40]!r}")
        fields = {"kind": "availability", "device": clean(said.name), "online": online}
        return Decoded(fields=fields, measurements=self._devices.available(said, online=online))

    def _relay(self, said: Said, channel: str, quantity: str, payload: bytes) -> Outcome:
        value = _bare(payload)
        said = of_channel(said, channel)
        if quantity == "power":
            found = self._devices.read(said, "power", {"power_w": value})
            return Decoded(fields={"kind": "power", "value": shown(value)}, measurements=found)
        wh = value / WATT_MINUTES_PER_WH
        found = self._devices.read(said, "power", {"energy_kwh": wh / 1000})
        fields = {"kind": "energy", "total_Wh": shown(round(wh, 2))}
        return Decoded(fields=fields, measurements=found)

    def _emeter(self, said: Said, channel: str, quantity: str, payload: bytes) -> Outcome:
        value = _bare(payload)
        fields = {"kind": clean(quantity), "value": shown(value)}
        name = _QUANTITIES.get(quantity)
        if quantity == "total":
            name, value = "energy_kwh", value / 1000
        if name is None:
            return Decoded(fields=fields)
        if not said.name.startswith(THREE_PHASE_PREFIX):
            found = self._devices.read(of_channel(said, channel), "power", {name: value})
            return Decoded(fields=fields, measurements=found)
        found = self._phase(said, channel, name, value)
        return Decoded(fields=fields, measurements=found)

    def _phase(self, said: Said, channel: str, name: str, value: float) -> list[Measurement]:
        if name not in {"energy_kwh", "power_w"}:
            # Of volts and amperes there is no sum: phase A's stand for the meter.
            return self._devices.read(said, "power", {name: value}) if channel == "0" else []
        if channel not in {"0", "1", "2"}:
            return []
        key = (said.name, name)
        if key not in self._phases and len(self._phases) >= DEVICES_MAX:
            self._phases.pop(next(iter(self._phases)))
        known = self._phases.setdefault(key, {})
        known[channel] = value
        if len(known) < PHASES:
            return []
        total = sum(known.values())
        del self._phases[key]
        return self._devices.read(said, "power", {name: total})

    def _event(self, said: Said, channel: str, payload: bytes) -> Outcome:
        document = read_json(payload)
        event = document.get("event") if isinstance(document, dict) else None
        if not isinstance(event, str):
            raise BadMessage("not_an_event", f"{payload[:40]!r}")
        count = document.get("event_cnt")
        fields: dict[str, Any] = {"kind": "input_event", "event": clean(event)}
        fields.update(channel=clean(channel), count=shown(count))
        meant = _PRESSES.get(event)
        button = f"{channel} {event}"
        says_well = meant is not None and self._well.said(said.name, button)
        calls = meant is not None and said.name in self._call_buttons and not says_well
        fields["sos"] = calls
        # The same count is the same press, sent again.
        key = (said.name, channel)
        again = count is not None and self._counts.get(key) == shown(count)
        if not said.retained:
            self._counts.pop(key, None)
            if len(self._counts) >= DEVICES_MAX:
                self._counts.pop(next(iter(self._counts)))
            self._counts[key] = shown(count)
        if meant is None or again or not (calls or says_well):
            return Decoded(fields=fields)
        found = self._devices.press(said, WELL if says_well else meant, button=button)
        return Decoded(fields=fields, measurements=found)

    def _sensor(self, said: Said, quantity: str, payload: bytes) -> Outcome:
        text = read_text(payload)
        fields: dict[str, Any] = {"kind": clean(quantity), "value": clean(text)}
        found: list[Measurement] = []
        if quantity in _SENSORS:
            kind, name = _SENSORS[quantity]
            value = _bare(payload)
            fields["value"] = shown(value)
            found = self._devices.read(said, kind, {name: value})
        elif quantity in _HAZARDS:
            active = _GAS_LEVELS.get(text, truth(text))
            if active is None:
                raise BadMessage("bad_value", f"{quantity} is {text[:40]!r}")
            fields["value"] = active
            found = self._devices.detect(said, _HAZARDS[quantity], quantity, active=active)
        elif quantity == "motion" and truth(text) is not None:
            found = self._devices.read(said, "motion", {"active": float(bool(truth(text)))})
        elif quantity == "state" and text in {"open", "close"}:
            found = self._devices.read(said, "contact", {"open": float(text == "open")})
        return Decoded(fields=fields, measurements=found)


def of_channel(said: Said, channel: str) -> Said:
    """The first circuit has the device's name, each other one its own."""
    return said if channel == "0" else replace(said, name=f"{said.name}-{channel}")


def _announced(said: Said, payload: bytes) -> Outcome:
    document = read_json(payload)
    if not isinstance(document, dict):
        raise BadMessage("not_a_table", f"{payload[:40]!r}")
    model = shown(document.get("model"))
    return Decoded(fields={"kind": "announce", "device": clean(said.name), "model": model})


def _bare(payload: bytes) -> float:
    value = number(read_text(payload))
    if value is None:
        raise BadMessage("not_a_number", f"{payload[:40]!r}")
    return value
