"""Rows by their keys, a few statements for many of them."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from ledger.cursor import Cursor

# Statements of so many keys: few texts, so that a server keeps them prepared.
_SIZES: Final = (1, 8, 64, 512)


def keyed_rows(cursor: Cursor, table: str, key: str, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Those that there are; names are of the schema, never of input."""
    found: list[dict[str, Any]] = []
    for portion, size in _portions(keys):
        marks = ", ".join("?" * size)
        # The last one again where there are fewer.
        filled = (*portion, *([portion[-1]] * (size - len(portion))))
        cursor.execute(f'SELECT * FROM "{table}" WHERE {key} IN ({marks})', filled)  # noqa: S608 - names of the schema
        names = [column[0] for column in cursor.description]
        found += [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return found


def _portions(keys: Sequence[str]) -> Iterator[tuple[Sequence[str], int]]:
    at = 0
    while at < len(keys):
        left = len(keys) - at
        size = next((size for size in _SIZES if size >= left), _SIZES[-1])
        yield keys[at : at + size], size
        at += size
