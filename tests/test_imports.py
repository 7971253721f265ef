"""The import contracts find planted violations: each is written into a copy and must be told."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "alarms",
    "contract",
    "dashboard",
    "device_sims",
    "gateway",
    "hearthwatch",
    "ingest",
    "ledger",
    "rules",
)
PLANTED = {
    "a room imports upwards": ("contract/planted.py", "import ledger.roster"),
    "siblings import each other": ("dashboard/planted.py", "import ingest.marks"),
    "a rule reads a clock": ("rules/kinds/planted.py", "import time"),
    "a driver opens a socket": ("gateway/drivers/planted.py", "import socket"),
    "the simulator borrows the decoder": ("device_sims/planted.py", "import contract.kinds"),
    "a gateway needs the hub": ("gateway/planted.py", "import msgspec"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    skip = shutil.ignore_patterns("node_modules", "static", "__pycache__", "web")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tree_keeps_its_contracts(copy) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_violation_is_told(copy, what) -> None:
    name, line = PLANTED[what]
    path = copy / name
    path.write_text(f'"""Planted."""\n\n{line}\n')
    try:
        done = lint(copy)
    finally:
        path.unlink()
    assert done.returncode != 0
    assert "planted" in done.stdout
