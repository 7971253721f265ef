"""`./dev sim`: runs seeds and, when one fails, prints its options and a shrunk trace.

./dev sim                 50 seeds from 0
./dev sim SEED=7          this one, with its trace
./dev sim SEEDS=200       as many, from FROM (0)
./dev sim MINUTES=5       one after the other, from FROM, until the time is up
./dev sim FAULTS=drop,hub_kill SEED=7    with these kinds of faults alone
./dev sim JOBS=1          in one process; else one for each processor
./dev sim QUIET=1         a county's ordinary hours: a press and a few readings, nothing breaks
./dev sim DAYS=1 SEEDS=20                a day each, in which a fault comes after hours; what is at
                                         rest is leapt over
./dev sim HUBS=2 SEEDS=50                two hubs over one book
./dev sim PARTITION=30d GATEWAYS=100     every line is cut for so long, and heals
"""

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import count as numbers

from tests.simulation import partition, two_hubs
from tests.simulation.faults import KINDS, TIMED, Options, drawn
from tests.simulation.shrink import described, shrunk
from tests.simulation.world import Report, run

SEEDS = 50
_NAMES = (
    *("SEED", "SEEDS", "FROM", "MINUTES", "FAULTS", "QUIET", "DAYS", "HUBS", "JOBS"),
    *("PARTITION", "GATEWAYS"),
)
GATEWAYS = 100
# What a village of call buttons and meters says in an ordinary hour.
QUIET = {
    "press_every_s": 86_400.0,
    "read_every_s": 900.0,
    "faulty_s": 7_200.0,
    "gateways": 1,
    "leaps": True,
}
# Days of such hours, in which a fault comes after hours and not after a minute; what is at rest is
# leapt over.
RARER = 200
DAY = {"press_every_s": 7_200.0, "read_every_s": 900.0, "leaps": True}
# A line about how far it has come, each so many seeds.
TELL_EVERY = 25


@dataclass(frozen=True, slots=True)
class Game:
    """Which of the simulations is played, and with which kinds of faults; empty: those drawn."""

    kind: str = "one"
    faults: tuple[str, ...] = ()
    days: float = 1.0

    @property
    def play(self) -> Callable[[Options], Report]:
        return two_hubs.run if self.kind == "two" else run

    def options(self, seed: int) -> Options:
        if self.kind == "quiet":
            return quiet_hours(seed)
        options = two_hubs.drawn_for_two(seed) if self.kind == "two" else drawn(seed)
        if self.kind == "days":
            options = days(seed, self.days)
        if not self.faults:
            return options
        rates = {k: v for k, v in options.rates.items() if k in self.faults}
        return replace(options, rates=rates)


