"""`./dev sim`: runs seeds and, when one fails, prints its options and a shrunk trace.

./dev sim                 50 seeds from 0
./dev sim SEED=7          this one, with its trace
./dev sim SEEDS=200       as many, from FROM (0)
./dev sim MINUTES=5       one after the other, from FROM, until the time is up
./dev sim FAULTS=drop,hub_kill SEED=7    with these kinds of faults alone
./dev sim QUIET=1         a county's ordinary hours: a press and a few readings, nothing breaks
./dev sim PARTITION=30d GATEWAYS=100     every line is cut for so long, and heals
"""

import platform
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from tests.simulation import partition
from tests.simulation.faults import KINDS, Options, drawn
from tests.simulation.shrink import described, shrunk
from tests.simulation.world import Report, run

SEEDS = 50
_NAMES = ("SEED", "SEEDS", "FROM", "MINUTES", "FAULTS", "QUIET", "PARTITION", "GATEWAYS")
GATEWAYS = 100
# What a village of call buttons and meters says in an ordinary hour.
QUIET = {"press_every_s": 86_400.0, "read_every_s": 900.0, "faulty_s": 7_200.0, "gateways": 1}
# A line about how far it has come, each so many seeds.
TELL_EVERY = 25


def main(arguments: list[str]) -> int:
    try:
        asked = _asked(arguments)
        faults = [kind for kind in asked.get("FAULTS", "").split(",") if kind]
        if unknown := sorted(set(faults) - set(KINDS)):
            raise ValueError(f"no such fault: {', '.join(unknown)}; there are {', '.join(KINDS)}")
        if "PARTITION" in asked:
            days = float(asked["PARTITION"].removesuffix("d"))
            gateways = int(asked.get("GATEWAYS", GATEWAYS))
            return partition.main(days, gateways, int(asked.get("SEED", "0")))
        quiet = "QUIET" in asked
        if "SEED" in asked:
            return _one(int(asked["SEED"]), faults)
        return _many(
            int(asked.get("FROM", "0")),
            None if "MINUTES" in asked else int(asked.get("SEEDS", SEEDS)),
            float(asked.get("MINUTES", "0")),
            lambda seed: quiet_hours(seed) if quiet else options_of(seed, faults),
        )
    except ValueError as error:
        sys.stderr.write(f"{error}\n{__doc__}")
        return 2


def _asked(arguments: list[str]) -> dict[str, str]:
    asked = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or name not in _NAMES:
            raise ValueError(f"{argument!r} is not one of {', '.join(f'{n}=…' for n in _NAMES)}")
        asked[name] = value
    return asked


def options_of(seed: int, faults: list[str]) -> Options:
    options = drawn(seed)
    if not faults:
        return options
    return replace(options, rates={k: v for k, v in options.rates.items() if k in faults})


def quiet_hours(seed: int) -> Options:
    return replace(drawn(seed), rates={}, **QUIET)


def _one(seed: int, faults: list[str]) -> int:
    report = run(options_of(seed, faults))
    sys.stdout.write("\n".join(report.trace) + "\n")
    sys.stdout.write(f"{_line(report)}\noptions: {report.options}\n")
    return 0 if report.failure is None else _failed(report)


def _many(first: int, count: int | None, minutes: float, options: Callable[[int], Options]) -> int:
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    seed = first
    virtual_s = accepted = crashes = 0.0
    while seed - first < count if count is not None else time.monotonic() - began_s < minutes * 60:
        report = run(options(seed))
        if report.failure is not None:
            return _failed(report)
        virtual_s += report.virtual_s
        accepted += report.accepted
        crashes += report.crashes
        seed += 1
        if (seed - first) % TELL_EVERY == 0:
            sys.stdout.write(f"seed {seed - 1}: {_line(report)}\n")
            sys.stdout.flush()
    took_s, cpu_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
    sys.stdout.write(
        f"{seed - first} seeds from {first}: {virtual_s / 3600:.1f} simulated hours in"
        f" {took_s:.0f} s, {accepted:.0f} items accepted, {crashes:.0f} crashes, nothing violated\n"
        f"{virtual_s / 60 / cpu_s:.1f} simulated hours a minute of one processor,"
        f" Python {sys.version.split()[0]} on {platform.machine()}\n"
    )
    return 0


def _failed(report: Report) -> int:
    sys.stdout.write(f"\nseed {report.options.seed} failed: {report.failure}\n")
    sys.stdout.write(f"options: {report.options}\nshrinking\n")
    sys.stdout.write(described(shrunk(report)) + "\n")
    sys.stdout.write(f"again: ./dev sim SEED={report.options.seed}\n")
    sys.stdout.write("keep it: add the seed to tests/simulation/seeds.txt with what it found\n")
    return 1


def _line(report: Report) -> str:
    return (
        f"{report.accepted} accepted, {report.stored} stored, {report.crashes} crashes,"
        f" {report.virtual_s:.0f} s, trace {report.fingerprint[:12]}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
