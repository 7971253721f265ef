"""The report of a run as it stands in `docs/scale.md`, made from its JSON."""

import json
from pathlib import Path
from typing import Any, Final

RESULT: Final = Path(__file__).resolve().parents[2] / "docs" / "results" / "cluster.json"
_KINDS: Final = {
    "node": "a node of RabbitMQ",
    "worker": "a worker",
    "web": "a process that serves pages",
    "escalation": "a process that escalates",
}
_FLOWS: Final = "until every gateway has something new in the book"
_STILL: Final = {
    "node": _FLOWS,
    "worker": _FLOWS,
    "web": "until the last of its boards hears again",
    "escalation": f"{_FLOWS} and somebody is called to an alarm",
}


def kept_run() -> str:
    return table(json.loads(RESULT.read_text())) if RESULT.exists() else "None is kept.\n"


def table(found: dict[str, Any]) -> str:
    counts = found["counts"]
    readings, boards, taken = counts["readings"], counts["boards"], counts["takeovers"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    load = " to ".join(f"{load:g}" for load in counts["load"])
    gateways = counts["gateways"]
    lines = [
        f"`{found['command']}`: {found['date']}, commit {found['commit']},"
        f" {counts['seconds'] / 60:.0f} minutes on {found['machine']}, load {load}; {versions};"
        f" {gateways['real']} gateway programs, {gateways['light']} light ones.",
        "",
        "| | accepted | found | lost | doubled |",
        "|---|---|---|---|---|",
        f"| presses | {counts['accepted']:,} | {counts['found']:,} | {counts['lost']}"
        f" | {counts['doubled']} |",
        f"| readings | {readings['accepted']:,} | {readings['found']:,} | {readings['lost']}"
        f" | {readings['doubled']} |",
        f"| entries on {boards['open']} boards | {boards['entries']:,} | {boards['told']:,}"
        f" | {boards['gaps']} | {boards['doubled']} |",
        "",
        "| killed | times | stood still | median | most |",
        "|---|---|---|---|---|",
    ]
    for kind, name in _KINDS.items():
        if kind not in counts["kills"]:
            continue
        still = counts["still_s"][kind]
        lines.append(
            f"| {name} | {counts['kills'][kind]} | {_STILL[kind]} | {_s(still, 'median')}"
            f" | {_s(still, 'most')} |"
        )
    lines += [
        "",
        f"After a worker's death: {taken['shards']['times']} shards of readings taken by another,"
        f" after {_s(taken['shards'], 'median')} (at most {_s(taken['shards'], 'most')});"
        f" each lane of each gateway through again after {_s(taken['streams'], 'median')} (at most"
        f" {_s(taken['streams'], 'most')}). Boards lost their process {boards['resumed']} times and"
        f" were away for {_s(boards['away_s'], 'median')} (at most {_s(boards['away_s'], 'most')})."
        f" Sent more than once: {counts['sent_again']:,} items.",
    ]
    lines += [f"- beside that: {wrong}" for wrong in counts["wrong"]]
    return "\n".join([*lines, ""])


def _s(spread: dict[str, float], name: str) -> str:
    return f"{spread[name]:g} s" if name in spread else "–"
