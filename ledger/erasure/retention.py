"""Retention by rule: what is taken away by itself when its period is over, and whom to erase.

Nobody is ever erased by a rule: who left or died longer ago than records are kept, and of whom no
record is younger, is proposed; people decide.
"""

from dataclasses import dataclass
from typing import Final

from contract.moment import to_iso
from ledger.cursor import Cursor
from ledger.erasure.periods import Periods
from ledger.unit_of_work import UnitOfWork

# Rows in one transaction: a press may wait behind it.
PORTION: Final = 500
# A county that has more to look at begins with these.
PROPOSED_MAX: Final = 500

_UNREAD: Final = "SELECT count(*) FROM quarantine WHERE at_ms < ?"
_DROP_UNREAD: Final = (
    "DELETE FROM quarantine WHERE seq IN"
    " (SELECT seq FROM quarantine WHERE at_ms < ? ORDER BY seq LIMIT ?)"
)
# Nothing was written about her since: no visit, care, referral, nor a change of her file; what is
# open stands in the way of erasing and so of the proposal.
_PROPOSED: Final = (
    "SELECT p.id FROM service_user p WHERE p.erased_at_ms IS NULL AND p.left_on <> ''"
    " AND p.left_on < ?"
    " AND NOT EXISTS (SELECT 1 FROM visit v WHERE v.service_user = p.id AND v.visited_at_ms >= ?)"
    " AND NOT EXISTS (SELECT 1 FROM visit v WHERE v.home = p.home AND v.service_user IS NULL"
    " AND v.visited_at_ms >= ?)"
    " AND NOT EXISTS (SELECT 1 FROM care_line c WHERE c.person = p.id AND c.served_at_ms >= ?)"
    " AND NOT EXISTS (SELECT 1 FROM referral r WHERE r.person = p.id"
    " AND (r.created_at_ms >= ? OR r.state NOT IN ('ended', 'withdrawn')))"
    " AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.topic = 'person' AND e.subject = p.id"
    " AND e.at_ms >= ?)"
    " AND NOT EXISTS (SELECT 1 FROM alarm a WHERE a.home = p.home"
    " AND (a.state <> 'closed' OR a.raised_at_ms >= ?))"
    " ORDER BY p.id LIMIT ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """`unread`: rows to be taken away; `proposed`: persons who may be erased, the first of them."""

    unread: int
    proposed: tuple[str, ...]


def due(cursor: Cursor, periods: Periods, now_ms: int) -> Due:
    unread = cursor.execute(_UNREAD, (now_ms - periods.unread_ms,)).fetchone()[0]
    return Due(unread=int(unread), proposed=proposed(cursor, periods, now_ms))


def proposed(cursor: Cursor, periods: Periods, now_ms: int) -> tuple[str, ...]:
    """Who left or died longer ago than records are kept."""
    since_ms = now_ms - periods.records_ms
    since = to_iso(since_ms)[:10]
    keys = (since, *(since_ms for _ in range(6)), PROPOSED_MAX)
    return tuple(str(row[0]) for row in cursor.execute(_PROPOSED, keys).fetchall())


def take_away(unit: UnitOfWork, periods: Periods) -> int:
    """A portion of what has had its time; returns how many rows."""
    unit.execute(_DROP_UNREAD, (unit.now_ms - periods.unread_ms, PORTION))
    return unit.cursor.rowcount
