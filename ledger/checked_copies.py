"""Copies of the book that were taken back for a trial, and how far each has every spool.

A gateway forgets acknowledged rows as far as the hub says that they are in copies too. Said is only
what the newest `kept` copies that are still there all have: whichever of them the book is restored
from, the gateways have the rest. Records stand in the book itself, so that a restored book knows of
no copy that is younger than its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from ledger.chain import GENESIS
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.schema import BACKUP_COPY, BACKUP_THROUGH, ENTRY, EVENT, SPOOL_MARK
from ledger.unit_of_work import DRAWN, UnitOfWork

# Two: one may turn out to be lost on the day it is needed.
KEPT: Final = 2
# Two weeks of nights. Older copies are no use for gateways, so what is known of them goes.
KEPT_MAX: Final = 14
# Links read at once on the way back to a copy's newest entry.
PORTION: Final = 5000

_COPY_COLUMNS: Final = [c.name for c in BACKUP_COPY.columns if c.name != "seq"]
_INSERT_COPY: Final = insert_sql(BACKUP_COPY, _COPY_COLUMNS, DRAWN)
_INSERT_THROUGH: Final = insert_sql(BACKUP_THROUGH)
_SAME: Final = "SELECT seq FROM backup_copy WHERE head = ? AND made_at_ms = ?"
# By what is in them, not by the clock. Of an older program's time there may be none.
_NEWEST: Final = (
    "SELECT seq FROM backup_copy WHERE gone_at_ms IS NULL"
    " ORDER BY event_seq DESC, made_at_ms DESC LIMIT ?"
)
# What came after the newest event of a copy; a number below the copy's mark was given twice, by a
# gateway whose card was put back to an older day.
_SINCE: Final = "SELECT spool, min(spool_seq) FROM event WHERE seq > ? GROUP BY spool"
_VOID: Final = "UPDATE backup_through SET through = 0 WHERE spool = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a copy turned out to have when it was restored. `through`: by spool, every number."""

    event_seq: int
    through: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCopy:
    """A copy that can be taken back. `head`: of its entries, as hex."""

    made_at_ms: int
    head: str
    place: str
    size: int
    held: Held


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A checked copy as the book knows it."""

    seq: int
    made_at_ms: int
    head: str
    event_seq: int
    place: str
    size: int
    gone_at_ms: int | None


def held_in(restored: Connection) -> Held:
    """Of a book that was made from a copy. Of each spool no further than the number that came last:
    a card that was put back to an older day gives what is above it once more."""
    newest = select(func.max(EVENT.c.seq)).group_by(EVENT.c.spool)
    last = select(EVENT.c.spool, EVENT.c.spool_seq).where(EVENT.c.seq.in_(newest))
    reached = {row.spool: row.spool_seq for row in restored.execute(last)}
    marks = restored.execute(select(SPOOL_MARK.c.spool, SPOOL_MARK.c.contiguous))
    return Held(
        event_seq=int(restored.scalar(select(func.coalesce(func.max(EVENT.c.seq), 0))) or 0),
        through={row.spool: min(row.contiguous, reached.get(row.spool, 0)) for row in marks},
    )


def is_of_this_book(book: Connection, head: str) -> bool:
    """Whether the newest entry of a copy is one of this book: not of another county's, nor of what
    was written after the copy that this book was restored from."""
    wanted = bytes.fromhex(head)
    if wanted == GENESIS:
        return False
    newest_first = select(ENTRY.c.link).order_by(ENTRY.c.seq.desc())
    with book.execution_options(yield_per=PORTION).execute(newest_first) as found:
        return any(bytes(link) == wanted for link in found.scalars())


def records(book: Connection) -> list[Record]:
    """The newest first."""
    columns = (BACKUP_COPY.c[name] for name in Record.__dataclass_fields__)
    order = (BACKUP_COPY.c.event_seq.desc(), BACKUP_COPY.c.made_at_ms.desc())
    return [Record(**row) for row in book.execute(select(*columns).order_by(*order)).mappings()]


def note(
    unit: UnitOfWork, copy: CheckedCopy, gone: Iterable[int], still_needed: Mapping[str, int] | None
) -> None:
    """A copy was checked; `gone`: records whose files are not there any more. `still_needed`: marks
    of a book that somebody may go back to, which gateways must not forget beyond."""
    unit.execute("UPDATE backup_copy SET gone_at_ms = NULL")
    for seq in gone:
        unit.execute("UPDATE backup_copy SET gone_at_ms = ? WHERE seq = ?", (unit.now_ms, seq))
    known = unit.execute(_SAME, (copy.head, copy.made_at_ms)).fetchone()
    if known is not None:
        unit.execute("DELETE FROM backup_through WHERE copy = ?", (known[0],))
        unit.execute("DELETE FROM backup_copy WHERE seq = ?", (known[0],))
    row = (
        copy.made_at_ms,
        unit.now_ms,
        copy.head,
        copy.held.event_seq,
        copy.place,
        copy.size,
        None,
    )
    seq = unit.numbered(_INSERT_COPY, row)
    since = dict(unit.execute(_SINCE, (copy.held.event_seq,)).fetchall())
    for spool, contiguous in sorted(copy.held.through.items()):
        through = min(contiguous, since.get(spool, contiguous + 1) - 1)
        if still_needed is not None:
            through = min(through, still_needed.get(spool, 0))
        unit.execute(_INSERT_THROUGH, (seq, spool, through))
    useful = [row[0] for row in unit.execute(_NEWEST, (KEPT_MAX,)).fetchall()]
    marks = ", ".join("?" * len(useful))
    unit.execute(f"DELETE FROM backup_through WHERE copy NOT IN ({marks})", tuple(useful))  # noqa: S608 - question marks


def said(cursor: Cursor, kept: int) -> dict[str, int]:
    """By spool: how far `kept` copies have everything. Empty while there are fewer."""
    cursor.execute(_NEWEST, (kept,))
    newest = [row[0] for row in cursor.fetchall()]
    if len(newest) < kept:
        return {}
    marks = ", ".join("?" * kept)
    cursor.execute(
        f"SELECT spool, min(through) FROM backup_through WHERE copy IN ({marks})"  # noqa: S608 - question marks
        " GROUP BY spool HAVING count(*) = ?",
        (*newest, kept),
    )
    return {spool: through for spool, through in cursor.fetchall() if through > 0}


def void(unit: UnitOfWork, spool: str) -> None:
    """Its numbers are given a second time: those that copies have say nothing of them."""
    unit.execute(_VOID, (spool,))
