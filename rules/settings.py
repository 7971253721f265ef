"""What a county changed about its rules while they run: who it is for, and how a rule speaks. Pure.

`rules.toml` is how a hub begins; settings come on top of it and are kept in the book with who
changed what and why. A setting is for one rule and one scope:

    county  <  category:<独居, 失能, …>  <  home:<id>  <  person:<id>      the right-hand one wins

Of several categories or persons of a home the setting that was made last wins. `params` are all
that differs in the scope from then on (`ask_first_s` among them, as in an `[[override]]`); a
signature alone is for the limits as they stand, and a change of them is unsigned until a clinician
signs again. A rule of mode `shadow` goes on judging: its findings are kept and nobody is disturbed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast, get_args

from contract.config import ConfigError, one_of
from rules.config import parse_ask_first_s, parse_signature
from rules.rule import Rule, is_clinical

Mode = Literal["live", "shadow"]
ScopeKind = Literal["county", "category", "home", "person"]

COUNTY: Final = "county"
ASK_KEY: Final = "ask_first_s"
# Letters of a scope: its word and an id or category.
SCOPE_LENGTH_MAX: Final = 80
# From the widest to the nearest.
ORDER: Final[Mapping[str, int]] = {"county": 0, "category": 1, "home": 2, "person": 3}
# A call for help is judged and told at once whatever anybody sets.
NEVER_SHADOWED: Final = frozenset({"sos"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What was said about a rule in a scope. seq: grows with each change; mode: of the whole
    county only, None leaves it; params: what differs from the rule's own, None leaves it."""

    seq: int
    scope: str
    rule: str
    mode: Mode | None = None
    params: Mapping[str, Any] | None = None
    signed_off_by: str = ""
    signed_off_on: str = ""

    @property
    def kind(self) -> str:
        return self.scope.partition(":")[0]

    @property
    def table(self) -> dict[str, Any]:
        """The parameters of the rule itself."""
        return {key: value for key, value in (self.params or {}).items() if key != ASK_KEY}

    @property
    def says_something(self) -> bool:
        """False for one that only takes back what was set before."""
        return bool(self.params or self.signed_off_by)


def in_force(settings: Iterable[Setting]) -> list[Setting]:
    """The limits of each rule and scope as they stand, oldest first; modes are not among them."""
    newest: dict[tuple[str, str], Setting] = {}
    for setting in sorted(settings, key=lambda s: s.seq):
        key = (setting.rule, setting.scope)
        if setting.params is not None:
            newest[key] = replace(setting, mode=None)
        elif setting.signed_off_by:
            before = newest.get(key)
            params = {} if before is None else before.params
            newest[key] = replace(setting, mode=None, params=params)
    return sorted(newest.values(), key=lambda s: s.seq)


def modes(settings: Iterable[Setting]) -> dict[str, Setting]:
    """By rule the setting that made it what it is, live or shadow."""
    found: dict[str, Setting] = {}
    for setting in sorted(settings, key=lambda s: s.seq):
        if setting.scope == COUNTY and setting.mode is not None:
            found[setting.rule] = setting
    return found


def shadowed(settings: Iterable[Setting]) -> frozenset[str]:
    """Names of the rules that judge and disturb nobody."""
    return frozenset(rule for rule, s in modes(settings).items() if s.mode == "shadow")


def check_one(setting: Setting, rules: Sequence[Rule]) -> None:
    """ConfigError when a setting makes no sense by itself. `rules`: as the county has them, for
    the county's own setting as rules.toml has them."""
    rule = {r.name: r for r in rules}[one_of(setting.rule, [r.name for r in rules], "rule")]
    check_scope(setting.scope)
    if setting.scope != COUNTY and rule.kind.subject == "gateway":
        raise ConfigError("scope", f"{rule.name!r} is about gateways: county")
    if setting.mode is not None:
        one_of(setting.mode, get_args(Mode), "mode")
        if setting.scope != COUNTY:
            raise ConfigError("mode", "is the whole county's; other scopes change parameters")
        if setting.mode == "shadow" and rule.kind.name in NEVER_SHADOWED:
            raise ConfigError("mode", "a call for help is always on and always urgent")
    if setting.signed_off_by or setting.signed_off_on:
        parse_signature(
            {"signed_off_by": setting.signed_off_by, "signed_off_on": setting.signed_off_on}
        )
        if not is_clinical(rule.kind):
            detail = f"the limits of {rule.name!r} are not a clinician's"
            raise ConfigError("signed_off_by", detail)
    rule.kind.parse(setting.table, "params", rule.params)
    if ASK_KEY in (setting.params or {}):
        parse_ask_first_s(cast("Mapping[str, Any]", setting.params), rule.kind, 0, "params")


def check_scope(scope: str) -> None:
    kind, _, about = scope.partition(":")
    one_of(kind, get_args(ScopeKind), "scope")
    if (kind == COUNTY) is bool(about) or len(scope) > SCOPE_LENGTH_MAX:
        raise ConfigError("scope", f"{scope[:40]!r}: county, or category:, home:, person:")
