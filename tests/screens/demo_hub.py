"""The demonstration in a place of its own, its clock slowed down where every alarm of the story is
open, so that pages stand still while they are looked at.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.screens.stock import wait

ROOT: Final = Path(__file__).resolve().parents[2]
# A call, a blood pressure, somebody who does not move, a dead gateway and a village without light.
HOLD_AT: Final = "74h 45m"
SPEED: Final = 240
START_S: Final = 180.0
# Until every alarm of the story is there: three days of routine, then a few minutes.
STORY_S: Final = 900.0
STOP_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoHub:
    base: str
    passwords: dict[str, str]


@contextmanager
def demo_hub(folder: Path) -> Iterator[DemoHub]:
    """Runs as long as it is needed; goes on from `folder` when one was there before."""
    port = _free_port()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "demo.log"
    command = [
        *(sys.executable, "-m", "hearthwatch", "demo", f"--port={port}"),
        *(f"--data-dir={folder / 'data'}", f"--speed={SPEED}", f"--hold-at={HOLD_AT}"),
    ]
    with log.open("wb") as out:
        demo = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
    try:

        def ready() -> bool:
            if demo.poll() is not None:
                raise RuntimeError(f"the demonstration ended: {log.read_text()}")
            # What it says last before it plays.
            return "Ctrl-C stops." in log.read_text()

        wait("the demonstration", ready, START_S)
        passwords = json.loads((folder / "data" / "logins.json").read_text())
        yield DemoHub(base=f"http://127.0.0.1:{port}", passwords=passwords)
    finally:
        demo.terminate()
        try:
            demo.wait(STOP_S)
        except subprocess.TimeoutExpired:
            demo.kill()
            demo.wait()


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port: int = line.getsockname()[1]
        return port
