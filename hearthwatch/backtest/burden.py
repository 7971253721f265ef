"""How much work a rule set makes, how two differ, and what became of the alarms. Pure.

Two findings of one rule in one home belong to one cause when they are no further apart than
`SAME_CAUSE_MS`; each is paired once, in order of time. The same pairing finds the alarm that a
finding falls on.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hearthwatch.backtest.play import Found

# The slowest rules judge absence by half a day; what lies further apart is another occasion.
SAME_CAUSE_MS: Final = 12 * 3_600_000
MONTH_MS: Final = 365.25 / 12 * 86_400_000
YEAR_MS: Final = 365.25 * 86_400_000
# Somebody was in need of it (alarms/lifecycle.py names the outcomes); `real` and `false` are for
# lists that were made by hand.
REAL: Final = frozenset({"real_emergency", "medical_advice", "real"})
FALSE: Final = frozenset({"accidental", "test", "device_fault", "outage", "answered_well", "false"})
# What a rule about things is for.
REAL_OF_THINGS: Final = frozenset({"device_fault", "outage", "recovered", "real"})

Key = tuple[str, str]  # home, rule


class Outcome(NamedTuple):
    """How an alarm of the past ended."""

    home: str
    rule: str
    raised_at_ms: int
    outcome: str


class Watched(NamedTuple):
    """For how long homes and persons were watched."""

    homes: int
    home_ms: int
    person_ms: int


@dataclass(slots=True)
class Difference:
    """What set B finds that A doesn't, and when, of one rule."""

    both: int = 0
    only_a: int = 0
    only_b: int = 0
    b_earlier: int = 0
    b_later: int = 0
    # Milliseconds by which B is earlier, summed; negative: later.
    earlier_ms: int = 0


@dataclass(slots=True)
class Ended:
    """What became of the alarms on which the findings of a rule fall, and of those missed."""

    real: int = 0
    false: int = 0
    other: int = 0
    missed_real: int = 0


@dataclass(slots=True)
class Tally:
    """Everything counted of one or two rule sets, filled home by home."""

    severities: dict[str, str] = field(default_factory=dict)
    # Per set: rule → findings, and those of them that would open an alarm.
    findings: list[Counter[tuple[str, str]]] = field(default_factory=list)
    raised: list[Counter[str]] = field(default_factory=list)
    ended: list[dict[str, Ended]] = field(default_factory=list)
    differences: dict[str, Difference] = field(default_factory=dict)

    def add(
        self, found: Sequence[Sequence[Found]], outcomes: Mapping[str, Sequence[Outcome]]
    ) -> None:
        """Count what the sets find in one home; `outcomes` by rule are those of this home."""
        while len(self.findings) < len(found):
            self.findings.append(Counter())
            self.raised.append(Counter())
            self.ended.append({})
        by_rule = [times_by_rule(rows) for rows in found]
        for number, rows in enumerate(found):
            for row in rows:
                rule = row.finding.rule
                self.severities.setdefault(rule, row.finding.severity)
                self.findings[number][(rule, row.finding.severity)] += 1
            for rule, times in by_rule[number].items():
                self.raised[number][rule] += len(times)
            for rule in outcomes.keys() | by_rule[number].keys():
                ended = self.ended[number].setdefault(rule, Ended())
                alarms = outcomes.get(rule, ())
                _count_ended(ended, by_rule[number].get(rule, []), alarms, self._of_things(rule))
        if len(found) == 2:
            for rule in sorted(by_rule[0].keys() | by_rule[1].keys()):
                difference = self.differences.setdefault(rule, Difference())
                _compare(difference, by_rule[0].get(rule, []), by_rule[1].get(rule, []))

    def _of_things(self, rule: str) -> bool:
        return self.severities.get(rule) == "technical"


def by_home(outcomes: Iterable[Outcome]) -> dict[str, dict[str, list[Outcome]]]:
    """home → rule → its alarms by time."""
    homes: dict[str, dict[str, list[Outcome]]] = {}
    for outcome in sorted(outcomes, key=lambda each: each.raised_at_ms):
        homes.setdefault(outcome.home, {}).setdefault(outcome.rule, []).append(outcome)
    return homes


def pairs(a: Sequence[int], b: Sequence[int]) -> list[tuple[int | None, int | None]]:
    """Places in both lists of moments that belong together; None where nothing does."""
    found: list[tuple[int | None, int | None]] = []
    i = j = 0
    while i < len(a) or j < len(b):
        if j == len(b) or (i < len(a) and a[i] < b[j] - SAME_CAUSE_MS):
            found.append((i, None))
            i += 1
        elif i == len(a) or b[j] < a[i] - SAME_CAUSE_MS:
            found.append((None, j))
            j += 1
        else:
            found.append((i, j))
            i, j = i + 1, j + 1
    return found


def times_by_rule(rows: Iterable[Found]) -> dict[str, list[int]]:
    """When findings that open an alarm were raised; what is only repeated opens none."""
    times: dict[str, list[int]] = {}
    for row in rows:
        if row.finding.phase == "raised":
            times.setdefault(row.finding.rule, []).append(row.finding.at_ms)
    return {rule: sorted(its) for rule, its in times.items()}


def _compare(difference: Difference, a: Sequence[int], b: Sequence[int]) -> None:
    for i, j in pairs(a, b):
        if j is None:
            difference.only_a += 1
        elif i is None:
            difference.only_b += 1
        else:
            difference.both += 1
            difference.b_earlier += b[j] < a[i]
            difference.b_later += b[j] > a[i]
            difference.earlier_ms += a[i] - b[j]


def _count_ended(
    ended: Ended, times: Sequence[int], alarms: Sequence[Outcome], of_things: bool
) -> None:
    real = REAL_OF_THINGS if of_things else REAL
    for i, j in pairs(times, [alarm.raised_at_ms for alarm in alarms]):
        if j is None:
            continue
        outcome = alarms[j].outcome
        if outcome in real:
            ended.real += i is not None
            ended.missed_real += i is None
        elif i is not None and outcome in FALSE:
            ended.false += 1
        elif i is not None:
            ended.other += 1
