"""A rule in a scope, for the screens: what holds there and who said so, and what a change would do.

Read from any thread: the settings and the roster are replaced, never changed.
"""

from collections.abc import Mapping
from typing import Any

from contract.config import ConfigError
from hearthwatch.backtest.changes import can_be_tried
from hearthwatch.rule_settings import RuleSettings
from ledger.roster import CATEGORIES
from ledger.rule_settings import NewSetting
from rules.config import ASK_FIRST_LIMITS_S
from rules.in_force import Dwelling, InForce
from rules.kind_facts import about, parameters
from rules.layers import Value, homes_changed, said_in, values_in
from rules.rule import is_clinical, usual_ask_s
from rules.settings import NEVER_SHADOWED


class RuleScopes:
    """Implements the part of the dashboard's `RuleViews` that is about scopes."""

    def __init__(self, settings: RuleSettings) -> None:
        self._settings = settings

    def detail(self, name: str, scope: str) -> dict[str, Any]:
        rules = self._settings.current
        rule = {rule.name: rule for rule in rules.rules}[name]
        low_s, high_s = ASK_FIRST_LIMITS_S
        usual_s = usual_ask_s(rule.kind)
        return {
            "about": about(rule.kind),
            "parameters": parameters(rule.kind),
            "ask_first": None
            if usual_s is None
            else {"usual_s": usual_s, "low": low_s, "high": high_s},
            "subject": rule.kind.subject,
            "lane": rule.kind.lane,
            "may_shadow": rule.kind.name not in NEVER_SHADOWED,
            "can_be_tried": can_be_tried(rule),
            "categories": list(CATEGORIES),
            "scope": self._scope(rules, name, scope),
        }

    def _scope(self, rules: InForce, name: str, scope: str) -> dict[str, Any]:
        values = values_in(rules, name, scope, self._home_of(scope))
        return {
            "scope": scope,
            "homes": self._settings.count_meant(scope),
            "set": dict(said_in(rules, name, scope)),
            "values": {key: {"value": v.value, "source": v.source} for key, v in values.items()},
        }

    def _home_of(self, scope: str) -> Dwelling | None:
        """The home of a home's or person's scope; wider ones have none."""
        kind, _, about_whom = scope.partition(":")
        if kind not in ("home", "person"):
            return None
        meant = self._settings.meant(scope)
        if not meant:
            raise ConfigError("scope", f"there is no such {kind}: {about_whom[:40]!r}")
        return meant[0]

    def preview(self, new: NewSetting) -> dict[str, Any]:
        """ConfigError as a change would have it; nothing is changed."""
        before = self._settings.current
        after = self._settings.checked(new)
        meant = self._settings.meant(new.scope)
        home = self._home_of(new.scope)
        rule = {rule.name: rule for rule in after.rules}[new.rule]
        return {
            "homes": len(meant),
            "homes_changed": homes_changed(before, after, new.rule, meant),
            "values": _changes(
                values_in(before, new.rule, new.scope, home),
                values_in(after, new.rule, new.scope, home),
            ),
            "unsigned": is_clinical(rule.kind) and new.params is not None and not new.signed_off_by,
        }


def _changes(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "before": before[name].value,
            "after": value.value,
            "source_before": before[name].source,
            "source_after": value.source,
        }
        for name, value in after.items()
        if value.value != before[name].value
    ]
