"""What other processes have written since this one looked last (ADR 0022).

Each transaction of a process that shares its book begins by reading the log behind the row that it
has seen last, under the lock under which all write: numbers are drawn there, so that they come in
the order of the commits. The row that was seen last is read with them. Where it is gone, the log
was shortened meanwhile, and memory is read back as a whole; so it is where there is too much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.cursor import Cursor
from ledger.register_changes import Changed

# More rows than these are read one by one in the time in which most of memory is read as a whole;
# a burst of 256 presses makes about half as many.
CHANGES_MAX: Final = 2_000
# Kept so long after they were written: who slept longer reads everything.
KEPT_MS: Final = 10 * 60_000
# Taken away in one transaction; a press waits for no more.
SHORTENED_MAX: Final = 5_000

# Between the parts of a key.
BETWEEN: Final = "\x1f"

_NEWEST: Final = "SELECT max(seq) FROM book_change"
_SHORTEN: Final = (
    "DELETE FROM book_change WHERE seq IN (SELECT seq FROM book_change"
    " WHERE seq < (SELECT max(seq) FROM book_change)"
    " AND at_ms < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - ?"
    " ORDER BY seq LIMIT ?)"
)


@dataclass(frozen=True, slots=True)
class Changes:
    """By kind the keys of rows that were written, each once, in their order."""

    keys: dict[str, dict[str, None]]

    def of(self, kind: str) -> Sequence[str]:
        return tuple(self.keys.get(kind, ()))

    def has(self, kind: str) -> bool:
        return kind in self.keys

    def __bool__(self) -> bool:
        return bool(self.keys)

    def roster(self) -> Changed:
        return Changed(
            regions=frozenset(self.of("region")),
            homes=frozenset(self.of("home")),
            persons=frozenset(self.of("person")),
            gateways=frozenset(self.of("gateway")),
            devices=frozenset(pair(key) for key in self.of("device")),
            accounts=frozenset(self.of("account")),
        )


def pair(key: str) -> tuple[str, str]:
    first, _, second = key.partition(BETWEEN)
    return first, second


class ChangeLog:
    """`origin`: this process, whose own rows are no news. In the writer's thread."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._seen = 0
        self._news: Changes | None = Changes({})

    @property
    def look(self) -> str:
        """The statement that reads what is new; numbers of this process's own are in its text."""
        return (
            "SELECT seq, origin, kind, key FROM book_change"  # noqa: S608 - a number
            f" WHERE seq >= {self._seen} ORDER BY seq LIMIT {CHANGES_MAX + 1}"
        )

    def restart(self, cursor: Cursor) -> None:
        """Before memory is read as a whole."""
        cursor.execute(_NEWEST)
        self._seen = int(cursor.fetchone()[0] or 0)
        self._news = Changes({})

    def found(self, rows: Sequence[Any]) -> None:
        """What `look` gave."""
        if not rows or rows[0][0] != self._seen or len(rows) > CHANGES_MAX:
            self._news = None
            return
        keys: dict[str, dict[str, None]] = {}
        for _seq, origin, kind, key in rows[1:]:
            if origin != self.origin:
                # Put to the end: the order is that of the last writing.
                of_kind = keys.setdefault(kind, {})
                of_kind.pop(key, None)
                of_kind[key] = None
        self._seen = rows[-1][0]
        self._news = Changes(keys)

    def take(self) -> Changes | None:
        """What the last look found; None: too much, or not known: read all back."""
        news, self._news = self._news, Changes({})
        return news


def shorten(cursor: Cursor) -> bool:
    """Take away what everybody has read; True when there may be more."""
    return cursor.execute(_SHORTEN, (KEPT_MS, SHORTENED_MAX)).rowcount >= SHORTENED_MAX
