"""Second factors of accounts in the book: the secret of an authenticator app, codes on paper."""

import secrets
from typing import Any, Final, Literal

from sqlalchemy import Connection, select

from dashboard.reads import Row, one, rows
from dashboard.signing_in import one_time_code, recovery_code
from ledger.database import insert_sql, upsert_sql
from ledger.schema import RECOVERY_CODE, TOTP
from ledger.unit_of_work import UnitOfWork

Shown = Literal["code", "recovery"]

_UPSERT_TOTP: Final = upsert_sql(TOTP)
_INSERT_CODE: Final = insert_sql(RECOVERY_CODE)


def key_owner(username: str) -> str:
    """Whose key seals it."""
    return f"account:{username}"


def begin_totp(unit: UnitOfWork, username: str, wall_ms: int) -> str:
    """A new secret, in use when `confirm_totp` has seen a code of it; ValueError when one is in
    use already."""
    if _is_confirmed(unit, username):
        raise ValueError("in use")
    secret = one_time_code.written(secrets.token_bytes(one_time_code.SECRET_BYTES))
    sealed = unit.seal.text(key_owner(username), secret)
    unit.execute(_UPSERT_TOTP, (username, sealed, 0, wall_ms, None))
    return secret


def confirm_totp(unit: UnitOfWork, username: str, code: str, wall_ms: int) -> bool:
    """Whether the device has the secret; from then on its codes are asked for."""
    if not _take_code(unit, username, code, wall_ms, confirmed=False):
        return False
    unit.execute(
        "UPDATE totp SET confirmed_at_ms = ? WHERE username = ?",
        (wall_ms, username),
    )
    unit.audit(username, "set_factor", f"account:{username}", "authenticator app")
    return True


def remove_totp(unit: UnitOfWork, username: str, actor: str) -> None:
    unit.execute("DELETE FROM totp WHERE username = ?", (username,))
    unit.audit(actor, "removed_factor", f"account:{username}", "authenticator app")


def new_recovery_codes(unit: UnitOfWork, username: str, wall_ms: int) -> list[str]:
    """All that were made before count no more."""
    codes = [
        recovery_code.written(secrets.token_bytes(recovery_code.CODE_BYTES))
        for _ in range(recovery_code.COUNT)
    ]
    unit.execute("DELETE FROM recovery_code WHERE username = ?", (username,))
    unit.execute_many(
        _INSERT_CODE,
        [(username, recovery_code.digest_of(username, code), wall_ms, None) for code in codes],
    )
    unit.audit(username, "made_recovery_codes", f"account:{username}", f"{len(codes)} codes")
    return codes


def take(unit: UnitOfWork, username: str, typed: str, wall_ms: int) -> Shown | None:
    """What was typed counts, and has been used up with that; None: it doesn't.

    In the writer's transaction, one after the other: of two that come at once with the same code
    the second is refused."""
    text = typed.strip()
    if recovery_code.looks_like_one(text):
        return "recovery" if _take_recovery(unit, username, text, wall_ms) else None
    code = text.replace(" ", "")
    return "code" if _take_code(unit, username, code, wall_ms, confirmed=True) else None


def reset(unit: UnitOfWork, username: str, actor: str) -> None:
    """An administrator takes all away from who has lost them; they are asked for anew."""
    for table in ("totp", "recovery_code", "passkey", "known_device"):
        unit.execute(f"DELETE FROM {table} WHERE username = ?", (username,))  # noqa: S608 - own names
    unit.execute("UPDATE account SET factor_due_from_ms = NULL WHERE username = ?", (username,))
    unit.audit(actor, "removed_factor", f"account:{username}", "all, by an administrator")


def totp_of(connection: Connection, username: str) -> Row | None:
    return one(connection, select(TOTP).where(TOTP.c.username == username))


def recovery_left(connection: Connection, username: str) -> int:
    wanted = select(RECOVERY_CODE.c.digest).where(
        RECOVERY_CODE.c.username == username, RECOVERY_CODE.c.used_at_ms.is_(None)
    )
    return len(rows(connection, wanted))


def _is_confirmed(unit: UnitOfWork, username: str) -> bool:
    found = unit.execute(
        "SELECT 1 FROM totp WHERE username = ? AND confirmed_at_ms IS NOT NULL", (username,)
    )
    return bool(found.fetchall())


def _take_code(
    unit: UnitOfWork, username: str, code: str, wall_ms: int, *, confirmed: bool
) -> bool:
    found: list[Any] = unit.execute(
        "SELECT secret, last_step, confirmed_at_ms FROM totp WHERE username = ?", (username,)
    ).fetchall()
    if not found or (found[0][2] is not None) != confirmed:
        return False
    step = one_time_code.step_of(str(found[0][0]), code, wall_ms, int(found[0][1]))
    if step is None:
        return False
    unit.execute("UPDATE totp SET last_step = ? WHERE username = ?", (step, username))
    return True


def _take_recovery(unit: UnitOfWork, username: str, code: str, wall_ms: int) -> bool:
    unit.execute(
        "UPDATE recovery_code SET used_at_ms = ?"
        " WHERE username = ? AND digest = ? AND used_at_ms IS NULL",
        (wall_ms, username, recovery_code.digest_of(username, code)),
    )
    if unit.cursor.rowcount == 0:
        return False
    unit.audit(username, "used_recovery_code", f"account:{username}")
    return True
