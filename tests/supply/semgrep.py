"""`./dev semgrep`: rules of our own, which nothing of the programs may break.

semgrep lives in an environment of its own: what it depends on disagrees with the project's locks.
Its lock is `requirements/semgrep.txt`, hashed like the others. It needs 330 MB and is not part of
`./dev test`, where `rules_by_syntax.py` holds the same rules. The rules are local, so that it
runs without a network and tells nobody anything.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from tests.supply.locks import REQUIREMENTS, ROOT

RULES: Final = Path(__file__).with_name("semgrep_rules.yaml")
PLACE: Final = ROOT / ".venv" / "semgrep"
LOCK: Final = REQUIREMENTS / "semgrep.txt"
LOOKED_AT: Final = (
    "alarms",
    "contract",
    "dashboard",
    "deploy",
    "device_sims",
    "gateway",
    "hearthwatch",
    "ingest",
    "ledger",
    "rules",
    "dev",
    "hatch_build.py",
)
SUFFIXES: Final = {"python": ".py", "regex": ".svelte"}


def rules() -> list[dict[str, Any]]:
    return list(yaml.safe_load(RULES.read_text())["rules"])


def examples() -> Iterator[tuple[str, str, str, bool]]:
    """A file's name, what stands in it, the rule, and whether the rule must find it."""
    for rule in rules():
        suffix = SUFFIXES[rule["languages"][0]]
        for kind in ("bad", "good"):
            for number, line in enumerate(rule["metadata"][kind]):
                yield f"{kind}-{rule['id']}-{number}{suffix}", line, rule["id"], kind == "bad"


def install() -> Path:
    program = PLACE / "bin" / "semgrep"
    if not program.exists():
        venv.create(PLACE, with_pip=True)
        command = [PLACE / "bin" / "python", "-m", "pip", "install", "--require-hashes"]
        subprocess.run([*command, "--quiet", "-r", LOCK], check=True)
    return program


def scan(program: Path, paths: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    options = ["scan", "--config", str(RULES), "--json", "--metrics=off", "--no-git-ignore"]
    more = ["--disable-version-check", "--quiet", "--exclude=node_modules", "--exclude=static"]
    done = subprocess.run(
        [str(program), *options, *more, *paths],
        cwd=folder,
        env={**os.environ, "SEMGREP_SEND_METRICS": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    if report["errors"]:
        raise ValueError(f"semgrep could not look: {report['errors'][:3]}")
    if not report["paths"]["scanned"]:
        raise ValueError("semgrep looked at nothing")
    return list(report["results"])


def wrong_examples(program: Path) -> list[str]:
    """A rule that misses what it must find, or finds what is good, is no rule."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, line, _rule, _bad in examples():
            (folder / file).write_text(f"{line}\n")
        results = scan(program, ["."], folder)
    seen = {(Path(one["path"]).name, one["check_id"].rpartition(".")[2]) for one in results}
    return [
        f"{rule}: {'missed' if bad else 'found'}: {line}"
        for file, line, rule, bad in examples()
        if ((file, rule) in seen) != bad
    ]


def main() -> int:
    program = install()
    wrong = wrong_examples(program)
    for line in wrong:
        sys.stdout.write(f"rule at fault: {line}\n")
    results = scan(program, LOOKED_AT, ROOT)
    for one in results:
        rule = one["check_id"].rpartition(".")[2]
        sys.stdout.write(
            f"{one['path']}:{one['start']['line']}: {rule}: {one['extra']['message']}\n"
        )
    sys.stdout.write(f"{len(rules())} rules, {len(results)} findings\n")
    return 1 if wrong or results else 0


if __name__ == "__main__":
    sys.exit(main())
