"""What a writer tells out of the drive, through a pipe: a line for what was accepted, after it was.

A lane seq id   accepted: from here on it must be there after any power cut
F lane seq      about to forget what is numbered up to here, as it may
"""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field


def accepted(lane: str, rows: Iterable[tuple[int, str]]) -> None:
    _write("".join(f"A {lane} {seq} {name}\n" for seq, name in rows))


def forgetting(lane: str, through: int) -> None:
    _write(f"F {lane} {through}\n")


def _write(text: str) -> None:
    data = text.encode()
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        # The rig has ended, and so has its writer.
        os._exit(0)


@dataclass(slots=True)
class Promised:
    """As heard so far, by lane: accepted rows, and up to where they may be gone."""

    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    forgotten: dict[str, int] = field(default_factory=dict)

    def hear(self, line: str) -> str | None:
        """The lane of an acceptance."""
        word, lane, seq, *name = line.split(" ")
        if word == "F":
            self.forgotten[lane] = max(int(seq), self.forgotten.get(lane, 0))
            return None
        self.rows.setdefault(lane, {})[name[0]] = int(seq)
        return lane

    def copy(self) -> "Promised":
        return Promised({lane: dict(rows) for lane, rows in self.rows.items()}, {})

    def missing(self, found: dict[str, dict[str, int]], forgotten: dict[str, int]) -> set[str]:
        """Accepted, not to be forgotten yet, and not there."""
        return {
            name
            for lane, rows in self.rows.items()
            for name, seq in rows.items()
            if seq > forgotten.get(lane, 0) and name not in found.get(lane, {})
        }


def keep_pipe_clean() -> None:
    """A writer's log must not be taken for what it tells."""
    sys.stdout = sys.stderr
