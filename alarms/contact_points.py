"""The ways by which people want to be reached, as the book has them.

A point counts when it was verified: a code went there by that very way and came back. One whose
provider says that there is nobody is dead until it is verified anew.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final

from contract.errors import ContractError
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.schema import CONTACT_POINT
from ledger.sealing.at_connection import blind, ring_of
from ledger.sealing.sealer import MESSAGES
from ledger.unit_of_work import UnitOfWork

# A person has a telephone or two, a mail address and a few browsers.
POINTS_MAX: Final = 12
CODE_VALID_MS: Final = 10 * 60_000
# Six digits and five tries: one in 200,000.
CODE_TRIES_MAX: Final = 5
# Between two codes: nobody's telephone is flooded by our form.
CODE_AGAIN_MS: Final = 60_000
# What an address is blinded as.
ADDRESS: Final = "address"

_COLUMNS: Final = [c.name for c in CONTACT_POINT.columns]
_INSERT: Final = insert_sql(CONTACT_POINT)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM contact_point"  # noqa: S608 - own names
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPoint:
    id: str
    owner: str
    channel: str
    address: str
    label: str
    language: str


def points_of(cursor: Cursor, owner: str) -> list[Row]:
    """All of a person's, in the order in which they want to be reached."""
    cursor.execute(f"{_SELECT} WHERE owner = ? ORDER BY place, created_at_ms, id", (owner,))
    return _rows(cursor)


def usable(row: Row) -> bool:
    return row["verified_at_ms"] is not None and row["dead_since_ms"] is None


def point(cursor: Cursor, owner: str, point_id: str) -> Row:
    """KeyError: this person has no such point."""
    cursor.execute(f"{_SELECT} WHERE owner = ? AND id = ?", (owner, point_id))
    found = _rows(cursor)
    if not found:
        raise KeyError(point_id[:64])
    return found[0]


def owners_of_phone(cursor: Cursor, phone: str) -> list[str]:
    """Who has verified this number, by whatever channel."""
    cursor.execute(
        # Of an older program's rows there is no code until they are caught up with, which takes a
        # large book minutes; an answer to an alarm waits for nothing.
        "SELECT DISTINCT owner FROM contact_point WHERE verified_at_ms IS NOT NULL"
        " AND (address_code = ? OR (address_code = '' AND address = ?)) ORDER BY owner",
        (blind(ring_of(cursor), ADDRESS, phone), phone),
    )
    return [owner for (owner,) in cursor.fetchall()]


def add(unit: UnitOfWork, new: NewPoint, *, actor: str) -> None:
    """ContractError when the person has it already, or has too many. An address that was given
    before by the same way takes the new label."""
    mine = points_of(unit.cursor, new.owner)
    if any((row["channel"], row["address"]) == (new.channel, new.address) for row in mine):
        raise ContractError("taken", "this way is in the list already")
    if len(mine) >= POINTS_MAX:
        raise ContractError("too_many", f"at most {POINTS_MAX} ways for one person")
    row: Row = dict.fromkeys(_COLUMNS)
    row.update(
        id=new.id,
        owner=new.owner,
        channel=new.channel,
        address=new.address,
        label=new.label,
        language=new.language,
        place=max((row["place"] for row in mine), default=0) + 1,
        created_at_ms=unit.now_ms,
        dead_reason="",
        code_tries=0,
    )
    row["address"] = unit.seal.text(MESSAGES, new.address)
    row["address_code"] = unit.seal.blind(ADDRESS, new.address)
    unit.execute(_INSERT, tuple(row[name] for name in _COLUMNS))
    unit.audit(actor, "added_contact_point", f"account:{new.owner}", new.channel)


