"""The past of a home under one or several rule sets, in one pass over its readings.

    readings of power -> columns -> those that matter \\
                                                       > by time -> engine of A -> found of A
    all other readings -------------------------------/        \\-> engine of B -> found of B

Which readings of power matter is `played_power`'s to say; the findings are the same as if every
reading were shown. A home whose panels have a meter is shown every reading.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter

from hearthwatch.backtest.past_readings import PastReading, PastReadings
from hearthwatch.backtest.played_power import (
    joined,
    knows_panels,
    meters_of,
    shown_to,
    with_played,
)
from rules.engine import Engine
from rules.finding import Finding
from rules.rule import HomeFacts, Rule

RuleSet = Sequence[Rule]


@dataclass(slots=True)
class Found:
    """A finding that was raised, and when its cause was gone."""

    finding: Finding
    cleared_at_ms: int | None = None


def play(
    past: PastReadings,
    facts: HomeFacts,
    rule_sets: Sequence[RuleSet],
    end_ms: int,
    *,
    words: Sequence[PastReading] = (),
    columns: bool = True,
) -> list[list[Found]]:
    """What each rule set finds in a home, by time; `words`: what humans found out about its
    silences (`past_words`). `columns` False: every reading by itself."""
    home = facts.home
    by_use = any(knows_panels(rules, facts) for rules in rule_sets)
    meters = meters_of(past, home) if columns and not by_use else None
    shown_at = None
    if meters is not None:
        shown_at = joined([shown_to(rules, facts, meters) for rules in rule_sets])
        rule_sets = [with_played(rules, meters) for rules in rule_sets]
    engines = [Engine(rules) for rules in rule_sets]
    start_ms = past.start_ms(home)
    for engine in engines:
        engine.add_home(facts, start_ms)
    found: list[list[Finding]] = [[] for _ in engines]
    running = list(zip(engines, found, strict=True))
    for observation in _among(past.observations(home, shown_at), words):
        at_ms = observation.received_at_ms
        for engine, rows in running:
            rows.extend(engine.advance(at_ms))
            rows.extend(engine.observe(home, observation, at_ms))
    for engine, rows in running:
        rows.extend(engine.advance(end_ms))
    return [_paired(rows) for rows in found]


def _among(readings: Iterator[PastReading], words: Sequence[PastReading]) -> Iterator[PastReading]:
    """Both by time. Most homes have no such words, and then it costs nothing."""
    return merge(readings, words, key=attrgetter("received_at_ms")) if words else readings


def _paired(found: Sequence[Finding]) -> list[Found]:
    """Raised findings with the moment at which their rule saw the cause gone."""
    rows: list[Found] = []
    open_of: dict[tuple[str, str], list[Found]] = {}
    for finding in found:
        cause = (finding.rule, finding.part)
        if finding.phase == "cleared":
            for row in open_of.pop(cause, ()):
                row.cleared_at_ms = finding.at_ms
        else:
            rows.append(Found(finding))
            if finding.reason != "test_press":
                open_of.setdefault(cause, []).append(rows[-1])
    return sorted(rows, key=lambda row: (row.finding.at_ms, row.finding.rule))
