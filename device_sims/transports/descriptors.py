"""Enough open files for the serial lines of a large county, or a word on how to get them."""

import resource
from pathlib import Path
from typing import Final

# A pseudo-terminal has two ends, and a gateway two lines.
FILES_A_GATEWAY: Final = 4
LINES_A_GATEWAY: Final = 2
# Broker, event loop, standard streams, and what Python opens meanwhile.
OTHER_FILES: Final = 64
_PTY_MAX: Final = Path("/proc/sys/kernel/pty/max")
_PTY_NR: Final = Path("/proc/sys/kernel/pty/nr")


class TooFewFilesError(RuntimeError):
    """The machine won't open so many lines: what to do about it."""


def allow_lines(gateways: int) -> None:
    """Raise the soft limit of open files as far as needed; an error when the machine refuses."""
    files = gateways * FILES_A_GATEWAY + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and files > hard:
        raise TooFewFilesError(
            f"{gateways} gateways need {files} open files and at most {hard} are allowed: raise "
            f"the hard limit (ulimit -Hn {files}, LimitNOFILE= of systemd), simulate fewer homes, "
            "or leave the serial lines away with --no-lines"
        )
    free = free_terminals()
    if free is not None and gateways * LINES_A_GATEWAY > free:
        raise TooFewFilesError(
            f"{gateways} gateways need {gateways * LINES_A_GATEWAY} pseudo-terminals and {free} "
            "are free: raise kernel.pty.max (sysctl), simulate fewer homes, or leave the serial "
            "lines away with --no-lines"
        )
    if soft != resource.RLIM_INFINITY and files > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def free_terminals() -> int | None:
    """Pseudo-terminals that the kernel still gives; None where it doesn't say."""
    try:
        return int(_PTY_MAX.read_text()) - int(_PTY_NR.read_text())
    except (OSError, ValueError):
        return None
