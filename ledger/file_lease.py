"""One hub for a book in an SQLite file: a lock of the operating system, gone with the process."""

import fcntl
from pathlib import Path
from typing import IO

from ledger.cursor import BookInUseError


class FileLease:
    """Held from its making to `give_back`; BookInUseError when another process has it."""

    def __init__(self, book: Path) -> None:
        path = book.with_name(f"{book.name}.hub-lock")
        self._handle: IO[bytes] = path.open("ab")
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._handle.close()
            raise BookInUseError(f"another hub has {book} open; end it first") from error

    @property
    def lost(self) -> bool:
        """Nobody can take it away."""
        return False

    def give_back(self) -> None:
        self._handle.close()
