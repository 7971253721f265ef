"""What a configuration says of messages: topics, paths, fields, units, presses.

A topic is an MQTT filter whose one level may be `{device}` (MQTT 5, section 4.7); a path is names
and indices into JSON, `ENERGY.Power[0]`, and empty for the payload as it stands.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError, check_keys, get, one_of
from contract.errors import ContractError
from contract.ids import check_name
from contract.kinds import ACTIVATION_KINDS, KINDS, WELL
from gateway.messages import number

# Rules of one source; more is a driver's work.
RULES_MAX: Final = 200
# Names and indices of one path; devices nest four or five deep.
PATH_STEPS_MAX: Final = 16

_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d{1,4})\]")
# End of a field's name: units, and what turns them into the field's.
_UNITS: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = MappingProxyType(
    {
        "kwh": {"kWh": (1, 0), "Wh": (0.001, 0), "MWh": (1000, 0), "Wmin": (1 / 60_000, 0)},
        "wh": {"Wh": (1, 0), "kWh": (1000, 0)},
        "w": {"W": (1, 0), "kW": (1000, 0), "mW": (0.001, 0)},
        "v": {"V": (1, 0), "mV": (0.001, 0)},
        "a": {"A": (1, 0), "mA": (0.001, 0)},
        "hz": {"Hz": (1, 0)},
        "c": {"C": (1, 0), "F": (5 / 9, -160 / 9), "K": (1, -273.15)},
        "mv": {"mV": (1, 0), "V": (1000, 0)},
        "mmhg": {"mmHg": (1, 0), "kPa": (7.50061683, 0)},
        "kg": {"kg": (1, 0), "g": (0.001, 0), "lb": (0.45359237, 0)},
        "l": {"mmol/L": (1, 0), "mg/dL": (1 / 18.0182, 0)},
        "pct": {"%": (1, 0), "fraction": (100, 0)},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One field: where it is, and what makes it the field's unit."""

    field: str
    path: tuple[str | int, ...]
    scale: float = 1.0
    offset: float = 0.0
    words: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Where a word is, and what each means: an action of an activation, or online and offline."""

    path: tuple[str | int, ...]
    meaning: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of message; `device` is empty where the topic names it."""

    filter: str
    pattern: re.Pattern[str]
    device: str
    kind: str = ""
    values: tuple[Value, ...] = ()
    press: Words | None = None
    online: Words | None = None
    time: tuple[str | int, ...] | None = None


def read_rules(config: Mapping[str, Any], where: str) -> tuple[Rule, ...]:
    check_keys(config, ("messages", "availability"), where)
    found: list[Rule] = []
    for key, read in (("messages", _message), ("availability", _availability)):
        for index, table in enumerate(get(config, key, list, where, []), start=1):
            place = f"{where}.{key}[{index}]"
            if not isinstance(table, dict):
                raise ConfigError(place, "is no table")
            found.append(read(table, place))
    if not any(rule.kind for rule in found):
        raise ConfigError(f"{where}.messages", "missing; at least one message is needed")
    if len(found) > RULES_MAX:
        raise ConfigError(where, f"{len(found)} rules, at most {RULES_MAX}")
    return tuple(found)


def _message(table: Mapping[str, Any], where: str) -> Rule:
    check_keys(table, ("topic", "device", "kind", "values", "press", "time_path"), where)
    kind = one_of(get(table, "kind", str, where), KINDS, f"{where}.kind")
    topic, pattern, device = _topic(table, where)
    if kind in ACTIVATION_KINDS and table.get("values"):
        raise ConfigError(
            f"{where}.values", f"{kind} carries none; give them a message of their own"
        )
    values = tuple(
        _value(value, kind, f"{where}.values[{index}]")
        for index, value in enumerate(get(table, "values", list, where, []), start=1)
    )
    press = None
    if "press" in table:
        press = _press(get(table, "press", dict, where), kind, f"{where}.press")
    if (kind in ACTIVATION_KINDS) != (press is not None):
        wants = "needs press" if kind in ACTIVATION_KINDS else "is no activation: no press"
        raise ConfigError(f"{where}.press", f"kind {kind} {wants}")
    if not values and press is None:
        raise ConfigError(f"{where}.values", "missing; which fields does it carry?")
    time = _path(table, "time_path", where) if "time_path" in table else None
    return Rule(
        filter=topic,
        pattern=pattern,
        device=device,
        kind=kind,
        values=values,
        press=press,
        time=time,
    )


