"""Who is asking: from the cookie or the bearer token to an account, its permissions and region.

Every route declares what it needs by depending on one of `needs(permission)`, `SIGNED_IN`,
`GATEWAY_KEY`, `FAMILY_TOKEN`, `REPLY_TOKEN`, `UPLINK_TOKEN` or `PUBLIC`; a test walks the routes
and finds those that don't.
"""

import logging
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from anyio import to_thread
from fastapi import Depends, Request
from sqlalchemy import ColumnElement, or_, select, true
from starlette.concurrency import run_in_threadpool

from dashboard.flood import Rates
from dashboard.permissions import PERMISSIONS, permissions_of
from dashboard.ports import Deps
from dashboard.problems import Problem
from dashboard.sessions import (
    TOUCH_EVERY_MS,
    SessionRow,
    digest_of,
    find_session,
    touch_session,
)
from ledger.schema import GATEWAY_KEY as GATEWAY_KEY_TABLE

_LOG = logging.getLogger("hearthwatch.dashboard")

Via = Literal["cookie", "bearer"]

# The prefix makes browsers refuse the cookie from any other host or path; it needs HTTPS.
COOKIE_SECURE: Final = "__Host-hearthwatch"
COOKIE_PLAIN: Final = "hearthwatch"
CSRF_HEADER: Final = "x-requested-with"
CSRF_VALUE: Final = "hearthwatch"
# A look at a key takes a thousandth of a second; a county's gateways at once wait for few.
GATEWAY_THREADS: Final = 8
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A signed-in account; `region` is the prefix of all it may see, "" for everything."""

    username: str
    name: str
    role: str
    region: str
    digest: str
    via: Via

    @property
    def can(self) -> frozenset[str]:
        return permissions_of(self.role)

    def sees(self, region: str | None) -> bool:
        """What has no region yet (a new gateway, an unbound button) concerns everybody."""
        return region is None or region.startswith(self.region)

    def visible(self, column: Any) -> ColumnElement[bool]:
        """The same as a condition on a column of region codes."""
        if not self.region:
            return true()
        return or_(column.is_(None), column.startswith(self.region, autoescape=True))


def deps_of(request: Request) -> Deps:
    deps: Deps = request.app.state.deps
    return deps


async def _deps(request: Request) -> Deps:
    return deps_of(request)


Hub = Annotated[Deps, Depends(_deps)]


class Needs:
    """A dependency that answers only to accounts with this permission."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Caller:
        caller = await identify(request)
        if caller is None:
            raise Problem(
                401, "signed_out", "sign in first", headers={"WWW-Authenticate": "Bearer"}
            )
        _check_origin(request, caller)
        rates: Rates = request.app.state.rates
        rates.check_account(caller.username, deps_of(request).wall_ms())
        if self.permission in PERMISSIONS and self.permission not in caller.can:
            raise Problem(403, "forbidden", f"the role {caller.role} may not {self.permission}")
        return caller


def needs(permission: str) -> Any:
    """`Depends` on a permission of the table."""
    if permission not in PERMISSIONS:
        raise ValueError(f"no such permission: {permission}")
    return Depends(Needs(permission))


SIGNED_IN: Final = Depends(Needs("signed in"))


class Public:
    """Declares that a route is for everybody."""

    permission = "public"

    async def __call__(self) -> None:
        return None


PUBLIC: Final = Depends(Public())


class ByToken:
    """Declares that a route is for whoever has the secret in its path; the route checks it."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    async def __call__(self) -> None:
        return None


CALENDAR_TOKEN: Final = Depends(ByToken("calendar token"))
FAMILY_TOKEN: Final = Depends(ByToken("family token"))
REPLY_TOKEN: Final = Depends(ByToken("reply token"))
UPLINK_TOKEN: Final = Depends(ByToken("uplink token"))


class GatewayKey:
    """A dependency that answers to gateways only; gives the gateway's id."""

    permission = "gateway key"

    async def __call__(self, request: Request) -> str:
        token = _bearer(request)
        gateway = None
        if token is not None:
            # Threads of their own: a flood that has taken all others holds up no press.
            gateway = await to_thread.run_sync(
                _gateway_of,
                deps_of(request),
                digest_of(token),
                limiter=request.app.state.gateway_threads,
            )
        if gateway is None:
            detail = "a gateway's key is needed: Authorization: Bearer <key>"
            raise Problem(401, "bad_key", detail, headers={"WWW-Authenticate": "Bearer"})
        return gateway


GATEWAY_KEY: Final = Depends(GatewayKey())


async def identify(request: Request) -> Caller | None:
    """The account behind a request, if its session is alive."""
    presented = presented_token(request)
    if presented is None:
        return None
    token, via = presented
    deps = deps_of(request)
    return await refresh(deps, digest_of(token), via)


async def refresh(deps: Deps, digest: str, via: Via) -> Caller | None:
    """The account of a session as it is now; using a session keeps it alive."""
    wall_ms = deps.wall_ms()
    row = await run_in_threadpool(_session, deps, digest, wall_ms, via)
    if row is None:
        return None
    if wall_ms - row.seen_at_ms >= TOUCH_EVERY_MS:
        try:
            await deps.writer.change(lambda unit: touch_session(unit, digest, wall_ms))
        except Exception as error:  # noqa: BLE001 - a full disk must not sign the duty desk out
            _LOG.warning("a session's last use was not stored: %s", type(error).__name__)
    return Caller(
        username=row.username,
        name=row.name,
        role=row.role,
        region=row.region,
        digest=row.digest,
        via=via,
    )


def presented_token(request: Request) -> tuple[str, Via] | None:
    """The token as it came; a header wins over the cookie."""
    bearer = _bearer(request)
    if bearer is not None:
        return bearer, "bearer"
    for name in (COOKIE_SECURE, COOKIE_PLAIN):
        cookie = request.cookies.get(name)
        if cookie:
            return cookie, "cookie"
    return None


def client_address(request: Request) -> str:
    return request.client.host if request.client is not None else "unknown"


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _check_origin(request: Request, caller: Caller) -> None:
    """A page of another site can make a browser send the cookie but never this header."""
    if request.method in _SAFE_METHODS or caller.via == "bearer":
        return
    if request.headers.get(CSRF_HEADER, "").lower() != CSRF_VALUE:
        raise Problem(403, "csrf", f"changes by cookie need the header {CSRF_HEADER}: {CSRF_VALUE}")


def _session(deps: Deps, digest: str, wall_ms: int, via: Via) -> SessionRow | None:
    with deps.engine.connect() as connection:
        return find_session(connection, digest, wall_ms, idle=via == "cookie")


def _gateway_of(deps: Deps, digest: str) -> str | None:
    with deps.engine.connect() as connection:
        table = GATEWAY_KEY_TABLE
        found = connection.execute(select(table.c.gateway).where(table.c.digest == digest))
        return found.scalar_one_or_none()
