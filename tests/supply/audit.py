"""`./dev audit`: whether a package of the locks has a known vulnerability.

Exit codes: 0 looked up and none known; 1 some are known; 3 NOT CHECKED, because a service that
knows could not be asked. Nothing that was not looked up is ever called good.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.supply.locks import PACKAGE_LOCK, ROOT

CLEAN, VULNERABLE, NOT_CHECKED = 0, 1, 3
# Of one service; without a network it is refused at once, behind a wall it never answers.
TIMEOUT_S: Final = 300
ANSWER_S: Final = 15
LOCKS: Final = ("all", "semgrep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found out of one lock; `found` None: nothing, it could not be asked."""

    lock: str
    found: tuple[str, ...] | None
    why: str = ""


def of_python(lock: str, output: str, why: str) -> Looked:
    """What pip-audit's JSON says; it ends with 1 for vulnerabilities and for failures alike."""
    document = _json(output)
    packages = document.get("dependencies") if isinstance(document, dict) else None
    # A package that it left out was not looked up.
    if not isinstance(packages, list) or not packages or any("skip_reason" in p for p in packages):
        return Looked(lock=lock, found=None, why=why)
    found = tuple(
        f"{package['name']} {package['version']}: {known['id']}"
        for package in packages
        for known in package["vulns"]
    )
    return Looked(lock=lock, found=found)


def of_npm(output: str, why: str) -> Looked:
    document = _json(output)
    known = document.get("vulnerabilities") if isinstance(document, dict) else None
    if not isinstance(known, dict) or "error" in document:
        return Looked(lock="package-lock.json", found=None, why=why)
    found = tuple(f"{name}: {one.get('severity')}" for name, one in sorted(known.items()))
    return Looked(lock="package-lock.json", found=found)


def verdict(looked: Sequence[Looked]) -> tuple[int, list[str]]:
    lines, code = [], CLEAN
    for one in looked:
        if one.found is None:
            reason = f" ({one.why})" if one.why else ""
            lines.append(f"{one.lock}: NOT CHECKED: no vulnerability service reachable{reason}")
        else:
            lines += [f"{one.lock}: {vulnerable}" for vulnerable in one.found]
            lines.append(f"{one.lock}: looked up, {len(one.found)} known")
    if any(one.found is None for one in looked) or not looked:
        code = NOT_CHECKED
    if any(one.found for one in looked):
        code = VULNERABLE
    return code, lines


def _json(output: str) -> Any:
    try:
        return json.loads(output)
    except ValueError:
        return None


def _run(command: Sequence[str]) -> tuple[str, str]:
    """Its output, and the last of what it complained of."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", type(error).__name__
    complaints = [line for line in done.stderr.strip().splitlines() if line.strip()]
    return done.stdout, complaints[-1][:120] if complaints else f"exit code {done.returncode}"


def look() -> list[Looked]:
    looked = []
    for lock in LOCKS:
        command = [sys.executable, "-m", "pip_audit", "--requirement", f"requirements/{lock}.txt"]
        options = ["--require-hashes", "--disable-pip", "--format", "json", "--timeout"]
        more = [str(ANSWER_S), "--progress-spinner", "off"]
        looked.append(of_python(f"requirements/{lock}.txt", *_run([*command, *options, *more])))
    os.environ.setdefault("npm_config_fetch_retries", "0")
    folder = str(PACKAGE_LOCK.parent.relative_to(ROOT))
    npm = ["npm", "audit", "--package-lock-only", "--json", "--prefix", folder]
    looked.append(of_npm(*_run(npm)))
    return looked


def main() -> int:
    code, lines = verdict(look())
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
