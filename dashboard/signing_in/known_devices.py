"""Browsers in which an account has signed in: a cookie that opens nothing, and says that failures
of strangers elsewhere are not this one's (OWASP: device cookies)."""

from typing import Final

from sqlalchemy import Connection, select

from dashboard.sessions import digest_of, new_token
from ledger.database import upsert_sql
from ledger.schema import KNOWN_DEVICE
from ledger.unit_of_work import UnitOfWork

# Who has not come for half a year waits like everybody.
KEPT_MS: Final = 180 * 86_400_000
# Of one account: a shift's people use a few desks and their telephones.
KEPT_MAX: Final = 30

_UPSERT: Final = upsert_sql(KNOWN_DEVICE)


def remember(unit: UnitOfWork, username: str, before: str, wall_ms: int) -> str:
    """The cookie's new secret in place of the one `before`, whose accounts go along: one browser
    at a desk knows everybody who has a shift there, and no secret that was put into it lasts."""
    secret = new_token()
    unit.execute("DELETE FROM known_device WHERE expires_at_ms <= ?", (wall_ms,))
    if before:
        unit.execute(
            "UPDATE known_device SET digest = ? WHERE digest = ?",
            (digest_of(secret), digest_of(before)),
        )
    newest = "SELECT coalesce(max(seq), 0) FROM audit WHERE object = ?"
    [(seen_seq,)] = unit.execute(newest, (f"account:{username}",)).fetchall()
    unit.execute(_UPSERT, (digest_of(secret), username, wall_ms, wall_ms + KEPT_MS, seen_seq))
    unit.execute(
        "DELETE FROM known_device WHERE username = ? AND digest NOT IN"
        " (SELECT digest FROM known_device WHERE username = ?"
        "  ORDER BY made_at_ms DESC LIMIT ?)",
        (username, username, KEPT_MAX),
    )
    return secret


def forget_all(unit: UnitOfWork, username: str) -> None:
    unit.execute("DELETE FROM known_device WHERE username = ?", (username,))


def seen_until(connection: Connection, username: str, secret: str, wall_ms: int) -> int:
    """The newest row of the trail that this browser has told the account's owner of; 0: none."""
    found = connection.scalar(
        select(KNOWN_DEVICE.c.seen_seq).where(
            KNOWN_DEVICE.c.digest == digest_of(secret),
            KNOWN_DEVICE.c.username == username,
            KNOWN_DEVICE.c.expires_at_ms > wall_ms,
        )
    )
    return found or 0


def known_as(connection: Connection, username: str, secret: str, wall_ms: int) -> str:
    """The device's name for counting; empty when it is none of this account's.

    It says since when the account knows it: whoever signs in as somebody else in the same browser
    changes its secret, and must not wipe out with that what he tried in this account's name."""
    if not secret:
        return ""
    since_ms = connection.scalar(
        select(KNOWN_DEVICE.c.made_at_ms).where(
            KNOWN_DEVICE.c.digest == digest_of(secret),
            KNOWN_DEVICE.c.username == username,
            KNOWN_DEVICE.c.expires_at_ms > wall_ms,
        )
    )
    return "" if since_ms is None else f"{username} {since_ms}"
