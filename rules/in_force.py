"""The rules as all settings together make them, for the county and for each home. Pure.

A setting that can't be used is left out and told, never a reason to stop: a newer program may know
other parameters, and a person may come to live where another's limits are in the way of hers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from contract.config import ConfigError
from rules.rule import Rule, is_clinical
from rules.settings import (
    ASK_KEY,
    COUNTY,
    NEVER_SHADOWED,
    ORDER,
    Setting,
    check_one,
    check_scope,
    in_force,
    modes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwelling:
    """Of a home, what a scope can be about: its persons as (id, categories)."""

    home: str
    persons: Sequence[tuple[str, Sequence[str]]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRules:
    """What differs in a home, each by name of the rule. signed: whether a clinician has signed
    its limits; asks: `ask_first_s`; left_out: (seq of the setting, why)."""

    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    asks: Mapping[str, int] = field(default_factory=dict)
    signed: Mapping[str, bool] = field(default_factory=dict)
    left_out: Sequence[tuple[int, str]] = ()


_AS_THE_COUNTY: Final = HomeRules()
# What a kind may raise over a table that was written for another program, or by hand.
_UNUSABLE: Final = (ConfigError, ValueError, TypeError, KeyError, AttributeError)


class InForce:
    """Says the same for ever once it was made: lanes in other threads read it. `configured`: the
    rules of rules.toml; `rules`: as the county changed them; `left_out`: by seq of the setting."""

    def __init__(self, configured: Sequence[Rule], settings: Iterable[Setting] = ()) -> None:
        self.configured = tuple(configured)
        self.settings = tuple(sorted(settings, key=lambda s: s.seq))
        self.limits = tuple(s for s in in_force(self.settings) if s.says_something)
        self.left_out: dict[int, str] = {}
        # A change that takes the county's limits back says nothing and is still the newest.
        self._county_seq = {s.rule: s.seq for s in in_force(self.settings) if s.scope == COUNTY}
        county = {s.rule: s for s in self.limits if s.scope == COUNTY}
        self.rules = tuple(self._changed(rule, county.get(rule.name)) for rule in self.configured)
        self._by_name = {rule.name: rule for rule in self.rules}
        # A county has many homes and few differences: by the settings that count in a home.
        self._alike: dict[tuple[int, ...], HomeRules] = {}
        self._narrow: dict[str, list[Setting]] = {}
        for setting in self.limits:
            if setting.scope != COUNTY and self._usable(setting, self.rules):
                self._narrow.setdefault(setting.scope, []).append(setting)
        self.modes = {
            rule: setting
            for rule, setting in modes(self.settings).items()
            if self._mode_fits(setting)
        }
        self.shadowed = frozenset(r for r, s in self.modes.items() if s.mode == "shadow")
        known = self._by_name.keys()
        for setting in self.limits:
            if setting.rule not in known:
                self.left_out[setting.seq] = f"there is no rule {setting.rule!r}"

    @property
    def same_everywhere(self) -> bool:
        """Whether no home differs by a setting."""
        return not self._narrow

    def rule(self, name: str) -> Rule | None:
        return self._by_name.get(name)

    def home(self, dwelling: Dwelling) -> HomeRules:
        """What is different in a home."""
        if not self._narrow:
            return _AS_THE_COUNTY
        about = {f"home:{dwelling.home}"}
        for person, categories in dwelling.persons:
            about.add(f"person:{person}")
            about.update(f"category:{category}" for category in categories)
        mine = [s for scope in about for s in self._narrow.get(scope, ())]
        if not mine:
            return _AS_THE_COUNTY
        mine.sort(key=lambda s: (ORDER[s.kind], s.seq))
        alike = tuple(s.seq for s in mine)
        found = self._alike.get(alike)
        own = any(dwelling.home in self._by_name[s.rule].overrides for s in mine)
        if found is None or own:
            found = self._combined(dwelling.home, mine)
            # What is told of one that doesn't fit names the home.
            if not own and not found.left_out:
                self._alike[alike] = found
        return found

    def _combined(self, home: str, mine: Sequence[Setting]) -> HomeRules:
        by_rule: dict[str, list[Setting]] = {}
        for setting in mine:
            by_rule.setdefault(setting.rule, []).append(setting)
        return self._layered(home, by_rule)

    def _layered(self, home: str, by_rule: Mapping[str, Sequence[Setting]]) -> HomeRules:
        overrides: dict[str, dict[str, Any]] = {}
        asks: dict[str, int] = {}
        signed: dict[str, bool] = {}
        left_out: list[tuple[int, str]] = []
        for name, layers in by_rule.items():
            rule = self._by_name[name]
            base = rule.overrides.get(home, rule.params)
            table: dict[str, Any] = {}
            used: list[Setting] = []
            for layer in layers:
                try:
                    rule.kind.parse({**table, **layer.table}, f"{home}.{name}", base)
                except _UNUSABLE as error:
                    left_out.append((layer.seq, str(error)))
                    continue
                table.update(layer.table)
                used.append(layer)
                if ASK_KEY in (layer.params or {}):
                    asks[name] = int((layer.params or {})[ASK_KEY])
            if table:
                overrides[name] = table
            if is_clinical(rule.kind) and used:
                signed[name] = self._all_signed(rule, used)
        return HomeRules(overrides=overrides, asks=asks, signed=signed, left_out=left_out)

    def _all_signed(self, rule: Rule, layers: Sequence[Setting]) -> bool:
        """Limits that nobody signed are covered by a nearer signature that was given later."""
        county = Setting(
            seq=self._county_seq.get(rule.name, 0),
            scope=COUNTY,
            rule=rule.name,
            signed_off_by=rule.signed_off_by,
        )
        stack = [county, *layers]
        return all(
            layer.signed_off_by
            or any(
                over.signed_off_by and over.seq > layer.seq and ORDER[over.kind] > ORDER[layer.kind]
                for over in stack
            )
            for layer in stack
        )

    def _changed(self, rule: Rule, setting: Setting | None) -> Rule:
        if setting is None or not self._usable(setting, self.configured):
            return rule
        params = rule.kind.parse(setting.table, "params", rule.params)
        changed = replace(
            rule,
            params=params,
            overrides={h: self._moved(rule, h, own, params) for h, own in rule.overrides.items()},
            ask_first_s=int((setting.params or {}).get(ASK_KEY, rule.ask_first_s)),
        )
        if not is_clinical(rule.kind):
            return changed
        # A signature was for the limits that it was put under.
        by, on = setting.signed_off_by, setting.signed_off_on
        return replace(changed, signed_off_by=by, signed_off_on=on)

    def _moved(self, rule: Rule, home: str, own: Any, params: Any) -> Any:
        """An `[[override]]` of rules.toml on top of the county's parameters: what it said stays,
        what it left to the rule follows."""
        differs = {
            f.name: getattr(own, f.name)
            for f in fields(own)
            if getattr(own, f.name) != getattr(rule.params, f.name)
        }
        table = {k: list(v) if isinstance(v, tuple) else v for k, v in differs.items()}
        try:
            return rule.kind.parse(table, f"{home}.{rule.name}", params)
        except ConfigError:
            return own

    def _usable(self, setting: Setting, rules: Sequence[Rule]) -> bool:
        if setting.rule not in {rule.name for rule in rules}:
            return False
        try:
            check_one(setting, rules)
        except _UNUSABLE as error:
            self.left_out[setting.seq] = str(error)
            return False
        return True

    def _mode_fits(self, setting: Setting) -> bool:
        rule = self._by_name.get(setting.rule)
        return rule is not None and (setting.mode == "live" or rule.kind.name not in NEVER_SHADOWED)


def check(
    setting: Setting,
    configured: Sequence[Rule],
    settings: Iterable[Setting] = (),
    dwellings: Iterable[Dwelling] = (),
) -> InForce:
    """The rules with a new setting; ConfigError when it makes no sense, or when it would leave out
    a setting that counts today: nothing is changed by one that was refused."""
    before = InForce(configured, settings)
    check_scope(setting.scope)
    if setting.params is None and setting.mode is None and not setting.signed_off_by:
        if setting.signed_off_on:
            raise ConfigError("signed_off_by", "a signature has a name and a date")
        raise ConfigError("params", "nothing is said: params, mode or a signature")
    check_one(setting, before.configured if setting.scope == COUNTY else before.rules)
    after = InForce(configured, [*before.settings, setting])
    for seq, why in after.left_out.items():
        if seq not in before.left_out:
            raise ConfigError("params", f"{_scope(after, seq)} would not fit any more: {why}")
    if after.same_everywhere:
        return after
    if after.same_everywhere:
        return after
    for dwelling in dwellings:
        lost = after.home(dwelling).left_out
        if lost:
            known = {seq for seq, _why in before.home(dwelling).left_out}
            for seq, why in lost:
                if seq not in known:
                    detail = f"{_scope(after, seq)} does not fit the rest in that home: {why}"
                    raise ConfigError("params", detail)
    return after


def _scope(rules: InForce, seq: int) -> str:
    return next((s.scope for s in rules.limits if s.seq == seq), "a setting")