def change(
    unit: UnitOfWork, owner: str, point_id: str, changes: dict[str, Any], *, actor: str
) -> None:
    """Label, language and place; KeyError: there is none."""
    point(unit.cursor, owner, point_id)
    for field, value in changes.items():
        if field not in ("label", "language", "place"):
            raise ContractError("unknown_field", f"{field[:40]} cannot be changed")
        # The name of the column is one of the three.
        unit.execute(f'UPDATE contact_point SET "{field}" = ? WHERE id = ?', (value, point_id))  # noqa: S608
    detail = ", ".join(sorted(changes))
    unit.audit(actor, "changed_contact_point", f"account:{owner}", detail)


def remove(unit: UnitOfWork, owner: str, point_id: str, *, actor: str) -> None:
    row = point(unit.cursor, owner, point_id)
    unit.execute("DELETE FROM contact_point WHERE id = ?", (point_id,))
    unit.audit(actor, "removed_contact_point", f"account:{owner}", row["channel"])


def mark_dead(unit: UnitOfWork, point_id: str, reason: str) -> None:
    """Its provider says that nobody is there."""
    unit.execute(
        "UPDATE contact_point SET dead_since_ms = ?, dead_reason = ?"
        " WHERE id = ? AND dead_since_ms IS NULL",
        (unit.now_ms, reason[:200], point_id),
    )
    if unit.cursor.rowcount:
        unit.audit("system", "contact_point_dead", f"contact_point:{point_id}", reason[:200])


def mark_channel_dead(unit: UnitOfWork, channel: str, reason: str) -> list[str]:
    """All of a channel's that lived: whose they were."""
    unit.execute(
        "SELECT id, owner FROM contact_point WHERE channel = ? AND dead_since_ms IS NULL"
        " ORDER BY owner, id",
        (channel,),
    )
    found = unit.cursor.fetchall()
    for point_id, _owner in found:
        mark_dead(unit, str(point_id), reason)
    return sorted({str(owner) for _id, owner in found})


def expect_code(unit: UnitOfWork, owner: str, point_id: str, code: str) -> Row:
    """A code is on its way; only its digest is kept here. ContractError: the last one has just
    gone."""
    row = point(unit.cursor, owner, point_id)
    sent_ms = row["code_sent_ms"]
    if sent_ms is not None and 0 <= unit.now_ms - sent_ms < CODE_AGAIN_MS:
        raise ContractError("too_soon", "wait a minute before the next code")
    unit.execute(
        "UPDATE contact_point SET code_hash = ?, code_until_ms = ?, code_tries = 0,"
        " code_sent_ms = ? WHERE id = ?",
        (_digest(point_id, code), unit.now_ms + CODE_VALID_MS, unit.now_ms, point_id),
    )
    return row


def check_code(unit: UnitOfWork, owner: str, point_id: str, code: str, *, actor: str) -> bool:
    """Whether it is the right one, in time; then the point is verified and lives. A wrong one is
    counted, so the transaction must be kept."""
    row = point(unit.cursor, owner, point_id)
    until_ms = row["code_until_ms"]
    open_ = (
        row["code_hash"] is not None
        and unit.now_ms < until_ms
        and row["code_tries"] < CODE_TRIES_MAX
    )
    if not open_ or not hmac.compare_digest(row["code_hash"], _digest(point_id, code)):
        unit.execute(
            "UPDATE contact_point SET code_tries = code_tries + 1 WHERE id = ?", (point_id,)
        )
        return False
    unit.execute(
        "UPDATE contact_point SET verified_at_ms = ?, code_hash = NULL, code_until_ms = NULL,"
        " dead_since_ms = NULL, dead_reason = '' WHERE id = ?",
        (unit.now_ms, point_id),
    )
    unit.audit(actor, "verified_contact_point", f"account:{owner}", row["channel"])
    return True


def _digest(point_id: str, code: str) -> str:
    return hashlib.sha256(f"{point_id}:{code}".encode()).hexdigest()


def _rows(cursor: Cursor) -> list[Row]:
    return [dict(zip(_COLUMNS, row, strict=True)) for row in cursor.fetchall()]
