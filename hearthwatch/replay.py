"""`hearthwatch replay`: one or two rule sets over past readings in a file.

The rules know one home at a time, so the file is read into compact columns per home, and each home
runs through engines of its own, in the order of time (`hearthwatch.backtest`). The clock of the
rules is the time of the readings; nothing here reads a real one.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

from contract.config import ConfigError
from contract.errors import ContractError
from hearthwatch.backtest.burden import Tally, Watched, by_home
from hearthwatch.backtest.crew import CrewError, in_turn
from hearthwatch.backtest.csv_file import load_csv
from hearthwatch.backtest.outcomes_file import load_outcomes
from hearthwatch.backtest.parquet_file import load_parquet
from hearthwatch.backtest.past_readings import PastReadings
from hearthwatch.backtest.play import Found, RuleSet, play
from hearthwatch.backtest.progress import Progress
from hearthwatch.backtest.report import FindingsFile, document, summary
from hearthwatch.backtest.rows import BadRow
from hearthwatch.person_facts import copd_of
from ledger.roster import parse as parse_roster
from rules.config import default_rules, rules_from_toml
from rules.rule import GATEWAY_PREFIX, HomeFacts

# A process more than this only waits for the one that writes.
PROCESSES_MAX: Final = 64
_EXAMPLES: Final = """examples:
  hearthwatch replay --readings readings.csv --findings findings.csv
  hearthwatch replay --readings readings.csv --rules rules.toml --homes homes.toml \\
      --findings findings.csv
  hearthwatch replay --readings readings.csv --rules now.toml --compare then.toml \\
      --outcomes closed.csv --findings findings.csv --json burden.json

readings.csv: home,device,kind,measured_at,field,value in any order of columns and rows; the rows
of one home, device, kind and time are one reading. measured_at is RFC 3339, or Unix seconds or
milliseconds; without an offset it is UTC. Text fields such as action or user are attributes.
readings.parquet: the same columns (needs the extra hearthwatch[parquet]).
findings.csv: home,rule,severity,reason,raised_at,cleared_at,evidence (JSON); with --compare also
set: a (--rules) or b (--compare).
closed.csv: home,rule,raised_at,outcome of alarms that were closed.
"""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "replay",
        help="run the rules over past readings",
        description="Run the rule engine over past readings: what it would have found, and how"
        " much work that would have made; with --compare for two rule sets side by side.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--readings", type=Path, required=True, help="CSV or .parquet of readings")
    parser.add_argument("--rules", type=Path, help="rules.toml; without it the defaults")
    parser.add_argument("--compare", type=Path, help="another rules.toml over the same readings")
    parser.add_argument("--homes", type=Path, help="homes.toml: the roster, its homes' regions")
    parser.add_argument("--outcomes", type=Path, help="CSV: how alarms of that time were closed")
    parser.add_argument("--findings", type=Path, required=True, help="CSV to write")
    parser.add_argument("--json", type=Path, help="burden and differences as JSON, to write")
    parser.add_argument(
        "--processes",
        type=_processes,
        default=os.cpu_count() or 1,
        help="that play homes side by side (default: one for each core)",
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 1 when nothing could be read, 2 when a file or setting is wrong."""
    out = sys.stderr
    try:
        rule_sets = [default_rules() if args.rules is None else _rules(args.rules)]
        if args.compare is not None:
            rule_sets.append(_rules(args.compare))
        roster = {} if args.homes is None else _roster(_read(args.homes))
        reading = Progress(out, "reading")
        load = load_parquet if args.readings.suffix == ".parquet" else load_csv
        past = load(args.readings, reading.say, reading.at)
        outcomes = [] if args.outcomes is None else load_outcomes(args.outcomes, out.write)
        alarms = by_home(outcomes)
        for name in sorted(alarms.keys() - past.homes()):
            out.write(f"{args.outcomes.name}: no readings of {name}\n")
        tally = Tally(severities={rule.name: rule.severity for its in rule_sets for rule in its})
        with FindingsFile(args.findings, len(rule_sets)) as file:
            for home, found in replay(past, rule_sets, roster, args.processes, out):
                file.write(found)
                tally.add(found, alarms.get(home, {}))
        watched = watched_of(past, roster)
        if args.json is not None:
            counted = document(tally, watched, past.rows, past.bad)
            args.json.write_text(json.dumps(counted, indent=2) + "\n", encoding="utf-8")
    except (OSError, ConfigError, ContractError, BadRow, CrewError) as error:
        out.write(f"hearthwatch replay: {error}\n")
        return 2
    summary(out, tally, watched, past.rows, past.bad, with_outcomes=bool(outcomes))
    return 0 if past.rows else 1


def replay(
    past: PastReadings,
    rule_sets: Sequence[RuleSet],
    roster: dict[str, HomeFacts],
    processes: int,
    out: TextIO,
) -> Iterator[tuple[str, list[list[Found]]]]:
    """What each set finds in each home, homes in order of name."""
    homes = past.homes()
    progress = Progress(out, "playing")
    work = partial(_play, past, rule_sets, roster, past.end_ms)
    for number, found in enumerate(in_turn(work, homes, processes)):
        yield homes[number], found
        progress.at((number + 1) / len(homes))


def watched_of(past: PastReadings, roster: dict[str, HomeFacts]) -> Watched:
    """For how long the homes and persons of the file were watched; a home that the roster doesn't
    know has one person."""
    homes = [home for home in past.homes() if not home.startswith(GATEWAY_PREFIX)]
    home_ms = person_ms = 0
    for home in homes:
        span_ms = past.stop_ms(home) - past.start_ms(home)
        home_ms += span_ms
        person_ms += span_ms * max(1, len(roster[home].persons) if home in roster else 1)
    return Watched(len(homes), home_ms, person_ms)


def _play(
    past: PastReadings,
    rule_sets: Sequence[RuleSet],
    roster: dict[str, HomeFacts],
    end_ms: int,
    home: str,
) -> list[list[Found]]:
    return play(past, roster.get(home, HomeFacts(home=home)), rule_sets, end_ms)


def _processes(text: str) -> int:
    number = int(text)
    if not 1 <= number <= PROCESSES_MAX:
        raise argparse.ArgumentTypeError(f"{number} is not between 1 and {PROCESSES_MAX}")
    return number


def _rules(path: Path) -> RuleSet:
    return rules_from_toml(_read(path), path.name)


def _roster(text: str) -> dict[str, HomeFacts]:
    roster = parse_roster(text)
    persons: dict[str, list[str]] = {}
    conditions: dict[str, list[Sequence[str]]] = {}
    for person in roster.persons:
        persons.setdefault(person["home"], []).append(person["id"])
        conditions.setdefault(person["home"], []).append(person["conditions"])
    return {
        home["id"]: HomeFacts(
            home=home["id"],
            region=home["region"],
            persons=tuple(persons.get(home["id"], ())),
            copd=copd_of(conditions.get(home["id"], ())),
        )
        for home in roster.homes
    }


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
