"""One try, in a process of its own: the stored past of a region under the rules of now and then.

It gives way to everything else on the machine and holds one home at a time. What the rules find
in the warm-up is not counted: those that learn a home know it by then.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

from hearthwatch.backtest.burden import MONTH_MS, Difference, Ended, Tally
from hearthwatch.backtest.changes import can_be_tried, differing
from hearthwatch.backtest.home_differences import HomeDifferences
from hearthwatch.backtest.play import Found, RuleSet, play
from hearthwatch.backtest.stored_past import StoredPast
from hearthwatch.hub_config import HubConfig
from hearthwatch.stores import open_reader

WARM_UP_DAYS: Final = 28
_DAY_MS: Final = 86_400_000
# The least that a process can be worth: the hub's lanes always come first.
NICE: Final = 19

_ENDED: Final = ("of_alarms_closed_real", "of_alarms_closed_false", "missed_real")
_SUMMED: Final = ("now", "then", *_ENDED, *(f"now_{key}" for key in _ENDED))
_NEVER: Final = (Ended(), Ended())

# How much is done, 0 to 1.
Report = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TryTask:
    region: str
    from_ms: int
    to_ms: int
    now: RuleSet
    then: RuleSet


def run_try(pipe: Connection, config: HubConfig, task: TryTask) -> None:
    """Sends ("progress", part) and at last ("done", result) or ("failed", detail)."""
    os.nice(NICE)
    engine = config.book.open_reader()
    readings = open_reader(config)
    try:
        result = tried(
            StoredPast(engine, readings), task, lambda part: pipe.send(("progress", part))
        )
        pipe.send(("done", result))
    except (BrokenPipeError, KeyboardInterrupt):
        return  # the hub has gone, or is going
    except Exception as error:  # noqa: BLE001 - told to who asked; the hub is not concerned
        pipe.send(("failed", f"{type(error).__name__}: {error}"))
    finally:
        readings.close()
        engine.dispose()


def tried(past: StoredPast, task: TryTask, report: Report) -> dict[str, Any]:
    """What both rule sets would have raised, and what became of the alarms of that time."""
    rule_sets: list[RuleSet] = [
        [rule for rule in rules if can_be_tried(rule)] for rules in (task.now, task.then)
    ]
    homes = past.area(task.region).homes
    tally = Tally(severities={rule.name: rule.severity for its in rule_sets for rule in its})
    differences = HomeDifferences(differing(task.now, task.then))
    seen = rows = 0
    for number, facts in enumerate(homes, 1):
        begin_ms = task.from_ms - WARM_UP_DAYS * _DAY_MS
        readings = past.readings_of(facts.home, max(0, begin_ms), task.to_ms)
        if readings.rows:
            words = past.words_of(facts.home, begin_ms, task.to_ms)
            found = play(readings, facts, rule_sets, task.to_ms, words=words)
            counted = [[row for row in its if _counts(row, task)] for its in found]
            tally.add(counted, past.outcomes_of(facts.home, task.from_ms, task.to_ms))
            differences.add(facts.home, counted)
            seen, rows = seen + 1, rows + readings.rows
        report(number / len(homes))
    return {
        **_result(task, rule_sets, tally, seen, rows),
        "homes_differing": differences.homes,
        "by_home": differences.lines(),
    }


def _counts(row: Found, task: TryTask) -> bool:
    return task.from_ms <= row.finding.at_ms < task.to_ms


def _result(
    task: TryTask, rule_sets: list[RuleSet], tally: Tally, homes: int, rows: int
) -> dict[str, Any]:
    days = (task.to_ms - task.from_ms) / _DAY_MS
    months = homes * (task.to_ms - task.from_ms) / MONTH_MS
    names = differing(task.now, task.then)
    judged = {rule.name for rules in rule_sets for rule in rules}
    by_rule = [
        _line(rule, tally, months, rule in names)
        for rule in sorted(judged)
        if rule in names or _spoke(rule, tally)
    ]
    changed = [line for line in by_rule if line["changed"]]
    parts: dict[str, Any] = {key: sum(line[key] for line in changed) for key in _SUMMED}
    return {
        "days": round(days, 3),
        "warm_up_days": WARM_UP_DAYS,
        "homes": homes,
        "readings": rows,
        "by_rule": by_rule,
        "not_judged": sorted({r.name for r in (*task.now, *task.then)} - judged),
        "sentence_parts": {"rules": names, "days": round(days), "homes": homes, **parts},
    }


def _spoke(rule: str, tally: Tally) -> bool:
    return any(rule in raised for raised in tally.raised) or any(
        rule in ended for ended in tally.ended
    )


def _line(rule: str, tally: Tally, months: float, changed: bool) -> Mapping[str, Any]:
    now, then = (counts[rule] for counts in tally.raised) if tally.raised else (0, 0)
    before, ended = (its.get(rule, Ended()) for its in tally.ended) if tally.ended else _NEVER
    difference = tally.differences.get(rule, Difference())
    return {
        "rule": rule,
        "changed": changed,
        "now": now,
        "then": then,
        "per_home_month_now": round(now / months, 4) if months else None,
        "per_home_month_then": round(then / months, 4) if months else None,
        "only_now": difference.only_a,
        "only_then": difference.only_b,
        "then_earlier": difference.b_earlier,
        "then_later": difference.b_later,
        "of_alarms_closed_real": ended.real,
        "of_alarms_closed_false": ended.false,
        "missed_real": ended.missed_real,
        "now_of_alarms_closed_real": before.real,
        "now_of_alarms_closed_false": before.false,
        "now_missed_real": before.missed_real,
    }