def _availability(table: Mapping[str, Any], where: str) -> Rule:
    check_keys(table, ("topic", "device", "path", "online", "offline"), where)
    topic, pattern, device = _topic(table, where)
    meaning = {
        get(table, "online", str, where, "online"): "online",
        get(table, "offline", str, where, "offline"): "offline",
    }
    if len(meaning) < 2:
        raise ConfigError(f"{where}.offline", "is the same word as online")
    words = Words(path=_path(table, "path", where), meaning=meaning)
    return Rule(filter=topic, pattern=pattern, device=device, online=words)


def _topic(table: Mapping[str, Any], where: str) -> tuple[str, re.Pattern[str], str]:
    topic = get(table, "topic", str, where)
    levels = topic.split("/")
    named = levels.count("{device}")
    stray = [x for x in levels if x not in {"+", "#", "{device}"} and re.search(r"[+#{}]", x)]
    if not topic or stray or named > 1 or "#" in levels[:-1]:
        detail = f"{topic[:80]!r}: +, # (at the end) and one {{device}} stand for whole levels"
        raise ConfigError(f"{where}.topic", detail)
    device = get(table, "device", str, where, "")
    if bool(device) == bool(named):
        raise ConfigError(f"{where}.device", "either the topic has {device} or this names it")
    if device:
        try:
            check_name(device, "device")
        except ContractError as error:
            raise ConfigError(f"{where}.device", error.detail) from error
    parts = {"+": "[^/]*", "#": ".*", "{device}": "(?P<device>[^/]+)"}
    pattern = "/".join(parts.get(level, re.escape(level)) for level in levels)
    return topic.replace("{device}", "+"), re.compile(rf"{pattern}\Z"), device


def _value(table: object, kind: str, where: str) -> Value:
    if not isinstance(table, dict):
        raise ConfigError(where, "is no table")
    check_keys(table, ("field", "path", "unit", "scale", "offset", "words"), where)
    name = one_of(get(table, "field", str, where), KINDS[kind].values, f"{where}.field")
    scale = get(table, "scale", float, where, 1.0)
    offset = get(table, "offset", float, where, 0.0)
    if "unit" in table:
        if "scale" in table or "offset" in table:
            raise ConfigError(f"{where}.unit", "give a unit or scale and offset, not both")
        units = _UNITS.get(name.rpartition("_")[2], {})
        unit = one_of(get(table, "unit", str, where), units, f"{where}.unit")
        scale, offset = units[unit]
    words = {}
    for word, meant in get(table, "words", dict, where, {}).items():
        value = None if isinstance(meant, str) else number(meant)
        if value is None:
            raise ConfigError(f"{where}.words.{word}", f"{meant!r:.40} is no number")
        words[word] = value
    return Value(
        field=name, path=_path(table, "path", where), scale=scale, offset=offset, words=words
    )


def _press(table: Mapping[str, Any], kind: str, where: str) -> Words:
    check_keys(table, ("path", "equals", "hold", "test", "clear", "well"), where)
    meaning: dict[str, str] = {}
    for key, action in (
        ("equals", "press"),
        ("hold", "hold"),
        ("test", "test"),
        ("clear", "clear"),
        ("well", WELL),
    ):
        for word in get(table, key, list, where, []):
            if not isinstance(word, str | int | float):
                raise ConfigError(f"{where}.{key}", f"{word!r:.40} is no word")
            if spelled(word) in meaning:
                raise ConfigError(f"{where}.{key}", f"{word!r:.40} has two meanings")
            meaning[spelled(word)] = action
    if kind != "sos" and WELL in meaning.values():
        raise ConfigError(f"{where}.well", f"a {kind} detector knows nothing of that")
    if {"press", "hold", WELL}.isdisjoint(meaning.values()):
        raise ConfigError(f"{where}.equals", "missing; which words are a press?")
    return Words(path=_path(table, "path", where), meaning=meaning)


def spelled(value: object) -> str:
    """A word as a message may spell it: `true`, `1` and text alike."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _path(table: Mapping[str, Any], key: str, where: str) -> tuple[str | int, ...]:
    text = get(table, key, str, where, "")
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise ConfigError(f"{where}.{key}", f"{text[:60]!r}: written like ENERGY.Power[0]")
        steps.append(match[1] if match[1] is not None else int(match[2]))
        at = match.end()
        if at < len(text) and text[at] == "." and at + 1 < len(text):
            at += 1
    if len(steps) > PATH_STEPS_MAX:
        raise ConfigError(f"{where}.{key}", f"{len(steps)} steps, at most {PATH_STEPS_MAX}")
    return tuple(steps)
