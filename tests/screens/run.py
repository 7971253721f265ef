"""Takes a picture of every page, as everybody who sees it, and tells what is wrong with it.

  ./dev screenshots [--only PATTERN] [--out DIR] [--language zh-CN] [--window] [--keep DIR]

The demonstration's own hub runs for it in a temporary place. Each page is taken in two languages,
three themes and three sizes, into a folder with an index.html. Ends with 1 when anything was found.
Needs Debian's chromium and fonts-wqy-microhei.
"""

import argparse
import multiprocessing
import shutil
import signal
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.adapters.chromium import MISSING, program
from tests.screens import sheet
from tests.screens.demo_hub import STORY_S, demo_hub
from tests.screens.stage import LANGUAGES
from tests.screens.stock import prepare
from tests.screens.taking import Finding, Job, chosen, take_all


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev screenshots")
    parser.add_argument("--only", default="", help="names or pages, as in a shell: 'alarm*,plan'")
    parser.add_argument("--out", type=Path, default=Path("screenshots"))
    parser.add_argument("--language", choices=LANGUAGES, help="one of the two")
    parser.add_argument("--window", action="store_true", help="what a window shows, not all below")
    parser.add_argument("--keep", type=Path, help="keep the demonstration there, for the next run")
    args = parser.parse_args()
    shots = chosen(args.only)
    if program() is None:
        return _fail(MISSING)
    if not shots:
        return _fail(f"no page is called {args.only!r}")
    # Whoever ends us ends the demonstration too: it has a session of its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    args.out.mkdir(parents=True, exist_ok=True)
    folder = args.keep or Path(tempfile.mkdtemp(prefix="hearthwatch-screens-"))
    try:
        found = _take(args, folder.resolve())
    finally:
        if args.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    for shot in shots:
        for line in sheet.lines([one for one in found if one.shot == shot.name]):
            print(f"{shot.name}: {line}")
    print(f"{len(shots)} pages, {len(found)} findings: {sheet.write(args.out, shots, found)}")
    return 1 if found else 0


def _take(args: argparse.Namespace, folder: Path) -> list[Finding]:
    """Each language in a process: there are two cores, and Playwright uses one."""
    languages = [args.language] if args.language else list(LANGUAGES)
    with demo_hub(folder) as hub:
        print(
            f"[screens] the demonstration runs at {hub.base}; its story is being told", flush=True
        )
        ids = prepare(hub.base, hub.passwords, STORY_S)
        print(f"[screens] {len(chosen(args.only))} pages", flush=True)
        jobs = [
            Job(
                language=language,
                base=hub.base,
                passwords=hub.passwords,
                ids=ids,
                out=args.out,
                only=args.only,
                full=not args.window,
            )
            for language in languages
        ]
        apart = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(len(jobs), mp_context=apart) as pool:
            return [one for found in pool.map(take_all, jobs) for one in found]


def _fail(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
