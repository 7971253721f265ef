"""Screens on walls as rows of the book: asked for by a browser, let in by a human, ended by hand or
by time.

    asked     the browser shows a code; its secret opens nothing
    granted   somebody who may has said which screen that is; the secret still opens nothing
    shown     the browser has taken a secret of its own, which nobody saw in between
    revoked   ended by hand

Times are real ones, as those of sessions.
"""

import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from dashboard.reads import Row, one, rows
from dashboard.request_rate import who_is_at
from dashboard.sessions import AGENT_LENGTH_MAX, digest_of, new_token
from ledger.database import insert_sql
from ledger.schema import WALL_SCREEN
from ledger.unit_of_work import UnitOfWork

DAY_MS: Final = 86_400_000
# A walk from the wall to one's own desk.
CODE_MS: Final = 10 * 60_000
# A screen is looked at once a year by whoever answers for it; browsers keep a cookie 400 days.
SHOWN_MS: Final = 366 * DAY_MS
# One that was taken down opens nothing when it is found in a cupboard; a village closed for the
# New Year's holidays is there again.
IDLE_MS: Final = 45 * DAY_MS
# From then on the screen and its row say that it ends.
ENDS_SOON_MS: Final = 30 * DAY_MS
# Rooms with a wall in a county, several times over.
SCREENS_MAX: Final = 300
# Who asks has no account: of one address, and of all, at a time.
ASKED_OF_ADDRESS_MAX: Final = 20
ASKED_MAX: Final = 200
# Read out across a room and typed with a thumb. Guessing one gains nothing: it lets somebody
# else's screen in, and takes an account that may do so.
CODE_DIGITS: Final = 8
_ID_BYTES: Final = 6

_INSERT: Final = insert_sql(WALL_SCREEN)


class ScreenRefused(ValueError):  # noqa: N818 - an answer to a user, not a fault
    """Why no screen is asked for or let in."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks to be let in."""

    address: str
    agent: str


def ask(unit: UnitOfWork, asking: Asking, wall_ms: int) -> tuple[str, str]:
    """The browser's secret, and the code that it shows; ScreenRefused."""
    unit.execute(
        "DELETE FROM wall_screen WHERE state IN ('asked', 'granted') AND code_until_ms <= ?",
        (wall_ms,),
    )
    address = asking.address[:64]
    waiting = unit.execute("SELECT code, address FROM wall_screen WHERE code <> ''").fetchall()
    if len(waiting) >= ASKED_MAX:
        raise ScreenRefused("too_many", "too many screens wait to be let in")
    sender = who_is_at(address)
    if sum(who_is_at(str(of)) == sender for _code, of in waiting) >= ASKED_OF_ADDRESS_MAX:
        raise ScreenRefused("too_many", "too many screens of this address wait to be let in")
    taken = {str(code) for code, _of in waiting}
    code = next(c for c in iter(_code, "") if c not in taken)
    token = new_token()
    row = {
        "id": secrets.token_hex(_ID_BYTES),
        "digest": digest_of(token),
        "code": code,
        "name": "",
        "region": "",
        "state": "asked",
        "address": address,
        "agent": asking.agent[:AGENT_LENGTH_MAX],
        "asked_at_ms": wall_ms,
        "code_until_ms": wall_ms + CODE_MS,
        "seen_at_ms": wall_ms,
    }
    unit.execute(_INSERT, tuple(row.get(column.name) for column in WALL_SCREEN.c))
    return token, code


