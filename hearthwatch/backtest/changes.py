"""Changes of rules as the web interface asks for them, made on the rules in force. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from contract.config import ConfigError, one_of
from rules.config import rules_from_toml
from rules.rule import DEVICE_KINDS, HomeFacts, Rule

COUNTY: Final = "county"
# From the widest to the narrowest: the narrowest word about a home counts.
_SCOPES: Final = (COUNTY, "category", "home", "person")
# Heartbeats, from which the hub makes what rules about devices hear, are not stored.
_UNSTORED: Final = DEVICE_KINDS | {"status"}


class Area:
    """The homes on which rules are tried, and what changes may name."""

    def __init__(self, homes: Sequence[HomeFacts], categories: Mapping[str, Sequence[str]]) -> None:
        self.homes = homes
        self._by_name: dict[str, Sequence[str]] = {f"home:{h.home}": [h.home] for h in homes}
        self._by_name |= {f"person:{person}": [h.home] for h in homes for person in h.persons}
        self._by_name |= {f"category:{name}": its for name, its in categories.items()}

    def homes_of(self, scope: str, where: str) -> Sequence[str]:
        """ConfigError when there is none: also for what lies in another region."""
        if scope.partition(":")[0] not in _SCOPES:
            raise ConfigError(where, f"{scope!r} is none of county, category:…, home:…, person:…")
        homes = self._by_name.get(scope)
        if homes is None:
            raise ConfigError(where, f"no home here is meant by {scope!r}")
        return homes


def changed(rules: Sequence[Rule], changes: Sequence[Mapping[str, Any]], area: Area) -> list[Rule]:
    """The rules with these changes; ConfigError says which can't be made."""
    by_name = {rule.name: rule for rule in rules}
    numbered = sorted(
        enumerate(changes, 1), key=lambda each: _SCOPES.index(_scope(each[1], each[0]))
    )
    for number, change in numbered:
        where = f"changes[{number}]"
        name = one_of(change["rule"], by_name, f"{where}.rule")
        rule, severity = by_name[name], change.get("severity")
        if severity is not None and change["scope"] != COUNTY:
            raise ConfigError(f"{where}.severity", "a rule has one severity, for the county")
        if severity not in (None, "urgent") and rule.kind.name == "sos":
            raise ConfigError(where, "a call for help is always on and always urgent")
        params = change["params"]
        if change["scope"] == COUNTY:
            new = rule.kind.parse(params, where, rule.params)
            by_name[name] = replace(rule, params=new, severity=severity or rule.severity)
            continue
        overrides = dict(rule.overrides)
        for home in area.homes_of(change["scope"], f"{where}.scope"):
            overrides[home] = rule.kind.parse(params, where, overrides.get(home, rule.params))
        by_name[name] = replace(rule, overrides=overrides)
    return sorted(by_name.values(), key=lambda rule: rule.name)


def _scope(change: Mapping[str, Any], number: int) -> str:
    return one_of(change["scope"].partition(":")[0], _SCOPES, f"changes[{number}].scope")


def wanted_rules(
    rules: Sequence[Rule], changes: Sequence[Mapping[str, Any]], toml: str | None, area: Area
) -> list[Rule]:
    return changed(rules, changes, area) if toml is None else list(rules_from_toml(toml, "toml"))


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
