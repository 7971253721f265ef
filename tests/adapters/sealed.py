"""Books that are sealed, as every hub's is; a plain `SqliteBook` is for tests of other things."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger.place import Place, PostgresBook, SqliteBook
from ledger.sealing import key_file
from ledger.sealing.ring import Ring
from ledger.unit_of_work import UnitOfWork
from tests.adapters.migrated import migrated

NOW_MS = 1_795_363_200_000


def key_path(folder: Path) -> Path:
    return folder / "keys" / "persons.json"


def sealed_file(path: Path, keys: Path | None = None) -> SqliteBook:
    """A book beside its key file, which is made where it is not there."""
    return SqliteBook(path=path, ring=ring_in(keys or key_path(path.parent)))


def sealed_place(place: Place, keys: Path) -> Place:
    assert isinstance(place, SqliteBook | PostgresBook)
    return replace(place, ring=ring_in(keys))


def ring_in(path: Path) -> Ring:
    if not path.exists():
        key_file.write(path, key_file.made(NOW_MS))
    return Ring(path)


def changed(place: Place, apply: Callable[[UnitOfWork], Any], now_ms: int = NOW_MS) -> Any:
    """One change by a connection of its own, at a time of the test's."""
    connection = place.open_writer()
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    done = apply(UnitOfWork(cursor, now_ms))
    cursor.execute("COMMIT")
    connection.close()
    return done


def book_of(request: Any, folder: Path) -> Place:
    """A book in clear as this program makes it, where the test's parameter says."""
    if request.param == "postgres":
        book: Place = request.getfixturevalue("postgres").fresh()
        return book
    return SqliteBook(path=migrated(folder / "hub.db"))
