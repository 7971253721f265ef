"""A book as it was before a newer program changed its schema: the way back.

A book in SQLite is copied beside itself, as `hub.db.before-NNNN`, where NNNN is the schema that
came; one in PostgreSQL as `book.before-NNNN.zip` (`ledger.archive`) into the folder it is given.
Whoever goes back loses what people did since; what gateways sent since comes again: they forget
nothing that is not in this copy too, as long as somebody may go back to it (`marks`).
"""

import contextlib
import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from contract.config import ConfigError
from ledger import archive, database
from ledger.schema import ENTRY

# Of older upgrades nobody goes back to.
KEPT: Final = 2
# Beside the copy the book itself grows while it is migrated.
ROOM: Final = 2
PAGES: Final = 1000
# Whoever has worked two weeks with a newer program does not go back to the older one's book.
WAY_BACK_MS: Final = 14 * 86_400_000
SERVERS_COPY: Final = "book"
_INSTEAD: Final = (
    "make room, or go on with the older program, or make a copy yourself"
    " and set copy_before_migrating = false under [book]"
)


def keep(path: Path) -> Path | None:
    """Of a file, durable when it returns; None: nothing is going to change. ConfigError when there
    is no room for it: then the older program goes on."""
    if not path.exists():
        return None
    if not _changes(create_engine(database.sqlite_url(path), hide_parameters=True)):
        return None
    size = path.stat().st_size
    free = shutil.disk_usage(path.parent).free
    if free < ROOM * size:
        raise ConfigError(
            "book",
            f"{path.parent} has {free >> 20} MB free, and the copy that is made before the schema"
            f" changes needs {ROOM * size >> 20}: {_INSTEAD}",
        )
    kept = path.with_name(f"{path.name}.before-{database.head()}")
    part = kept.with_name(f"{kept.name}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as book, closing(sqlite3.connect(part)) as copy:
        book.backup(copy, pages=PAGES)
    part.chmod(0o600)
    _put(part, kept, f"{path.name}.before-*")
    return kept


def keep_of_server(engine: Engine, folder: Path) -> Path | None:
    """Of a server's book, as `keep`. `engine`: reads what is stored as it is stored."""
    if not _changes(engine):
        return None
    kept = folder / f"{SERVERS_COPY}.before-{database.head()}.zip"
    part = kept.with_name(f"{kept.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with engine.connect() as connection:
            newest_ms = connection.scalar(select(func.coalesce(func.max(ENTRY.c.at_ms), 0)))
        with os.fdopen(handle, "wb") as out, engine.connect() as connection:
            archive.write(connection, out, int(newest_ms or 0))
        with zipfile.ZipFile(part) as file:
            damaged = file.testzip()
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise ConfigError(
            "book", f"the copy before the schema changes: {error}: {_INSTEAD}"
        ) from error
    finally:
        engine.dispose()
    if damaged is not None:
        raise ConfigError("book", f"{part}: {damaged} can't be read back from the disk: {_INSTEAD}")
    _put(part, kept, f"{SERVERS_COPY}.before-*.zip")
    return kept


def _changes(engine: Engine) -> bool:
    """Whether this program is going to change the schema of a book."""
    try:
        with engine.connect() as connection:
            found = database.revision_of(connection)
    finally:
        engine.dispose()
    return found is not None and found != database.head() and database.knows(found)


def _put(part: Path, kept: Path, pattern: str) -> None:
    _make_durable(part)
    part.replace(kept)
    _make_durable(kept.parent)
    for old in sorted(kept.parent.glob(pattern))[:-KEPT]:
        old.unlink()


def marks(folder: Path, name: str, now_ms: int) -> Mapping[str, int] | None:
    """How far the newest of these copies has each spool; None: nobody goes back to one any more.
    One that can't be read has nothing."""
    found = [path for path in folder.glob(f"{name}.before-*") if path.suffix != ".part"]
    if not found:
        return None
    newest = max(found)
    if now_ms - int(newest.stat().st_mtime * 1000) > WAY_BACK_MS:
        return None
    try:
        return _marks_in_zip(newest) if newest.suffix == ".zip" else _marks_in_file(newest)
    except (OSError, ValueError, KeyError, SQLAlchemyError, sqlite3.Error, zipfile.BadZipFile):
        return {}


def _marks_in_file(path: Path) -> Mapping[str, int]:
    # Nobody writes it; without that word SQLite would want to make files for its log beside it.
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as copy:
        return dict(copy.execute("SELECT spool, contiguous FROM spool_mark").fetchall())


def _marks_in_zip(path: Path) -> Mapping[str, int]:
    with zipfile.ZipFile(path) as file:
        columns = archive.read_manifest(file).columns["spool_mark"]
        rows = [json.loads(line) for line in file.read("spool_mark.jsonl").splitlines()]
    spool, contiguous = columns.index("spool"), columns.index("contiguous")
    return {row[spool]: row[contiguous] for row in rows}


def drop(folder: Path, name: str) -> None:
    """Who was erased must not be found there."""
    for old in folder.glob(f"{name}.before-*"):
        old.unlink()


def _make_durable(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
