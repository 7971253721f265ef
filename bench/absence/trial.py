"""One home: built, metered in every way, judged by every method."""

from collections.abc import Sequence
from types import ModuleType
from typing import Final

from bench.absence import european, machines, rural, subtropical
from bench.absence.judging import Score, judge, rule_alarms
from bench.absence.meters import Meter, record
from bench.absence.rivals import METHODS, alarms

TUNING: Final[Sequence[ModuleType]] = (european, rural, machines)
FAMILIES: Final = {module.NAME: module for module in (*TUNING, subtropical)}
RULE: Final = "this rule"

# By meter and method.
Scores = dict[tuple[str, str], Score]


def one_home(family: str, seed: int, days: int, meters: Sequence[Meter]) -> Scores:
    """Every meter and method on one home."""
    house = FAMILIES[family].build(seed, days)
    scores = {}
    for meter in meters:
        tape = record(house, meter, seed)
        found = {RULE: rule_alarms(tape, house)}
        found.update({method: alarms(tape, method) for method in METHODS})
        for method, minutes in found.items():
            scores[meter.name, method] = judge(minutes, house, tape)
    return scores
