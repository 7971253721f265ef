"""What a replay says: its findings as CSV, its burden and differences as text and as JSON."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

from contract.moment import to_iso
from hearthwatch.backtest.burden import MONTH_MS, YEAR_MS, Ended, Tally, Watched
from hearthwatch.backtest.play import Found

COLUMNS: Final = ("home", "rule", "severity", "reason", "raised_at", "cleared_at", "evidence")
SETS: Final = ("a", "b")
_HOUR_MS: Final = 3_600_000


class FindingsFile:
    """The findings as they come; with two sets a last column says whose each is."""

    def __init__(self, path: Path, sets: int) -> None:
        self._sets = sets
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(COLUMNS if sets == 1 else (*COLUMNS, "set"))

    def __enter__(self) -> "FindingsFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, found: Sequence[Sequence[Found]]) -> None:
        for name, rows in zip(SETS, found, strict=False):
            for row in rows:
                cells = _cells(row)
                self._writer.writerow(cells if self._sets == 1 else [*cells, name])


def _cells(row: Found) -> list[str]:
    finding = row.finding
    return [
        finding.home,
        finding.rule,
        finding.severity,
        finding.reason,
        to_iso(finding.raised_at_ms),
        "" if row.cleared_at_ms is None else to_iso(row.cleared_at_ms),
        json.dumps(dict(finding.evidence), ensure_ascii=False, sort_keys=True),
    ]


def document(tally: Tally, watched: Watched, rows: int, bad: int) -> dict[str, Any]:
    """Everything that was counted, for a program."""
    return {
        "rows": rows,
        "bad_rows": bad,
        "homes": watched.homes,
        "home_years": round(watched.home_ms / YEAR_MS, 4),
        "person_months": round(watched.person_ms / MONTH_MS, 3),
        "sets": {
            name: {"by_rule": _by_rule(tally, number, watched)}
            for number, name in enumerate(SETS[: len(tally.findings)])
        },
        "differences": [
            {
                "rule": rule,
                "both": each.both,
                "only_a": each.only_a,
                "only_b": each.only_b,
                "b_earlier": each.b_earlier,
                "b_later": each.b_later,
                "b_earlier_mean_h": (
                    round(each.earlier_ms / each.both / _HOUR_MS, 3) if each.both else 0.0
                ),
            }
            for rule, each in sorted(tally.differences.items())
        ],
    }


def _by_rule(tally: Tally, number: int, watched: Watched) -> list[dict[str, Any]]:
    rules = dict(tally.findings[number].keys())
    for rule in tally.ended[number]:
        rules.setdefault(rule, tally.severities.get(rule, ""))
    lines = []
    for rule, severity in sorted(rules.items()):
        count = sum(n for (its, _s), n in tally.findings[number].items() if its == rule)
        raised = tally.raised[number][rule]
        ended = tally.ended[number].get(rule, Ended())
        lines.append(
            {
                "rule": rule,
                "severity": severity,
                "findings": count,
                "raised": raised,
                "per_home_year": _rate(count, watched.home_ms / YEAR_MS),
                "per_person_month": _rate(count, watched.person_ms / MONTH_MS),
                "on_alarms_closed_real": ended.real,
                "on_alarms_closed_false": ended.false,
                "on_alarms_closed_otherwise": ended.other,
                "missed_real": ended.missed_real,
            }
        )
    return lines


def _rate(count: int, span: float) -> float | None:
    return round(count / span, 4) if span > 0 else None


def summary(
    out: TextIO, tally: Tally, watched: Watched, rows: int, bad: int, *, with_outcomes: bool
) -> None:
    """The same for a person: the burden is to be seen before it is borne."""
    years, months = watched.home_ms / YEAR_MS, watched.person_ms / MONTH_MS
    counts = [sum(found.values()) for found in tally.findings] or [0]
    said = " and ".join(str(count) for count in counts)
    out.write(
        f"{rows} rows of {watched.homes} homes ({years:.2f} home-years), "
        f"{bad} bad rows, {said} findings\n"
    )
    for number, found in enumerate(tally.findings):
        if len(tally.findings) > 1:
            out.write(f"set {SETS[number]}:\n")
        for (rule, severity), count in sorted(found.items()):
            rate = ""
            if years > 0:
                rate = f", {count / years:.2f} per home-year, {count / months:.3f} per person-month"
            out.write(f"  {rule} ({severity}): {count}{rate}\n")
        if with_outcomes:
            _ended(out, tally, number)
    if len(tally.findings) > 1:
        _differences(out, tally)


def _ended(out: TextIO, tally: Tally, number: int) -> None:
    for rule, ended in sorted(tally.ended[number].items()):
        if not (ended.real or ended.false or ended.other or ended.missed_real):
            continue
        out.write(
            f"  {rule}: {tally.raised[number][rule]} alarms, {ended.real} of them closed as real, "
            f"{ended.false} as false; {ended.missed_real} real ones missed\n"
        )


def _differences(out: TextIO, tally: Tally) -> None:
    out.write("rule                      both  only a  only b  b earlier  b later  by hours\n")
    for rule, each in sorted(tally.differences.items()):
        hours = abs(each.earlier_ms) / each.both / _HOUR_MS if each.both else 0.0
        out.write(
            f"{rule:24} {each.both:5}  {each.only_a:6}  {each.only_b:6}"
            f"  {each.b_earlier:9}  {each.b_later:7}  {hours:8.2f}\n"
        )
