"""The import contracts find planted violations: each is written into a copy and must be told."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
NAMES = [contract["name"] for contract in LINTER["contracts"]]
# What is planted: (the contract it breaks, the file, its import).
PLANTED = {
    "a room imports upwards": (
        "Rooms import downwards only",
        "contract/upwards.py",
        "import ledger.roster",
    ),
    "siblings import each other": (
        "Rooms import downwards only",
        "dashboard/sideways.py",
        "import ingest.marks",
    ),
    "a rule reads a clock": (
        "The pure core has no I/O, clock or randomness",
        "rules/kinds/ticking.py",
        "import time",
    ),
    "a driver opens a socket": (
        "The pure core has no I/O, clock or randomness",
        "gateway/drivers/calling.py",
        "import socket",
    ),
    "a rule reaches asyncio through another module": (
        "The pure core has no I/O, clock or randomness",
        "rules/kinds/chained.py",
        "import ledger.feed",
    ),
    "a simulated device opens a file": (
        "Simulated homes follow from their seed",
        "device_sims/devices/reading.py",
        "import pathlib",
    ),
    "the simulator borrows the decoder": (
        "Simulated devices have encoders of their own",
        "device_sims/borrowing.py",
        "import contract.kinds",
    ),
    "a gateway needs the hub's packages": (
        "A gateway runs without the hub's packages",
        "gateway/heavy.py",
        "import msgspec",
    ),
    "a driver uses another": (
        "Drivers don't know each other",
        "gateway/drivers/leaning.py",
        "import gateway.drivers.ev1527",
    ),
    "a rule kind uses another": (
        "Rule kinds don't know each other",
        "rules/kinds/leaning.py",
        "import rules.kinds.sos",
    ),
    "a notifier uses another": (
        "Notifiers don't know each other",
        "alarms/notifiers/leaning.py",
        "import alarms.notifiers.webhook",
    ),
    "an output uses another": (
        "Outputs don't know each other",
        "gateway/outputs/leaning.py",
        "import gateway.outputs.speech",
    ),
    "a second user of aiomqtt": (
        "paho and aiomqtt are behind three adapters",
        "ingest/stray_mqtt.py",
        "import aiomqtt",
    ),
    "the alarms speak AMQP themselves": (
        "The client of RabbitMQ is behind its adapter",
        "alarms/stray_amqp.py",
        "import aio_pika",
    ),
    "a second place that opens serial lines": (
        "Serial lines are opened in one place",
        "gateway/sources/stray_line.py",
        "import serial",
    ),
    "a driver that listens to the radio itself": (
        "Bluetooth is behind one adapter",
        "gateway/sources/stray_radio.py",
        "import bleak",
    ),
    "the dashboard writes SQL by hand": (
        "sqlite3 is used by the spool, the book, the readings store and nobody else",
        "dashboard/stray_sql.py",
        "import sqlite3",
    ),
    "the alarms decode pictures": (
        "Pictures are decoded in one place",
        "alarms/stray_pictures.py",
        "import PIL",
    ),
    "the alarms speak to PostgreSQL themselves": (
        "psycopg is behind its adapter",
        "alarms/stray_psycopg.py",
        "import psycopg",
    ),
    "the dashboard asks InfluxDB itself": (
        "The InfluxDB client is behind its adapter",
        "dashboard/stray_influx.py",
        "import influxdb_client",
    ),
    "the dashboard makes a PDF itself": (
        "What makes documents is behind its adapters",
        "dashboard/stray_pdf.py",
        "import typst",
    ),
    "ingest answers HTTP": (
        "The web framework stays in the dashboard",
        "ingest/stray_http.py",
        "import fastapi",
    ),
    "the hub starts programs": (
        "Child processes and other people's brokers are the demonstration's",
        "alarms/stray_child.py",
        "import subprocess",
    ),
}


def copy_tree(folder: Path) -> None:
    skip = shutil.ignore_patterns("node_modules", "static", "__pycache__", "web")
    for room in LINTER["root_packages"]:
        shutil.copytree(ROOT / room, folder / room, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> dict[str, str]:
    """What is told under each contract, with everything planted at once."""
    folder = tmp_path_factory.mktemp("planted")
    copy_tree(folder)
    for _contract, name, line in PLANTED.values():
        assert not (folder / name).exists()
        (folder / name).write_text(f'"""Planted."""\n\n{line}\n')
    done = lint(folder)
    assert done.returncode != 0
    assert "Broken contracts" in done.stdout, done.stdout + done.stderr
    details = done.stdout.split("Broken contracts", 1)[1]
    headings = "|".join(map(re.escape, NAMES))
    parts = re.split(rf"^({headings})\n-+\n", details, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_tree_keeps_its_contracts(tmp_path) -> None:
    copy_tree(tmp_path)
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_violation_is_told(report, what) -> None:
    contract, name, _line = PLANTED[what]
    module = name.removesuffix(".py").replace("/", ".")
    assert module in report.get(contract, "this contract was kept")


def test_every_contract_has_something_planted() -> None:
    assert {contract for contract, _name, _line in PLANTED.values()} == set(NAMES)
