"""`./dev bench --replay`: how fast the past is read and played, on one core.

Homes with a meter that reports every minute are written as CSV and played, under all rules and
under each rule that judges electricity by itself. The floors are numpy with the same columns: its
own reader of text, and one pass over times and registers.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from device_sims.past import past_registers
from device_sims.roster import households
from hearthwatch.backtest.csv_file import load_csv
from hearthwatch.backtest.past_readings import POWER, PastReadings
from hearthwatch.backtest.play import RuleSet, play
from rules.config import default_rules
from rules.derived import POWER_SLOT
from rules.rule import HomeFacts, Rule

BEGIN_MS: Final = 1_794_758_400_000
HOMES: Final = 40
DAYS: Final = 28
STEP_S: Final = 60
# Of homes for the way that shows every reading to the rules: the pace is the same for few.
CAREFUL_HOMES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Readings a second of processor time."""

    per_s: float
    findings: int


def report(homes: int = HOMES, days: int = DAYS) -> dict[str, float]:
    """Prints the paces and gives them back."""
    with tempfile.TemporaryDirectory(prefix="bench-replay-") as folder:
        path = Path(folder) / "readings.csv"
        rows = _write(path, homes, days)
        print(f"{rows} readings of {homes} homes, {days} days, every {STEP_S} s", flush=True)
        paces: dict[str, float] = {}
        floor = _timed(lambda: np.loadtxt(path, delimiter=",", skiprows=1, usecols=(3, 5)), rows)
        _show(paces, "floor: numpy.loadtxt, 2 columns", floor, floor)
        pasts: list[PastReadings] = []
        reading = _timed(lambda: pasts.append(load_csv(path, sys.stderr.write)), rows)
        _show(paces, "reading the CSV", reading, floor)
        past = pasts[0]
    floor = _timed(lambda: _pass_over(past), rows)
    _show(paces, "floor: numpy, one pass", floor, floor)
    rules = default_rules()
    alone = [
        (f"mains, {rule.name}", _only(rules, rule))
        for rule in rules
        if rule.kind.name != "mains" and _judges(rule)
    ]
    for name, rule_set in [("mains", _only(rules)), *alone, ("all rules", rules)]:
        _show(paces, name, _played(past, rule_set, past.homes()), floor)
    both = _played(past, rules, past.homes(), sets=2)
    _show(paces, "all rules, two sets", both, floor)
    few = past.homes()[:CAREFUL_HOMES]
    _show(paces, "all rules, reading by reading", _played(past, rules, few, columns=False), floor)
    return paces


def _write(path: Path, homes: int, days: int) -> int:
    rows = 0
    people = households(homes, 1)
    with path.open("w", encoding="utf-8") as file:
        file.write("home,device,kind,measured_at,field,value\n")
        for person, at_ms, kwh in past_registers(people, BEGIN_MS, days, STEP_S):
            file.write(f"{person.home},meter,power,{at_ms},energy_kwh,{kwh:.3f}\n")
            rows += 1
    return rows


def _timed(work: Callable[[], object], rows: int) -> Pace:
    began = time.process_time()
    work()
    return Pace(per_s=rows / (time.process_time() - began), findings=0)


def _pass_over(past: PastReadings) -> float:
    """Differences and their sum, of columns that are gathered by home and moment."""
    total = 0.0
    for home in past.homes():
        for column in (past.power_columns(home) or {}).values():
            meter = column.meter
            watts = np.diff(meter.energy_kwh) * 3.6e9 / np.diff(meter.times_ms)
            total += float(np.cumsum(watts)[-1])
    return total


def _played(
    past: PastReadings, rules: RuleSet, homes: Sequence[str], *, sets: int = 1, columns: bool = True
) -> Pace:
    findings = rows = 0
    began = time.process_time()
    for home in homes:
        facts = HomeFacts(home=home)
        found = play(past, facts, [rules] * sets, past.end_ms, columns=columns)
        findings += sum(len(its) for its in found)
        rows += past.rows_of(home)
    return Pace(per_s=rows / (time.process_time() - began), findings=findings)


def _judges(rule: Rule) -> bool:
    return not {POWER, POWER_SLOT}.isdisjoint(rule.kind.listens(rule.params))


def _only(rules: RuleSet, rule: Rule | None = None) -> RuleSet:
    return [each for each in rules if each.kind.name == "mains" or each is rule]


def _show(paces: dict[str, float], name: str, pace: Pace, floor: Pace) -> None:
    paces[name] = pace.per_s
    print(
        f"{name:34} {pace.per_s / 1e6:7.2f} M readings/s ({pace.per_s / floor.per_s:4.2f} of the"
        f" floor), {pace.findings} findings, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
