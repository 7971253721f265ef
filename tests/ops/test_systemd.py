"""The units name commands and options that exist, and systemd itself finds no fault in them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hearthwatch.__main__ import COMMANDS
from hearthwatch.authority import keys

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
# Those that run one of our programs for ever; the others do one thing at a time.
UNITS = sorted(p for p in FOLDER.glob("*.service") if "Type=oneshot" not in p.read_text())
ALL = sorted(p for p in FOLDER.iterdir() if p.suffix in (".service", ".path", ".timer"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_unit_runs_a_command_that_exists(unit) -> None:
    lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line)
    program, command, option, config = lines["ExecStart"].split()[:4]
    assert program.endswith("/bin/hearthwatch")
    assert command in COMMANDS
    if command == "authority":
        # Its folder is root's: it gets its two files from systemd.
        assert (option, config) == ("--dir", "${CREDENTIALS_DIRECTORY}")
        loaded = [v.split(":")[0] for k, v in pairs(unit) if k == "LoadCredential"]
        assert sorted(loaded) == [keys.AUTHORITY_KEY, keys.AUTHORITY]
        return
    assert option == "--config"
    assert config.startswith("/etc/hearthwatch/")


def pairs(unit: Path) -> list[list[str]]:
    return [line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line]


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_unit_is_started_again_for_ever(unit) -> None:
    """By default systemd gives up after five failures in ten seconds."""
    text = unit.read_text()
    assert "\nRestart=always\n" in text
    assert "\nStartLimitIntervalSec=0\n" in text


@pytest.mark.parametrize("unit", ALL, ids=lambda p: p.name)
def test_systemd_verifies_the_unit(unit, tmp_path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze on this machine")
    # What a timer or a path starts has to be there as well.
    for one in ALL:
        text = one.read_text().replace("/opt/hearthwatch/bin/hearthwatch", "/bin/true")
        (tmp_path / one.name).write_text(text)
    copy = tmp_path / unit.name
    done = subprocess.run(
        [program, "verify", str(copy)], capture_output=True, text=True, check=False
    )
    # Of other units of the machine it may say what it likes.
    told = [line for line in done.stderr.splitlines() if unit.name in line]
    assert not told, done.stderr


# Of 10, as systemd-analyze counts exposure; below 2 it calls a unit "OK", and an unhardened one has
# 9.6. What is left: the network, devices, users that are not mapped.
EXPOSURE_MAX = 1.9


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_a_process_that_was_taken_over_can_do_little(unit) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze on this machine")
    command = [program, "security", "--offline=true", "--no-pager"]
    done = subprocess.run(
        [*command, f"--threshold={EXPOSURE_MAX * 10:.0f}", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


# Linux 6.3: from here on no memory becomes executable that could be written (prctl(2)).
FORBID = """
import ctypes, os, sys
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(77)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
# Each library of the hub that could want to make code while it runs, at its work.
AT_WORK = """
import io
import argon2, cryptography.hazmat.primitives.ciphers.aead as aead, msgspec, numpy, PIL.Image
import hearthwatch.hub, gateway.process, openpyxl, segno
argon2.PasswordHasher(time_cost=1, memory_cost=64).hash("x")
aead.AESGCM(bytes(32)).encrypt(bytes(12), b"x", None)
numpy.linalg.inv(numpy.eye(3))
PIL.Image.new("RGB", (9, 9)).save(io.BytesIO(), "JPEG")
from ledger.documents.pdf import Printer
import typst
assert typst.compile(b"= x", format="pdf").startswith(b"%PDF")
print("works")
"""
WRITES_CODE = """
import mmap
mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
"""


def without_new_code(script: str) -> "subprocess.CompletedProcess[str]":
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", FORBID, script],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
    )
    if done.returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE")
    return done


def test_hub_and_gateway_run_where_no_memory_becomes_code() -> None:
    """As MemoryDenyWriteExecute= has it."""
    done = without_new_code(AT_WORK)
    assert done.stdout == "works\n", done.stderr
    assert without_new_code(WRITES_CODE).returncode != 0


def test_a_gateway_with_a_certificate_starts_without_a_password() -> None:
    """`gateway enrol` makes no password; without a default systemd would refuse to start it."""
    unit = FOLDER / "hearthwatch-gateway.service"
    loaded = {value.split(":")[0] for key, value in pairs(unit) if key == "LoadCredential"}
    given = dict(value.split(":", 1) for key, value in pairs(unit) if key == "SetCredential")
    assert loaded == set(given)
    assert all(given.values()), "an empty one is refused"


ONESHOTS = [p for p in FOLDER.glob("*.service") if p not in UNITS]


@pytest.mark.parametrize("unit", ONESHOTS, ids=lambda p: p.name)
def test_what_runs_once_in_a_while_is_started_and_runs_what_exists(unit) -> None:
    starters = [unit.with_suffix(suffix) for suffix in (".timer", ".path")]
    assert any(starter.exists() for starter in starters)
    for key, value in pairs(unit):
        words = value.split()
        if key != "ExecStart" or not words[0].endswith("/hearthwatch"):
            continue
        parser = COMMANDS[words[1]]
        # Every option and action is one that the command knows.
        done = subprocess.run(
            [sys.executable, "-m", "hearthwatch", *words[1:], "--help"],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        assert done.returncode == 0, (parser, done.stderr)
        for word in words[1:]:
            assert not word.startswith("--") or word in done.stdout, word