def main(arguments: list[str]) -> int:
    try:
        asked = _asked(arguments)
        faults = tuple(kind for kind in asked.get("FAULTS", "").split(",") if kind)
        kinds = {*KINDS, *two_hubs.TIMED}
        if unknown := sorted(set(faults) - kinds):
            raise ValueError(f"no such fault: {', '.join(unknown)}; there are {', '.join(KINDS)}")
        if "PARTITION" in asked:
            days = float(asked["PARTITION"].removesuffix("d"))
            gateways = int(asked.get("GATEWAYS", GATEWAYS))
            return partition.main(days, gateways, int(asked.get("SEED", "0")))
        if asked.get("HUBS", "1") not in ("1", "2"):
            raise ValueError("HUBS is 1 or 2")
        kind = "two" if asked.get("HUBS") == "2" else "quiet" if "QUIET" in asked else "one"
        kind = "days" if "DAYS" in asked else kind
        game = Game(kind, faults, float(asked.get("DAYS", "1")))
        if "SEED" in asked:
            return _one(game, int(asked["SEED"]))
        return _many(
            game,
            int(asked.get("FROM", "0")),
            None if "MINUTES" in asked else int(asked.get("SEEDS", SEEDS)),
            float(asked.get("MINUTES", "0")),
            int(asked.get("JOBS", os.cpu_count() or 1)),
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
    return Game("one", tuple(faults)).options(seed)


def quiet_hours(seed: int) -> Options:
    return replace(drawn(seed), rates={}, **QUIET)


def days(seed: int, many: float) -> Options:
    """Clocks jump and are wrong after a start, and do not drift: of a day that would be minutes,
    which NTP does not let come about."""
    options = drawn(seed, many * 86_400).without("drift")
    rates = {k: rate * RARER if k in TIMED else rate for k, rate in options.rates.items()}
    return replace(options, rates=rates, **DAY)


def _one(game: Game, seed: int) -> int:
    report = game.play(game.options(seed))
    sys.stdout.write("\n".join(report.trace) + "\n")
    sys.stdout.write(f"{_line(report)}\noptions: {report.options}\n")
    return 0 if report.failure is None else _failed(game, report)


def _many(game: Game, first: int, count: int | None, minutes: float, jobs: int) -> int:
    began_s = time.monotonic()
    seeds = iter(range(first, first + count)) if count is not None else numbers(first)

    def next_seed() -> int | None:
        over = count is None and time.monotonic() - began_s >= minutes * 60
        return None if over else next(seeds, None)

    played, virtual_s, accepted, crashes, cpu_s = 0, 0.0, 0, 0, 0.0
    jobs = min(jobs, count or jobs)
    for report, took_s in (
        _in_turn(game, next_seed) if jobs == 1 else _beside(game, next_seed, jobs)
    ):
        if report.failure is not None:
            return _failed(game, report)
        played += 1
        virtual_s += report.virtual_s
        accepted += report.accepted
        crashes += report.crashes
        cpu_s += took_s
        if played % TELL_EVERY == 0:
            sys.stdout.write(f"seed {report.options.seed}: {_line(report)}\n")
            sys.stdout.flush()
    took_s = time.monotonic() - began_s
    sys.stdout.write(
        f"{played} seeds from {first}: {virtual_s / 3600:.1f} simulated hours in"
        f" {took_s:.0f} s, {accepted} items accepted, {crashes} crashes, nothing violated\n"
        f"{virtual_s / 60 / cpu_s:.1f} simulated hours a minute of one processor, {jobs} processes,"
        f" Python {sys.version.split()[0]} on {platform.machine()}\n"
    )
    return 0


def _play(game: Game, seed: int) -> tuple[Report, float]:
    """With the processor's time that it took. A trace that nobody will read stays where it is."""
    began_s = time.process_time()
    report = game.play(game.options(seed))
    if report.failure is None:
        report = replace(report, trace=())
    return report, time.process_time() - began_s


def _in_turn(game: Game, next_seed: Callable[[], int | None]) -> Iterator[tuple[Report, float]]:
    while (seed := next_seed()) is not None:
        yield _play(game, seed)


def _beside(
    game: Game, next_seed: Callable[[], int | None], jobs: int
) -> Iterator[tuple[Report, float]]:
    """A process for each processor, told in the order of the seeds."""
    waiting: list[Future[tuple[Report, float]]] = []
    with ProcessPoolExecutor(jobs) as pool:
        while True:
            while len(waiting) < 2 * jobs and (seed := next_seed()) is not None:
                waiting.append(pool.submit(_play, game, seed))
            if not waiting:
                return
            try:
                yield waiting.pop(0).result()
            except GeneratorExit:
                pool.shutdown(cancel_futures=True)
                raise


def _failed(game: Game, report: Report) -> int:
    again = f"SEED={report.options.seed}" + (" HUBS=2" if game.kind == "two" else "")
    sys.stdout.write(f"\nseed {report.options.seed} failed: {report.failure}\n")
    sys.stdout.write(f"options: {report.options}\nshrinking\n")
    sys.stdout.write(described(shrunk(report, game.play)) + "\n")
    sys.stdout.write(f"again: ./dev sim {again}\n")
    sys.stdout.write("keep it: add the seed to tests/simulation/seeds.txt with what it found\n")
    return 1


def _line(report: Report) -> str:
    return (
        f"{report.accepted} accepted, {report.stored} stored, {report.crashes} crashes,"
        f" {report.virtual_s:.0f} s, trace {report.fingerprint[:12]}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
