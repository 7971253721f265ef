"""Who is asking: from the cookie or the bearer token to an account, its permissions and region.

Every route declares what it needs by depending on one of `needs(permission)`, `SIGNED_IN`,
`GATEWAY_KEY`, `FAMILY_TOKEN`, `REPLY_TOKEN`, `UPLINK_TOKEN` or `PUBLIC`; a test walks the routes
and finds those that don't.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from anyio import to_thread
from fastapi import Depends, Request
from sqlalchemy import ColumnElement, Connection, and_, or_, select, true
from starlette.concurrency import run_in_threadpool

from dashboard.flood import Rates
from dashboard.permissions import NEAR_ONLY, OF_KNOWN_PEOPLE, PERMISSIONS, Area, permissions_of
from dashboard.ports import Deps
from dashboard.problems import Problem
from dashboard.sessions import (
    TOUCH_EVERY_MS,
    SessionRow,
    digest_of,
    find_session,
    touch_session,
)
from dashboard.signing_in import api_tokens
from dashboard.signing_in.policy import STEPPED_UP, Limit, is_fresh, limit_of, must_step_up
from dashboard.standing import Account, Standing, standing_of
from ledger.schema import GATEWAY_KEY as GATEWAY_KEY_TABLE
from ledger.schema import HOME, SERVICE_USER
from ledger.unit_of_work import UnitOfWork

_LOG = logging.getLogger("hearthwatch.dashboard")

# `token`: an API token; `screen`: of a wall, and never found here.
Via = Literal["cookie", "bearer", "token", "screen"]

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
    """A signed-in account; `region` is the prefix of all it may see, "" for everything.

    `limit`: why its session may do nothing yet. `stale`: its second factor was shown too long ago
    for `STEPPED_UP`. `fresh`: it has just shown who it is. `scopes`: of a program's token, all
    that it may do."""

    username: str
    name: str
    role: str
    region: str
    digest: str
    via: Via
    limit: Limit = ""
    stale: bool = False
    fresh: bool = False
    scopes: frozenset[str] | None = None
    area: Area = "whole"
    # Whose records it knows, None: all of its region; those of anywhere that it opened.
    homes: frozenset[str] | None = None
    opened: frozenset[str] = frozenset()
    # Where telephones are open to it, None: wherever it knows people.
    contacts: frozenset[str] | None = None

    @property
    def can(self) -> frozenset[str]:
        granted = permissions_of(self.role, self.area)
        if self.contacts is not None:
            granted -= {NEAR_ONLY}
        return granted if self.scopes is None else granted & self.scopes

    def can_at(self, home: str | None) -> frozenset[str]:
        """What it may about a home: of people it doesn't know, nothing that tells who they are."""
        if home is None or self.homes is None or home in self.homes or home in self.opened:
            work = home is not None and home in (self.contacts or frozenset()) | self.opened
            return self.can | {NEAR_ONLY} if work and self.scopes is None else self.can
        return self.can - OF_KNOWN_PEOPLE

    def can_in_list(self, home: str, live: frozenset[str]) -> frozenset[str]:
        """`can_at` in a list of many: telephones only where something is open, or of one's own."""
        if self.homes is not None or home in live or "person.read" not in self.can:
            return self.can_at(home)
        return self.can_at(home) - {NEAR_ONLY}

    def sees(self, region: str | None) -> bool:
        """What has no region yet (a new gateway, an unbound button) concerns everybody."""
        return region is None or region.startswith(self.region)

    def knows(self, region: str | None, home: str | None) -> bool:
        """Whether the records of a home are there for this account."""
        if home is not None and home in self.opened:
            return True
        return self.sees(region) and (self.homes is None or home is None or home in self.homes)

    def comes_to(self, region: str | None, home: str | None) -> bool:
        """Whether an alarm or task is there: of its region, or what it opened in an emergency."""
        return self.sees(region) or (home is not None and home in self.opened)

    def visible(self, column: Any) -> ColumnElement[bool]:
        """`sees` as a condition on a column of region codes."""
        if not self.region:
            return true()
        return or_(column.is_(None), column.startswith(self.region, autoescape=True))

    def known(self, region: Any, home: Any) -> ColumnElement[bool]:
        """`knows` as a condition on columns of region codes and homes."""
        inside = self.visible(region)
        if self.homes is not None:
            inside = and_(inside, or_(home.is_(None), home.in_(self.homes)))
        return or_(inside, home.in_(self.opened)) if self.opened else inside

    def known_persons(self, region: Any, person: Any) -> ColumnElement[bool]:
        """The same where a row names a person and no home."""
        if self.homes is None and not self.opened:
            return self.visible(region)
        known = select(SERVICE_USER.c.id).join(HOME, HOME.c.id == SERVICE_USER.c.home)
        among: ColumnElement[bool] = person.in_(known.where(self.known(HOME.c.region, HOME.c.id)))
        return among


