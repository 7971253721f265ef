"""What the rules think of a home, for a screen. Pure.

It changes nothing, and may be asked from another thread than the one that owns the engine: of a
state that sleeps, too, and of a home that was never met.
"""

from typing import cast

from rules.asleep import Unusable, read_state
from rules.cells import HomeCells, params_of, rule_view, subject_of
from rules.derived import Keeper
from rules.listeners import caught_up, see
from rules.residents import Residents
from rules.rule import Monitor, Rule, RuleView
from rules.waiting import EVER, Waiting


class Opinions(Residents):
    """The homes of one lane, as they can be looked at."""

    def view(self, home: str, now_ms: int, kind: str | None = None) -> list[RuleView]:
        """Every rule's present opinion of a home, or those of one kind; KeyError when it was never
        added."""
        known = self._homes.look(home)
        if known is None:
            raise KeyError(home)
        return [
            rule_view(known.facts, rule, self._opinionated(known, rule), now_ms)
            for rule in self._of_subject[subject_of(home)]
            if kind is None or rule.kind.name == kind
        ]

    def _opinionated(self, known: HomeCells, rule: Rule) -> Monitor:
        """What a screen asks; it changes nothing, for it may be asked from another thread. A rule
        that has heard nothing yet thinks what it would think if it began now."""
        asleep = known.asleep
        state = None if asleep is None else asleep.states.get(rule.name)
        cell = known.cells.get(rule.name)
        if cell is not None:
            return caught_up(cell)
        params, subject = params_of(rule, known.facts), self._subject(known, rule)
        if asleep is not None and state is not None:
            monitor = read_state(rule, subject, params, state)
            if not isinstance(monitor, Unusable):
                waiting = self._waiting_of(known) if rule.name in self._patient else None
                if asleep.resumed_ms is None:
                    return see(monitor, waiting, rule.name, 0, EVER)
                see(monitor, waiting, rule.name, 0, asleep.resumed_ms)
                monitor.resume(asleep.resumed_ms)
                return see(monitor, waiting, rule.name, asleep.resumed_ms, EVER)
        return rule.kind.start(subject, params, known.since_ms)

    def _waiting_of(self, known: HomeCells) -> Waiting | None:
        """For a look from another thread, where the feed's state may sleep as well."""
        asleep, keeper = known.asleep, self._by_name.get(self._keeper)
        state = None if asleep is None else asleep.states.get(self._keeper)
        if known.waiting is not None or keeper is None or state is None:
            return known.waiting
        monitor = read_state(keeper, self._subject(known, keeper), keeper.params, state)
        return None if isinstance(monitor, Unusable) else cast("Keeper", monitor).waiting
