"""Messages as the configuration describes them; a rule that finds nothing in a message is silent.

Every rule whose topic fits is applied, so that one message may be several kinds. What the path of a
value leads to and is no number and no known word is refused, and the other values still count.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from contract.item import Measurement
from gateway.driver import Decoded, Outcome
from gateway.drivers.generic_mqtt.plan import Rule, Value, Words, spelled
from gateway.messages import (
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

# Fields that are yes or no: words such as ON and true are understood without being listed.
_BINARY: Final = frozenset({"active", "open", "occupied", "present", "mains"})
_MISSING: Final = object()


class GenericMqtt:
    """The message driver of a configuration."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._devices = Devices()

    def subscriptions(self) -> Sequence[str]:
        return list(dict.fromkeys(rule.filter for rule in self._rules))

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        return self._decode(topic, payload, now_ms, retained=False)

    def decode_retained(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        return self._decode(topic, payload, now_ms, retained=True)

    def _decode(self, topic: str, payload: bytes, now_ms: int, *, retained: bool) -> list[Outcome]:
        out: list[Outcome] = []
        if not payload:
            return [Decoded(fields={"kind": "empty"})]
        for rule in self._rules:
            match = rule.pattern.match(topic)
            if match is None:
                continue
            name = rule.device or match["device"]
            said = Said(name=name, now_ms=now_ms, at_ms=now_ms, retained=retained)
            try:
                out += self._applied(rule, said, payload)
            except BadMessage as error:
                out.append(refuse(error, payload))
        if not out:
            unknown = BadMessage("bad_topic", f"{topic[:80]!r} fits no rule")
            out.append(refuse(unknown, payload))
        return out

    def _applied(self, rule: Rule, said: Said, payload: bytes) -> list[Outcome]:
        content = _Content(payload)
        fields: dict[str, Any] = {"device": clean(said.name)}
        if rule.online is not None:
            word = content.word(rule.online)
            if word is None:
                raise BadMessage("bad_availability", f"{payload[:40]!r}")
            fields.update(kind="availability", online=word == "online")
            found = self._devices.available(said, online=word == "online")
            return [Decoded(fields=fields, measurements=found)]
        if rule.time is not None:
            at_ms = believed_ms(moment_ms(content.at(rule.time)), said.now_ms)
            said = replace(said, at_ms=at_ms)
        fields["kind"] = rule.kind
        values: dict[str, float] = {}
        refused: list[Outcome] = []
        for wanted in rule.values:
            try:
                value = _measured(content.at(wanted.path), wanted)
            except BadMessage as error:
                refused.append(refuse(error, payload))
                continue
            if value is not None:
                values[wanted.field] = value
        fields.update({name: shown(value) for name, value in values.items()})
        found = self._devices.read(said, rule.kind, values) if values and not rule.press else []
        if rule.press is not None:
            found = self._activated(rule, said, content, fields)
        return [Decoded(fields=fields, measurements=found), *refused]

    def _activated(
        self, rule: Rule, said: Said, content: "_Content", fields: dict[str, Any]
    ) -> list[Measurement]:
        action = content.word(rule.press) if rule.press is not None else None
        fields["action"] = action
        if action is None:
            return []
        if rule.kind == "sos":
            return [] if action == "clear" else self._devices.press(said, action)
        active, test = action != "clear", action == "test"
        return self._devices.detect(said, rule.kind, rule.kind, active=active, test=test)


class _Content:
    """A payload, read as JSON where a path asks for it."""

    def __init__(self, payload: bytes) -> None:
        self._text = read_text(payload)
        self._payload = payload
        self._document: Any = _MISSING

    def at(self, path: Sequence[str | int]) -> object:
        """What the path leads to; None where the message has it not."""
        if not path:
            return self._text
        if self._document is _MISSING:
            self._document = read_json(self._payload)
        found: Any = self._document
        for step in path:
            if isinstance(step, str) and isinstance(found, dict):
                found = found.get(step)
            elif isinstance(step, int) and isinstance(found, list) and step < len(found):
                found = found[step]
            else:
                return None
        return found

    def word(self, words: Words) -> str | None:
        found = self.at(words.path)
        return None if isinstance(found, dict | list) else words.meaning.get(spelled(found))


def _measured(found: object, wanted: Value) -> float | None:
    if found is None:
        return None
    if not isinstance(found, dict | list) and spelled(found) in wanted.words:
        return wanted.words[spelled(found)]
    if wanted.field in _BINARY and truth(found) is not None:
        return float(bool(truth(found)))
    value = number(found)
    if value is None:
        if str(found).lower() == "nan":
            return None
        raise BadMessage("not_a_number", f"{wanted.field} is {found!r:.40}")
    return value * wanted.scale + wanted.offset
