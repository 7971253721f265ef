"""What the programs of a run have written: mistakes that nobody foresaw end in a traceback."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TRACEBACK: Final = "Traceback (most recent call last)"
# Of an exception's last line.
SHOWN: Final = 120
# What stands before an exception's own line: its frames, and the frame of a group.
_INSIDE: Final = (" ", "|", "+")


def tracebacks(folder: Path) -> Counter[str]:
    """By program (gateways together) and by the exception's last line, where it was written
    before the program was killed."""
    found: Counter[str] = Counter()
    for log in sorted(folder.glob("*.log")):
        lines = iter(log.read_text(errors="replace").splitlines())
        for line in lines:
            if TRACEBACK in line:
                found[f"{log.stem.rstrip('0123456789')}: {_said(lines)[:SHOWN]}"] += 1
    return found


def _said(lines: Iterator[str]) -> str:
    for line in lines:
        if line and not line.startswith(_INSIDE) and TRACEBACK not in line:
            return line
    return "cut off"
