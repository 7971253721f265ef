"""Who has a serial port open, as the kernel tells it: links in /proc/<pid>/fd (proc(5)).

Other users' processes are only visible to root: an empty answer means "nobody that may be seen".
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
# A command line is shown this far: enough to know the program by.
_COMMAND_MAX: Final = 60


def holders(port: str, proc: Path = _PROC) -> list[str]:
    """`name (pid 123)` of each other process that has the port open."""
    target = os.path.realpath(port)
    return [_name(pid) for pid in _processes(proc) if _has_open(pid, target)]


def _processes(proc: Path) -> Iterator[Path]:
    try:
        entries = sorted(proc.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            yield entry


def _has_open(pid: Path, target: str) -> bool:
    try:
        return any(os.readlink(link) == target for link in (pid / "fd").iterdir())
    except OSError:
        return False  # it ended, or it is another user's


def _name(pid: Path) -> str:
    try:
        words = (pid / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        words = ""
    command = "".join(c for c in words.strip() if c.isprintable())[:_COMMAND_MAX]
    return f"{command or 'a process'} (pid {pid.name})"
