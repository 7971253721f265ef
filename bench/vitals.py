"""`python -m bench.vitals`: how often vital signs would wake somebody, beside a naive limit.

Invented elders (bench/vital_people.py) measure themselves for months. The rules' alarms a
person-month stand beside those of a limit on each single reading; and every urgent value is looked
for again in the findings: confirmed by its repeats, or repeated by nobody, it must have alarmed.
"""

import argparse
import bisect
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bench.vital_people import BEGIN_MS, DAY_MS, MINUTE_MS, Household, Seen
from rules.config import default_rules
from rules.engine import Engine
from rules.finding import Finding
from rules.rule import HomeFacts, Rule, is_clinical

MONTH_DAYS: Final = 30.4
REPEAT_MS: Final = 30 * MINUTE_MS
# Readings this close are one stream, which must stay beyond a limit for so long.
STREAM_MS: Final = 10_000
STABLE_MS: Final = 5_000
LATE_MS: Final = 120 * MINUTE_MS
# `pulse` once more, with a repeat asked for after a cuff's pulse too.
REPEATED: Final = "pulse, confirm_spot"
SIGNS: Final = (
    "blood_pressure",
    "pulse",
    REPEATED,
    "oximetry",
    "temperature",
    "glucose",
    "weight",
)

# The limits once more, by hand (thresholds of the documents): urgent low, watch low, watch high,
# urgent high, and what can be true.
LIMITS: Final[dict[str, tuple[str, float, float, float, float, float, float]]] = {
    "pulse": ("pulse_bpm", 40, 50, 111, 131, 20, 250),
    "oximetry": ("spo2_pct", 91, 95, 1e9, 1e9, 35, 100),
    "temperature": ("temperature_c", 35.0, 36.0, 38.1, 39.1, 25, 45),
    "glucose": ("glucose_mmol_l", 2.9, 3.8, 11.1, 16.7, 0.3, 33.4),
}


@dataclass(slots=True)
class Tally:
    """Counts by rule."""

    months: Counter[str] = field(default_factory=Counter)
    urgent: Counter[str] = field(default_factory=Counter)
    watch: Counter[str] = field(default_factory=Counter)
    well: Counter[str] = field(default_factory=Counter)
    naive_urgent: Counter[str] = field(default_factory=Counter)
    naive_watch: Counter[str] = field(default_factory=Counter)
    must: Counter[str] = field(default_factory=Counter)
    alarmed: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    readings: int = 0
    lost: list[tuple[str, str]] = field(default_factory=list)


def level_of(rule: str, seen: Seen, copd: bool) -> str | None:
    """What a limit on this single reading would say: low, high (urgent), watch or usual; None:
    nobody has that, or the sign is not in it."""
    values = seen.values
    rule = "pulse" if rule == REPEATED else rule
    if rule == "blood_pressure" or seen.kind == "blood_pressure":
        systolic, diastolic = values.get("systolic_mmhg", 0), values.get("diastolic_mmhg", 0)
        true = 40 <= systolic <= 300 and 20 <= diastolic <= 200 and systolic - diastolic >= 10
        if not true:
            return None
        if rule == "blood_pressure":
            if systolic >= 180 or diastolic >= 110:
                return "high"
            # A low one that nobody repeats is only to be watched; so is the home limit.
            return "watch" if systolic <= 100 or systolic >= 135 or diastolic >= 85 else "usual"
    name, low, watch_low, watch_high, high, least, most = LIMITS[rule]
    value = values.get(name)
    if value is None or not least <= value <= most:
        return None
    if rule == "pulse" and not 35 <= values.get("spo2_pct", 98) <= 100:
        return None
    if rule == "oximetry" and copd:
        low, watch_low = 83, 87
    if value <= low:
        return "low"
    if value >= high:
        return "high"
    return "watch" if value <= watch_low or value >= watch_high else "usual"


def run_home(house: Household, rules: Sequence[Rule], days: int, tally: Tally) -> None:
    overrides = {"oximetry": {"copd_users": ["*"]}} if house.person.copd else {}
    engine = Engine(rules)
    engine.add_home(HomeFacts(home=house.home, overrides=overrides), BEGIN_MS)
    readings = list(house.readings())
    found: list[Finding] = []
    for seen in readings:
        found += engine.advance(seen.received_at_ms)
        found += engine.observe(house.home, seen, seen.received_at_ms)
    found += engine.advance(BEGIN_MS + days * DAY_MS)
    raised = [f for f in found if f.phase == "raised"]
    tally.readings += len(readings)
    for rule in SIGNS:
        if _owns(house, rule):
            tally.months[rule] += days
    for finding in raised:
        (tally.urgent if finding.severity == "urgent" else tally.watch)[finding.rule] += 1
        tally.reasons[finding.rule, finding.reason] += 1
        day = (float(finding.evidence["measured_at_ms"]) - BEGIN_MS) / DAY_MS  # type: ignore[arg-type]
        people = [house.person, *([house.second] if house.second else [])]
        if finding.severity == "urgent" and not any(
            began <= day <= ended + 1 for one in people for _, began, ended in one.illnesses
        ):
            tally.well[finding.rule] += 1
    for rule in SIGNS:
        if rule != "weight":
            _count(rule, readings, raised, house.person.copd, tally)


