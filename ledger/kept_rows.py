"""Rows of the register as a process keeps them: a province has half a million.

A row is the tuple that the driver gave, and what all rows of its table have in common it shares; so
it takes a fifth of a dictionary's memory and is made in a tenth of its time. What is sealed stays
sealed until somebody looks at it: a start opens nobody's name, and none lies about in memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ledger.cursor import Cursor
from ledger.sealing.at_connection import ring_of, texts_as_stored
from ledger.sealing.columns import OF_TABLE
from ledger.sealing.tokens import MARK

# What many rows say alike.
_NAMES: Final = frozenset(
    {"id", "home", "region", "gateway", "kind", "model", "categories", "grade", "visitor"}
)


class Shape:
    """What rows of a table share: where each column stands, which of them may be sealed, and what
    opens those."""

    __slots__ = ("at", "opened", "sealed")

    def __init__(
        self, columns: Sequence[str], sealed: Iterable[str], opened: Callable[[str], str]
    ) -> None:
        self.at = {name: number for number, name in enumerate(columns)}
        self.sealed = frozenset(sealed)
        self.opened = opened


class KeptRow(Mapping[str, Any]):
    """As the dictionary of its columns would be."""

    __slots__ = ("_shape", "_values")

    def __init__(self, shape: Shape, values: tuple[Any, ...]) -> None:
        self._shape = shape
        self._values = values

    def __getitem__(self, column: str) -> Any:
        shape = self._shape
        value = self._values[shape.at[column]]
        if column in shape.sealed and value is not None and value.startswith(MARK):
            return shape.opened(value)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._shape.at)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        """Without what is sealed: a log may hold it."""
        return f"KeptRow{self._values!r}"


def kept_rows(
    cursor: Cursor,
    table: str,
    columns: Sequence[str],
    where: str = "",
    key: Sequence[Any] = (),
    *,
    names: dict[Any, Any] | None = None,
) -> list[KeptRow]:
    """All rows of a table, or those where the columns of `where` are `key`. `names`: of the tables
    that are read together, so that a home's name is one text in all of them."""
    ring = ring_of(cursor)
    sealed: Iterable[str] = ()
    if ring is not None and table in OF_TABLE:
        sealed = OF_TABLE[table].columns.keys() & set(columns)
    shape = Shape(columns, sealed, _as_it_is if ring is None else ring.token)
    # Names of the caller's module, never of input.
    sql = f'SELECT {", ".join(columns)} FROM "{table}"{where}'  # noqa: S608
    with texts_as_stored(cursor) as stored:
        rows = stored.execute(sql, key).fetchall()
    if names is not None:
        alike = [number for number, name in enumerate(columns) if name in _NAMES]
        rows = [_shared(row, alike, names) for row in rows]
    return [KeptRow(shape, row) for row in rows]


def _shared(row: tuple[Any, ...], alike: Sequence[int], names: dict[Any, Any]) -> tuple[Any, ...]:
    values = list(row)
    for at in alike:
        values[at] = names.setdefault(values[at], values[at])
    return tuple(values)


def _as_it_is(text: str) -> str:
    return text
