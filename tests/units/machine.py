"""A fresh Debian under its own systemd, in a container of systemd-nspawn. Root only.

The system is made by debootstrap from the archive that this machine's own packages come from. What
needs a network (packages) is run before it boots, in the machine's network; once booted it has one
of its own, so that its broker and its hub stand beside whatever runs here.
"""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

SUITE: Final = "bookworm"
PACKAGES: Final = "systemd,systemd-sysv,dbus,python3,ca-certificates,iproute2"
# Debian's packages that this needs, and a program of each.
WANTED: Final = {"debootstrap": "debootstrap", "systemd-container": "systemd-nspawn"}
PATH: Final = "/opt/hearthwatch/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Nothing here takes longer; what does not come about fails the run.
DEADLINE_S: Final = 180.0
LOOK_S: Final = 0.5
# Nothing inside can wake who looks.
_NEVER: Final = threading.Event()
# What tells pip and apt how to reach their sources from this machine.
_ASKED: Final = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy")


class StepError(Exception):
    """A step that did not do what the guide says."""


class Machine:
    def __init__(self, folder: Path) -> None:
        missing = [package for package, name in WANTED.items() if shutil.which(name) is None]
        if missing:
            raise SystemExit(f"units: apt-get install {' '.join(missing)}")
        if os.geteuid() != 0:
            raise SystemExit("units: only root can start a system")
        self.root = folder / "root"
        self._log = folder / "boot.log"
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE]
        with self._log.open("wb") as log:
            done = subprocess.run(
                [*command, str(self.root), _archive()], stdout=log, stderr=log, check=False
            )
        if done.returncode:
            raise StepError(self._log.read_text()[-2000:])
        for name in ("etc/ssl/certs/ca-certificates.crt", "etc/resolv.conf", "etc/hosts"):
            shutil.copy(Path("/") / name, self.root / name)

    def before_boot(self, script: str) -> str:
        """In the machine's network, without an init."""
        asked = [f"--setenv={k}={v}" for k, v in os.environ.items() if k.startswith(_ASKED)]
        command = [*self._nspawn("--as-pid2"), *asked, "/bin/bash", "-ec", script]
        return _said(command, script)

    def boot(self) -> None:
        with self._log.open("wb") as log:
            command = self._nspawn("--private-network", "--boot")
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self.until("it is up", self._is_up)

    def _is_up(self) -> bool:
        # What the container may not do degrades it, and is none of ours.
        return self.tried("systemctl is-system-running || true").strip() in {"running", "degraded"}

    def run(self, script: str) -> str:
        """As root inside; StepError unless it ends well."""
        return _said([*self._inside(), "/bin/bash", "-ec", script], script)

    def tried(self, script: str) -> str:
        """What it says, however it ends."""
        try:
            return self.run(script)
        except StepError:
            return ""

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        ends = time.monotonic() + DEADLINE_S
        while not holds():
            if time.monotonic() > ends:
                raise StepError(f"not within {DEADLINE_S:.0f} s: {what}")
            _NEVER.wait(LOOK_S)

    def close(self) -> None:
        if self._process is None:
            return
        self.tried("systemctl poweroff")
        try:
            self._process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _nspawn(self, *options: str) -> list[str]:
        # This machine need not have a systemd of its own to register with.
        plain = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit")
        return [*plain, f"--directory={self.root}", *options]

    def _inside(self) -> list[str]:
        if self._process is None:
            raise StepError("not booted")
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        init = children.read_text().split()
        if not init:
            raise StepError(self._log.read_text()[-2000:])
        spaces = ("--mount", "--pid", "--net", "--uts", "--ipc")
        plain = ["env", "-i", "HOME=/root", "LANG=C.UTF-8", f"PATH={PATH}"]
        return ["nsenter", "--target", init[0], *spaces, *plain]


def _archive() -> str:
    """The archive of Debian that this machine's own packages come from."""
    command = ["apt-get", "indextargets", "--format", "$(SITE) $(REPO_URI) $(CODENAME)"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in told.splitlines():
        _site, address, codename = line.rsplit(" ", 2)
        if codename == SUITE:
            return address
    raise SystemExit(f"units: this machine's packages come from no archive of {SUITE}")


def _said(command: list[str], script: str) -> str:
    # A paper is no text.
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise StepError(f"{script[-400:]}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}")
    return done.stdout
