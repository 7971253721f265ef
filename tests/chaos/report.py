"""What a run has shown, as a document, and what is wrong with it."""

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
    for name, codes in outcome.exits.items():
        told = ", ".join(f"{code} ({times} times)" for code, times in codes.items())
        wrong.append(f"{name} ended by itself with {told}")
    for what, times in outcome.tracebacks.items():
        wrong.append(f"a traceback, {times} times: {what}")
    return wrong


def document(outcome: Outcome) -> dict[str, Any]:
    options = outcome.options
    verdict = outcome.verdict
    return {
        "command": command(options),
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{os.cpu_count()} processors, Linux {platform.release()}",
        "versions": versions(outcome),
        "seed": options.seed,
        "counts": {
            "wrong": good(outcome),
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
            "refused_to_start": outcome.refused,
            "overdue_after_term": outcome.overdue,
            "tracebacks": outcome.tracebacks,
            "faults": {name: asdict(told) for name, told in outcome.told.items()},
            "skipped": options.skipped,
        },
    }


def command(options: Options) -> str:
    faults = ",".join([*options.faults, *options.skipped])
    return (
        f"./dev chaos KILLS={options.kills} ACTIVATIONS={options.activations} SEED={options.seed}"
        f" BOOK={options.book} GATEWAYS={options.gateways} GAP={options.gap_s:g} FAULTS={faults}"
    )


def versions(outcome: Outcome) -> dict[str, str]:
    database, _, number = outcome.book.partition(" ")
    found = {"python": platform.python_version(), database.lower(): number}
    broker = find_mosquitto()
    if broker is not None:
        done = subprocess.run([broker, "-h"], capture_output=True, text=True, check=False)
        told = next(iter(done.stdout.splitlines()), "").split()
        found["mosquitto"] = told[-1] if told else "unknown"
    return found


def commit() -> str:
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "describe", "--always", "--dirty"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"
