"""`./dev fuzz`: inputs made without end, and what they broke.

./dev fuzz                              a hundred thousand inputs for each target
./dev fuzz --target dlt645 --inputs 5000000
./dev fuzz --target dlt645 --replay 68FF…      one input, with its traceback
"""

import argparse
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.engine import Coverage, Fuzzer, Report, Target
from tests.fuzz.targets import targets

ROOT = Path(__file__).resolve().parents[2]
WATCHED = (str(ROOT / "gateway"), str(ROOT / "contract"))
BATCH = 20_000
# Of the inputs: by then the corpus has its size and Python its caches.
SETTLED_PCT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a run took: time, and the memory of the process when it had settled and at the end.

    The pace on a busy machine is the neighbours', that of the processor's time is the fuzzer's.
    """

    elapsed_s: float
    cpu_s: float
    settled_kib: int
    end_kib: int


def fuzz(target: Target, inputs: int, seed: int) -> tuple[Report, Spent]:
    fuzzer = Fuzzer(target, Coverage(WATCHED), seed=seed)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    settled = -(-inputs * SETTLED_PCT // 100)
    settled_kib = None
    try:
        while fuzzer.report.inputs < inputs:
            before = fuzzer.report.inputs
            # A batch ends where memory is to be looked at.
            stop = settled if before < settled else inputs
            fuzzer.run(min(BATCH, stop - before))
            if settled_kib is None and fuzzer.report.inputs >= settled:
                settled_kib = resident_kib()
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{target.name}: {fuzzer.report.inputs:,} of {inputs:,} ")
            if fuzzer.report.inputs == before:
                break
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{target.name}: stopped\n")
    end_kib = resident_kib()
    spent = Spent(
        elapsed_s=time.perf_counter() - began_s,
        cpu_s=time.process_time() - began_cpu_s,
        settled_kib=end_kib if settled_kib is None else settled_kib,
        end_kib=end_kib,
    )
    return fuzzer.report, spent


def resident_kib() -> int:
    """What the process holds now, by Linux (proc(5), statm); elsewhere the most it ever held."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return Report(name="").peak_kib
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def told(report: Report, spent: Spent) -> str:
    pace, cpu_pace = (
        report.inputs / seconds if seconds else 0 for seconds in (spent.elapsed_s, spent.cpu_s)
    )
    # The kernel notes its maximum a little later than what is held now.
    peak_kib = max(report.peak_kib, spent.settled_kib, spent.end_kib)
    lines = [
        f"{report.name}: {report.inputs:,} inputs, {len(report.crashes)} crashes, "
        f"{len(report.hangs)} hangs, peak {peak_kib / 1024:.1f} MiB "
        f"({spent.settled_kib / 1024:.1f} after {SETTLED_PCT} %, {spent.end_kib / 1024:.1f} at the "
        f"end), {report.corpus} kept, {report.edges} pairs of lines, {pace:,.0f} inputs/s "
        f"({cpu_pace:,.0f} a second of processor)"
    ]
    for where, data in report.crashes.items():
        lines += [f"  {where}", f"    --target {report.name} --replay {data.hex()}"]
    lines += [f"  hang: --target {report.name} --replay {data.hex()}" for data in report.hangs]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    known = targets()
    parser = argparse.ArgumentParser(
        prog="./dev fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--target", choices=sorted(known), help="one of them; default all")
    parser.add_argument("--inputs", type=int, default=100_000, help="for each target")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other inputs")
    parser.add_argument("--replay", metavar="HEX", help="run this one input")
    args = parser.parse_args(arguments)
    if args.replay is not None:
        if args.target is None:
            parser.error("--replay needs --target")
        sys.stdout.write(f"{known[args.target].run(bytes.fromhex(args.replay))}\n")
        return 0
    failed = False
    for name in [args.target] if args.target else sorted(known):
        report, spent = fuzz(known[name], args.inputs, args.seed)
        failed |= not report.clean
        sys.stdout.write(told(report, spent) + "\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    # A run in the background, for which a shell may have both ignored, tells what it did as well.
    for stopped in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopped, signal.default_int_handler)
    sys.exit(main())
