"""Sessions: made at login, found by the digest of their token, ended by time or by hand.

Times are real ones: a demonstration at sixty times the speed must not sign its viewers out.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from ledger.database import insert_sql
from ledger.schema import ACCOUNT, SESSION
from ledger.unit_of_work import UnitOfWork

TOKEN_BYTES: Final = 32
# A browser left alone (ASVS 7.3.1); an open live board counts as being used.
IDLE_MS: Final = 30 * 60_000
# One shift (ASVS 7.3.2).
ABSOLUTE_MS: Final = 12 * 3_600_000
# `seen_at` is moved at most this often, or every request would be a write.
TOUCH_EVERY_MS: Final = 60_000

_INSERT: Final = insert_sql(SESSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A live session and its account."""

    digest: str
    username: str
    name: str
    role: str
    region: str
    seen_at_ms: int
    expires_at_ms: int


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def open_session(unit: UnitOfWork, token: str, username: str, wall_ms: int) -> int:
    """Store a session, forget those that have ended; returns when this one ends."""
    expires_ms = wall_ms + ABSOLUTE_MS
    unit.execute("DELETE FROM session WHERE expires_at_ms <= ?", (wall_ms,))
    unit.execute(_INSERT, (digest_of(token), username, wall_ms, expires_ms, wall_ms))
    return expires_ms


def close_session(unit: UnitOfWork, digest: str) -> None:
    unit.execute("DELETE FROM session WHERE digest = ?", (digest,))


def close_sessions_of(unit: UnitOfWork, username: str, keep: str = "") -> None:
    """End all sessions of an account but the one with the digest `keep`."""
    unit.execute("DELETE FROM session WHERE username = ? AND digest <> ?", (username, keep))


def touch_session(unit: UnitOfWork, digest: str, wall_ms: int) -> None:
    unit.execute("UPDATE session SET seen_at_ms = ? WHERE digest = ?", (wall_ms, digest))


def find_session(
    connection: Connection, digest: str, wall_ms: int, *, idle: bool
) -> SessionRow | None:
    """The live session with this digest; `idle` ends it after half an hour without use."""
    row = (
        connection.execute(
            select(
                SESSION.c.digest,
                SESSION.c.username,
                ACCOUNT.c.name,
                ACCOUNT.c.role,
                ACCOUNT.c.region,
                SESSION.c.seen_at_ms,
                SESSION.c.expires_at_ms,
            )
            .join(ACCOUNT, ACCOUNT.c.username == SESSION.c.username)
            .where(SESSION.c.digest == digest, ACCOUNT.c.disabled.is_(False))
        )
        .mappings()
        .first()
    )
    if row is None or row["expires_at_ms"] <= wall_ms:
        return None
    if idle and wall_ms - row["seen_at_ms"] > IDLE_MS:
        return None
    return SessionRow(**row)
