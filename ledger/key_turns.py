"""Who works on what is known by a key, among all the processes that share a book."""

from typing import Protocol


class KeyTurns(Protocol):
    """From any thread. One process asks once for a key until it has given it back."""

    def take(self, key: str) -> bool:
        """False: another process has it. BookUnreachableError: nobody can say."""
        ...

    def give(self, key: str) -> None:
        """Also of what was lost meanwhile; never fails."""
        ...

    def close(self) -> None: ...
