"""What a county changed about its rules while they run: who it is for, and how a rule speaks. Pure.

`rules.toml` is how a hub begins; settings come on top of it and are kept in the book with who
changed what and why. A setting is for one rule and one scope, and the newest of a scope is the one
in force:

    county  <  category:<独居, 失能, …>  <  home:<id>  <  person:<id>      the right-hand one wins

Of several categories or persons of a home the setting that was made last wins. A rule of mode
`shadow` goes on judging: its findings are kept and nobody is disturbed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

from contract.config import ConfigError, one_of
from rules.rule import Rule

Mode = Literal["live", "shadow"]
ScopeKind = Literal["county", "category", "home", "person"]

COUNTY: Final = "county"
# Letters of a scope: its word and an id or category.
SCOPE_LENGTH_MAX: Final = 80
_ORDER: Final[Mapping[str, int]] = {"county": 0, "category": 1, "home": 2, "person": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The newest word about a rule in a scope. seq: grows with each change; mode: of the whole
    county only, None leaves it; params: what differs from the rule's own."""

    seq: int
    scope: str
    rule: str
    mode: Mode | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwelling:
    """Of a home, what a scope can be about: its persons as (id, categories)."""

    home: str
    persons: Sequence[tuple[str, Sequence[str]]] = ()


def check(setting: Setting, rules: Sequence[Rule]) -> None:
    """ConfigError when a setting makes no sense: nothing is changed by one that was refused."""
    rule = {r.name: r for r in rules}[one_of(setting.rule, [r.name for r in rules], "rule")]
    kind, _, about = setting.scope.partition(":")
    one_of(kind, get_args(ScopeKind), "scope")
    if (kind == COUNTY) is bool(about) or len(setting.scope) > SCOPE_LENGTH_MAX:
        raise ConfigError("scope", f"{setting.scope[:40]!r}: county, or category:, home:, person:")
    if setting.mode is not None:
        one_of(setting.mode, get_args(Mode), "mode")
        if kind != COUNTY:
            raise ConfigError("mode", "is the whole county's; other scopes change parameters")
        if setting.mode == "shadow" and rule.kind.name == "sos":
            raise ConfigError("mode", "a call for help is always on and always urgent")
    rule.kind.parse(setting.params, setting.rule, rule.params)


def in_force(settings: Iterable[Setting]) -> list[Setting]:
    """The newest of each rule and scope, oldest first."""
    newest: dict[tuple[str, str], Setting] = {}
    for setting in sorted(settings, key=lambda s: s.seq):
        newest[(setting.rule, setting.scope)] = setting
    return sorted(newest.values(), key=lambda s: s.seq)


def county_rules(rules: Sequence[Rule], settings: Iterable[Setting]) -> tuple[Rule, ...]:
    """The rules with what the county changed; a setting that no longer fits its rule is left out
    (a newer program may know other parameters)."""
    changed = {s.rule: s for s in in_force(settings) if s.scope == COUNTY and s.params}
    return tuple(_changed(rule, changed.get(rule.name)) for rule in rules)


def shadowed(settings: Iterable[Setting]) -> frozenset[str]:
    """Names of the rules that judge and disturb nobody."""
    modes: dict[str, Mode] = {}
    for setting in sorted(settings, key=lambda s: s.seq):
        if setting.scope == COUNTY and setting.mode is not None:
            modes[setting.rule] = setting.mode
    return frozenset(rule for rule, mode in modes.items() if mode == "shadow")


def overrides(settings: Sequence[Setting], dwelling: Dwelling) -> dict[str, dict[str, Any]]:
    """rule name → parameters that differ in this home, of all scopes but the county's."""
    about = {f"home:{dwelling.home}"}
    for person, categories in dwelling.persons:
        about.add(f"person:{person}")
        about.update(f"category:{category}" for category in categories)
    mine = [s for s in settings if s.scope in about and s.params]
    mine.sort(key=lambda s: (_ORDER[s.scope.partition(":")[0]], s.seq))
    found: dict[str, dict[str, Any]] = {}
    for setting in mine:
        found.setdefault(setting.rule, {}).update(setting.params)
    return found


def _changed(rule: Rule, setting: Setting | None) -> Rule:
    if setting is None:
        return rule
    try:
        return replace(rule, params=rule.kind.parse(setting.params, rule.name, rule.params))
    except ConfigError:
        return rule
