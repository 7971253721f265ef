"""A table whose keys come from the outside: beyond its size it forgets what was put first."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Newest(Generic[K, V]):
    """Keeps the entries that were put last."""

    __slots__ = ("_most", "_rows")

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        return self._rows.get(key)

    def put(self, key: K, value: V) -> V:
        self._rows.pop(key, None)
        self._rows[key] = value
        if len(self._rows) > self._most:
            del self._rows[next(iter(self._rows))]
        return value

    def __len__(self) -> int:
        return len(self._rows)
