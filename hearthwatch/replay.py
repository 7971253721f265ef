"""`hearthwatch replay`: the rule engine over past readings in a CSV file.

The rules know one home at a time, so the file is read into compact columns per home (about 20
bytes a row), and each home runs through an engine of its own, in the order of time. The clock of
the rules is the time of the readings; nothing here reads a real one except to show progress.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from contract.config import ConfigError
from contract.errors import ContractError
from contract.moment import to_iso
from hearthwatch.past_readings import BadRow, PastReadings
from ledger.roster import parse as parse_roster
from rules.config import default_rules, rules_from_toml
from rules.engine import Engine
from rules.finding import Finding
from rules.rule import GATEWAY_PREFIX, HomeFacts, Rule

COLUMNS: Final = ("home", "rule", "severity", "reason", "raised_at", "cleared_at", "evidence")
# Bad rows told one by one; the rest are counted.
BAD_ROWS_SHOWN: Final = 20
# Rows between two lines of progress.
PROGRESS_ROWS: Final = 1_000_000
_YEAR_MS: Final = 365.25 * 86_400_000
_EXAMPLES: Final = """examples:
  hearthwatch replay --readings readings.csv --findings findings.csv
  hearthwatch replay --readings readings.csv --rules rules.toml --homes homes.toml \\
      --findings findings.csv

readings.csv: home,device,kind,measured_at,field,value in any order of columns and rows; the rows
of one home, device, kind and time are one reading. measured_at is RFC 3339, or Unix seconds or
milliseconds; without an offset it is UTC. Text fields such as action or user are attributes.
findings.csv: home,rule,severity,reason,raised_at,cleared_at,evidence (JSON).
"""


@dataclass(slots=True)
class Row:
    """A finding that was raised, and when its cause was gone."""

    finding: Finding
    cleared_at_ms: int | None = None


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "replay",
        help="run the rules over past readings",
        description="Run the rule engine over past readings and write what it would have found.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--readings", type=Path, required=True, help="CSV of readings")
    parser.add_argument("--rules", type=Path, help="rules.toml; without it the defaults")
    parser.add_argument("--homes", type=Path, help="homes.toml: the roster, its homes' regions")
    parser.add_argument("--findings", type=Path, required=True, help="CSV to write")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 1 when nothing could be read, 2 when a file or setting is wrong."""
    try:
        rules = default_rules() if args.rules is None else rules_from_toml(_read(args.rules))
        roster = {} if args.homes is None else _roster(_read(args.homes))
        past = _load(args.readings, sys.stderr)
        rows = list(replay(past, rules, roster, sys.stderr))
        _write(args.findings, rows)
    except (OSError, ConfigError, ContractError, BadRow) as error:
        sys.stderr.write(f"hearthwatch replay: {error}\n")
        return 2
    _summary(past, rows, sys.stderr)
    return 0 if past.rows else 1


def replay(
    past: PastReadings, rules: Sequence[Rule], roster: dict[str, HomeFacts], progress: TextIO
) -> Iterator[Row]:
    """Every raised finding of every home, homes in order of name, findings in order of time."""
    end_ms = past.end_ms
    homes = past.homes()
    for number, home in enumerate(homes, 1):
        engine = Engine(rules)
        start_ms = past.start_ms(home)
        engine.add_home(roster.get(home, HomeFacts(home=home)), start_ms)
        found: list[Finding] = []
        for observation in past.observations(home):
            at_ms = observation.measured_at_ms
            found += engine.advance(at_ms)
            found += engine.observe(home, observation, at_ms)
        found += engine.advance(end_ms)
        yield from _pair(found)
        if number % 100 == 0 or number == len(homes):
            progress.write(f"{number} of {len(homes)} homes\n")


def _pair(found: Sequence[Finding]) -> Iterator[Row]:
    """Raised findings with the moment at which their rule saw the cause gone."""
    rows: list[Row] = []
    for finding in found:
        if finding.phase == "cleared":
            for row in rows:
                same = row.finding.rule == finding.rule
                if same and row.cleared_at_ms is None and row.finding.reason != "test_press":
                    row.cleared_at_ms = finding.at_ms
        else:
            rows.append(Row(finding))
    yield from sorted(rows, key=lambda row: (row.finding.at_ms, row.finding.rule))


def _load(path: Path, progress: TextIO) -> PastReadings:
    past = PastReadings()
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        past.header(next(reader, []))
        while True:
            try:
                cells = next(reader, None)
                if cells is None:
                    break
                if not cells:
                    continue
                past.add(cells)
            except (BadRow, csv.Error) as error:
                past.bad += 1
                if past.bad <= BAD_ROWS_SHOWN:
                    progress.write(f"{path.name}:{reader.line_num}: {error}\n")
            if past.rows and past.rows % PROGRESS_ROWS == 0:
                progress.write(f"{past.rows // 1_000_000} million rows read\n")
    if past.bad > BAD_ROWS_SHOWN:
        progress.write(f"… and {past.bad - BAD_ROWS_SHOWN} more bad rows\n")
    return past


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            finding = row.finding
            evidence = json.dumps(dict(finding.evidence), ensure_ascii=False, sort_keys=True)
            cleared = "" if row.cleared_at_ms is None else to_iso(row.cleared_at_ms)
            writer.writerow(
                [
                    finding.home,
                    finding.rule,
                    finding.severity,
                    finding.reason,
                    to_iso(finding.raised_at_ms),
                    cleared,
                    evidence,
                ]
            )


def _summary(past: PastReadings, rows: Sequence[Row], out: TextIO) -> None:
    """How much work the rules would have made: the burden is to be seen before it is borne."""
    homes = [home for home in past.homes() if not home.startswith(GATEWAY_PREFIX)]
    years = sum(past.stop_ms(home) - past.start_ms(home) for home in homes) / _YEAR_MS
    out.write(
        f"{past.rows} rows of {len(homes)} homes ({years:.2f} home-years), "
        f"{past.bad} bad rows, {len(rows)} findings\n"
    )
    counts = Counter((row.finding.rule, row.finding.severity) for row in rows)
    for (rule, severity), count in sorted(counts.items()):
        rate = f", {count / years:.2f} per home-year" if years > 0 else ""
        out.write(f"  {rule} ({severity}): {count}{rate}\n")


def _roster(text: str) -> dict[str, HomeFacts]:
    roster = parse_roster(text)
    persons: dict[str, list[str]] = {}
    for person in roster.persons:
        persons.setdefault(person["home"], []).append(person["id"])
    return {
        home["id"]: HomeFacts(
            home=home["id"], region=home["region"], persons=tuple(persons.get(home["id"], ()))
        )
        for home in roster.homes
    }


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
