"""Passkeys of accounts in the book."""

from typing import Final

from sqlalchemy import Connection, select

from dashboard.reads import Row, one, rows
from dashboard.signing_in.webauthn import NewPasskey, ShownPasskey, StoredPasskey
from ledger.database import insert_sql
from ledger.schema import PASSKEY
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, instant

# Of one account: a telephone, a computer, a key on the ring, and their successors.
MAX: Final = 10

_INSERT: Final = insert_sql(PASSKEY)


class Refused(ValueError):  # noqa: N818 - an answer to a user, not a fault
    """Why it is not kept."""


def add(unit: UnitOfWork, username: str, new: NewPasskey, name: str, wall_ms: int) -> None:
    """Refused when there are too many, or somebody has it already."""
    mine = unit.execute("SELECT count(*) FROM passkey WHERE username = ?", (username,)).fetchall()
    if int(mine[0][0]) >= MAX:
        raise Refused(f"{MAX} are enough; remove one first")
    if unit.execute("SELECT 1 FROM passkey WHERE id = ?", (new.id,)).fetchall():
        raise Refused("this passkey is known already")
    row = (new.id, username, name, new.public_key, new.sign_count, new.backed_up, wall_ms, None)
    unit.execute(_INSERT, row)
    unit.audit(username, "set_factor", f"account:{username}", f"passkey {name}")


def rename(unit: UnitOfWork, username: str, passkey_id: str, name: str) -> None:
    """KeyError when it is none of this account's."""
    unit.execute(
        "UPDATE passkey SET name = ? WHERE id = ? AND username = ?", (name, passkey_id, username)
    )
    if unit.cursor.rowcount == 0:
        raise KeyError(passkey_id)


def remove(unit: UnitOfWork, username: str, passkey_id: str) -> None:
    """KeyError when it is none of this account's."""
    found = unit.execute(
        "SELECT name FROM passkey WHERE id = ? AND username = ?", (passkey_id, username)
    ).fetchall()
    if not found:
        raise KeyError(passkey_id)
    unit.execute("DELETE FROM passkey WHERE id = ?", (passkey_id,))
    unit.audit(username, "removed_factor", f"account:{username}", f"passkey {found[0][0]}")


def note_use(unit: UnitOfWork, shown: ShownPasskey, wall_ms: int) -> bool:
    """False when it was shown elsewhere meanwhile, or has been removed."""
    unit.execute(
        "UPDATE passkey SET sign_count = ?, used_at_ms = ? WHERE id = ? AND sign_count = ?",
        (shown.sign_count, wall_ms, shown.id, shown.before),
    )
    return unit.cursor.rowcount == 1


def find(connection: Connection, passkey_id: str) -> StoredPasskey | None:
    row = one(connection, select(PASSKEY).where(PASSKEY.c.id == passkey_id))
    if row is None:
        return None
    return StoredPasskey(
        id=row["id"],
        username=row["username"],
        public_key=bytes(row["public_key"]),
        sign_count=row["sign_count"],
    )


def of_account(connection: Connection, username: str) -> list[Row]:
    wanted = select(PASSKEY).where(PASSKEY.c.username == username)
    return rows(connection, wanted.order_by(PASSKEY.c.made_at_ms))


def shown_document(row: Row) -> Document:
    return {
        "id": row["id"],
        "name": row["name"],
        "backed_up": bool(row["backed_up"]),
        "made_at": instant(row["made_at_ms"]),
        "used_at": instant(row["used_at_ms"]),
    }
