"""Programs that the demonstration starts and stops, and how a user ends it."""

import os
import select
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

STOP_TIMEOUT_S: Final = 10.0


@dataclass(slots=True)
class Child:
    name: str
    command: list[str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self) -> None:
        with self.log.open("ab") as out:
            # A group of its own: Ctrl-C reaches us alone, and we stop the children in order.
            self.process = subprocess.Popen(
                self.command, stdout=out, stderr=out, start_new_session=True
            )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Stop:
    """Set by Ctrl-C or SIGTERM; a wait that ends early then."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _n, _f: os.write(self._write, b"x"))

    def wait(self, seconds: float) -> bool:
        return bool(select.select([self._read], [], [], seconds)[0])


def pause(seconds: float) -> None:
    select.select([], [], [], seconds)
