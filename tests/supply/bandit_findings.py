"""What bandit finds in the programs, but for what somebody has judged and said so.

Ruff has most of bandit's rules under the same numbers (`S608` is `B608`) and sees a good part of
them first. A line that tells ruff why it is no weakness (`noqa: S608 - …`) tells it to bandit, too:
reasons stand once. `NOT_ASKED` are rules that the project has no use for as a whole.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from tests.supply.locks import ROOT

NOT_ASKED: Final = {
    "B404": "that subprocess is imported: import-linter says by whom it may be",
    "B406": "of xml.sax only `escape` is used, which parses nothing",
    "B105": "as S105: ruff sees the same, and not each text that is called `token`",
    "B106": "as B105",
    "B107": "as B105",
    "B608": "as S608: ruff asks for a reason at each; names of columns are put in, never input",
    "B606": "as S606: `./dev run` becomes the command that was asked for",
}
# What ruff does not see: by file and rule, how many and why.
JUDGED: Final = {
    ("hearthwatch/demo.py", "S310"): (1, "its own hub's address, http as it stands there"),
}
_NOQA: Final = re.compile(r"#\s*noqa:\s*([A-Z0-9, ]+?)(\s+-\s+\S.*)?\Z")


def settings() -> tuple[set[str], dict[str, list[str]]]:
    """Rules that ruff ignores everywhere, and by file, each with its reason in pyproject.toml."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    return set(lint["ignore"]), dict(lint["per-file-ignores"])


def found(paths: Sequence[str], folder: Path = ROOT) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--format", "json"]
    more = ["--skip", ",".join(NOT_ASKED), "--exclude", "dashboard/web", "--exit-zero"]
    done = subprocess.run(
        [*command, *more, *paths], cwd=folder, capture_output=True, text=True, check=True
    )
    report = json.loads(done.stdout)
    if report["errors"]:
        raise ValueError(f"not read: {report['errors']}")
    return list(report["results"])


def not_judged(paths: Sequence[str], folder: Path = ROOT) -> list[str]:
    """Each finding that nobody has given a reason for."""
    everywhere, by_file = settings()
    told: list[tuple[str, str, str]] = []
    for finding in found(paths, folder):
        rule = "S" + finding["test_id"][1:]
        path = Path(finding["filename"])
        name = path.as_posix().removeprefix("./")
        files = [rules for pattern, rules in by_file.items() if fnmatch(name, pattern)]
        here = any(rule in rules or "S" in rules for rules in files)
        if rule not in everywhere and not here and not _reasoned(folder / path, rule, finding):
            told.append((name, rule, f"{finding['line_number']}: {finding['issue_text']}"))
    many = Counter((name, rule) for name, rule, _text in told)
    return [
        f"{name}:{rule}: {text}"
        for name, rule, text in told
        if many[name, rule] != JUDGED.get((name, rule), (0, ""))[0]
    ]


def _reasoned(path: Path, rule: str, finding: dict[str, Any]) -> bool:
    """By a word behind `noqa`, or by a comment above what it stands in."""
    lines = path.read_text().splitlines()
    # A text over several lines has its reason where it ends.
    first, last = min(finding["line_range"]), max(finding["line_range"]) + 1
    above = any(line.strip().startswith("# ") for line in lines[max(0, first - 3) : first])
    for line in lines[first - 1 : last]:
        found = _NOQA.search(line)
        if found and rule in re.split(r"[ ,]+", found[1]) and (found[2] or above):
            return True
    return False
