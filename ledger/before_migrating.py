"""A book in SQLite as it was before a newer program changed its schema: the way back.

The copy lies beside the book, as `hub.db.before-NNNN`, where NNNN is the schema that came. Whoever
goes back loses what people did since; what gateways sent since comes again.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine

from contract.config import ConfigError
from ledger import database

# Of older upgrades nobody goes back to.
KEPT: Final = 2
# Beside the copy the book itself grows while it is migrated.
ROOM: Final = 2
PAGES: Final = 1000


def keep(path: Path) -> Path | None:
    """Durable when it returns; None: nothing is going to change. ConfigError when there is no room
    for it: then the older program goes on."""
    if not path.exists():
        return None
    engine = create_engine(database.sqlite_url(path))
    try:
        with engine.connect() as connection:
            found = database.revision_of(connection)
    finally:
        engine.dispose()
    if found is None or found == database.head() or not database.knows(found):
        return None
    size = path.stat().st_size
    free = shutil.disk_usage(path.parent).free
    if free < ROOM * size:
        raise ConfigError(
            "book",
            f"{path.parent} has {free >> 20} MB free, and the copy that is made before the schema"
            f" changes needs {ROOM * size >> 20}: make room, or go on with the older program",
        )
    kept = path.with_name(f"{path.name}.before-{database.head()}")
    part = kept.with_name(f"{kept.name}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as book, closing(sqlite3.connect(part)) as copy:
        book.backup(copy, pages=PAGES)
    part.chmod(0o600)
    _make_durable(part)
    part.replace(kept)
    _make_durable(path.parent)
    for old in sorted(path.parent.glob(f"{path.name}.before-*"))[:-KEPT]:
        old.unlink()
    return kept


def drop(path: Path) -> None:
    """Who was erased must not be found there."""
    for old in path.parent.glob(f"{path.name}.before-*"):
        old.unlink()


def _make_durable(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
