"""What the rules think of a home, and the rules themselves, for the screens: read beside the lanes
that own the engines."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from hearthwatch.clock import PlannedClock
from hearthwatch.rule_scopes import RuleScopes
from hearthwatch.urgent_side import UrgentSide
from ledger.rule_settings import NewSetting
from ledger.unit_of_work import UnitOfWork
from rules.config import describe
from rules.derived import Feed
from rules.engine import Engine
from rules.in_force import InForce
from rules.rule import RuleView
from rules.settings import Setting

# The lane may change a monitor while we look; a second look is enough, a third is patience.
_LOOKS: Final = 3


class EngineViews:
    """Implements the dashboard's `RuleViews` port over the engines of both lanes. reading: what the
    rules have learned is still being read; until then no home is said to be unwatched."""

    def __init__(
        self,
        side: UrgentSide,
        engines: Callable[[], Sequence[Engine]],
        reading: Callable[[], bool],
        clock: PlannedClock,
    ) -> None:
        self._side = side
        self._engines = engines
        self._reading = reading
        self._clock = clock
        self._scopes = RuleScopes(side.settings)

    def view(self, home: str) -> list[RuleView]:
        return [view for engine in self._engines() for view in self._look(engine, home)]

    def of_kind(self, kind: str, homes: Iterable[str]) -> dict[str, RuleView]:
        if self._reading():
            return {home: _unread(kind) for home in homes}
        engines = self._engines()
        found: dict[str, RuleView] = {}
        for home in homes:
            for engine in engines:
                for view in self._look(engine, home, kind):
                    found.setdefault(home, view)
        return found

    def _look(self, engine: Engine, home: str, kind: str | None = None) -> list[RuleView]:
        for _look in range(_LOOKS):
            try:
                return engine.view(home, self._clock.now_ms(), kind)
            except KeyError:
                return []
            except RuntimeError:
                continue  # a dictionary changed its size under our eyes
        return []

    def describe(self) -> list[dict[str, object]]:
        return described(self._side.settings.current)

    def detail(self, name: str, scope: str) -> dict[str, object]:
        return self._scopes.detail(name, scope)

    def preview(self, new: NewSetting) -> dict[str, object]:
        return self._scopes.preview(new)

    def change(self, unit: UnitOfWork, new: NewSetting) -> None:
        self._side.change_rule(unit, new)


def _unread(kind: str) -> RuleView:
    return RuleView(
        rule=kind,
        kind=kind,
        state="cannot_judge",
        since_ms=None,
        explanation={"reason": "starting"},
    )


def described(rules: InForce) -> list[dict[str, object]]:
    """The rules with their modes and settings, as the dashboard's port wants them."""
    return [
        {
            **document,
            "mode": "shadow" if rule.name in rules.shadowed else "live",
            "feed": isinstance(rule.kind, Feed),
            "settings": _settings(rules, rule.name),
        }
        for rule, document in zip(rules.rules, describe(rules.rules), strict=True)
    ]


def _settings(rules: InForce, name: str) -> list[dict[str, object]]:
    """The settings of a rule that are in force, oldest first, each by the number of its row."""
    found = {s.seq: _setting(s, rules) for s in rules.limits if s.rule == name}
    mode = rules.modes.get(name)
    if mode is not None and mode.mode == "shadow":
        found[mode.seq] = {**found.get(mode.seq, _setting(mode, rules)), "mode": "shadow"}
    return [found[seq] for seq in sorted(found)]


def _setting(setting: Setting, rules: InForce) -> dict[str, object]:
    return {
        "seq": setting.seq,
        "scope": setting.scope,
        "mode": setting.mode,
        "params": None if setting.params is None else dict(setting.params),
        "signed_off_by": setting.signed_off_by,
        "signed_off_on": setting.signed_off_on,
        "left_out": rules.left_out.get(setting.seq),
    }
