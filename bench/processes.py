"""Broker and hub as processes, as in production on one machine, and what processes cost."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Final

from hearthwatch import embedded_broker
from hearthwatch.admin import add_user
from ledger.place import SqliteBook

PASSWORD: Final = "correct horse battery staple"
HOMES: Final = 1000
# Five thousand homes are written into an empty book first, on a machine that may do other things.
START_S: Final = 300.0


class HubProcess:
    """Started by the constructor, with a thousand homes on twenty gateways. `accounts`: so many
    duty officers, whose tokens are `tokens`. `roster`: other homes than those; `program`: a module
    that runs the hub."""

    def __init__(
        self,
        folder: Path,
        accounts: int = 1,
        roster: str | None = None,
        program: str = "hearthwatch",
    ) -> None:
        self.folder = folder
        folder.mkdir()
        self.broker = embedded_broker.start(folder / "broker")
        self.port = embedded_broker.free_port()
        (folder / "homes.toml").write_text(roster or _homes())
        (folder / "hub.toml").write_text(
            f'data_dir = "hub"\nhomes = "homes.toml"\n[http]\nport = {self.port}\n[broker]\n'
            f'port = {self.broker.port}\nusername = "{self.broker.username}"\n'
            f'password_file = "{self.broker.password_file}"\n'
        )
        names = ["bench", *(f"bench-{n}" for n in range(1, accounts))]
        for name in names:
            add_user(SqliteBook(path=folder / "hub" / "hub.db"), name, name, "duty", "", PASSWORD)
        with (folder / "hub.log").open("wb") as log:
            command = [sys.executable, "-m", program, "hub", "--config"]
            self.process = subprocess.Popen([*command, str(folder / "hub.toml")], stderr=log)
        self._wait_ready()
        self.address = f"http://127.0.0.1:{self.port}"
        self.tokens = [self._login(name) for name in names]
        self.token = self.tokens[0]

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"the hub did not start: {(self.folder / 'hub.log').read_text()[-2000:]}")

    def _login(self, name: str) -> str:
        body = json.dumps({"username": name, "password": PASSWORD}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/login",
            body,
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return str(json.loads(answer.read())["token"])

    def stored(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("hearthwatch_readings_stored "):
                    return int(float(line.split()[1]))
        return 0

    def wait_stored(self, wanted: int) -> float:
        """The moment at which that many readings were durable."""
        deadline = time.monotonic() + 180
        while self.stored() < wanted:
            if time.monotonic() > deadline:
                raise SystemExit(f"only {self.stored()} of {wanted} readings were stored")
            time.sleep(0.02)
        return time.time()

    def pin(self, hub_core: int, broker_core: int) -> None:
        """The hub on one core, the broker on another."""
        for pid, core in ((self.process.pid, hub_core), (self.broker.process.pid, broker_core)):
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), {core})

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.broker.process.terminate()


def cpu_s(pid: int) -> float:
    """Processor time that a process has used so far, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def _homes() -> str:
    lines = ['[[region]]\ncode = "1"\nname = "bench"\nlevel = "county"']
    lines += [f'[[gateway]]\nid = "gw-{n:04d}"\nregion = "1"' for n in range(20)]
    for n in range(HOMES):
        lines.append(f'[[home]]\nid = "home-{n:05d}"\nregion = "1"\naddress = "bench {n}"')
        for kind, device in (("power", f"meter-{n:05d}"), ("sos", f"button-{n:05d}")):
            lines.append(
                f'[[home.device]]\ngateway = "gw-{n % 20:04d}"\ndevice = "{device}"\n'
                f'kind = "{kind}"'
            )
    return "\n".join(lines) + "\n"
