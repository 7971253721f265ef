"""What the lock files name: packages of Python with their hashes, packages of npm with theirs."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
REQUIREMENTS: Final = ROOT / "requirements"
PACKAGE_LOCK: Final = ROOT / "dashboard" / "web" / "package-lock.json"
_PIN: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(?:\s*;\s*([^\\]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """`hashes`: of each file that may be installed, SHA-256 for Python. `licence`: as the lock
    says it, which locks of Python don't."""

    name: str
    version: str
    hashes: tuple[str, ...]
    marker: str = ""
    licence: str = ""


def python_locks() -> list[Path]:
    return sorted(REQUIREMENTS.glob("*.txt"))


def python_pins(lock: Path) -> list[Pin]:
    """Every entry; ValueError where something else stands."""
    pins = []
    for entry in lock.read_text().replace("\\\n", " ").splitlines():
        if not entry.strip() or entry.startswith("#"):
            continue
        found = _PIN.match(entry)
        if found is None:
            raise ValueError(f"{lock.name}: not pinned: {entry[:80]}")
        name, version, marker = found.groups()
        hashes = tuple(sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)))
        marker = (marker or "").split("--hash")[0].strip()
        pins.append(Pin(name=name.lower(), version=version, hashes=hashes, marker=marker))
    return pins


def npm_pins() -> list[Pin]:
    packages = json.loads(PACKAGE_LOCK.read_text())["packages"]
    return [
        Pin(
            name=place.rpartition("node_modules/")[2],
            version=package["version"],
            hashes=(package.get("integrity", ""),),
            licence=str(package.get("license", "")),
        )
        for place, package in sorted(packages.items())
        if place
    ]
