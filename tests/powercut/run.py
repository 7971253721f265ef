"""`./dev powercut`: the power is cut again and again while the stores are written.

./dev powercut                     50 cuts of each store; some more without a sync per commit
./dev powercut CUTS=200 SEED=7     as many
./dev powercut STORES=spool        this one
./dev powercut MUTANTS=no          without those that must lose rows
./dev powercut RESULT=FILE.json    what came out, for docs/promise.md
"""

import signal
import sys
from pathlib import Path

from tests.powercut import drive
from tests.powercut.cuts import Cuts, Outcome, log
from tests.powercut.stores_registry import STORES
from tests.results import write_result

CUTS = 50
# A store without a sync per commit loses rows at nearly every cut; a part shows it as well.
MUTANT_PART = 5
MUTANT_CUTS_MIN = 3
_NAMES = ("CUTS", "SEED", "STORES", "MUTANTS", "RESULT")
_HEAD = ("store", "sync", "cuts", "reboots", "accepted", "checked", "lost", "torn", "in doubt")


def asked(arguments: list[str]) -> dict[str, str]:
    found = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or name not in _NAMES:
            raise ValueError(f"{argument!r} is not one of {', '.join(f'{n}=…' for n in _NAMES)}")
        found[name] = value
    return found


def play(stores: list[str], cuts: int, seed: int, *, mutants: bool) -> list[Outcome]:
    outcomes = []
    for name in stores:
        for level in ("FULL", "NORMAL") if mutants else ("FULL",):
            with drive.drive() as disk:
                some = cuts if level == "FULL" else max(MUTANT_CUTS_MIN, cuts // MUTANT_PART)
                outcomes.append(Cuts(STORES[name], disk, level, seed, log).run(some))
    return outcomes


def faults(outcomes: list[Outcome]) -> list[str]:
    """Why this run shows nothing, or that something was lost."""
    found = []
    for outcome in outcomes:
        name = f"{outcome.store} with synchronous={outcome.level}"
        if outcome.level == "FULL" and (outcome.lost or outcome.torn):
            found.append(f"{name}: {outcome.lost} lost, {outcome.torn} torn: {outcome.examples}")
        if outcome.level != "FULL" and not outcome.lost:
            found.append(f"{name}: nothing was lost, so this rig would see no loss")
        quiet = set(STORES[outcome.store].lanes) - set(outcome.accepted)
        if quiet:
            found.append(f"{name}: nothing was accepted of {', '.join(sorted(quiet))}")
    return found


def table(outcomes: list[Outcome]) -> str:
    rows = [_HEAD] + [
        (
            o.store,
            o.level,
            *(f"{n:,}" for n in (o.cuts, o.reboots, sum(o.accepted.values()), o.checked, o.lost)),
            *(f"{n:,}" for n in (o.torn, o.in_doubt)),
        )
        for o in outcomes
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


def main(arguments: list[str]) -> int:
    try:
        given = asked(arguments)
        stores = given.get("STORES", ",".join(STORES)).split(",")
        if unknown := sorted(set(stores) - set(STORES)):
            raise ValueError(f"no such store: {', '.join(unknown)}; there are {', '.join(STORES)}")
        cuts, seed = int(given.get("CUTS", CUTS)), int(given.get("SEED", "0"))
    except ValueError as error:
        sys.stderr.write(f"{error}\n{__doc__}")
        return 2
    if (why := drive.missing()) is not None:
        sys.stderr.write(f"skipped: {why}\n")
        return 3
    drive.go_apart("tests.powercut.run", arguments)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    outcomes = play(stores, cuts, seed, mutants=given.get("MUTANTS", "yes") != "no")
    sys.stdout.write(f"{table(outcomes)}\n")
    wrong = faults(outcomes)
    sys.stdout.writelines(f"WRONG: {line}\n" for line in wrong)
    if "RESULT" in given:
        write_result(
            Path(given["RESULT"]),
            command=" ".join(("./dev powercut", *arguments)),
            seed=seed,
            counts={"wrong": wrong, "outcomes": [o.as_json() for o in outcomes]},
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
