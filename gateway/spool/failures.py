"""How a lane fails, and what SQLite's codes mean for its file."""

import sqlite3
from typing import Final

_CORRUPT: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRIMARY: Final = 0xFF  # the extended codes carry the primary one in the low byte


class SpoolFull(Exception):  # noqa: N818 - reads as what it is
    """The disk has no room for this; nothing was accepted."""


class Unsynced(Exception):  # noqa: N818 - as above
    """The rows are in the file and go to the hub; the disk promises nothing, and so do we."""


def is_damage(error: sqlite3.Error) -> bool:
    """True when SQLite says that the file itself is broken."""
    return _code(error) in _CORRUPT


def is_full(error: sqlite3.Error) -> bool:
    return _code(error) == sqlite3.SQLITE_FULL


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY
