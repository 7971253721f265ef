"""The units name commands and options that exist, and systemd itself finds no fault in them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hearthwatch.__main__ import COMMANDS

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_unit_runs_a_command_that_exists(unit) -> None:
    lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line)
    program, command, option, config = lines["ExecStart"].split()
    assert program.endswith("/bin/hearthwatch")
    assert command in COMMANDS
    assert option == "--config"
    assert config.startswith("/etc/hearthwatch/")


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_unit_is_started_again_for_ever(unit) -> None:
    """By default systemd gives up after five failures in ten seconds."""
    text = unit.read_text()
    assert "\nRestart=always\n" in text
    assert "\nStartLimitIntervalSec=0\n" in text


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_systemd_verifies_the_unit(unit, tmp_path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze on this machine")
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/opt/hearthwatch/bin/hearthwatch", "/bin/true"))
    done = subprocess.run(
        [program, "verify", str(copy)], capture_output=True, text=True, check=False
    )
    # Of other units of the machine it may say what it likes.
    told = [line for line in done.stderr.splitlines() if unit.name in line]
    assert not told, done.stderr
