"""An empty book as the migrations make it, made once in a run and copied from then on."""

import tempfile
from functools import cache
from pathlib import Path

from ledger.place import SqliteBook


@cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory(prefix="hearthwatch-migrated-") as folder:
        path = Path(folder) / "hub.db"
        SqliteBook(path=path).migrate()
        return path.read_bytes()


def migrated(path: Path) -> Path:
    """Where there is no book yet, put an empty one there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(_empty())
    return path
