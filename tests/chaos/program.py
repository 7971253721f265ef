"""One process that is killed, stopped and started again, as an init system would start it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
# A program that ends by itself is started again after so long.
RESTART_S: Final = 0.5
# What has not ended so long after SIGTERM is killed, and counted.
TERM_PATIENCE_S: Final = 30.0
# A program that met a disk or a server in trouble at its start has ended so long after it is over,
# however slow the machine.
TROUBLE_S: Final = 30.0


class Program:
    """`group`: a kill takes its children too (a database server's). `refusals`: the exit codes by
    which it says at its start that what it writes to can't be had. Times are the caller's."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        group: bool = False,
        refusals: frozenset[int] = frozenset(),
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        self.group = group
        self._user = user
        self._refusals = refusals
        self.process: subprocess.Popen[bytes] | None = None
        self.started_s = 0.0
        self.start_at_s: float | None = None
        self.term_until_s: float | None = None
        self.stopped = False
        self.held = False
        self.kills = 0
        self.starts = 0
        self.overdue = 0
        # Exit codes that nobody asked for, and those by which it refused to begin in trouble.
        self.exits: dict[int, int] = {}
        self.refused: dict[int, int] = {}
        self.trouble_until_s = 0.0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, now_s: float) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self.env,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
                start_new_session=True,
            )
        self.started_s, self.start_at_s = now_s, None
        self.starts += 1

    def kill(self, again_at_s: float) -> None:
        """kill -9, and when to start again."""
        assert self.process is not None
        if self.group:
            # It forks no more, so that none of its children is missed.
            self.process.send_signal(signal.SIGSTOP)
        orphans = children(self.process.pid)
        self._signal(signal.SIGKILL)
        self.process.wait()
        for pid in orphans:
            # Ours now, if we are the first process here; until it has ended it holds its files.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        self.stopped, self.term_until_s = False, None
        self.kills += 1
        self.start_at_s = again_at_s

    def stop(self) -> None:
        self._signal(signal.SIGSTOP)
        self.stopped = True

    def go_on(self) -> None:
        if self.stopped and self.running:
            self._signal(signal.SIGCONT)
        self.stopped = False

    def terminate(self, now_s: float) -> None:
        """The clean end; only the process itself is asked."""
        assert self.process is not None
        self.process.terminate()
        self.term_until_s = now_s + TERM_PATIENCE_S

    def tend(self, now_s: float) -> None:
        """What an init system does: start again what has ended."""
        if self.process is None or self.held:
            return
        code = self.process.poll()
        if code is None:
            if self.term_until_s is not None and now_s > self.term_until_s:
                self.overdue += 1
                self.kill(now_s + RESTART_S)
            return
        if self.start_at_s is None:
            if self.term_until_s is None or code not in (0, -signal.SIGTERM):
                excused = code in self._refusals and now_s < self.trouble_until_s
                counted = self.refused if excused else self.exits
                counted[code] = counted.get(code, 0) + 1
            self.term_until_s = None
            self.stopped = False
            self.start_at_s = now_s + RESTART_S
        if now_s >= self.start_at_s:
            self.start(now_s)

    def end(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        if self.stopped:
            self.go_on()
        # A database server that is killed leaves shared memory behind; at once all the same.
        self._signal(signal.SIGQUIT if self.group else signal.SIGKILL)
        try:
            self.process.wait(TERM_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait()

    def _signal(self, number: int) -> None:
        assert self.process is not None
        if not self.group:
            self.process.send_signal(number)
            return
        # Its children have sessions of their own.
        for pid in (*children(self.process.pid), self.process.pid):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def children(pid: int) -> list[int]:
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def reap(known: set[int]) -> None:
    """Orphans that came to us, in a process namespace of our own, and have ended."""
    for pid in children(os.getpid()):
        if pid not in known:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue
