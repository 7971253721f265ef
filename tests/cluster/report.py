"""What a run has shown as counts, and what is wrong with it."""

from collections import Counter
from statistics import median
from typing import Any

from tests.chaos.checker import shown
from tests.cluster.judge import Takeover, Verdict, check_takeovers
from tests.cluster.options import Options
from tests.cluster.plan import COUNTS
from tests.cluster.province import SHARDS
from tests.cluster.storm import Outcome


def good(outcome: Outcome) -> list[str]:
    """What is wrong with this run, empty when it is as it should be."""
    wrong = list(outcome.wrong)
    for name in ("lost", "doubled", "closed", "unknown"):
        if found := getattr(outcome.presses, name):
            wrong.append(f"presses: {len(found)} {name}: {shown(found)}")
    for what, verdict in [("readings", outcome.readings), *_boards(outcome)]:
        for name in ("lost", "doubled", "unknown"):
            if found := getattr(verdict, name):
                wrong.append(f"{what}: {len(found)} {name}: {shown(found)}")
    wrong += check_takeovers(takeovers(outcome))
    if not (outcome.presses.presses and outcome.readings.accepted):
        wrong.append("nothing was accepted: this run shows nothing")
    if not outcome.sent_again:
        wrong.append("nothing was sent twice: this run shows nothing")
    wrong += [f"a traceback, {times} times: {it}" for it, times in outcome.tracebacks.items()]
    return wrong


def takeovers(outcome: Outcome) -> list[Takeover]:
    return [taken for watched in outcome.kills for taken in watched.takeovers]


def counts(outcome: Outcome, options: Options) -> dict[str, Any]:
    presses, readings = outcome.presses, outcome.readings
    boards = [verdict for _name, verdict in _boards(outcome)]
    taken = takeovers(outcome)
    return {
        "wrong": good(outcome),
        "seconds": round(outcome.seconds),
        "settle_s": round(outcome.settle_s, 1),
        "kills": dict(Counter(watched.kill.kind for watched in outcome.kills)),
        "accepted": presses.accepted,
        "found": presses.found,
        "lost": len(presses.lost),
        "doubled": len(presses.doubled),
        "readings": {
            "accepted": readings.accepted,
            "found": readings.found,
            "lost": len(readings.lost),
            "doubled": len(readings.doubled),
        },
        "sent_again": outcome.sent_again,
        "still_s": {
            kind: spread([w.still_s for w in outcome.kills if w.kill.kind == kind])
            for kind in COUNTS
            if any(w.kill.kind == kind for w in outcome.kills)
        },
        "takeovers": {
            "streams": spread(_seconds(taken, shards=False)),
            "shards": spread(_seconds(taken, shards=True)),
        },
        "boards": {
            "open": len(boards),
            "entries": sum(verdict.accepted for verdict in boards),
            "told": sum(verdict.found for verdict in boards),
            "gaps": sum(len(verdict.lost) for verdict in boards),
            "doubled": sum(len(verdict.doubled) for verdict in boards),
            "resumed": outcome.resumed,
            "away_s": spread(outcome.resumes_s),
        },
        "gateways": {"real": options.real, "light": options.light},
        "shards": {"telemetry": SHARDS, "activation": SHARDS, "heard_in": outcome.shards},
        "stepped_down": outcome.stepped_down,
        "tracebacks": outcome.tracebacks,
        "load": [round(load, 1) for load in outcome.load],
    }


def _boards(outcome: Outcome) -> list[tuple[str, Verdict]]:
    return [(f"board {number}", verdict) for number, verdict in enumerate(outcome.boards)]


def _seconds(taken: list[Takeover], *, shards: bool) -> list[float]:
    return [
        taking.seconds
        for taking in taken
        if taking.seconds is not None and taking.what.startswith("shard ") == shards
    ]


def spread(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {"times": 0}
    told = {"times": len(seconds), "median": median(seconds), "most": max(seconds)}
    return {name: round(value, 1) for name, value in told.items()}
