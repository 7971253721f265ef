"""Tasmota: metering plugs, sensors, buttons and the 433 MHz bridge.

Topics follow the device's FullTopic, `%prefix%/%topic%/` unless changed; prefixes `tele`, `stat`,
`cmnd`:

  tele/<topic>/LWT       Online or Offline, retained
  tele/<topic>/STATE     {"Time", "Vcc", "POWER"|"POWER1"..., "Wifi": {"RSSI", "Signal"}}
  tele/<topic>/SENSOR    {"ENERGY": {...}, "<sensor>": {"Temperature", "Humidity"}, "TempUnit"}
  tele/<topic>/RESULT    {"RfReceived": {"Sync", "Low", "High", "Data", "RfKey"}}
  stat/<topic>/RESULT    {"Button1": {"Action": "SINGLE"}}, {"Switch1": {"Action": "ON"}}

Meters of several phases give arrays for what they measure by phase; Total is the sum. `Time` is
local without a zone, so it is not used. RfReceived's Data is 20 bits of identity and 4 of key, as a
Sonoff bridge hears an EV1527 transmitter; a press is heard several times.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError, check_keys, get, one_of
from contract.errors import ContractError
from contract.ids import check_name
from contract.item import Measurement, Scalar
from contract.kinds import WELL
from gateway.driver import Decoded, Decoder, DecodeRequest, Driver, DriverSpec, Outcome
from gateway.messages import (
    BadMessage,
    Devices,
    Said,
    clean,
    number,
    numbers,
    read_json,
    read_text,
    refuse,
    shown,
)
from gateway.well import KEY_MEANINGS, WellButtons, read_well_buttons

FULL_TOPIC: Final = "%prefix%/%topic%/"
# Repeats of one radio press are tens of milliseconds apart; people need longer between two.
REPEAT_WINDOW_MS: Final = 2000
# Phases of a supply; arrays beyond are no meter's.
PHASES_MAX: Final = 3

_RF_CODE: Final = re.compile(r"[0-9A-F]{6}\Z")
_IDENTITY: Final = re.compile(r"[0-9A-F]{5}\Z")
_BUTTON: Final = re.compile(r"(?:Button|Switch)\d{0,2}\Z")
_PRESSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("SINGLE", "DOUBLE", "TRIPLE", "QUAD", "PENTA", "ON", "TOGGLE"), "press"),
        "HOLD": "hold",
    }
)
_METER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Total": "energy_kwh",
        "Power": "power_w",
        "Voltage": "voltage_v",
        "Current": "current_a",
        "Factor": "power_factor",
        "Frequency": "frequency_hz",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioButton:
    """A transmitter as bound by the installer; keys: what each key number means."""

    device: str
    keys: Mapping[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TasmotaPlan:
    """call_buttons: topics of devices whose buttons and switches call for help; well: those that
    say "I'm well"."""

    full_topic: str = FULL_TOPIC
    call_buttons: frozenset[str] = frozenset()
    well: WellButtons = field(default_factory=WellButtons)
    radio: Mapping[str, RadioButton] = field(default_factory=dict)


class Tasmota:
    """The message driver. A transmitter without a button comes out as `ev1527-<identity>`."""

    def __init__(self, plan: TasmotaPlan) -> None:
        self._plan = plan
        self._devices = Devices()
        escaped = re.escape(plan.full_topic.strip("/") + "/")
        self._pattern = re.compile(
            escaped.replace("%prefix%", r"(?P<prefix>tele|stat|cmnd)").replace(
                "%topic%", r"(?P<topic>[^/]+)"
            )
            + r"(?P<what>[^/]+)\Z"
        )

    def subscriptions(self) -> Sequence[str]:
        base = self._plan.full_topic.strip("/").replace("%topic%", "+")
        return [f"{base.replace('%prefix%', prefix)}/+" for prefix in ("tele", "stat")]

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        return self._decode(topic, payload, now_ms, retained=False)

    def decode_retained(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        return self._decode(topic, payload, now_ms, retained=True)

    def _decode(self, topic: str, payload: bytes, now_ms: int, *, retained: bool) -> list[Outcome]:
        try:
            place = self._pattern.match(topic)
            if place is None:
                wanted = self._plan.full_topic
                raise BadMessage("bad_topic", f"{topic[:80]!r} does not fit {wanted}")
            name, what = place["topic"], place["what"]
            said = Said(name=name, now_ms=now_ms, at_ms=now_ms, retained=retained)
            if place["prefix"] == "cmnd" or not payload:
                return [Decoded(fields={"kind": "ignored", "device": clean(name)})]
            if what == "LWT":
                return [self._availability(said, payload)]
            if what in {"SENSOR", "STATE", "RESULT", "STATUS8", "STATUS10", "STATUS11"}:
                return [self._document(said, what, read_json(payload))]
            fields = {"kind": clean(what.lower()), "device": clean(name)}
            return [Decoded(fields=fields)]
        except BadMessage as error:
            return [refuse(error, payload)]

    def _availability(self, said: Said, payload: bytes) -> Outcome:
        word = read_text(payload)
        if word not in {"Online", "Offline"}:
            raise BadMessage("bad_availability", f"{word[:40]!r}")
        online = word == "Online"
        found = self._devices.available(said, online=online)
        fields = {"kind": "availability", "device": clean(said.name), "online": online}
        return Decoded(fields=fields, measurements=found)

    def _document(self, said: Said, what: str, document: object) -> Outcome:
        if not isinstance(document, dict):
            raise BadMessage("not_a_table", f"{what} is no table")
        fields: dict[str, Any] = {"kind": what.lower(), "device": clean(said.name)}
        # StatusSNS (STATUS8, STATUS10) and StatusSTS (STATUS11) hold what tele would.
        for inner in ("StatusSNS", "StatusSTS"):
            nested = document.get(inner)
            document = nested if isinstance(nested, dict) else document
        found: list[Measurement] = []
        radio = document.get("RfReceived")
        if radio is not None:
            found += self._radio(said, radio, fields)
        meter = document.get("ENERGY")
        if isinstance(meter, dict):
            found += self._meter(said, meter, fields)
        fahrenheit = document.get("TempUnit") == "F"
        climates = [
            (key, _climate(value, fahrenheit=fahrenheit))
            for key, value in document.items()
            if isinstance(value, dict)
        ]
        for index, (key, climate) in enumerate((k, c) for k, c in climates if c):
            # The second sensor of a device is another device: two rooms must not mix.
            sensor = said if index == 0 else replace(said, name=f"{said.name}-{key}")
            fields[clean(key)] = {name: shown(value) for name, value in climate.items()}
            found += self._devices.read(sensor, "environment", climate)
        for key, value in document.items():
            if _BUTTON.match(key):
                found += self._button(said, key, value, fields)
        found += self._state(said, document, fields)
        return Decoded(fields=fields, measurements=found)

    def _meter(
        self, said: Said, meter: Mapping[str, Any], fields: dict[str, Any]
    ) -> list[Measurement]:
        values: dict[str, float] = {}
        phases: dict[str, float] = {}
        for theirs, ours in _METER.items():
            given = meter.get(theirs)
            if not isinstance(given, list):
                values.update(numbers(meter, {theirs: ours}))
                continue
            several = [number(value) for value in given[:PHASES_MAX]]
            known = [value for value in several if value is not None]
            if theirs in {"Total", "Power", "Current"} and 0 < len(known) == len(given):
                # Current is that of the fullest phase: a sum of three says nothing.
                values[ours] = max(known, key=abs) if theirs == "Current" else sum(known)
            elif several and several[0] is not None:
                values[ours] = several[0]
            stem, _, unit = ours.rpartition("_")
            for letter, value in zip("abc", several, strict=False):
                if value is not None and abs(value) < 1e9:
                    phases[f"{stem}_{letter}_{unit}"] = value
        fields.update({ours: shown(value) for ours, value in values.items()})
        fields.update(phases)
        return self._devices.read(replace(said, attrs=phases), "power", values) if values else []

    def _button(
        self, said: Said, key: str, value: object, fields: dict[str, Any]
    ) -> list[Measurement]:
        action = value.get("Action") if isinstance(value, dict) else value
        fields[clean(key)] = shown(action)
        meant = _PRESSES.get(action) if isinstance(action, str) else None
        button = f"{key} {action}"
        if meant is not None and self._plan.well.said(said.name, button):
            meant = WELL
        elif meant is None or said.name not in self._plan.call_buttons:
            return []
        return self._devices.press(said, meant, button=button, same_ms=0)

    def _radio(self, said: Said, radio: object, fields: dict[str, Any]) -> list[Measurement]:
        code = radio.get("Data") if isinstance(radio, dict) else None
        code = code.upper().removeprefix("0X") if isinstance(code, str) else ""
        if not _RF_CODE.match(code):
            raise BadMessage("not_rf_received", f"a code has six hexadecimal digits: {radio!r:.60}")
        identity, key = code[:5], int(code[5], 16)
        fields.update(kind="rf", code=code, ev1527_id=identity, ev1527_key=key)
        button = self._plan.radio.get(identity)
        name = f"ev1527-{identity.lower()}" if button is None else button.device
        meant = "press" if button is None else button.keys.get(key, "press")
        about: dict[str, Scalar] = {"code": code, "key": key, "unauthenticated_radio": True}
        heard = replace(said, name=name, attrs=about)
        return self._devices.press(heard, meant, button=code, same_ms=REPEAT_WINDOW_MS)

    def _state(
        self, said: Said, document: Mapping[str, Any], fields: dict[str, Any]
    ) -> list[Measurement]:
        relays = {k: shown(v) for k, v in document.items() if re.match(r"POWER\d{0,2}\Z", k)}
        if "POWER" in relays:
            fields["relay"] = relays["POWER"]
        elif relays:
            fields["relays"] = relays
        wifi = document.get("Wifi")
        if not isinstance(wifi, dict):
            return []
        fields["rssi"] = shown(wifi.get("RSSI"))
        # RSSI is a percentage there, Signal is dBm.
        values = numbers(wifi, {"Signal": "signal_dbm"})
        return self._devices.read(said, "device_health", values) if values else []


def _climate(sensor: Mapping[str, Any], *, fahrenheit: bool) -> dict[str, float]:
    values = numbers(sensor, {"Temperature": "temperature_c", "Humidity": "humidity_pct"})
    if fahrenheit and "temperature_c" in values:
        values["temperature_c"] = round((values["temperature_c"] - 32) / 1.8, 2)
    return values


def build(config: Mapping[str, Any]) -> Driver:
    where = "tasmota"
    check_keys(config, ("full_topic", "call_buttons", "well_buttons", "radio_buttons"), where)
    full = get(config, "full_topic", str, where, FULL_TOPIC)
    if full.count("%prefix%") != 1 or full.count("%topic%") != 1 or "+" in full or "#" in full:
        detail = f"{full[:60]!r} needs %prefix% and %topic% once each"
        raise ConfigError(f"{where}.full_topic", detail)
    calls = get(config, "call_buttons", list, where, [])
    if not all(isinstance(name, str) for name in calls):
        raise ConfigError(f"{where}.call_buttons", "is a list of topics")
    return Tasmota(
        TasmotaPlan(
            full_topic=full,
            call_buttons=frozenset(calls),
            well=read_well_buttons(config, where, calls=calls),
            radio=_radios(config, where),
        )
    )


def _radios(config: Mapping[str, Any], where: str) -> dict[str, RadioButton]:
    found: dict[str, RadioButton] = {}
    for index, table in enumerate(get(config, "radio_buttons", list, where, []), start=1):
        place = f"{where}.radio_buttons[{index}]"
        if not isinstance(table, dict):
            raise ConfigError(place, "is no table")
        check_keys(table, ("id", "device", "keys"), place)
        identity = get(table, "id", str, place).upper()
        if not _IDENTITY.match(identity):
            raise ConfigError(f"{place}.id", f"{identity[:20]!r} is not five hexadecimal digits")
        if identity in found:
            raise ConfigError(f"{place}.id", f"{identity} is there twice")
        device = get(table, "device", str, place)
        try:
            check_name(device, "device")
        except ContractError as error:
            raise ConfigError(f"{place}.device", error.detail) from error
        found[identity] = RadioButton(device=device, keys=_keys(table, place))
    return found


def _keys(table: Mapping[str, Any], where: str) -> dict[int, str]:
    found = {}
    for key, meaning in get(table, "keys", dict, where, {}).items():
        if not (key.isascii() and key.isdecimal()) or int(key) > 15:
            raise ConfigError(f"{where}.keys.{key}", "a key is a number from 0 to 15")
        found[int(key)] = one_of(str(meaning), KEY_MEANINGS, f"{where}.keys.{key}")
    return found


def _decoder() -> Decoder:
    driver = Tasmota(TasmotaPlan())

    def decode(request: DecodeRequest) -> list[Outcome]:
        return driver.decode(request.topic or "tele/device/SENSOR", request.data, request.now_ms)

    return decode


SPEC = DriverSpec(
    name="tasmota",
    title=(
        "Tasmota plugs, meters of one and three phases, climate sensors, buttons, 433 MHz "
        "buttons by its RF bridge"
    ),
    title_zh="Tasmota 插座、单相和三相电表、温湿度、按钮，以及经其射频网桥的 433 MHz 按钮",
    transport="mqtt",
    line=None,
    settings={
        "full_topic": "the devices' FullTopic, %prefix%/%topic%/ unless changed",
        "call_buttons": "topics of devices whose every button press is a call",
        "well_buttons": "list of {name, action}: what says I'm well; without action every press",
        "radio_buttons": "list of {id (five hexadecimal digits), device, keys}",
    },
    build=build,
    decoder=_decoder,
)
