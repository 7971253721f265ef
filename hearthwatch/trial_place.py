"""Where what a copy holds lies in clear for a moment, while it is made or taken back for a trial.

A sealed copy is to tell nothing to who finds it; so what was in it lies nowhere but where the hub
has it in clear anyway, or in memory. And nothing stays: not by an error, not by SIGTERM, and what
a SIGKILL has left goes with the next run.
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from ledger.archive import ArchiveError

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of a random name and mode 0700 in it
# A book in SQLite is larger than its lines in a zip, and its log comes beside it.
ROOM_TIMES: Final = 3
# Of folders that are thrown away; the number is the process that made it.
_PREFIX: Final = ".hearthwatch-try-"


def place_for(
    *, sealed: bool, size: int, data_dir: Path | None, beside: Path | None
) -> Path | None:
    """The folder for a trial of a copy that holds `size` bytes; None: the system's own. `beside`:
    where the copy was just written, and there was room. ArchiveError: there is none."""
    if not sealed:
        return beside
    if data_dir is not None and data_dir.is_dir():
        return data_dir
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_TIMES * size:
        return MEMORY
    raise ArchiveError(
        "what is in a sealed copy must not lie in clear beside it, and it is too large for memory:"
        " --within names a folder for the trial, on a disk that is the hub's or sealed"
    )


@contextmanager
def thrown_away(within: Path | None) -> Iterator[Path]:
    """A folder for its owner alone, which goes in any case; and those that were left."""
    place = Path(tempfile.gettempdir()) if within is None else within
    for left in place.glob(f"{_PREFIX}*-*"):
        if not _lives(left.name.removeprefix(_PREFIX).partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    prefix = f"{_PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place) as folder, _until_terminated():
        yield Path(folder)


def _lives(number: str) -> bool:
    """Whether the process that made it is there. One that had our number is not."""
    if not number.isdigit() or int(number) == os.getpid():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def _until_terminated() -> Iterator[None]:
    """SIGTERM ends a program before it has thrown anything away, if nobody catches it."""

    def ended(_number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + signal.SIGTERM)

    try:
        before = signal.signal(signal.SIGTERM, ended)
    except ValueError:  # not the main thread: whoever has that has its own ways
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
