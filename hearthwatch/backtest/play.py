"""The past of a home under one or several rule sets, in one pass over its readings.

    readings of power -> columns -> slots   \\
                                             > by time -> engine of A -> found of A
    all other readings ---------------------/        \\-> engine of B -> found of B

Where nothing but the feed `mains` wants readings of power (`played_mains.feed_alone`), those that
complete no quarter of an hour are not shown to the engines; findings are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hearthwatch.backtest.past_readings import PastReadings
from hearthwatch.backtest.played_mains import HomeMeters, PlayedMains, feed_alone, meters_of
from rules.engine import Engine
from rules.finding import Finding
from rules.kinds.mains import MainsFeed
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
    columns: bool = True,
) -> list[list[Found]]:
    """What each rule set finds in a home, by time; `columns` False: every reading by itself."""
    home = facts.home
    feeds = [feed_alone(rules, facts) if columns else None for rules in rule_sets]
    meters = meters_of(past, home) if any(feeds) else None
    played = [feed is not None and meters is not None for feed in feeds]
    engines = [
        Engine(_with_played(rules, feed, meters))
        for rules, feed in zip(rule_sets, feeds, strict=True)
    ]
    start_ms = past.start_ms(home)
    for engine in engines:
        engine.add_home(facts, start_ms)
    found: list[list[Finding]] = [[] for _ in engines]
    for skipping in sorted(set(played)):
        mine = [
            (engine, its)
            for engine, its, plays in zip(engines, found, played, strict=True)
            if plays == skipping
        ]
        shown_at = meters.shown_at if skipping and meters is not None else None
        for observation in past.observations(home, shown_at):
            at_ms = observation.measured_at_ms
            for engine, its in mine:
                its += engine.advance(at_ms)
                its += engine.observe(home, observation, at_ms)
    for engine, its in zip(engines, found, strict=True):
        its += engine.advance(end_ms)
    return [_paired(its) for its in found]


def _with_played(rules: RuleSet, feed: Rule | None, meters: HomeMeters | None) -> RuleSet:
    if feed is None or meters is None or not isinstance(feed.kind, MainsFeed):
        return rules
    played = replace(feed, kind=PlayedMains(feed.kind, meters))
    return [played if rule is feed else rule for rule in rules]


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
