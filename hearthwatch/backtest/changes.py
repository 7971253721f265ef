"""Changes of rules as the web interface asks for them, made on the rules in force. Pure.

A change is what `PATCH rules/{name}` would put into the book: it comes on top of the settings that
hold today, and what is set nearer to a home stays nearer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from contract.config import ConfigError, one_of
from rules.config import rules_from_toml
from rules.in_force import Dwelling, InForce, check
from rules.rule import DEVICE_KINDS, HomeFacts, Rule
from rules.settings import ASK_KEY, COUNTY, ORDER, Setting

# Heartbeats, from which the hub makes what rules about devices hear, are not stored.
_UNSTORED: Final = DEVICE_KINDS | {"status"}


class Area:
    """The homes on which rules are tried, and what changes may name."""

    def __init__(self, homes: Sequence[HomeFacts], dwellings: Sequence[Dwelling]) -> None:
        self.homes = homes
        self.dwellings = dwellings
        self._scopes = {COUNTY}
        for dwelling in dwellings:
            self._scopes.add(f"home:{dwelling.home}")
            for person, categories in dwelling.persons:
                self._scopes.add(f"person:{person}")
                self._scopes.update(f"category:{category}" for category in categories)

    def check_scope(self, scope: str, where: str) -> None:
        """ConfigError when it means no home: also for what lies in another region."""
        if scope.partition(":")[0] not in ORDER:
            raise ConfigError(where, f"{scope!r} is none of county, category:…, home:…, person:…")
        if scope not in self._scopes:
            raise ConfigError(where, f"no home here is meant by {scope!r}")


def played(rules: InForce, area: Area) -> list[Rule]:
    """The rules as they are in each home of the area: what differs there by a setting becomes an
    override of the rule, which is what a replay knows."""
    differs: dict[str, dict[str, Any]] = {}
    by_name = {rule.name: rule for rule in rules.rules}
    for dwelling in area.dwellings:
        for name, table in rules.home(dwelling).overrides.items():
            rule = by_name[name]
            base = rule.overrides.get(dwelling.home, rule.params)
            params = rule.kind.parse(table, f"{dwelling.home}.{name}", base)
            differs.setdefault(name, {})[dwelling.home] = params
    return [
        replace(rule, overrides={**rule.overrides, **differs[rule.name]})
        if rule.name in differs
        else rule
        for rule in rules.rules
    ]


def wanted_rules(
    rules: InForce, changes: Sequence[Mapping[str, Any]], toml: str | None, area: Area
) -> list[Rule]:
    """The rules that are tried; ConfigError says what can't be. A whole rules.toml takes the place
    of the hub's, and the settings come on top of it as they would there."""
    if toml is not None:
        return played(InForce(rules_from_toml(toml, "toml"), rules.settings), area)
    severities: dict[str, Any] = {}
    numbered = sorted(enumerate(changes, 1), key=lambda each: _width(each[1], each[0]))
    for number, change in numbered:
        where = f"changes[{number}]"
        name = one_of(change["rule"], [rule.name for rule in rules.rules], f"{where}.rule")
        area.check_scope(change["scope"], f"{where}.scope")
        severity = change.get("severity")
        if severity is not None:
            _check_severity(rules, name, change, where)
            severities[name] = severity
        if change["params"]:
            rules = _with(rules, name, change, where, area)
    return [
        replace(rule, severity=severities[rule.name]) if rule.name in severities else rule
        for rule in played(rules, area)
    ]


def _with(rules: InForce, name: str, change: Mapping[str, Any], where: str, area: Area) -> InForce:
    scope, params = change["scope"], change["params"]
    if ASK_KEY in params:
        raise ConfigError(f"{where}.params.{ASK_KEY}", "what a rule finds does not depend on it")
    said = next(
        (
            s.params or {}
            for s in rules.limits
            if s.rule == name and s.scope == scope and s.seq not in rules.left_out
        ),
        {},
    )
    setting = Setting(
        seq=max((s.seq for s in rules.settings), default=0) + 1,
        scope=scope,
        rule=name,
        params={**said, **params},
    )
    try:
        return check(setting, rules.configured, rules.settings, area.dwellings)
    except ConfigError as error:
        detail = error.detail.removeprefix(f"{error.where}: ")
        raise ConfigError(f"{where}.{error.where}", detail) from None


def _check_severity(rules: InForce, name: str, change: Mapping[str, Any], where: str) -> None:
    if change["scope"] != COUNTY:
        raise ConfigError(f"{where}.severity", "a rule has one severity, for the county")
    rule = rules.rule(name)
    if change["severity"] != "urgent" and rule is not None and rule.kind.name == "sos":
        raise ConfigError(where, "a call for help is always on and always urgent")


def _width(change: Mapping[str, Any], number: int) -> int:
    """From the widest to the nearest, so that a nearer change is made on the wider one."""
    return ORDER[one_of(change["scope"].partition(":")[0], ORDER, f"changes[{number}].scope")]


def can_be_tried(rule: Rule) -> bool:
    """Whether what the rule listens to is stored."""
    heard = rule.kind.listens(rule.params)
    return rule.kind.subject != "gateway" and _UNSTORED.isdisjoint(heard)


def differing(now: Sequence[Rule], then: Sequence[Rule]) -> list[str]:
    """The names of rules that are not the same in both."""
    before = {rule.name: rule for rule in now}
    after = {rule.name: rule for rule in then}
    return sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
