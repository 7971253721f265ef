"""Whether an SQLite file is what was written: its pages, and its write-ahead log.

SQLite trusts what it reads. It is asked here, with the names that people know: a damaged page by
its table, a log that was cut short in its middle by how many commits are missing.
"""

import mmap
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from contract.sqlite_log import lost_commits
from ledger.cursor import BookUnreachableError

# Lines about one table; one bad page makes one or two.
LISTED_MAX: Final = 20

# A page that is wrong, or that the disk no longer gives.
_UNREADABLE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR)
_PRIMARY: Final = 0xFF  # SQLite's extended codes carry the primary one in the low byte


def damage_of(error: BaseException) -> str | None:
    """SQLite's word for a damaged file, when this is one."""
    return _word(error, (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


def trouble_of(error: BaseException) -> str | None:
    """SQLite's word for a disk that is full, read-only or broken, when this is one."""
    disk = (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
    )
    return _word(error, disk)


def _word(error: BaseException, codes: Collection[int]) -> str | None:
    cause = getattr(error, "orig", None) or error
    code = int(getattr(cause, "sqlite_errorcode", 0)) & _PRIMARY
    return str(cause) if code in codes else None


def damaged_log(path: Path) -> str | None:
    """Before anybody else has the file open: afterwards SQLite has forgotten the rest."""
    log = path.with_name(f"{path.name}-wal")
    if not path.exists() or not log.exists() or log.stat().st_size == 0:
        return None
    with log.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as held:
        try:
            with closing(sqlite3.connect(path)) as connection:
                # How many frames are believed is told nowhere else.
                row = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                missing = lost_commits(held, max(row[1], 0))
        except sqlite3.DatabaseError as error:
            return f"{path.name}: {error}"
    if not missing:
        return None
    return f"{log.name} is damaged in its middle: {missing} commits or more behind it are lost"


def damaged_pages(path: Path, *, deep: bool = False) -> tuple[str, ...]:
    """What is wrong with the file's pages, by table. `deep`: also each index against its rows,
    which takes a multiple of the time. Beside a running hub too. BookUnreachableError: the
    file can't be looked at just now, which says nothing about it."""
    check = "integrity_check" if deep else "quick_check"
    try:
        with closing(sqlite3.connect(path)) as connection:
            if connection.execute(f"PRAGMA {check}(1)").fetchone() == ("ok",):
                return ()
    except sqlite3.DatabaseError as error:
        if _word(error, _UNREADABLE) is None:
            raise BookUnreachableError(f"{path.name}: {error}") from error
        whole = f"{path.name}: {error}"
    else:
        whole = f"{path.name}: damaged, in no table"
    return tuple(_by_table(path, check)) or (whole,)


def _by_table(path: Path, check: str) -> Iterator[str]:
    """One table after the other: a page that can't be read at all ends a look at the whole file."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            names = [str(name) for (name,) in tables]
    except sqlite3.DatabaseError:
        return
    for name in names:
        try:
            with closing(sqlite3.connect(path)) as connection:
                asked = f"PRAGMA {check}('{name}')"  # names of our own schema
                lines = [str(row[0]) for row in connection.execute(asked)][:LISTED_MAX]
        except sqlite3.DatabaseError as error:
            lines = [str(error)]
        for line in "\n".join(lines).split("\n"):
            if line != "ok":
                yield f"table {name}: {line}"
