"""The settings of rules as the hub lives by them: read from the book, put in force, changed.

A projection: what failed to commit is not in force. Lanes of other threads read `current`, which is
replaced and never changed.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from ledger import rule_settings
from ledger.cursor import Cursor
from ledger.register import Register
from ledger.rule_settings import NewSetting
from ledger.unit_of_work import UnitOfWork
from ledger.views import RosterIndex
from rules.in_force import Dwelling, HomeRules, InForce, check
from rules.rule import Rule
from rules.settings import COUNTY, Setting

# Problems told once each; a county that has more of them has been told enough.
TOLD_MAX: Final = 10_000
# A county's people have a few hundred combinations of categories.
CATEGORIES_KEPT: Final = 4_096


class RuleSettings:
    """Belongs to the writer's thread, but for `current`, `checked`, `meant` and `of_home`.
    `on_reload`: called there whenever other settings may be in force."""

    def __init__(
        self, configured: Sequence[Rule], register: Register, log: Callable[[str, str], None]
    ) -> None:
        self._configured = tuple(configured)
        self._register = register
        self._log = log
        self._told: set[str] = set()
        self.current = InForce(configured)
        self.on_reload: Callable[[], None] = lambda: None

    def reload(self, cursor: Cursor) -> None:
        settings: list[Setting] = []
        for row in rule_settings.load(cursor):
            try:
                settings.append(_setting(row))
            except ValueError as error:
                self._tell(row["seq"], str(error))
        self.current = InForce(self._configured, settings)
        for seq, why in self.current.left_out.items():
            self._tell(seq, why)
        self.on_reload()

    def change(self, unit: UnitOfWork, new: NewSetting) -> None:
        """ConfigError when it makes no sense or would push another setting out."""
        self.checked(new)
        rule_settings.append(unit, new)
        self.reload(unit.cursor)

    def checked(self, new: NewSetting) -> InForce:
        """The rules as they would be; ConfigError as `change` has it."""
        current = self.current
        setting = Setting(
            seq=max((s.seq for s in current.settings), default=0) + 1,
            scope=new.scope,
            rule=new.rule,
            mode=new.mode,  # type: ignore[arg-type]  # a word of which `check` says what it thinks
            params=new.params,
            signed_off_by=new.signed_off_by,
            signed_off_on=new.signed_off_on,
        )
        # Elsewhere nothing can be pushed out by it.
        return check(setting, self._configured, current.settings, self.meant(new.scope))

    def meant(self, scope: str) -> list[Dwelling]:
        """The homes that a scope is about."""
        index = self._register.index
        kind, _, about = scope.partition(":")
        match kind:
            case "home":
                homes: Iterable[str] = [about] if about in index.homes else []
            case "person":
                homes = [
                    h for h, its in index.persons.items() if any(p["id"] == about for p in its)
                ]
            case "category":
                homes = [
                    home
                    for home, its in index.persons.items()
                    if any(about in _categories(p) for p in its)
                ]
            case _:
                homes = index.homes
        return [_dwelling(index, home) for home in homes]

    def count_meant(self, scope: str) -> int:
        if scope == COUNTY:
            return len(self._register.index.homes)
        return len(self.meant(scope))

    def of_home(self, rules: InForce, index: RosterIndex, home: str) -> HomeRules:
        """What differs in a home; what is left out there is told once."""
        if rules.same_everywhere:
            return _NOTHING
        found = rules.home(_dwelling(index, home))
        for seq, why in found.left_out:
            self._tell(seq, f"{home}: {why}")
        return found

    def asks_for_s(self, name: str, home: str) -> int:
        """Seconds that a rule asks in a home before anybody is sent."""
        rules = self.current
        rule = rules.rule(name)
        if rule is None:
            return 0
        asks = self.of_home(rules, self._register.index, home).asks
        return asks.get(name, rule.asks_for_s(home))

    def is_shadowed(self, name: str) -> bool:
        return name in self.current.shadowed

    def _tell(self, seq: int, why: str) -> None:
        text = f"setting {seq} is left out: {why}"
        if text not in self._told and len(self._told) < TOLD_MAX:
            self._told.add(text)
            self._log("rule_setting", text)


_NOTHING: Final = HomeRules()


def _dwelling(index: RosterIndex, home: str) -> Dwelling:
    persons = [(str(p["id"]), _categories(p)) for p in index.residents(home)]
    return Dwelling(home=home, persons=persons)


def _categories(person: Mapping[str, Any]) -> tuple[str, ...]:
    return _named(person["categories"])


@lru_cache(maxsize=CATEGORIES_KEPT)
def _named(text: str) -> tuple[str, ...]:
    return tuple(str(category) for category in json.loads(text))


def _setting(row: Mapping[str, Any]) -> Setting:
    return Setting(
        seq=row["seq"],
        scope=row["scope"],
        rule=row["rule"],
        mode=row["mode"],
        params=rule_settings.params_of(row),
        signed_off_by=row["signed_off_by"],
        signed_off_on=row["signed_off_on"],
    )
