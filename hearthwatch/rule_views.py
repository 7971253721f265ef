"""What the rules think of a home, for the screens: read beside the lanes that own the engines."""

from collections.abc import Callable, Sequence
from typing import Final

from hearthwatch.clock import PlannedClock
from rules.config import describe
from rules.engine import Engine
from rules.rule import Rule, RuleView

# The lane may change a monitor while we look; a second look is enough, a third is patience.
_LOOKS: Final = 3


class EngineViews:
    """Implements the dashboard's `RuleViews` port over the engines of both lanes."""

    def __init__(
        self,
        rules: Sequence[Rule],
        engines: Callable[[], Sequence[Engine]],
        clock: PlannedClock,
    ) -> None:
        self._rules = rules
        self._engines = engines
        self._clock = clock

    def view(self, home: str) -> list[RuleView]:
        return [view for engine in self._engines() for view in self._look(engine, home)]

    def _look(self, engine: Engine, home: str) -> list[RuleView]:
        for _look in range(_LOOKS):
            try:
                return engine.view(home, self._clock.now_ms())
            except KeyError:
                return []
            except RuntimeError:
                continue  # a dictionary changed its size under our eyes
        return []

    def describe(self) -> list[dict[str, object]]:
        return describe(self._rules)