def deps_of(request: Request) -> Deps:
    deps: Deps = request.app.state.deps
    return deps


async def _deps(request: Request) -> Deps:
    return deps_of(request)


Hub = Annotated[Deps, Depends(_deps)]


class Needs:
    """A dependency that answers only to accounts with this permission, and with `also`. `limited`:
    also in sessions that may do nothing else yet. `human`: to no program's token. `fresh`: to who
    has just shown who it is."""

    def __init__(
        self,
        permission: str,
        *,
        also: str = "",
        limited: Collection[Limit] = (),
        human: bool = False,
        fresh: bool = False,
    ) -> None:
        self.permission = permission
        self.also = also
        self._limited = limited
        self._human = human
        self._fresh = fresh

    async def __call__(self, request: Request) -> Caller:
        caller = await identify(request)
        if caller is None:
            raise Problem(
                401, "signed_out", "sign in first", headers={"WWW-Authenticate": "Bearer"}
            )
        _check_origin(request, caller)
        rates: Rates = request.app.state.rates
        rates.check_account(caller.username, deps_of(request).wall_ms())
        if caller.limit and caller.limit not in self._limited:
            raise _LIMITED[caller.limit]()
        if self._human and caller.via == "token":
            raise Problem(403, "forbidden", "not with a program's token")
        for permission in (self.permission, self.also):
            if permission in PERMISSIONS and permission not in caller.can:
                detail = f"the role {caller.role} may not {permission}"
                if permission in permissions_of(caller.role):
                    detail = f"{permission} is for accounts of a wider region"
                # Who tries doors is found by it (ASVS 5.0, 16.3.2); nothing of whom it was about.
                _LOG.warning("refused: %s asked for %s", caller.username, permission)
                raise Problem(403, "forbidden", detail)
        if self.permission in STEPPED_UP:
            check_not_stale(caller)
        if self._fresh and not caller.fresh:
            raise _step_up()
        # What was opened in an emergency is read, and changed by nobody.
        return caller if request.method in _SAFE_METHODS else replace(caller, opened=frozenset())


def check_not_stale(caller: Caller) -> None:
    """For routes that do one of `STEPPED_UP` only when they are asked to."""
    if caller.stale:
        raise _step_up()


def _step_up() -> Problem:
    return Problem(403, "step_up", "show again who you are: POST /api/v1/me/factor")


_LIMITED: Final[Mapping[str, Callable[[], Problem]]] = {
    "enrol": lambda: Problem(403, "factor_wanted", "set a second factor up first"),
    "factor": lambda: Problem(403, "second_factor", "show your second factor first"),
}


def needs(permission: str, also: str = "") -> Any:
    """`Depends` on one permission of the table, or on two."""
    for name in (permission, also):
        if name and name not in PERMISSIONS:
            raise ValueError(f"no such permission: {name}")
    return Depends(Needs(permission, also=also))


SIGNED_IN: Final = Depends(Needs("signed in"))
# What is one's own to set, and no program's.
ONESELF: Final = Depends(Needs("signed in", human=True))
_YET: Final[tuple[Limit, ...]] = ("enrol", "factor")
# As well before a second factor was shown or set up.
ARRIVING: Final = Depends(Needs("signed in", limited=_YET, human=True))
# Programs, too, ask who they are.
WHO: Final = Depends(Needs("signed in", limited=_YET))
# What one signs in by: a second factor that is wanted is set up before anything else.
SETTING_UP: Final = Depends(Needs("signed in", limited=_YET[:1], human=True, fresh=True))


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


