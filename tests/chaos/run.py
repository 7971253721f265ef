"""`./dev chaos`: the real programs under kills and faults, and what was accepted against the book.

./dev chaos                                  200 kills over 4,000 presses, every fault, SQLite
./dev chaos BOOK=postgresql SEED=7           on PostgreSQL, another schedule
./dev chaos FAULTS=kill,net KILLS=50         these faults alone; VICTIMS=hub,broker,postgresql,gw
./dev chaos KILLS=5000 ACTIVATIONS=100000    the long run
    GATEWAYS=10  GAP=0.5 (seconds between two kills)  MINUTES=90 (the storm ends then at the latest)
    RESULT=FILE  the report as JSON; docs/results/chaos-*.json are in docs/chaos.md after ./dev docs
    KEEP=FOLDER  the programs' logs and the schedule

Exit code 1 when an accepted press is lost, doubled or closed, when nothing came twice, when a
program wrote a traceback or ended without being asked. As root
it runs in namespaces of its own, which take every process, mount and line with them, however it
ends.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Final

from hearthwatch.embedded_broker import find_mosquitto
from tests.adapters.children import die_with_parent
from tests.chaos.network import tool
from tests.chaos.options import Options, parse
from tests.chaos.program import ROOT, children
from tests.chaos.report import document, good
from tests.chaos.storm import Storm
from tests.chaos.table import table

INSIDE: Final = "--inside"
_UNSHARE: Final = (
    "unshare",
    "--mount",
    "--net",
    "--pid",
    "--ipc",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
# Files in memory: a sync costs nothing, and a kill doesn't see the difference.
MEMORY: Final = Path("/dev/shm")
# What was asked to end is given so long.
END_S: Final = 60.0


def main(words: list[str]) -> int:
    if words[:1] == [INSIDE]:
        return _inside(Path(words[1]), parse(words[2:]))
    try:
        options = parse(words)
    except ValueError as error:
        sys.stderr.write(f"{error}\n{__doc__}")
        return 2
    if find_mosquitto() is None:
        sys.stderr.write("no mosquitto on this machine (Debian: apt-get install mosquitto)\n")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="hearthwatch-chaos-", dir=_place()))
    # Its user must reach the database's folder.
    folder.chmod(0o711)
    try:
        if os.geteuid() != 0:
            return _inside(folder, options)
        return apart([sys.executable, "-m", "tests.chaos.run", INSIDE, str(folder), *words])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _place() -> Path | None:
    return MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None


def apart(command: list[str]) -> int:
    """In namespaces of its own. Ours to end: a signal is handed to the run, which ends the rest."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*_UNSHARE, *command],
        env=env,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here
    )

    def hand_on(_number: int, _frame: FrameType | None) -> None:
        for pid in children(process.pid):
            os.kill(pid, signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, hand_on)
    return process.wait()


class Asked(BaseException):
    """To end."""


def _inside(folder: Path, options: Options) -> int:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise Asked

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    apart = os.getpid() == 1
    if apart:
        tool("mount", "-t", "tmpfs", "-o", "mode=711", "tmpfs", str(folder))
        tool("ip", "link", "set", "lo", "up")
    for fault, why in options.skipped.items():
        _say(f"skipped {fault}: {why}")
    storm = None
    try:
        storm = Storm(options, folder, _say)
        outcome = storm.run()
    except Asked:
        _say("asked to end")
        return 130
    finally:
        if storm is not None:
            storm.village.end()
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            for log in folder.glob("*.log"):
                shutil.copy(log, options.keep)
    found = document(outcome)
    if options.result is not None:
        options.result.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write(table(found))
    for name in ("refused_to_start", "overdue_after_term"):
        if found["counts"][name]:
            _say(f"{name}: {json.dumps(found['counts'][name])}")
    wrong = good(outcome)
    for text in wrong:
        _say(f"WRONG: {text}")
    return 1 if wrong else 0


def _say(text: str) -> None:
    sys.stderr.write(f"[chaos] {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
