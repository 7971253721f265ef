"""rules.toml: which rules run, with which parameters, and where a home differs.

A `[[rule]]` of a default's name changes that default; another name adds a rule. An `[[override]]`
changes parameters for one home. Unknown keys and names are refused with the nearest that exists.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any, Final, cast, get_args

from contract.config import ConfigError, check_keys, get, one_of
from rules.derived import Feed
from rules.finding import Severity
from rules.registry import RULE_KINDS
from rules.rule import Rule, RuleKind, former_names, is_clinical, usual_ask_s

# Room for a dozen rules a kind; more is a generated file that went wrong.
RULES_MAX: Final = 64

_OWN_KEYS: Final = ("name", "kind", "severity", "enabled", "ask_first_s")
# Of a rule with clinical limits: who confirmed them for these persons, and when.
_SIGNATURE_KEYS: Final = ("signed_off_by", "signed_off_on")
# A question that ends sooner can't be heard and answered by somebody who sits down to rest; one
# that lasts longer is help that comes late.
ASK_FIRST_LIMITS_S: Final = (60, 1800)

# A kind runs as one rule of its name, with its own severity; of these kinds several run, each
# with a severity and parameters of its own. Severities: who must act, and how soon.
_SEVERAL: Final[Mapping[str, Sequence[tuple[str, Severity, Mapping[str, Any]]]]] = {
    "activation": (("tamper", "technical", {"listens_to": ["tamper"]}),),
    "hazard": (
        ("smoke", "urgent", {"listens_to": ["smoke"]}),
        ("gas", "urgent", {"listens_to": ["gas"]}),
        ("leak", "watch", {"listens_to": ["leak"]}),
    ),
}


def default_rules() -> tuple[Rule, ...]:
    """The rules that run without a rules.toml."""
    return tuple(
        Rule(
            name=name,
            kind=kind,
            severity=severity,
            params=kind.parse(params, name),
            ask_first_s=usual_ask_s(kind) or 0,
        )
        for kind in RULE_KINDS.values()
        for name, severity, params in _SEVERAL.get(kind.name, ((kind.name, kind.severity, {}),))
    )


def rules_from_toml(text: str, where: str = "rules.toml") -> tuple[Rule, ...]:
    """The rules that a rules.toml asks for, on top of the defaults; ConfigError otherwise."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(where, f"not TOML: {error}") from error
    return rules_from_document(document, where)


def rules_from_document(document: Mapping[str, Any], where: str = "rules") -> tuple[Rule, ...]:
    check_keys(document, ("rule", "override"), "")
    rules = {rule.name: rule for rule in default_rules()}
    seen: set[str] = set()
    for number, table in enumerate(_tables(document, "rule"), 1):
        place = f"{where}: rule[{number}]"
        name = get(table, "name", str, place)
        if name in seen:
            raise ConfigError(f"{place}.name", f"{name!r} is configured twice")
        seen.add(name)
        rule = _rule(table, name, rules.get(name), place)
        if rule is None:
            rules.pop(name, None)
        else:
            rules[name] = rule
    if len(rules) > RULES_MAX:
        raise ConfigError(where, f"{len(rules)} rules, at most {RULES_MAX}")
    for number, table in enumerate(_tables(document, "override"), 1):
        place = f"{where}: override[{number}]"
        home = get(table, "home", str, place)
        name = one_of(get(table, "rule", str, place), rules, f"{place}.rule")
        rule = rules[name]
        own = _without(table, ("home", "rule", "ask_first_s"))
        params = rule.kind.parse(own, place, rule.overrides.get(home, rule.params))
        asks = rule.ask_overrides
        if "ask_first_s" in table:
            asks = {**asks, home: parse_ask_first_s(table, rule.kind, 0, place)}
        rules[name] = replace(rule, overrides={**rule.overrides, home: params}, ask_overrides=asks)
    _check_made(list(rules.values()), where)
    return tuple(sorted(rules.values(), key=lambda rule: rule.name))


