"""Who asks by a screen's secret. It has a cookie of its own, which no other route looks for: what a
screen may is what the few routes give that declare `WALL_SCREEN`, and nothing else there is."""

import logging
from collections.abc import Collection
from typing import Final

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.access_table import BY_SCREEN
from dashboard.callers import Caller, deps_of
from dashboard.flood import Rates
from dashboard.ports import Deps
from dashboard.problems import Problem
from dashboard.reads import Row
from dashboard.screens import screen_rows
from dashboard.sessions import TOUCH_EVERY_MS, digest_of
from dashboard.signing_in.entering import is_secure

_LOG = logging.getLogger("hearthwatch.dashboard")

# The prefix makes browsers refuse the cookie from any other host or path; it needs HTTPS.
COOKIE_SECURE: Final = "__Host-hearthwatch-screen"
COOKIE_PLAIN: Final = "hearthwatch-screen"


def caller_of(row: Row) -> Caller:
    """A screen in the place of an account: no role of the table is called so, so that it has none
    of the permissions that accounts have."""
    return Caller(
        username=f"screen:{row['id']}",
        name=row["name"],
        role="screen",
        region=row["region"],
        digest=row["digest"],
        via="screen",
    )


class ByScreen:
    """A dependency that answers to the secret of a screen in one of these states."""

    permission = BY_SCREEN

    def __init__(self, states: Collection[str]) -> None:
        self._states = states

    async def __call__(self, request: Request) -> Row:
        deps = deps_of(request)
        row = await _presented(request, deps)
        if row is None or row["state"] not in self._states:
            detail = "this screen is not let in: POST /api/v1/screen/code"
            raise Problem(401, "no_screen", detail, headers={"WWW-Authenticate": "Bearer"})
        rates: Rates = request.app.state.rates
        rates.check_account(f"screen:{row['id']}", deps.wall_ms())
        return row


WALL_SCREEN: Final = Depends(ByScreen({"shown"}))
# Also while it waits to be let in.
WAITING_SCREEN: Final = Depends(ByScreen({"asked", "granted", "shown"}))


async def again(deps: Deps, caller: Caller) -> Caller | None:
    """The screen as it is now; one that is shown is in use."""
    row = await _found(deps, caller.digest)
    return None if row is None or row["state"] != "shown" else caller_of(row)


async def _presented(request: Request, deps: Deps) -> Row | None:
    token = request.cookies.get(COOKIE_SECURE) or request.cookies.get(COOKIE_PLAIN)
    return None if not token else await _found(deps, digest_of(token))


async def _found(deps: Deps, digest: str) -> Row | None:
    wall_ms = deps.wall_ms()
    row = await run_in_threadpool(_read, deps, digest, wall_ms)
    if row is not None and wall_ms - row["seen_at_ms"] >= TOUCH_EVERY_MS:
        try:
            await deps.writer.change(lambda unit: screen_rows.touch(unit, digest, wall_ms))
        except Exception as error:  # noqa: BLE001 - a full disk must not darken the wall
            _LOG.warning("a screen's last use was not stored: %s", type(error).__name__)
    return row


def _read(deps: Deps, digest: str, wall_ms: int) -> Row | None:
    with deps.engine.connect() as connection:
        return screen_rows.of_secret(connection, digest, wall_ms)


def set_screen_cookie(response: Response, request: Request, token: str) -> None:
    """Strict: nobody follows a link to a wall."""
    secure = is_secure(request)
    response.set_cookie(
        COOKIE_SECURE if secure else COOKIE_PLAIN,
        token,
        max_age=screen_rows.SHOWN_MS // 1000,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
