"""Which setting says what about a rule in a scope, from rules.toml to the person. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from rules.in_force import Dwelling, HomeRules, InForce
from rules.settings import ASK_KEY, COUNTY, ORDER, Setting

CONFIGURED: Final = "configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What is in force and which scope says so: `configured` (rules.toml), `county`, …"""

    value: Any
    source: str


def values_in(
    rules: InForce, name: str, scope: str, dwelling: Dwelling | None = None
) -> dict[str, Value]:
    """Every parameter of a rule and `ask_first_s` as they hold in a scope. dwelling: the home that
    the scope is, or the home of its person; KeyError when there is no such rule."""
    configured = {rule.name: rule for rule in rules.configured}[name]
    usual = _values(configured.params, configured.ask_first_s)
    found = dict(usual)
    layers = applying(rules, name, scope, dwelling)
    for setting in layers:
        if setting.scope == COUNTY:
            found.update(_said(setting))
    if dwelling is not None and (home := dwelling.home) in configured.overrides:
        # An [[override]] of rules.toml stays nearer than what is set for everybody.
        own = _values(configured.overrides[home], configured.asks_for_s(home))
        found.update({key: each for key, each in own.items() if each != usual[key]})
    for setting in layers:
        if setting.scope != COUNTY:
            found.update(_said(setting))
    return found


def applying(
    rules: InForce, name: str, scope: str, dwelling: Dwelling | None = None
) -> list[Setting]:
    """The settings of a rule that count in a scope, the nearest last."""
    scopes = {COUNTY, scope}
    if dwelling is not None:
        scopes.add(f"home:{dwelling.home}")
        # Rules watch homes: what is set for one of its people counts for all of them.
        for person, categories in dwelling.persons:
            scopes.add(f"person:{person}")
            scopes.update(f"category:{category}" for category in categories)
    mine = [
        setting
        for setting in rules.limits
        if setting.rule == name and setting.scope in scopes and setting.seq not in rules.left_out
    ]
    return sorted(mine, key=lambda s: (ORDER[s.kind], s.seq))


def said_in(rules: InForce, name: str, scope: str) -> Mapping[str, Any]:
    """What is set for the scope itself."""
    for setting in rules.limits:
        if (setting.rule, setting.scope) == (name, scope) and setting.seq not in rules.left_out:
            return setting.params or {}
    return {}


def homes_changed(before: InForce, after: InForce, name: str, dwellings: Iterable[Dwelling]) -> int:
    """How many of the homes a rule treats otherwise afterwards."""
    known: dict[tuple[int, int, str], tuple[HomeRules, HomeRules, bool]] = {}
    changed = 0
    for dwelling in dwellings:
        old, new = before.home(dwelling), after.home(dwelling)
        # Homes that are alike share what holds there; one of rules.toml is like no other.
        key = (id(old), id(new), dwelling.home if _configured_apart(before, name, dwelling) else "")
        if key not in known:
            differs = _of_home(before, name, dwelling) != _of_home(after, name, dwelling)
            known[key] = (old, new, differs)
        changed += known[key][2]
    return changed


def _configured_apart(rules: InForce, name: str, dwelling: Dwelling) -> bool:
    rule = rules.rule(name)
    return rule is not None and (
        dwelling.home in rule.overrides or dwelling.home in rule.ask_overrides
    )


def _of_home(rules: InForce, name: str, dwelling: Dwelling) -> Any:
    rule = rules.rule(name)
    if rule is None:
        return None
    differs = rules.home(dwelling)
    base = rule.overrides.get(dwelling.home, rule.params)
    asks = differs.asks.get(name, rule.asks_for_s(dwelling.home))
    table = differs.overrides.get(name)
    return (rule.kind.parse(table, name, base) if table else base, asks)


def _values(params: Any, ask_first_s: int) -> dict[str, Value]:
    found = {f.name: _configured(getattr(params, f.name)) for f in fields(params)}
    return {**found, ASK_KEY: _configured(ask_first_s)}


def _configured(value: Any) -> Value:
    return Value(value=list(value) if isinstance(value, tuple) else value, source=CONFIGURED)


def _said(setting: Setting) -> dict[str, Value]:
    return {
        key: Value(value=value, source=setting.scope)
        for key, value in (setting.params or {}).items()
    }
