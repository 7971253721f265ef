"""Whom an identity provider means by a subject: only an administrator says so, and an account has
one subject at most."""

from typing import Final

from sqlalchemy import Connection, select

from dashboard.reads import one
from ledger.database import insert_sql
from ledger.schema import SIGN_ON
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, instant

# OpenID Connect Core 1.0, 2: a subject has at most 255 characters.
SUBJECT_MAX: Final = 255

_INSERT: Final = insert_sql(SIGN_ON)


class SubjectTaken(ValueError):  # noqa: N818 - an answer to a user, not a fault
    """Another account has it."""


def link(  # noqa: PLR0917 - who means whom, and who says so
    unit: UnitOfWork, username: str, issuer: str, subject: str, actor: str, wall_ms: int
) -> None:
    """In place of the one that it had; SubjectTaken."""
    other = unit.execute(
        "SELECT username FROM sign_on WHERE issuer = ? AND subject = ?", (issuer, subject)
    ).fetchall()
    if other and other[0][0] != username:
        raise SubjectTaken(subject)
    unit.execute("DELETE FROM sign_on WHERE username = ?", (username,))
    unit.execute(_INSERT, (issuer, subject, username, wall_ms))
    unit.audit(actor, "linked_sign_on", f"account:{username}", f"{issuer} {subject}")


def unlink(unit: UnitOfWork, username: str, actor: str) -> None:
    """KeyError when it has none."""
    unit.execute("DELETE FROM sign_on WHERE username = ?", (username,))
    if unit.cursor.rowcount == 0:
        raise KeyError(username)
    unit.audit(actor, "unlinked_sign_on", f"account:{username}")


def username_of(connection: Connection, issuer: str, subject: str) -> str | None:
    found: str | None = connection.scalar(
        select(SIGN_ON.c.username).where(SIGN_ON.c.issuer == issuer, SIGN_ON.c.subject == subject)
    )
    return found


def link_of(connection: Connection, username: str) -> Document | None:
    row = one(connection, select(SIGN_ON).where(SIGN_ON.c.username == username))
    if row is None:
        return None
    since = instant(row["made_at_ms"])
    return {"issuer": row["issuer"], "subject": row["subject"], "since": since}
