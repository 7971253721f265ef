"""Copies of what the readings lane keeps on this machine, made beside a running hub."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

# The store in SQLite, or what a store on a server keeps here; one of them is there.
STORES: Final = ("readings.db", "readings-state.db")
# Copied at a time while the hub goes on writing; 4 MB.
PAGES: Final = 1000


def copy_stores(source: Path, target: Path) -> list[Path]:
    """What of `STORES` is in the folder `source`, copied into `target`; each as of one moment."""
    copies = []
    for name in STORES:
        if (source / name).exists():
            with (
                closing(sqlite3.connect(source / name)) as original,
                closing(sqlite3.connect(target / name)) as copy,
            ):
                original.backup(copy, pages=PAGES)
            copies.append(target / name)
    return copies


def is_whole(path: Path) -> bool:
    """Whether SQLite finds each of the file's pages as it should be."""
    try:
        with closing(sqlite3.connect(path)) as copy:
            return bool(copy.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False
