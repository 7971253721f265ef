"""Opening the book of record: engines, migrations, and SQL text for the writer's hot path.

The schema is SQLAlchemy's (one for both dialects); the single writer speaks DB-API directly with
statements made here once, because a transaction of ten statements costs 0.1 ms that way and 1 ms
through an ORM-less Core execution.
"""

import contextlib
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine, Table, create_engine, event, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.pool import ConnectionPoolEntry

from contract.config import ConfigError

if TYPE_CHECKING:
    # Alembic takes as long to import as a county's register takes to read, and most starts find
    # the schema as it is to be: it is imported where something is migrated.
    from alembic.config import Config

MIGRATIONS: Final = Path(__file__).parent / "migrations"
# As each file of them says who it is and whom it follows.
_REVISION: Final = re.compile(r'^(down_)?revision\b[^=]*= "(\w+)"', re.MULTILINE)

# 64 MiB keeps the indexes of a county's alarms in memory.
_CACHE_KIB: Final = 64 * 1024
# The write-ahead log is folded beside the writer (`checkpoint`), so that no press waits for it;
# should that ever stop, the writer does it itself at 32,000 pages (128 MiB).
_CHECKPOINT_PAGES: Final = 32_000
# A reader or a backup may hold the file for a moment; nothing holds it longer than this.
BUSY_TIMEOUT_MS: Final = 10_000
# Until readers have let the log go; whoever erases waits for it.
FOLD_TRIES: Final = 20
FOLD_AGAIN_S: Final = 0.5
# No reader says that it has ended.
_NEVER: Final = threading.Event()
# Room made in the write-ahead log at the start, for about 100 presses between two foldings: a
# sync of a file that grows also writes the file system's journal and takes about twice as long.
LOG_ROOM_BYTES: Final = 8 * 1024 * 1024


class BookNewerError(ConfigError):
    """The book's schema is one that this program doesn't know."""


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def open_writer(
    path: Path, connect: Callable[..., sqlite3.Connection] = sqlite3.connect
) -> sqlite3.Connection:
    """The one writing connection: WAL with a sync per commit, transactions begun by hand.
    `connect`: a simulation's own counts what its disk would have kept."""
    connection = connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    # What is deleted or overwritten is gone from the page too, not only from its index.
    connection.execute("PRAGMA secure_delete=ON")
    return connection


def make_log_room(connection: sqlite3.Connection, path: Path) -> None:
    """Lengthen the write-ahead log with zeros, which SQLite takes for its end.

    The write lock is held meanwhile: a frame that somebody else appended at the same moment would
    be overwritten, and a committed press with it. A full disk or a busy file only costs the speed.
    """
    log = path.with_name(f"{path.name}-wal")
    with contextlib.suppress(sqlite3.Error):
        connection.execute("BEGIN IMMEDIATE")
        with contextlib.suppress(OSError), log.open("r+b") as handle:
            missing = LOG_ROOM_BYTES - handle.seek(0, os.SEEK_END)
            if missing > 0:
                handle.write(bytes(missing))
                handle.flush()
                os.fsync(handle.fileno())
        connection.execute("ROLLBACK")


def checkpoint(path: Path) -> None:
    """Fold the write-ahead log into the file as far as no reader needs it; blocks nobody."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    finally:
        connection.close()


def fold_all(path: Path, pause: Callable[[float], object] = _NEVER.wait) -> bool:
    """Fold the write-ahead log and empty it; False while a reader still needs it.

    SQLite would wait for readers with the write lock held, and a press behind it; so nothing is
    waited for there, and it is tried again.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA busy_timeout=0")
        for _try in range(FOLD_TRIES):
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                return True
            pause(FOLD_AGAIN_S)
        return False
    finally:
        connection.close()


# Connections that stay, and the most there are: one for each thread that answers requests (40), and
# some for those that look at gateways' keys, so that no press waits behind a flood of readers.
# PostgreSQL takes 100 as it is installed.
READERS_KEPT: Final = 10
READERS_MAX: Final = 50