ENROLMENT_CODE: Final = Depends(ByToken("enrolment code"))
GATEWAY_CERTIFICATE: Final = Depends(ByToken("gateway certificate"))
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
    """The account of a session or token as it is now; using a session keeps it alive."""
    if via == "token":
        return await _of_token(deps, digest)
    wall_ms = deps.wall_ms()
    found = await run_in_threadpool(_session, deps, digest, wall_ms, via)
    if found is None:
        return None
    row, standing = found
    if wall_ms - row.seen_at_ms >= TOUCH_EVERY_MS:
        await _note_use(deps, lambda unit: touch_session(unit, digest, wall_ms))
    return Caller(
        **_placed(row, standing),
        via=via,
        limit=limit_of(deps.signing_in, row.standing),
        stale=must_step_up(deps.signing_in, row.standing, wall_ms),
        fresh=is_fresh(row.standing, wall_ms),
    )


async def _of_token(deps: Deps, digest: str) -> Caller | None:
    wall_ms = deps.wall_ms()
    found = await run_in_threadpool(_token, deps, digest, wall_ms)
    if found is None:
        return None
    row, standing = found
    if row.used_at_ms is None or wall_ms - row.used_at_ms >= TOUCH_EVERY_MS:
        await _note_use(deps, lambda unit: api_tokens.touch(unit, digest, wall_ms))
    return Caller(
        **_placed(row, standing),
        via="token",
        scopes=row.scopes,
    )


def _placed(row: SessionRow | api_tokens.TokenRow, standing: Standing) -> dict[str, Any]:
    account = ("username", "name", "role", "region", "digest")
    place = ("area", "homes", "opened", "contacts")
    return {name: getattr(row, name) for name in account} | {
        name: getattr(standing, name) for name in place
    }


async def _note_use(deps: Deps, apply: Callable[[UnitOfWork], None]) -> None:
    try:
        await deps.writer.change(apply)
    except Exception as error:  # noqa: BLE001 - a full disk must not sign the duty desk out
        _LOG.warning("a session's last use was not stored: %s", type(error).__name__)


def presented_token(request: Request) -> tuple[str, Via] | None:
    """The token as it came; a header wins over the cookie."""
    bearer = _bearer(request)
    if bearer is not None:
        return bearer, "token" if api_tokens.is_one(bearer) else "bearer"
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
    if request.method in _SAFE_METHODS or caller.via != "cookie":
        return
    if request.headers.get(CSRF_HEADER, "").lower() != CSRF_VALUE:
        raise Problem(403, "csrf", f"changes by cookie need the header {CSRF_HEADER}: {CSRF_VALUE}")


def _session(deps: Deps, digest: str, wall_ms: int, via: Via) -> tuple[SessionRow, Standing] | None:
    with deps.engine.connect() as connection:
        idle_ms = deps.signing_in.idle_ms if via == "cookie" else None
        row = find_session(connection, digest, wall_ms, idle_ms=idle_ms)
        return None if row is None else (row, _standing(deps, connection, row))


def _token(deps: Deps, digest: str, wall_ms: int) -> tuple[api_tokens.TokenRow, Standing] | None:
    with deps.engine.connect() as connection:
        row = api_tokens.find(connection, digest, wall_ms)
        return None if row is None else (row, _standing(deps, connection, row))


def _standing(
    deps: Deps, connection: Connection, row: SessionRow | api_tokens.TokenRow
) -> Standing:
    account = Account(username=row.username, role=row.role, region=row.region)
    return standing_of(connection, account, deps.rota.book.plan, deps.clock.now_ms())


def _gateway_of(deps: Deps, digest: str) -> str | None:
    with deps.engine.connect() as connection:
        table = GATEWAY_KEY_TABLE
        found = connection.execute(select(table.c.gateway).where(table.c.digest == digest))
        return found.scalar_one_or_none()
