"""Sessions: made at login, found by the digest of their token, ended by time or by hand.

Times are real ones: a demonstration at sixty times the speed must not sign its viewers out.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from dashboard.reads import Row, rows
from dashboard.signing_in.policy import Method, Standing
from ledger.database import insert_sql
from ledger.schema import ACCOUNT, PASSKEY, SESSION, TOTP
from ledger.unit_of_work import UnitOfWork

# 256 bits; ASVS 5.0, 7.2.3 asks for 128.
TOKEN_BYTES: Final = 32
# One shift (ASVS 5.0, 7.3.2).
ABSOLUTE_MS: Final = 12 * 3_600_000
# `seen_at` is moved at most this often, or every request would be a write.
TOUCH_EVERY_MS: Final = 60_000
# By which its owner names one of hers: the digest's beginning tells nothing of the token.
ID_LENGTH: Final = 16
# What browsers call themselves is as long as they like.
AGENT_LENGTH_MAX: Final = 200

_INSERT: Final = insert_sql(SESSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A live session and its account."""

    digest: str
    username: str
    name: str
    role: str
    region: str
    created_at_ms: int
    seen_at_ms: int
    expires_at_ms: int
    factor_at_ms: int | None
    proved_at_ms: int | None
    factor_due_from_ms: int | None
    has_factor: bool

    @property
    def standing(self) -> Standing:
        return Standing(
            role=self.role,
            has_factor=self.has_factor,
            factor_at_ms=self.factor_at_ms,
            proved_at_ms=self.proved_at_ms,
            due_from_ms=self.factor_due_from_ms,
            begun_at_ms=self.created_at_ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """How a session began, and from where."""

    method: Method = "password"
    factor_at_ms: int | None = None
    address: str = ""
    agent: str = ""


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def open_session(
    unit: UnitOfWork,
    token: str,
    username: str,
    wall_ms: int,
    beginning: Beginning | None = None,
) -> int:
    """Store a session, forget those that have ended; returns when this one ends."""
    begun = Beginning() if beginning is None else beginning
    expires_ms = wall_ms + ABSOLUTE_MS
    unit.execute("DELETE FROM session WHERE expires_at_ms <= ?", (wall_ms,))
    unit.execute(
        _INSERT,
        (
            digest_of(token),
            username,
            wall_ms,
            expires_ms,
            wall_ms,
            begun.method,
            begun.factor_at_ms,
            wall_ms,
            begun.address[:64],
            begun.agent[:AGENT_LENGTH_MAX],
        ),
    )
    return expires_ms


def close_session(unit: UnitOfWork, digest: str) -> None:
    unit.execute("DELETE FROM session WHERE digest = ?", (digest,))


def close_sessions_of(unit: UnitOfWork, username: str, keep: str = "") -> None:
    """End all sessions of an account but the one with the digest `keep`."""
    unit.execute("DELETE FROM session WHERE username = ? AND digest <> ?", (username, keep))


def close_one_of(unit: UnitOfWork, username: str, session_id: str) -> None:
    """End one session of an account; KeyError when it has no such session."""
    found = unit.execute("SELECT digest FROM session WHERE username = ?", (username,)).fetchall()
    digest = next((str(d) for (d,) in found if str(d)[:ID_LENGTH] == session_id), None)
    if digest is None:
        raise KeyError(session_id)
    close_session(unit, digest)


def touch_session(unit: UnitOfWork, digest: str, wall_ms: int) -> None:
    unit.execute("UPDATE session SET seen_at_ms = ? WHERE digest = ?", (wall_ms, digest))


def proved(unit: UnitOfWork, digest: str, wall_ms: int, *, factor: bool) -> str:
    """A second factor, or without one the password again, was shown in it: it goes on under another
    token (ASVS 5.0, 7.2.4), which is returned. KeyError when it has ended meanwhile."""
    token = new_token()
    unit.execute(
        "UPDATE session SET digest = ?, proved_at_ms = ?, seen_at_ms = ? WHERE digest = ?",
        (digest_of(token), wall_ms, wall_ms, digest),
    )
    if unit.cursor.rowcount == 0:
        raise KeyError("session")
    if factor:
        unit.execute(
            "UPDATE session SET factor_at_ms = ? WHERE digest = ?", (wall_ms, digest_of(token))
        )
    return token


def has_factor() -> ColumnElement[bool]:
    """Whether an account has a second factor that was shown to work; in a query on accounts."""
    shown = TOTP.c.confirmed_at_ms.is_not(None)
    return or_(
        exists().where(TOTP.c.username == ACCOUNT.c.username, shown).correlate(ACCOUNT),
        exists().where(PASSKEY.c.username == ACCOUNT.c.username).correlate(ACCOUNT),
    )


def find_session(
    connection: Connection, digest: str, wall_ms: int, *, idle_ms: int | None
) -> SessionRow | None:
    """The live session with this digest; one that was not used for `idle_ms` has ended."""
    row = (
        connection.execute(
            select(
                SESSION.c.digest,
                SESSION.c.username,
                ACCOUNT.c.name,
                ACCOUNT.c.role,
                ACCOUNT.c.region,
                SESSION.c.created_at_ms,
                SESSION.c.seen_at_ms,
                SESSION.c.expires_at_ms,
                SESSION.c.factor_at_ms,
                SESSION.c.proved_at_ms,
                ACCOUNT.c.factor_due_from_ms,
                has_factor().label("has_factor"),
            )
            .join(ACCOUNT, ACCOUNT.c.username == SESSION.c.username)
            .where(SESSION.c.digest == digest, ACCOUNT.c.disabled.is_(False))
        )
        .mappings()
        .first()
    )
    if row is None or row["expires_at_ms"] <= wall_ms:
        return None
    if idle_ms is not None and wall_ms - row["seen_at_ms"] > idle_ms:
        return None
    return SessionRow(**{**row, "has_factor": bool(row["has_factor"])})


def sessions_of(connection: Connection, username: str, wall_ms: int) -> list[Row]:
    """The live ones of an account, newest use first."""
    wanted = select(SESSION).where(
        SESSION.c.username == username, SESSION.c.expires_at_ms > wall_ms
    )
    return rows(connection, wanted.order_by(SESSION.c.seen_at_ms.desc()))
