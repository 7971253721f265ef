"""What the writer's code asks of a database cursor: `sqlite3.Cursor` itself, or PostgreSQL's in the
same clothes. SQL is written once, with `?` for parameters and nothing that only one of them knows.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

# Begins a transaction that only looks at what others have written; where a book is shared.
BEGIN_LOOK: Final = "BEGIN LOOK"


class BookInUseError(Exception):
    """Another hub writes this book."""


class BookUnreachableError(Exception):
    """Its server or its disk doesn't let it be opened just now."""


class BookDamagedError(Exception):
    """The book's file can't be opened as what it is; the text says what to do."""


class Cursor(Protocol):
    """The part of DB-API 2.0 (PEP 249) that is used."""

    @property
    def rowcount(self) -> int: ...
    @property
    def description(self) -> Any: ...
    @property
    def connection(self) -> Any:
        """What it is of (PEP 249, optional extensions)."""
        ...

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> "Cursor": ...
    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> "Cursor": ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Lease(Protocol):
    """What keeps other hubs from a book."""

    @property
    def lost(self) -> bool:
        """Another hub has taken over: this one must go."""
        ...

    def give_back(self) -> None: ...


class Connection(Protocol):
    """The one writing connection; transactions are begun and ended by statements."""

    @property
    def in_transaction(self) -> bool: ...
    @property
    def Error(self) -> type[Exception]:  # noqa: N802 - the name that PEP 249 gives it
        """What all errors of this driver descend from (PEP 249, optional extensions)."""
        ...

    @property
    def OperationalError(self) -> type[Exception]:  # noqa: N802 - the name that PEP 249 gives it
        """What is the disk's or the server's fault, and not the statement's (PEP 249)."""
        ...

    def cursor(self) -> Cursor: ...
    def close(self) -> None: ...


class HubConnection(Connection, Protocol):
    """A hub's own, which keeps other hubs out as long as it is open. `damage`: what was found wrong
    with the book before it was opened."""

    damage: str | None

    @property
    def lease(self) -> Lease: ...
