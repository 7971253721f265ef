"""A ring at the connections of a book: texts are opened as the driver reads them.

The seam is here and not at columns, because rows are read in some sixty places and by two drivers;
none of them knows that anything is sealed. What must see the cipher text (copies, the chain) reads
by connections without a ring, or as bytes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from sqlalchemy import Connection, Engine, event

from ledger.cursor import Cursor
from ledger.sealing.ring import Ring

# Of an SQLAlchemy engine: where its ring is found.
_OPTION: Final = "hearthwatch_ring"


def ring_of(cursor: Cursor) -> Ring | None:
    """None: a book whose texts are plain (tests, simulations)."""
    return cast("Ring | None", getattr(getattr(cursor, "connection", None), "ring", None))


@contextmanager
def texts_as_stored(cursor: Cursor) -> Iterator[Cursor]:
    """A cursor of the same connection, whose texts come as they are stored: who reads a province
    opens what is looked at (`ledger.kept_rows`). Until the end nobody else reads there."""
    if ring_of(cursor) is None:
        yield cursor
        return
    with cursor.connection.texts_as_stored() as stored:
        yield stored


def ring_at(connection: Connection) -> Ring | None:
    """As `ring_of`, of a connection for reading."""
    return cast("Ring | None", connection.get_execution_options().get(_OPTION))


def read_open(engine: Engine, ring: Ring, open_texts: Callable[[Any, Ring], None]) -> Engine:
    """The same pool, whose texts come open; `open_texts` does it to a driver's own connection."""

    @event.listens_for(engine, "connect")
    def _open(raw: Any, _entry: object) -> None:
        open_texts(raw, ring)

    engine.update_execution_options(**{_OPTION: ring})
    return engine


def content_of(connection: Connection, stored: bytes) -> bytes:
    """Bytes of a row, which no driver opens; none where the key is destroyed."""
    ring = ring_at(connection)
    return stored if ring is None else ring.content(stored)


def blind(ring: Ring | None, what: str, text: str) -> str:
    """What stands in a column of which only equality is asked; the text itself in a plain book."""
    return text if ring is None else ring.blind(what, text)