def _check_made(rules: Sequence[Rule], where: str) -> None:
    """ConfigError when a rule waits for what no other makes: it would be blind and not say so."""
    feeds = [kind for kind in RULE_KINDS.values() if isinstance(kind, Feed)]
    running = {rule.kind.name for rule in rules}
    for feed in feeds:
        blind = [rule.name for rule in rules if rule.kind.listens(rule.params) & feed.emits]
        if blind and feed.name not in running:
            detail = f"{', '.join(blind)} can't do without a rule of kind {feed.name}"
            raise ConfigError(where, detail)


def describe(rules: Sequence[Rule]) -> list[dict[str, object]]:
    """The rules as the HTTP interface lists them."""
    return [
        {
            "name": rule.name,
            "kind": rule.kind.name,
            "severity": rule.severity,
            "enabled": True,
            "ask_first_s": rule.ask_first_s,
            "clinical": is_clinical(rule.kind),
            "signed_off_by": rule.signed_off_by,
            "signed_off_on": rule.signed_off_on,
            "params": {f.name: getattr(rule.params, f.name) for f in fields(rule.params)},
            "homes_overridden": len(rule.overrides),
        }
        for rule in rules
    ]


def _rule(table: Mapping[str, Any], name: str, default: Rule | None, place: str) -> Rule | None:
    """The rule that a table asks for; None when it switches the rule off."""
    wanted = get(table, "kind", str, place, None if default is None else default.kind.name)
    kind = RULE_KINDS[one_of(wanted, RULE_KINDS, f"{place}.kind")]
    if default is not None and kind.name in former_names(default.kind):
        kind = default.kind
    if default is not None and default.kind.name != kind.name:
        raise ConfigError(f"{place}.kind", f"{name!r} is a {default.kind.name}; choose a new name")
    severity = get(
        table, "severity", str, place, kind.severity if default is None else default.severity
    )
    one_of(severity, get_args(Severity), f"{place}.severity")
    own = None if default is None else default.params
    own_keys = (*_OWN_KEYS, *_SIGNATURE_KEYS) if is_clinical(kind) else _OWN_KEYS
    params = kind.parse(_without(table, own_keys), place, own)
    enabled = get(table, "enabled", bool, place, True)
    if kind.name == "sos" and (not enabled or severity != "urgent"):
        raise ConfigError(place, "a call for help is always on and always urgent")
    usual_s = (usual_ask_s(kind) or 0) if default is None else default.ask_first_s
    ask_first_s = parse_ask_first_s(table, kind, usual_s, place)
    if not enabled:
        return None
    signed_by, signed_on = parse_signature(table, place) if is_clinical(kind) else ("", "")
    return Rule(
        name=name,
        kind=kind,
        severity=cast("Severity", severity),
        params=params,
        signed_off_by=signed_by,
        signed_off_on=signed_on,
        ask_first_s=ask_first_s,
    )


def parse_signature(table: Mapping[str, Any], place: str = "") -> tuple[str, str]:
    """Who signed the limits and when: both or neither."""
    path = f"{place}." if place else ""
    by, on = (get(table, key, str, place, "") for key in _SIGNATURE_KEYS)
    if bool(by.strip()) != bool(on):
        missing = _SIGNATURE_KEYS[1] if by.strip() else _SIGNATURE_KEYS[0]
        raise ConfigError(f"{path}{missing}", "a signature has a name and a date")
    if on:
        try:
            date.fromisoformat(on)
        except ValueError:
            detail = f"{on[:60]!r} is no date like 2026-11-28"
            raise ConfigError(f"{path}signed_off_on", detail) from None
    return by.strip(), on


def parse_ask_first_s(table: Mapping[str, Any], kind: RuleKind, usual_s: int, place: str) -> int:
    """Seconds of the question; ConfigError where help must not wait for an answer."""
    seconds = get(table, "ask_first_s", int, place, usual_s)
    low_s, high_s = ASK_FIRST_LIMITS_S
    if seconds and usual_ask_s(kind) is None:
        detail = f"a rule of kind {kind.name} never waits for an answer"
        raise ConfigError(f"{place}.ask_first_s", detail)
    if seconds and not low_s <= seconds <= high_s:
        detail = f"{seconds} is neither 0 (never) nor between {low_s} and {high_s}"
        raise ConfigError(f"{place}.ask_first_s", detail)
    return seconds


def _tables(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    tables = document.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ConfigError(key, f"expected [[{key}]] tables")
    return tables


def _without(table: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in keys}
