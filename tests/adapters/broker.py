"""A real mosquitto that can be killed without warning and comes back on the same port."""

import socket
import subprocess
import time
from pathlib import Path

from hearthwatch import embedded_broker

START_TIMEOUT_S = 30.0


class KillableBroker:
    """Keeps its configuration and password over a kill; remembers nothing else."""

    def __init__(self, folder: Path) -> None:
        started = embedded_broker.start(folder)
        program = embedded_broker.find_mosquitto()
        assert program is not None
        self._command = [program, "-c", str(folder / "mosquitto.conf")]
        self._process = started.process
        self.port = started.port
        self.username = started.username
        self.password = started.password_file.read_text()

    def kill(self) -> None:
        """SIGKILL: no goodbye to anybody."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Returns when it listens again."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._listens():
            assert self._process.poll() is None, "mosquitto ended"
            assert time.monotonic() < deadline_s, f"nothing listens on {self.port}"

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
