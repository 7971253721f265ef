"""Rules that look at every quarter-hour when it comes, to compare with those that wait."""

from dataclasses import replace

from rules.kinds.no_sign_of_life import NoSignOfLife, NoSignOfLifeMonitor
from rules.plain import PlainKind
from rules.rule import Rule, is_patient
from rules.waiting import NEVER


class _HastyMonitor(NoSignOfLifeMonitor):
    """It is shown the home's meters, as those that wait, and never waits."""

    __slots__ = ()

    def calm(self):
        return NEVER


class _HastyNoSign(NoSignOfLife):
    _monitor = _HastyMonitor


def hasty(rule: Rule) -> Rule:
    """The same rule without patience."""
    kind = rule.kind
    if isinstance(kind, NoSignOfLife):
        return replace(rule, kind=_HastyNoSign())
    if not is_patient(kind):
        return rule
    assert isinstance(kind, PlainKind)
    return replace(rule, kind=replace(kind, patient=False))
