"""`./dev fuzz`: inputs made without end, and what they broke.

./dev fuzz                              a hundred thousand inputs for each target
./dev fuzz --target dlt645 --inputs 5000000
./dev fuzz --target dlt645 --replay 68FF…      one input, with its traceback
"""

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz.engine import Coverage, Fuzzer, Report, Target
from tests.fuzz.targets import targets

ROOT = Path(__file__).resolve().parents[2]
WATCHED = (str(ROOT / "gateway"), str(ROOT / "contract"))
BATCH = 20_000


def fuzz(target: Target, inputs: int, seed: int) -> tuple[Report, float]:
    fuzzer = Fuzzer(target, Coverage(WATCHED), seed=seed)
    began_s = time.perf_counter()
    try:
        while fuzzer.report.inputs < inputs:
            before = fuzzer.report.inputs
            fuzzer.run(min(BATCH, inputs - before))
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{target.name}: {fuzzer.report.inputs:,} of {inputs:,} ")
            if fuzzer.report.inputs == before:
                break
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{target.name}: stopped\n")
    return fuzzer.report, time.perf_counter() - began_s


def told(report: Report, elapsed_s: float) -> str:
    pace = report.inputs / elapsed_s if elapsed_s else 0
    lines = [
        f"{report.name}: {report.inputs:,} inputs, {len(report.crashes)} crashes, "
        f"{len(report.hangs)} hangs, peak {report.peak_kib / 1024:.0f} MiB, "
        f"{report.corpus} kept, {report.edges} pairs of lines, {pace:,.0f} inputs/s"
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
        report, elapsed_s = fuzz(known[name], args.inputs, args.seed)
        failed |= not report.clean
        sys.stdout.write(told(report, elapsed_s) + "\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