def open_reader(url: str) -> Engine:
    """A pool for reading; on SQLite the connections refuse to write."""
    engine = create_engine(
        url,
        pool_pre_ping=not url.startswith("sqlite"),
        pool_size=READERS_KEPT,
        max_overflow=READERS_MAX - READERS_KEPT,
        # What is written tells of people, and errors are logged.
        hide_parameters=True,
    )
    if url.startswith("sqlite"):

        @event.listens_for(engine, "connect")
        def _read_only(raw: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
            raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            raw.execute("PRAGMA query_only=ON")

    return engine


def migrate(url: str) -> None:
    """Bring the database to this program's schema; a no-op when it is there. BookNewerError."""
    with changing(url) as connection:
        found = revision_of(connection)
        if found == head():
            return
        if found is not None and not knows(found):
            raise BookNewerError(
                "book",
                f"written by a newer program (schema {found}, this one knows {head()})"
                ": install that one, or go back as docs/deployment.md says",
            )
        upgrade(connection, "head")


def revision_of(connection: Connection) -> str | None:
    """The schema that a book is at; None: there is none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


@cache
def head() -> str:
    """The schema of this program: that of the migration which no other one follows."""
    [newest] = _revisions("") - _revisions("down_")
    return newest


@cache
def _revisions(which: str) -> frozenset[str]:
    texts = (path.read_text() for path in (MIGRATIONS / "versions").glob("*.py"))
    return frozenset(
        name for text in texts for before, name in _REVISION.findall(text) if before == which
    )


@contextlib.contextmanager
def changing(url: str) -> Iterator[Connection]:
    """One transaction that may change the schema: all of it or nothing."""
    engine = create_engine(url, hide_parameters=True)
    if url.startswith("sqlite"):
        # The driver would commit every CREATE by itself; a kill in the middle must leave nothing.
        event.listen(engine, "connect", _begin_by_hand)
        event.listen(engine, "begin", _begin)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _begin_by_hand(raw: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    raw.isolation_level = None
    raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def upgrade(connection: Connection, revision: str) -> None:
    from alembic import command

    command.upgrade(_alembic(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    from alembic import command

    command.downgrade(_alembic(connection), revision)


def knows(revision: str) -> bool:
    """Whether this program has the migrations up to `revision`."""
    return revision in _revisions("")


def _alembic(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def insert_sql(table: Table, columns: Sequence[str] | None = None, conflict: str = "") -> str:
    """`INSERT INTO table (…) VALUES (?, …) <conflict>` over the table's columns in order."""
    names = list(columns) if columns is not None else [c.name for c in table.columns]
    quoted = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    # Names come from the schema above, never from input.
    return f'INSERT INTO "{table.name}" ({quoted}) VALUES ({marks}) {conflict}'.rstrip()  # noqa: S608


def update_sql(table: Table, columns: Sequence[str], keys: Sequence[str]) -> str:
    """`UPDATE table SET … WHERE …`: the values of the columns, then of the keys."""
    assignments = ", ".join(f'"{name}" = ?' for name in columns)
    condition = " AND ".join(f'"{name}" = ?' for name in keys)
    # As above.
    return f'UPDATE "{table.name}" SET {assignments} WHERE {condition}'  # noqa: S608


def upsert_sql(table: Table, columns: Sequence[str] | None = None) -> str:
    """An insert that replaces the row with the same primary key."""
    names = list(columns) if columns is not None else [c.name for c in table.columns]
    keys = [c.name for c in table.primary_key.columns]
    updates = ", ".join(f'"{n}" = excluded."{n}"' for n in names if n not in keys)
    key_list = ", ".join(f'"{k}"' for k in keys)
    return insert_sql(table, names, f"ON CONFLICT ({key_list}) DO UPDATE SET {updates}")
