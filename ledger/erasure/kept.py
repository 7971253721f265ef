"""Who was erased, in a file beside the key file: a copy of the book that was made before must not
bring anybody back.

One JSON line each, appended after the commit. What the book knows and the file doesn't is added at
the next start, and the other way round is erased again.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.moment import from_iso, to_iso
from ledger.sealing.key_file import FILE_MODE, FOLDER_MODE

NAME: Final = "erasures.jsonl"


class KeptError(Exception):
    """The file can't be read; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptErasure:
    person: str
    at_ms: int
    actor: str


def beside(key_file: Path) -> Path:
    return key_file.with_name(NAME)


def read(path: Path) -> list[KeptErasure]:
    """KeptError. A last line that was cut by a power failure was not yet kept."""
    try:
        lines = path.read_text().split("\n")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise KeptError(f"{path}: cannot be read; bring back its copy") from error
    found = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            one = json.loads(line)
            found.append(
                KeptErasure(
                    person=str(one["person"]), at_ms=from_iso(one["at"]), actor=str(one["by"])
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise KeptError(f"{path}: line {number} is damaged; bring back its copy") from error
    return found


def keep(path: Path, erasures: Iterable[KeptErasure]) -> None:
    """Durable when it returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    lines = [
        json.dumps({"person": one.person, "at": to_iso(one.at_ms), "by": one.actor}) + "\n"
        for one in erasures
    ]
    if not lines:
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, FILE_MODE)
    with os.fdopen(handle, "r+b") as file:
        there = file.read()
        # Cut by a power failure: the book knows of it, so it comes again.
        file.truncate(there.rfind(b"\n") + 1)
        file.write("".join(lines).encode())
        file.flush()
        os.fsync(file.fileno())
