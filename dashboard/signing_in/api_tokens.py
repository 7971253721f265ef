"""Tokens by which a program acts for an account: a part of what its owner may do, for a time, ended
by hand. Only their digests are kept."""

import json
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from dashboard.permissions import PERMISSIONS, permissions_of
from dashboard.reads import Row, one, rows
from dashboard.sessions import digest_of, new_token
from ledger.database import insert_sql
from ledger.schema import ACCOUNT, API_TOKEN
from ledger.unit_of_work import UnitOfWork, compact
from ledger.views import Document, instant

# By which a token that leaked is recognised, by us and by searchers of secrets.
PREFIX: Final = "hwt_"
# Nobody remembers in a year what a token was for.
DAYS_MAX: Final = 366
DAYS_DEFAULT: Final = 90
# Of one account that are alive: each is a program that somebody keeps.
ALIVE_MAX: Final = 20
DAY_MS: Final = 86_400_000
# What no program does in somebody's name: give power, let screens in, take people out for good.
NEVER: Final = frozenset({"user.write", "screen.write", "person.erase"})
_ID_BYTES: Final = 6

_INSERT: Final = insert_sql(API_TOKEN)


class TokenRefused(ValueError):  # noqa: N818 - an answer to a user, not a fault
    """Why no such token is made; `field` is to blame."""

    def __init__(self, code: str, field: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A token that is alive, and its account."""

    id: str
    digest: str
    username: str
    name: str
    role: str
    region: str
    scopes: frozenset[str]
    used_at_ms: int | None


def is_one(token: str) -> bool:
    return token.startswith(PREFIX)


def offered(role: str) -> list[str]:
    """What an account of this role may hand to a program."""
    return sorted(permissions_of(role) - NEVER)


def make(  # noqa: PLR0917 - the fields of a token
    unit: UnitOfWork,
    username: str,
    role: str,
    name: str,
    scopes: Iterable[str],
    days: int,
    wall_ms: int,
) -> tuple[str, str]:
    """Its id and the token itself, which nobody can read again; TokenRefused."""
    wanted = sorted(set(scopes))
    if not wanted:
        raise TokenRefused("no_scopes", "scopes", "at least one")
    if not set(wanted) <= PERMISSIONS:
        raise TokenRefused("unknown_scope", "scopes", "there is no such permission")
    if not set(wanted) <= set(offered(role)):
        raise TokenRefused("too_much", "scopes", "more than you may yourself, or may hand on")
    if not 1 <= days <= DAYS_MAX:
        raise TokenRefused("too_long", "days", f"1 to {DAYS_MAX} days")
    alive = unit.execute(
        "SELECT count(*) FROM api_token"
        " WHERE username = ? AND revoked_at_ms IS NULL AND expires_at_ms > ?",
        (username, wall_ms),
    ).fetchall()
    if int(alive[0][0]) >= ALIVE_MAX:
        raise TokenRefused("too_many", "name", f"you have {ALIVE_MAX} already; revoke one first")
    token_id, token = secrets.token_hex(_ID_BYTES), PREFIX + new_token()
    row = (token_id, digest_of(token), username, name, compact(wanted), wall_ms)
    unit.execute(_INSERT, (*row, wall_ms + days * DAY_MS, None, None, None))
    detail = f"for {days} days: {', '.join(wanted)}"
    unit.audit(username, "made_token", f"token:{token_id}", detail)
    return token_id, token


def revoke(unit: UnitOfWork, username: str, token_id: str, actor: str, wall_ms: int) -> None:
    """KeyError when this account has no such token that is alive."""
    unit.execute(
        "UPDATE api_token SET revoked_at_ms = ?, revoked_by = ?"
        " WHERE id = ? AND username = ? AND revoked_at_ms IS NULL",
        (wall_ms, actor, token_id, username),
    )
    if unit.cursor.rowcount == 0:
        raise KeyError(token_id)
    unit.audit(actor, "revoked_token", f"token:{token_id}", f"account {username}")


def revoke_all(
    unit: UnitOfWork, username: str, actor: str, wall_ms: int, keep: Collection[str] = ()
) -> list[str]:
    """End those that are alive but for the ids in `keep`; names of what ended, each on record."""
    alive = unit.execute(
        "SELECT id, name FROM api_token"
        " WHERE username = ? AND revoked_at_ms IS NULL AND expires_at_ms > ? ORDER BY made_at_ms",
        (username, wall_ms),
    ).fetchall()
    ended = [(str(token_id), str(name)) for token_id, name in alive if token_id not in keep]
    for token_id, _name in ended:
        revoke(unit, username, token_id, actor, wall_ms)
    return [name for _id, name in ended]


def touch(unit: UnitOfWork, digest: str, wall_ms: int) -> None:
    unit.execute("UPDATE api_token SET used_at_ms = ? WHERE digest = ?", (wall_ms, digest))


def find(connection: Connection, digest: str, wall_ms: int) -> TokenRow | None:
    """The token that is alive, of an account that is."""
    row = one(
        connection,
        select(
            API_TOKEN.c.id,
            API_TOKEN.c.digest,
            API_TOKEN.c.username,
            API_TOKEN.c.scopes,
            API_TOKEN.c.used_at_ms,
            ACCOUNT.c.name,
            ACCOUNT.c.role,
            ACCOUNT.c.region,
        )
        .join(ACCOUNT, ACCOUNT.c.username == API_TOKEN.c.username)
        .where(
            API_TOKEN.c.digest == digest,
            API_TOKEN.c.revoked_at_ms.is_(None),
            API_TOKEN.c.expires_at_ms > wall_ms,
            ACCOUNT.c.disabled.is_(False),
        ),
    )
    if row is None:
        return None
    return TokenRow(**{**row, "scopes": frozenset(json.loads(row["scopes"]))})


def tokens_of(connection: Connection, username: str) -> list[Row]:
    wanted = select(API_TOKEN).where(API_TOKEN.c.username == username)
    return rows(connection, wanted.order_by(API_TOKEN.c.made_at_ms.desc()).limit(5 * ALIVE_MAX))


def shown(row: Row, wall_ms: int) -> Document:
    revoked, over = row["revoked_at_ms"] is not None, row["expires_at_ms"] <= wall_ms
    return {
        "id": row["id"],
        "name": row["name"],
        "scopes": json.loads(row["scopes"]),
        "state": "revoked" if revoked else "expired" if over else "alive",
        "made_at": instant(row["made_at_ms"]),
        "expires_at": instant(row["expires_at_ms"]),
        "used_at": instant(row["used_at_ms"]),
        "revoked_at": instant(row["revoked_at_ms"]),
        "revoked_by": row["revoked_by"],
    }
