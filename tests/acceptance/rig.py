"""The real programs on this machine: mosquitto, hub, gateway on a pseudo-terminal; killable."""

import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
import tty
import urllib.request
from collections.abc import Callable
from pathlib import Path

from hearthwatch import embedded_broker

ROOT = Path(__file__).resolve().parents[2]


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


class Rig:
    """Broker, hub and one gateway whose radio receiver is ours to write to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = embedded_broker.start(folder / "broker")
        self.http_port = embedded_broker.free_port()
        self._write_configs()
        config = folder / "broker" / "mosquitto.conf"
        program = embedded_broker.find_mosquitto()
        assert program is not None
        self.programs = {
            "broker": Program([program, "-c", str(config)], folder / "broker.log"),
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

    def _write_configs(self) -> None:
        login = (
            f'host = "127.0.0.1"\nport = {self.broker.port}\n'
            f'username = "{self.broker.username}"\npassword_file = "{self.broker.password_file}"\n'
        )
        (self.folder / "hub.toml").write_text(
            f'data_dir = "hub"\n[http]\nport = {self.http_port}\n[broker]\n{login}'
        )
        (self.folder / "gateway.toml").write_text(
            f'gateway = "gw-1"\ndata_dir = "spool"\n[uplink]\n{login}'
            f'[[serial]]\nname = "rf"\nport = "{self.folder}/rf"\ndriver = "ev1527"\n'
        )

    def start(self) -> None:
        # The broker is restarted as a program of ours, with the configuration it was given.
        self.broker.process.kill()
        self.broker.process.wait()
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
        return rows_of(self.folder / "hub" / "hub.db", "SELECT id, alarm FROM event ORDER BY seq")

    def alarms(self) -> list[tuple[str, int, str, str]]:
        sql = "SELECT id, event_count, state, task FROM alarm WHERE kind = 'sos'"
        return rows_of(self.folder / "hub" / "hub.db", sql)

    def close(self) -> None:
        for program in self.programs.values():
            program.stop()
        # Its number will soon be another test's terminal.
        (self.folder / "rf").unlink()
        os.close(self.device)
        os.close(self.far)


def rows_of(path: Path, sql: str) -> list:
    if not path.exists():
        return []
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []  # the file is there before its tables
    finally:
        connection.close()
