"""One machine's disk: real SQLite files, and what of them would be left after a crash.

Three layers, as SQLite's own documents draw them (sqlite.org: "Write-Ahead Logging", section 2;
`PRAGMA synchronous`):

  transaction   gone when the process dies
  page cache    written, so it survives the process, but not the power
  durable       synced: at each COMMIT with synchronous=FULL, with NORMAL only at a checkpoint

A crash never closes a file: its bytes are copied to a folder of the next boot, where SQLite
recovers the log as it would on a real machine. A power cut leaves out what was not synced, and may
tear the commit that was being written.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

# `PRAGMA synchronous`: from here on every commit is synced in write-ahead mode.
FULL = 2
# What fails on a full disk; deleting does too, because the log must grow for it.
_WRITES = ("INSERT", "UPDATE", "DELETE")


class Crash(BaseException):
    """The process is gone. Not an Exception: no handler of the product may survive its own end."""


class _Cursor(sqlite3.Cursor):
    def execute(self, sql, parameters=()):
        return self._watched(sql, lambda: super(_Cursor, self).execute(sql, parameters))

    def executemany(self, sql, parameters):
        return self._watched(sql, lambda: super(_Cursor, self).executemany(sql, parameters))

    def _watched(self, sql, run):
        connection = self.connection
        connection.disk.before(connection, sql)
        result = run()
        connection.disk.after(connection, sql)
        return result


class Connection(sqlite3.Connection):
    disk: "Disk"
    path: Path
    # Of `PRAGMA synchronous`; None: not asked since it may have changed.
    level: int | None = None

    def cursor(self, factory=_Cursor):
        return super().cursor(factory)

    # The C code of these two asks no overridden cursor.

    def execute(self, sql, parameters=()):
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql, parameters):
        return self.cursor().executemany(sql, parameters)

    def look(self, sql: str, *parameters):
        """A question of the oracle's: no statement of the product's, never a crash."""
        return sqlite3.Cursor(self).execute(sql, parameters).fetchall()


class Disk:
    """`on_commit(connection, durable)` is called after each commit, before the product goes on."""

    def __init__(
        self,
        root: Path,
        rng: random.Random,
        on_commit: Callable[[Connection, bool], None],
    ) -> None:
        self._root = root
        self._rng = rng
        self._on_commit = on_commit
        self._boots = 0
        self.folder = root / "0"
        self.folder.mkdir(parents=True)
        self.dead = False
        self.end = "kill"
        self.full = False
        # A crash planned for the n-th statement from now on, by its kind.
        self._statements_left: int | None = None
        self._planned = "kill"
        # Files as of their last sync, for connections that don't sync each commit.
        self._synced: dict[Path, dict[str, bytes]] = {}
        self._log_bytes = 0

    def connect(self, path, **options) -> Connection:
        if self.dead:
            raise Crash
        connection = sqlite3.connect(path, factory=Connection, **options)
        connection.disk, connection.path = self, Path(path)
        return connection

    def plan_crash(self, statements: int, kind: str) -> None:
        self._statements_left, self._planned = statements, kind

    def before(self, connection: Connection, sql: str) -> None:
        if self.dead:
            raise Crash
        if self._statements_left is not None:
            self._statements_left -= 1
            if self._statements_left <= 0 and not sql.startswith("COMMIT"):
                self.crash(self._planned)
                raise Crash
        if self.full and sql.startswith(_WRITES):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        begins = sql.startswith("BEGIN") and connection.path not in self._synced
        if begins and self._level(connection) < FULL:
            self._synced[connection.path] = _files(connection.path)
        if self._statements_left is not None and sql.startswith("COMMIT") and self._due():
            self._log_bytes = _size(connection.path)
            if self._rng.random() < 1 / 3:
                self.crash(self._planned)
                raise Crash

    def after(self, connection: Connection, sql: str) -> None:
        if sql.startswith("PRAGMA synchronous"):
            connection.level = None
        if sql.startswith("PRAGMA wal_checkpoint") and self._level(connection) > 0:
            self._synced.pop(connection.path, None)
        if not sql.startswith("COMMIT"):
            return
        if self._level(connection) >= FULL:
            self._synced.pop(connection.path, None)
        if not self._due():
            self._on_commit(connection, connection.path not in self._synced)
            return
        # Written, or half written; the product never hears of it.
        grown = _size(connection.path) - self._log_bytes
        torn = self._planned == "power" and grown > 0 and self._rng.random() < 1 / 2
        if torn:
            self.crash(
                "power", torn=(connection.path, self._log_bytes + self._rng.randrange(grown))
            )
        else:
            self._on_commit(connection, connection.path not in self._synced)
            self.crash(self._planned)
        raise Crash

    def _due(self) -> bool:
        return self._statements_left is not None and self._statements_left <= 0

    def crash(self, kind: str, torn: tuple[Path, int] | None = None) -> None:
        """The process ends here; the next boot finds what its kind of end leaves."""
        if self.dead:
            return
        self.dead = True
        self.end = kind
        self._statements_left = None
        self._boots += 1
        old, self.folder = self.folder, self._root / str(self._boots)
        self.folder.mkdir()
        for source in sorted(old.iterdir()):
            if source.suffix == ".db" or source.name.endswith("-wal"):
                shutil.copyfile(source, self.folder / source.name)
        if kind == "power":
            for path, files in self._synced.items():
                for name in (path.name, f"{path.name}-wal"):
                    (self.folder / name).unlink(missing_ok=True)
                for name, content in files.items():
                    (self.folder / name).write_bytes(content)
            if torn is not None:
                path, length = torn
                log = self.folder / f"{path.name}-wal"
                kept = log.read_bytes()[:length]
                log.write_bytes(kept + self._rng.randbytes(self._rng.randrange(64)))
        self._synced.clear()

    def boot(self) -> None:
        self.dead = False

    @staticmethod
    def _level(connection: Connection) -> int:
        if connection.level is None:
            connection.level = connection.look("PRAGMA synchronous")[0][0]
        return connection.level


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _size(path: Path) -> int:
    log = _log(path)
    return log.stat().st_size if log.exists() else 0


def _files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (path, _log(path)) if file.exists()}
