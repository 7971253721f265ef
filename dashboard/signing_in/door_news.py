"""What happened at an account's door: who was refused, who came in from where, and what of it is
news to the browser that comes in now.

Since when something is news hangs on the browser: whoever comes in with a stolen password must not
wipe out for the account's owner what he tried before, nor that he came.
"""

from typing import Any, Final

from sqlalchemy import Connection, func, select

from contract.moment import to_iso
from dashboard.reads import one, rows
from dashboard.signing_in.known_devices import seen_until
from ledger.schema import AUDIT
from ledger.views import Document, instant

# At the end of the trail's detail of a coming in: the browser wasn't one that the account knew.
NEW_BROWSER: Final = "new browser"
# What somebody reads of her own account; the trail has all of it.
SHOWN_MAX: Final = 50

_CAME: Final = AUDIT.c.action == "logged_in"
_REFUSED: Final = AUDIT.c.action == "login_refused"


def news_for(connection: Connection, username: str, browser: str, wall_ms: int) -> Document:
    """What `browser` (the secret of its cookie) has not yet told this account's owner; a browser
    that isn't known tells what came since anybody came in."""
    since = seen_until(connection, username, browser, wall_ms) or _came_last(connection, username)
    strange = _CAME & AUDIT.c.detail.endswith(NEW_BROWSER)
    return {
        "failed": _summed(connection, username, since, _REFUSED),
        "elsewhere": _summed(connection, username, since, strange),
    }


def failed_since(connection: Connection, username: str) -> Document:
    """What was tried in vain since it last came in (ASVS 5.0, 6.3.5)."""
    return _summed(connection, username, _came_last(connection, username), _REFUSED)


def came_before(connection: Connection, username: str) -> bool:
    return _came_last(connection, username) > 0


def comings(connection: Connection, username: str) -> list[Document]:
    """Comings in and refusals, newest first."""
    wanted = select(AUDIT).where(_of(username), _CAME | _REFUSED)
    found = rows(connection, wanted.order_by(AUDIT.c.seq.desc()).limit(SHOWN_MAX))
    return [_shown(row["action"], row["at_ms"], row["detail"]) for row in found]


def _shown(action: str, at_ms: int, detail: str) -> Document:
    address, *more = detail.split(", ")
    came = action == "logged_in"
    new = NEW_BROWSER in more
    how = next((word for word in more if word != NEW_BROWSER), "password" if came else "")
    return {"at": to_iso(at_ms), "came_in": came, "from": address, "how": how, "new_browser": new}


def _of(username: str) -> Any:
    return AUDIT.c.object == f"account:{username}"


def _came_last(connection: Connection, username: str) -> int:
    newest = select(func.max(AUDIT.c.seq)).where(_of(username), _CAME)
    return connection.scalar(newest) or 0


def _summed(connection: Connection, username: str, since: int, which: Any) -> Document:
    those = (_of(username), which, AUDIT.c.seq > since)
    count, last_ms = connection.execute(
        select(func.count(), func.max(AUDIT.c.at_ms)).where(*those)
    ).one()
    newest = one(connection, select(AUDIT).where(*those).order_by(AUDIT.c.seq.desc()).limit(1))
    return {
        "count": count,
        "last_at": instant(last_ms),
        "last_from": None if newest is None else newest["detail"].partition(",")[0],
    }
