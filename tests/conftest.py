"""Rules for the whole suite: files are kept in memory where there is room; with --fail-on-skip, a
test that could not run is a failure."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.adapters.postgres import Postgres
    from tests.adapters.rabbitmq import Server

# Nobody cuts the power here, so that a file in memory shows the same as one on a disk, and a sync
# costs nothing. What a sync is worth is shown on the simulation's own disk.
MEMORY: Final = Path("/dev/shm")
# Twice what two whole runs beside each other had at most; a container's usual 64 MiB don't do.
ROOM_BYTES: Final = 2 * 1024**3

# How long an example takes says something about the machine, nothing about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def has_room(place: Path) -> bool:
    """Whether tests may keep their files there; some of these are programs."""
    if not os.access(place, os.W_OK | os.X_OK):
        return False
    runs = not os.statvfs(place).f_flag & os.ST_NOEXEC
    return runs and shutil.disk_usage(place).free >= ROOM_BYTES


def pytest_configure() -> None:
    if "TMPDIR" not in os.environ and has_room(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fail-on-skip", action="store_true", help="a skipped test fails the run (CI, root)"
    )
    parser.addoption(
        "--deployment",
        choices=("mosquitto", "rabbitmq"),
        help="what stories run on: SQLite and mosquitto, or PostgreSQL and RabbitMQ",
    )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not session.config.getoption("--fail-on-skip"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and exitstatus == 0:
        for report in skipped:
            reporter.write_line(f"not run: {report.nodeid}: {report.longrepr}")
        session.exitstatus = 1


@pytest.fixture(scope="session")
def postgres() -> Iterator["Postgres"]:
    """One server for the whole run; whoever asks has databases of its own in it."""
    from tests.adapters.postgres import postgres_server

    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator["Server"]:
    """One server for the whole run; whoever asks has a virtual host of its own in it."""
    from tests.adapters.rabbitmq import MISSING, installed, rabbitmq_server

    if not installed():
        pytest.skip(MISSING)
    with rabbitmq_server() as server:
        yield server
