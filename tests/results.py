"""A long run's outcome as a file of one form, for `docs/results` and the document made from it.

{"command", "commit", "date", "machine", "versions", "seed", "counts": {…}}, where `counts` is the
run's own.
"""

import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "docs" / "results"
FIELDS: Final = ("command", "commit", "date", "machine", "versions", "seed", "counts")


def document(
    *,
    command: str,
    seed: int,
    counts: Mapping[str, Any],
    versions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "command": command,
        "commit": commit(),
        "date": datetime.fromtimestamp(_now_s(), tz=UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} processors, {platform.system()} {platform.release()}",
        "versions": {
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            **(versions or {}),
        },
        "seed": seed,
        "counts": counts,
    }


def write_result(path: Path, **words: Any) -> None:
    """`words`: those of `document`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(**words), indent=1, ensure_ascii=False) + "\n")


def read_result(path: Path) -> dict[str, Any]:
    """ValueError when a field is missing."""
    document = json.loads(path.read_text())
    lacking = [name for name in FIELDS if name not in document]
    if lacking:
        raise ValueError(f"{path.name}: no {', '.join(lacking)}")
    return dict(document)


def commit() -> str:
    """What was run; with a mark when files had been changed since."""
    command = ["git", "-c", "safe.directory=*", "describe", "--always", "--dirty", "--abbrev=9"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _now_s() -> float:
    return datetime.now(tz=UTC).timestamp()  # noqa: TID251 - the day of the run
