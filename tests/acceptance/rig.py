"""The real programs on this machine: mosquitto, hub, gateway on a pseudo-terminal; killable."""

import os
import select
import signal
import subprocess
import sys
import time
import tty
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hearthwatch import embedded_broker
from ledger.place import Place
from tests.adapters.deployment import Cluster, Deployment, OneMachine, SharedNode
from tests.adapters.rows import rows_of

ROOT = Path(__file__).resolve().parents[2]
# Of three programs on two processors with everything else in the run.
START_S = 240


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll a condition; the deadline is generous and never the thing measured."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        select.select([], [], [], 0.05)


class Program:
    """One process that can be killed without warning and started again."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.command = command
        self.log = log
        # Whose modules it is run with: those of this tree, or of an older program.
        self.root = ROOT
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        env = {**os.environ, "PYTHONPATH": str(self.root)}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                stdout=out,
                stderr=out,
                env=env,
                cwd=self.root,
                start_new_session=True,
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


# What a rig runs on; `tests/acceptance/conftest.py` puts another one in for a test.
made_by: Callable[[Path], Deployment] = OneMachine


class Rig:
    """Broker, hub and one gateway whose radio receiver is ours to write to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs_on = made_by(folder)
        self.http_port = embedded_broker.free_port()
        self._write_configs()
        self.programs: dict[str, Any] = {
            "broker": self._broker(),
            "hub": Program(
                [sys.executable, "-m", "hearthwatch", "hub", "--config", str(folder / "hub.toml")],
                folder / "hub.log",
            ),
            "gateway": Program(
                [sys.executable, "-m", "gateway", "--config", str(folder / "gateway.toml")],
                folder / "gateway.log",
            ),
        }
        self.device, self.far = os.openpty()
        tty.setraw(self.far)
        os.set_blocking(self.device, False)
        (folder / "rf").symlink_to(os.ttyname(self.far))

    def _broker(self) -> "Program | SharedNode":
        if isinstance(self.runs_on, Cluster):
            return SharedNode(self.runs_on.node)
        config = self.folder / "broker" / "mosquitto.conf"
        program = embedded_broker.find_mosquitto()
        assert program is not None
        return Program([program, "-c", str(config)], self.folder / "broker.log")

    @property
    def broker(self) -> embedded_broker.Broker:
        assert isinstance(self.runs_on, OneMachine)
        return self.runs_on.broker

    @property
    def book(self) -> Place:
        return self.runs_on.book

    def rows(self, sql: str) -> list[Any]:
        """What stands in the book."""
        return self.runs_on.rows(sql)

    def _write_configs(self) -> None:
        (self.folder / "hub.toml").write_text(
            f'data_dir = "hub"\n[http]\nport = {self.http_port}\n{self.runs_on.hub_toml}'
        )
        (self.folder / "gateway.toml").write_text(
            f'gateway = "gw-1"\ndata_dir = "spool"\n{self.runs_on.uplink_toml}'
            f'[[serial]]\nname = "rf"\nport = "{self.folder}/rf"\ndriver = "ev1527"\n'
        )

    def start(self) -> None:
        for program in self.programs.values():
            program.start()

    def ready(self) -> bool:
        try:
            address = f"http://127.0.0.1:{self.http_port}/readyz"
            with urllib.request.urlopen(address, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def listening(self) -> bool:
        return "serial_open" in self.programs["gateway"].log.read_text()

    def press(self, number: int) -> None:
        """One press of a button of its own: an EV1527 frame with this 20-bit identity."""
        code = bytes.fromhex(f"{number & 0xFFFFF:05X}8")
        try:
            os.write(self.device, b"\xaa\xa4\x25\x08\x01\x4a\x03\xde" + code + b"\x55")
        except BlockingIOError:
            return  # nobody reads the line: the button is not heard, and must not be counted

    def accepted(self) -> dict[str, str]:
        """id → device of everything the gateway committed (acknowledged rows are kept)."""
        rows = rows_of(self.folder / "spool" / "activation.db", "SELECT id, body FROM item")
        return {row[0]: row[1].decode() for row in rows}

    def unacknowledged(self) -> int:
        """Presses that wait at the gateway for the hub's word."""
        sql = "SELECT count(*) FROM item WHERE acked_at_ms IS NULL"
        return int(rows_of(self.folder / "spool" / "activation.db", sql)[0][0])

    def events(self) -> list[tuple[str, str | None]]:
        """(id, alarm) of everything in the book."""
        return self.rows("SELECT id, alarm FROM event ORDER BY seq")

    def alarms(self) -> list[tuple[str, int, str, str]]:
        sql = "SELECT id, event_count, state, task FROM alarm WHERE kind = 'sos'"
        return self.rows(sql)

    def close(self) -> None:
        for program in self.programs.values():
            program.stop()
        # Its number will soon be another test's terminal.
        (self.folder / "rf").unlink()
        os.close(self.device)
        os.close(self.far)