def _owns(house: Household, rule: str) -> bool:
    return rule in ("pulse", REPEATED) or rule in house.owns


def _measured_at_ms(finding: Finding) -> int:
    at_ms = finding.evidence["measured_at_ms"]
    if not isinstance(at_ms, int | float):
        raise TypeError(f"{finding.rule} says {at_ms!r}")
    return int(at_ms)


def _count(
    rule: str, readings: Sequence[Seen], raised: Sequence[Finding], copd: bool, tally: Tally
) -> None:
    """The naive alarms, and whether each urgent value that must alarm did."""
    by_user: dict[str, list[tuple[int, str, Seen]]] = defaultdict(list)
    known: set[tuple[Any, ...]] = set()
    for seen in readings:
        level = level_of(rule, seen, copd) if _listens(rule, seen.kind) else None
        key = (seen.kind, seen.measured_at_ms, seen.values.get("pulse_bpm"), *seen.values.values())
        if level is None or key in known:
            continue
        known.add(key)
        by_user[seen.attrs.get("user", "")].append((seen.measured_at_ms, level, seen))
    for user, rows in by_user.items():
        rows.sort(key=lambda row: row[0])
        times = [row[0] for row in rows]
        alarms = sorted(
            _measured_at_ms(f)
            for f in raised
            if f.rule == rule and f.severity == "urgent" and f.evidence.get("user", "") == user
        )
        for number, (at_ms, level, seen) in enumerate(rows):
            # A stream beyond a limit is one alarm until it is back.
            if not (number and _next(rows, number) and rows[number - 1][1] == level):
                tally.naive_urgent[rule] += level in ("low", "high")
                tally.naive_watch[rule] += level == "watch"
            if level not in ("low", "high") or seen.received_at_ms - at_ms > LATE_MS:
                continue
            begin, end = (bisect.bisect_right(times, t) for t in (at_ms, at_ms + REPEAT_MS))
            if any(other != level for _, other, _ in rows[begin:end]):
                continue  # a repeat, or the next seconds of a stream, said otherwise
            if _slip(rows, number):
                continue
            tally.must[rule] += 1
            near = bisect.bisect_left(alarms, at_ms - REPEAT_MS)
            if near < len(alarms) and alarms[near] <= at_ms + REPEAT_MS:
                tally.alarmed[rule] += 1
            else:
                tally.lost.append((rule, seen.id))


def _slip(rows: Sequence[tuple[int, str, Seen]], number: int) -> bool:
    """Whether a stream was beyond the limit for less than five seconds when it ended."""
    first = number
    while first and rows[first - 1][1] == rows[number][1] and _next(rows, first):
        first -= 1
    return first > 0 and _next(rows, first) and rows[number][0] - rows[first][0] < STABLE_MS


def _next(rows: Sequence[tuple[int, str, Seen]], number: int) -> bool:
    return rows[number][0] - rows[number - 1][0] <= STREAM_MS


def _listens(rule: str, kind: str) -> bool:
    if rule in ("pulse", REPEATED):
        return kind in ("blood_pressure", "oximetry", "heart_rate")
    return kind == rule


def run(persons: int, days: int, seed: int) -> Tally:
    rules = [rule for rule in default_rules() if is_clinical(rule.kind)]
    pulse = next(rule for rule in rules if rule.name == "pulse")
    rules.append(replace(pulse, name=REPEATED, params=replace(pulse.params, confirm_spot=True)))
    tally = Tally()
    for number in range(persons):
        run_home(Household(seed, number, days), rules, days, tally)
    return tally


def report(tally: Tally) -> list[str]:
    lines = [
        "| rule | urgent | of them while well | watch | naive urgent | naive watch | "
        "urgent values alarmed |",
        "|---|---|---|---|---|---|---|",
    ]
    for rule in SIGNS:
        months = tally.months[rule] / MONTH_DAYS
        rates = [
            f"{count[rule] / months:.2f}" if months else "–"
            for count in (
                tally.urgent,
                tally.well,
                tally.watch,
                tally.naive_urgent,
                tally.naive_watch,
            )
        ]
        alarmed = f"{tally.alarmed[rule]} of {tally.must[rule]}"
        if rule == "weight":
            rates[3] = rates[4] = alarmed = "–"
        lines.append(f"| `{rule}` | {' | '.join(rates)} | {alarmed} |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.vitals", description=__doc__)
    parser.add_argument("--persons", type=int, default=400)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    tally = run(args.persons, args.days, args.seed)
    print(
        f"{args.persons} homes, {args.days} days, seed {args.seed}: {tally.readings} readings. "
        "Alarms a person-month:\n"
    )
    print("\n".join(report(tally)))
    print()
    for (rule, reason), count in sorted(tally.reasons.items()):
        print(f"  {rule:16} {reason:24} {count}")
    for rule, item in tally.lost[:20]:
        print(f"  NOT ALARMED: {rule} {item}")
    return 1 if tally.lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
