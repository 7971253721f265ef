"""The report of a run as it stands in `docs/chaos.md`, made from its JSON."""

import json
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path(__file__).resolve().parents[2] / "docs" / "results"


def long_runs() -> str:
    """Of each kept report, in the order of their names."""
    kept = sorted(RESULTS.glob("chaos-*.json"))
    tables = [table(json.loads(path.read_text())) for path in kept]
    return "\n".join(tables) or "None is kept.\n"


def table(found: dict[str, Any]) -> str:
    counts = found["counts"]
    kills = counts["kills"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines = [
        f"`{found['command']}`",
        "",
        f"{found['date']}, commit {found['commit']}, {counts['seconds'] / 60:.0f} minutes on"
        f" {found['machine']}; {versions}.",
        "",
        "| kills | accepted | found | lost | doubled | closed by silence | came again |",
        "|---|---|---|---|---|---|---|",
        f"| {sum(kills.values()):,} | {counts['accepted']:,} | {counts['found']:,}"
        f" | {counts['lost']} | {counts['doubled']} | {counts['closed_by_silence']}"
        f" | {counts['redelivered']:,} |",
        "",
        "| fault | done | came again after it | worst time to the next press in the book |",
        "|---|---|---|---|",
    ]
    for name, told in counts["faults"].items():
        worst = f"{told['recovery_worst_s']:.0f} s"
        lines.append(f"| `{name}` | {told['injected']:,} | {told['redelivered']:,} | {worst} |")
    lines += [f"| `{name}` | skipped: {why} | | |" for name, why in counts["skipped"].items()]
    shared = {name: times for name, times in kills.items() if not name.startswith("gw-")}
    gateways = sum(kills.values()) - sum(shared.values())
    each = ", ".join(f"{name} {times:,}" for name, times in shared.items())
    return "\n".join([*lines, "", f"Killed: {each}, gateways {gateways:,}.", ""])
