"""One change of the book by a command, beside a hub that may be running."""

from collections.abc import Callable
from typing import Final, TypeVar

from hearthwatch.clock import wall_ms
from ledger.place import Place
from ledger.unit_of_work import UnitOfWork

T = TypeVar("T")

# Who the trail says it was.
ACTOR: Final = "admin-command"


def change_book(book: Place, apply: Callable[[UnitOfWork], T]) -> T:
    """One change of the book from outside the hub; waits while the hub writes."""
    book.migrate()
    connection = book.open_writer()
    try:
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        result = apply(UnitOfWork(cursor, wall_ms()))
        cursor.execute("COMMIT")
        return result
    finally:
        connection.close()
