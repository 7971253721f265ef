"""`./dev cluster`: a province on this machine, killed piece by piece under presses and readings:
three nodes of RabbitMQ, PostgreSQL, three workers, two processes that serve pages, two that
escalate, gateways, and boards that are open all the time.

./dev cluster                        200 kills, of everything but PostgreSQL
./dev cluster KILLS=8 VICTIMS=node   nodes alone; worker, web, escalation, or several with commas
    SEED=0  LIGHT=8 (gateways without devices)  REAL=4 (gateway programs)  BOARDS=4
    RESULT=FILE  the report as JSON; docs/results/cluster.json is in docs/scale.md after ./dev docs
    KEEP=FOLDER  the programs' logs

Exit code 1 when a press or a reading that was accepted is lost or doubled, a board has missed an
entry, a step was told twice, a shard was nobody's for more than ten seconds, or a program wrote a
traceback. As root it runs in namespaces of its own, which take every process with them, however it
ends.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

from tests.adapters.postgres import postgres_server
from tests.adapters.rabbitmq import MISSING, installed, rabbitmq_server, version
from tests.chaos.network import tool
from tests.chaos.run import INSIDE, MEMORY, apart
from tests.cluster.options import Options, parse
from tests.cluster.plan import COUNTS, NODE
from tests.cluster.province import Province
from tests.cluster.report import counts
from tests.cluster.storm import Storm
from tests.cluster.table import table
from tests.results import document, write_result


def main(words: list[str]) -> int:
    if words[:1] == [INSIDE]:
        return _inside(Path(words[1]), parse(words[2:]))
    try:
        options = parse(words)
    except ValueError as error:
        sys.stderr.write(f"{error}\n{__doc__}")
        return 2
    if not installed():
        sys.stderr.write(f"{MISSING}\n")
        return 2
    place = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="hearthwatch-cluster-", dir=place))
    folder.chmod(0o711)
    try:
        if os.geteuid() != 0:
            return _inside(folder, options)
        return apart([sys.executable, "-m", "tests.cluster.run", INSIDE, str(folder), *words])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Asked(KeyboardInterrupt):
    """To end; of this kind, for a loop hands no other on to who runs it."""


def _inside(folder: Path, options: Options) -> int:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise Asked

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if os.getpid() == 1:
        tool("mount", "-t", "tmpfs", "-o", "mode=711", "tmpfs", str(folder))
        # A gateway elsewhere may be after a terminal that had one of these numbers before.
        tool("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", "/dev/pts")
        tool("ip", "link", "set", "lo", "up")
    # What servers keep goes with it.
    tempfile.tempdir = str(folder)
    try:
        found = _counts(folder, options)
    except Asked:
        _say("asked to end")
        return 130
    finally:
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            for log in folder.glob("*.log"):
                shutil.copy(log, options.keep)
    versions = {"rabbitmq": version(), "postgresql": found.pop("postgresql")}
    words: dict[str, Any] = {
        "command": options.command,
        "seed": options.seed,
        "counts": found,
        "versions": versions,
    }
    sys.stdout.write(table(document(**words)))
    if options.result is not None:
        write_result(options.result, **words)
    for wrong in found["wrong"]:
        _say(f"WRONG: {wrong}")
    return 1 if found["wrong"] else 0


def _counts(folder: Path, options: Options) -> dict[str, Any]:
    with postgres_server() as postgres, rabbitmq_server(COUNTS[NODE]) as rabbitmq:
        _say("database and broker are up")
        province = Province(folder, postgres, rabbitmq, light=options.light, real=options.real)
        try:
            outcome = asyncio.run(Storm(options, province, folder, _say).run())
        finally:
            province.close()
            if options.keep is not None:
                for node in rabbitmq.nodes:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    shutil.copy(node.log, options.keep / f"{node.name}.log")
        [(number,)] = postgres.sql("SHOW server_version")
        return {**counts(outcome, options), "postgresql": str(number)}


def _say(text: str) -> None:
    sys.stderr.write(f"[cluster] {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
