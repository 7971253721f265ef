"""Whether the chains of a book hold: its entries, and the trail of who looked at what."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    String,
    Table,
    cast,
    func,
    select,
)

from ledger.chain import AUDIT_FIELDS, ENTRY_FIELDS, GENESIS, link
from ledger.schema import AUDIT, ENTRY

# Rows at a time from the database: a few MB, however long the book is.
PORTION: Final = 5000
# Breaks that are listed; who edits one row makes one.
LISTED_MAX: Final = 20

CHAINS: Final[tuple[tuple[Table, tuple[str, ...]], ...]] = (
    (ENTRY, ENTRY_FIELDS),
    (AUDIT, AUDIT_FIELDS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """One table. `broken` are the numbers of rows that don't follow from the one before; `head` is
    the newest link as hex, empty in an empty table."""

    table: str
    rows: int
    head: str
    broken: tuple[int, ...]
    breaks: int
    missing: tuple[str, ...]  # anchors that were asked for and are not there

    @property
    def holds(self) -> bool:
        return not self.breaks and not self.missing


def check(
    connection: Connection,
    anchors: frozenset[str] = frozenset(),
    progress: Callable[[int], None] = lambda _rows: None,
) -> list[ChainState]:
    """Every row of every chain. `anchors` are heads of earlier days, as hex: each must be there."""
    states = []
    wanted = set(anchors)
    for table, fields in CHAINS:
        states.append(_walk(connection, table, fields, wanted, progress))
    # An anchor doesn't say of which table it is: what no chain has is missing from the book.
    first = states[0]
    states[0] = ChainState(
        table=first.table,
        rows=first.rows,
        head=first.head,
        broken=first.broken,
        breaks=first.breaks,
        missing=tuple(sorted(wanted)),
    )
    return states


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a table was checked: `seq` and `link` (hex) of the last row, of `rows` looked at."""

    table: str
    seq: int
    link: str
    rows: int
    broken: tuple[int, ...]
    more: bool

    @property
    def holds(self) -> bool:
        return not self.broken


def check_on(connection: Connection, name: str, after: int, before_hex: str, limit: int) -> Step:
    """At most `limit` rows behind the row `after`, whose link was `before_hex` when it was checked;
    after -1 from the beginning. That row must still be there, as it was."""
    table, fields = next((t, f) for t, f in CHAINS if t.name == name)
    broken: list[int] = []
    before = bytes.fromhex(before_hex)
    if after >= 0:
        stored = connection.scalar(select(table.c.link).where(table.c.seq == after))
        if bytes(stored or b"") != before:
            broken.append(after)
            before = bytes(stored or GENESIS)
    seq, count, more = after, 0, False
    for place, stored_link, values in stored_rows(connection, table, fields, after):
        if count == limit:
            more = True
            break
        if link(before, values) != stored_link and len(broken) < LISTED_MAX:
            broken.append(place)
        before, seq, count = stored_link or GENESIS, place, count + 1
    return Step(table=name, seq=seq, link=before.hex(), rows=count, broken=tuple(broken), more=more)


def newest_links(connection: Connection) -> dict[str, str]:
    """The head of each table's chain as hex: an anchor, for whoever keeps it elsewhere."""
    heads = {}
    for table, _fields in CHAINS:
        newest = select(table.c.link).order_by(table.c.seq.desc()).limit(1)
        heads[table.name] = bytes(connection.scalar(newest) or GENESIS).hex()
    return heads


def _walk(
    connection: Connection,
    table: Table,
    fields: tuple[str, ...],
    wanted: set[str],
    progress: Callable[[int], None],
) -> ChainState:
    before, count, breaks = GENESIS, 0, 0
    broken: list[int] = []
    for seq, stored, values in stored_rows(connection, table, fields):
        if link(before, values) != stored:
            breaks += 1
            broken += [seq] if len(broken) < LISTED_MAX else []
        # From what stands there: one edit is one break, not one for each row behind it.
        before = stored or GENESIS
        if wanted:
            wanted.discard(before.hex())
        count += 1
        if count % PORTION == 0:
            progress(count)
    return ChainState(
        table=table.name,
        rows=count,
        head=before.hex(),
        broken=tuple(broken),
        breaks=breaks,
        missing=(),
    )


def stored_rows(
    connection: Connection, table: Table, fields: tuple[str, ...], after: int = -1
) -> Iterator[tuple[int, bytes, tuple[str | int | None, ...]]]:
    """Number, link and fields of each row, as they are stored."""
    columns = [_as_stored(connection, table.c[name]) for name in fields]
    while True:
        portion = select(table.c.seq, table.c.link, *columns).where(table.c.seq > after)
        found = connection.execute(portion.order_by(table.c.seq).limit(PORTION)).all()
        if not found:
            return
        for row in found:
            values = (
                bytes(v).decode() if isinstance(v, bytes | memoryview) else v for v in row[2:]
            )
            yield row[0], bytes(row[1] or b""), tuple(values)
        after = found[-1][0]


def _as_stored(connection: Connection, column: "Column[Any]") -> ColumnElement[Any]:
    """A text as its bytes: the link is over cipher text, and what is read as text comes open."""
    if not isinstance(column.type, String):
        return column
    if connection.dialect.name == "postgresql":
        return func.convert_to(column, "UTF8")
    return cast(column, LargeBinary)
