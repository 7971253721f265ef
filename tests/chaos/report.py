"""What a run has shown, as JSON and as the table of `docs/chaos.md`."""

import os
import platform
import subprocess
import time
from dataclasses import asdict
from typing import Any

from hearthwatch.embedded_broker import find_mosquitto
from tests.chaos.checker import shown
from tests.chaos.options import Options
from tests.chaos.program import ROOT
from tests.chaos.storm import Outcome


def good(outcome: Outcome) -> list[str]:
    """What is wrong with this run, empty when it is as it should be."""
    verdict, wrong = outcome.verdict, []
    for name in ("lost", "doubled", "closed", "unknown"):
        if found := getattr(verdict, name):
            wrong.append(f"{len(found)} {name}: {shown(found)}")
    if not outcome.settled:
        wrong.append("not everything accepted had come into the book at the end")
    if not verdict.presses:
        wrong.append("nothing was accepted: this run shows nothing")
    if sum(outcome.kills.values()) and not outcome.redelivered:
        wrong.append("nothing came twice: this run shows nothing")
    return wrong


def document(outcome: Outcome) -> dict[str, Any]:
    options = outcome.options
    verdict = outcome.verdict
    return {
        "command": command(options),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine(),
        "commit": commit(),
        "book": outcome.book,
        "seconds": round(outcome.seconds),
        "settle_s": round(outcome.settle_s, 1),
        "pressed": outcome.pressed,
        "accepted": verdict.accepted,
        "presses": verdict.presses,
        "found": verdict.found,
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "closed_by_silence": len(verdict.closed),
        "unknown": len(verdict.unknown),
        "redelivered": outcome.redelivered,
        "kills": outcome.kills,
        "starts": outcome.starts,
        "unasked_exits": outcome.exits,
        "overdue_after_term": outcome.overdue,
        "tracebacks": outcome.tracebacks,
        "faults": {name: asdict(told) for name, told in outcome.told.items()},
        "skipped": options.skipped,
        "wrong": good(outcome),
    }


def command(options: Options) -> str:
    faults = ",".join([*options.faults, *options.skipped])
    return (
        f"./dev chaos KILLS={options.kills} ACTIVATIONS={options.activations} SEED={options.seed}"
        f" BOOK={options.book} GATEWAYS={options.gateways} GAP={options.gap_s:g} FAULTS={faults}"
    )


def machine() -> str:
    broker = find_mosquitto()
    told = ""
    if broker is not None:
        done = subprocess.run([broker, "-h"], capture_output=True, text=True, check=False)
        told = next(iter(done.stdout.splitlines()), "")
    return (
        f"{os.cpu_count()} processors, Linux {platform.release()}, Python"
        f" {platform.python_version()}, {told}"
    )


def commit() -> str:
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "describe", "--always", "--dirty"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


def markdown(found: dict[str, Any]) -> str:
    """The rows that `docs/chaos.md` keeps of a long run."""
    kills = found["kills"]
    lines = [
        f"`{found['command']}`, {found['at'][:10]}, commit {found['commit']}: {found['machine']},"
        f" {found['book']}; {found['seconds'] // 60} min.",
        "",
        "| kills | accepted | found | lost | doubled | closed by silence | redelivered |",
        "|---|---|---|---|---|---|---|",
        f"| {sum(kills.values()):,} | {found['accepted']:,} | {found['found']:,} | {found['lost']}"
        f" | {found['doubled']} | {found['closed_by_silence']} | {found['redelivered']:,} |",
        "",
        "| fault | injected | redelivered after it | worst time to the next press in the book |",
        "|---|---|---|---|",
    ]
    for name, told in found["faults"].items():
        worst = f"{told['recovery_worst_s']:.1f} s"
        lines.append(f"| {name} | {told['injected']:,} | {told['redelivered']:,} | {worst} |")
    for name, why in found["skipped"].items():
        lines.append(f"| {name} | skipped: {why} | | |")
    shared = {name: kills[name] for name in kills if not name.startswith("gw-")}
    gateways = sum(kills.values()) - sum(shared.values())
    each = ", ".join(f"{name} {times:,}" for name, times in shared.items())
    lines += ["", f"Killed: {each}, gateways {gateways:,}."]
    return "\n".join(lines)