def grant(unit: UnitOfWork, code: str, name: str, region: str, by: str, wall_ms: int) -> str:  # noqa: PLR0917 - what a screen is
    """Let the screen in that shows this code; its id. KeyError when none shows it."""
    alive = unit.execute(
        "SELECT count(*) FROM wall_screen"
        " WHERE state IN ('granted', 'shown') AND expires_at_ms > ?",
        (wall_ms,),
    ).fetchall()
    if int(alive[0][0]) >= SCREENS_MAX:
        raise ScreenRefused("too_many", f"there are {SCREENS_MAX} screens; end one first")
    found = unit.execute(
        "SELECT id FROM wall_screen WHERE code = ? AND state = 'asked' AND code_until_ms > ?",
        (code, wall_ms),
    ).fetchall()
    if not code or not found:
        raise KeyError("code")
    screen = str(found[0][0])
    unit.execute(
        "UPDATE wall_screen SET state = 'granted', code = '', name = ?, region = ?, made_by = ?,"
        " made_at_ms = ?, code_until_ms = ?, expires_at_ms = ? WHERE id = ?",
        (name, region, by, wall_ms, wall_ms + CODE_MS, wall_ms + SHOWN_MS, screen),
    )
    unit.audit(by, "let_screen_in", f"screen:{screen}", f"{name}, region {region or 'all'}")
    return screen


def enter(unit: UnitOfWork, digest: str, wall_ms: int) -> str:
    """The secret that opens the board, in place of the one from before it was let in; KeyError when
    it wasn't."""
    token = new_token()
    unit.execute(
        "UPDATE wall_screen SET state = 'shown', digest = ?, seen_at_ms = ?"
        " WHERE digest = ? AND state = 'granted' AND code_until_ms > ?",
        (digest_of(token), wall_ms, digest, wall_ms),
    )
    if unit.cursor.rowcount == 0:
        raise KeyError("screen")
    return token


def touch(unit: UnitOfWork, digest: str, wall_ms: int) -> None:
    unit.execute("UPDATE wall_screen SET seen_at_ms = ? WHERE digest = ?", (wall_ms, digest))


def end(unit: UnitOfWork, screen: str, by: str, wall_ms: int) -> None:
    """It shows nothing from now on; KeyError when it is none that is shown."""
    unit.execute(
        "UPDATE wall_screen SET state = 'revoked', ended_by = ?, ended_at_ms = ?"
        " WHERE id = ? AND state IN ('granted', 'shown')",
        (by, wall_ms, screen),
    )
    if unit.cursor.rowcount == 0:
        raise KeyError(screen)
    unit.audit(by, "ended_screen", f"screen:{screen}")


def of_secret(connection: Connection, digest: str, wall_ms: int) -> Row | None:
    """The screen of a browser's secret, in whichever state it is alive."""
    row = one(connection, select(WALL_SCREEN).where(WALL_SCREEN.c.digest == digest))
    return row if row is not None and is_alive(row, wall_ms) else None


def is_alive(row: Row, wall_ms: int) -> bool:
    if row["state"] in ("asked", "granted"):
        return bool(row["code_until_ms"] > wall_ms)
    lasts = row["expires_at_ms"] > wall_ms and wall_ms - row["seen_at_ms"] <= IDLE_MS
    return bool(row["state"] == "shown" and lasts)


def asked_by_code(connection: Connection, code: str, wall_ms: int) -> Row | None:
    """Which browser shows this code."""
    wanted = select(WALL_SCREEN).where(WALL_SCREEN.c.code == code, WALL_SCREEN.c.state == "asked")
    row = one(connection, wanted) if code else None
    return row if row is not None and is_alive(row, wall_ms) else None


def listed(connection: Connection, region: str, wall_ms: int) -> list[Row]:
    """Those that were let in below this region, newest first; ended ones for a while."""
    lately = wall_ms - ENDS_SOON_MS
    inside: Any = WALL_SCREEN.c.region.startswith(region, autoescape=True)
    wanted = select(WALL_SCREEN).where(
        inside,
        WALL_SCREEN.c.state.in_(("granted", "shown", "revoked")),
        or_(WALL_SCREEN.c.ended_at_ms.is_(None), WALL_SCREEN.c.ended_at_ms > lately),
    )
    return rows(connection, wanted.order_by(WALL_SCREEN.c.made_at_ms.desc()))


def find(connection: Connection, screen: str) -> Row | None:
    return one(connection, select(WALL_SCREEN).where(WALL_SCREEN.c.id == screen))


def _code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
