"""A book and its key file belong together: seen to at a hub's start, before anything is read."""

from typing import Final

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import select

from ledger.cursor import Connection, Cursor
from ledger.database import upsert_sql
from ledger.schema import META, PERSON_KEY
from ledger.sealing import key_file
from ledger.sealing.key_file import KeyFileError
from ledger.sealing.ring import Ring

MARK: Final = "sealing"
_REMEMBER: Final = upsert_sql(META)


def begin(connection: Connection, ring: Ring, now_ms: int) -> None:
    """Make the key file of a new hub, or see that it is this book's. KeyFileError: it is not there,
    damaged, or another's; a new one is never made beside a sealed book."""
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        _begin(cursor, ring, now_ms)
        cursor.execute("COMMIT")
    except BaseException:
        cursor.execute("ROLLBACK")
        raise


def _begin(cursor: Cursor, ring: Ring, now_ms: int) -> None:
    mark = _mark(cursor)
    keks = _keks(cursor)
    if mark is None and not keks and not ring.path.exists():
        # The file first: a book that remembers one that was never written could not be opened.
        key_file.write(ring.path, key_file.made(now_ms))
    problem = disagreement(ring, mark, keks)
    if problem is not None:
        raise KeyFileError(problem)
    if mark is None:
        cursor.execute(_REMEMBER, (MARK, ring.keys.mark))


def disagreement(ring: Ring, mark: str | None, keks: frozenset[str]) -> str | None:
    """Why this key file does not open this book, and what to do; None: it does. KeyFileError."""
    keys = ring.read_again()
    if mark is None and not keks:
        return None
    if mark != keys.mark:
        return f"{ring.path}: the key file of another book; bring back the copy of this book's own"
    missing = sorted(keks - {kek.id for kek in keys.keks})
    if missing:
        return (
            f"{ring.path}: has no key {', '.join(missing)}, by which persons' keys are wrapped;"
            " bring back a newer copy of it"
        )
    return None


def sealed_by(connection: SqlConnection) -> tuple[str | None, frozenset[str]]:
    """Which file a book remembers, and which of its keys are in use."""
    mark = connection.scalar(select(META.c.value).where(META.c.key == MARK))
    found = select(PERSON_KEY.c.kek).where(PERSON_KEY.c.wrapped.is_not(None)).distinct()
    return mark, frozenset(connection.scalars(found))


def _mark(cursor: Cursor) -> str | None:
    found = cursor.execute("SELECT value FROM meta WHERE key = ?", (MARK,)).fetchall()
    return str(found[0][0]) if found else None


def _keks(cursor: Cursor) -> frozenset[str]:
    sql = "SELECT DISTINCT kek FROM person_key WHERE wrapped IS NOT NULL"
    return frozenset(str(row[0]) for row in cursor.execute(sql).fetchall())
