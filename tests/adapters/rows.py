"""What stands in an SQLite file that a program has open."""

import sqlite3
from pathlib import Path


def rows_of(path: Path, sql: str) -> list:
    if not path.exists():
        return []
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []  # the file is there before its tables
    finally:
        connection.close()
