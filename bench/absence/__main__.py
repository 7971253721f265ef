"""`./dev eval`: how many absences are found, how late, and how often nobody was away.

./dev eval                          the tuning homes
./dev eval --held-out               homes and a family never used for tuning
./dev eval --held-out 2             others, on which no rule had run before the budget of alarms
./dev eval --held-out 3             others, on which none had before coarse registers were judged
./dev eval --held-out 4             others, on which none had before days without anybody were told
./dev eval --held-out 5             others: the table of docs/rules.md
./dev eval --family hard --homes 8  a part of it
./dev eval --sensors --homes 8      homes with sensors: electricity alone, sensors alone, both
./dev eval --hard-absences          absences of another calendar (bench/absence/going.py)
./dev eval --outcomes none          nobody says what became of alarms (bench/absence/finding_out.py)
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from bench.absence.judging import Score
from bench.absence.meters import METERS, Meter
from bench.absence.rivals import METHODS
from bench.absence.sensor_trial import SENSED, SensorScores, one_home_sensed, sensor_table
from bench.absence.trial import FAMILIES, OWN, RULE, TUNING, Scores, one_home

# Seeds are counted from here; tuning and held-out homes can never meet.
TUNING_SEED: Final = 1
HELD_OUT_SEED: Final = 1_000_000
# The more often homes are looked at the less they are held out.
HELD_OUT_SEEDS: Final = {1: HELD_OUT_SEED, 2: 2_000_000, 3: 3_000_000, 4: 4_000_000, 5: 5_000_000}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev eval", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--homes", type=int, default=32, help="homes of each family")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--family", choices=sorted(FAMILIES), action="append")
    parser.add_argument("--meter", type=int, action="append", help="only this one, from 0 on")
    parser.add_argument("--held-out", type=int, nargs="?", const=1, choices=sorted(HELD_OUT_SEEDS),
                        help="for the final table alone; 2 to 5: of other homes")  # fmt: skip
    parser.add_argument("--hard-absences", action="store_true", help="eight a year, mostly short")
    parser.add_argument("--sensors", action="store_true", help="homes with sensors of movement")
    parser.add_argument("--outcomes", choices=("told", "none"), default="told")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    families = args.family or [
        f for f in FAMILIES if args.held_out or f not in OWN or FAMILIES[f] in TUNING
    ]  # the last family is held out
    first = HELD_OUT_SEEDS[args.held_out] if args.held_out else TUNING_SEED
    if args.sensors:
        print(sensed(args.family or SENSED, first, args))
        return
    meters = [METERS[n] for n in args.meter or range(len(METERS))]
    going = "hard" if args.hard_absences else "travels"
    jobs = [(f, first + n) for f in families for n in range(args.homes)]
    sums: dict[str, Scores] = {family: {} for family in families}
    with ProcessPoolExecutor(args.processes, mp_context=get_context("spawn")) as pool:
        told = args.outcomes == "told"
        futures = [
            (f, pool.submit(one_home, f, seed, args.days, meters, going, told=told))
            for f, seed in jobs
        ]
        for number, (family, future) in enumerate(futures, 1):
            for key, score in future.result().items():
                sums[family].setdefault(key, Score()).add(score)
            sys.stderr.write(f"\r{number} of {len(jobs)} homes")
    sys.stderr.write("\n")
    print(table(sums, meters))


def sensed(families: Sequence[str], first: int, args: argparse.Namespace) -> str:
    sums: dict[str, SensorScores] = {family: {} for family in families}
    jobs = [(f, first + n) for f in families for n in range(args.homes)]
    with ProcessPoolExecutor(args.processes, mp_context=get_context("spawn")) as pool:
        futures = [(f, pool.submit(one_home_sensed, f, seed, args.days)) for f, seed in jobs]
        for number, (family, future) in enumerate(futures, 1):
            for key, score in future.result().items():
                sums[family].setdefault(key, Score()).add(score)
            sys.stderr.write(f"\r{number} of {len(jobs)} homes")
    sys.stderr.write("\n")
    return "\n".join(sensor_table(sums, _cell))


def table(sums: dict[str, Scores], meters: Sequence[Meter]) -> str:
    """Markdown: found in time of all, per cent, median delay, false alarms a home-year, worst."""
    methods = [RULE, *METHODS]
    lines = ["| homes | readings | " + " | ".join(methods) + " |"]
    lines.append("|---" * (2 + len(methods)) + "|")
    total = {(own, method): Score() for own in (False, True) for method in methods}
    for family, scores in sums.items():
        for meter in meters:
            if (meter.name, RULE) not in scores:
                continue
            row = [scores[meter.name, method] for method in methods]
            lines.append(f"| {family} | {meter.name} | " + " | ".join(map(_cell, row)) + " |")
            for method, score in zip(methods, row, strict=True):
                if meter.grain_kwh < 1:
                    total[family in OWN, method].add(score)
    for own, name in ((False, "the packaged"), (True, "our own")):
        cells = " | ".join(_cell(total[own, method]) for method in methods)
        lines.append(f"| {name} | finer than 1 kWh | {cells} |")
    return "\n".join(lines)


def _cell(score: Score) -> str:
    share = 100 * score.found / max(1, score.absences)
    blind = f", {score.in_blind} blind" if score.in_blind else ""
    above = f"; {score.above} of {score.homes} above three" if score.above else ""
    nobody = _nobody_about(score)
    lasting = f", {score.lasting_per_year:.2f} of them lasting" if score.lasting else ""
    return (
        f"{score.found} of {score.absences} ({share:.0f} %), {score.delay_h:.0f} h, "
        f"{score.false_per_year:.2f}{lasting} (worst {score.worst_per_year:.0f}{above})"
        f"{blind}{nobody}"
    )


def _nobody_about(score: Score) -> str:
    if not score.alarms_unplanned + score.unplanned:
        return ""
    found = f"{score.unplanned_found} of {score.unplanned}"
    return f"; {score.unplanned_per_year:.2f} more with nobody about ({found} found)"


if __name__ == "__main__":
    main()
