"""What is the same however somebody signs in: the session, its cookie, the device that is known
from now on, and what was tried in the account's name meanwhile."""

from dataclasses import dataclass
from typing import Final

from fastapi import Request
from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.answers import answer
from dashboard.callers import COOKIE_PLAIN, COOKIE_SECURE, client_address, presented_token
from dashboard.login_delay import LoginDelay
from dashboard.ports import Deps
from dashboard.problems import Problem
from dashboard.reads import Row, one
from dashboard.sessions import (
    ABSOLUTE_MS,
    Beginning,
    close_session,
    digest_of,
    has_factor,
    new_token,
    open_session,
)
from dashboard.signing_in import known_devices
from dashboard.signing_in.door_news import NEW_BROWSER, came_before, news_for
from dashboard.signing_in.policy import Method, is_asked
from ledger.schema import ACCOUNT
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

DEVICE_SECURE: Final = "__Host-hearthwatch-device"
DEVICE_PLAIN: Final = "hearthwatch-device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Who comes in and what was shown. `renewed`: the password's hash by today's parameters."""

    account: Row
    method: Method
    factor_at_ms: int | None
    renewed: str | None = None


def account_of(connection: Connection, username: str) -> Row | None:
    """With `has_factor`."""
    wanted = select(ACCOUNT, has_factor().label("has_factor"))
    return one(connection, wanted.where(ACCOUNT.c.username == username))


async def enter(
    request: Request, hub: Deps, entry: Entry, extra: Document | None = None
) -> Response:
    """Open the session; its token in a cookie, and in the answer for `Authorization: Bearer`."""
    username, wall_ms = entry.account["username"], hub.wall_ms()
    address = client_address(request)
    device = device_secret(request)
    delays: LoginDelay = request.app.state.login_delay
    known = await known_device(request, hub, username)
    delays.succeeded(username, address, known)
    news = await run_in_threadpool(_news, hub, username, device)
    # The first time there is none that it could know.
    strange = news.pop("before") and not known
    token, old = new_token(), presented_token(request)

    def change(unit: UnitOfWork) -> tuple[int, str]:
        if old is not None:
            close_session(unit, digest_of(old[0]))
        if entry.renewed is not None:
            sql = "UPDATE account SET password = ? WHERE username = ?"
            unit.execute(sql, (entry.renewed, username))
        if not entry.account["has_factor"] and is_asked(hub.signing_in, entry.account["role"]):
            _begin_grace(unit, username, wall_ms)
        told = _told(entry.method, address, strange=strange)
        unit.audit(username, "logged_in", f"account:{username}", told)
        begun = Beginning(
            method=entry.method,
            factor_at_ms=entry.factor_at_ms,
            address=address,
            agent=request.headers.get("user-agent", ""),
        )
        expires_ms = open_session(unit, token, username, wall_ms, begun)
        return expires_ms, known_devices.remember(unit, username, device, wall_ms)

    expires_ms, device = await hub.writer.change(change)
    response = answer(
        {
            "token": token,
            "role": entry.account["role"],
            "expires_at": to_iso(expires_ms),
            **news,
            **(extra or {}),
        }
    )
    set_session_cookie(response, request, token)
    name = DEVICE_SECURE if is_secure(request) else DEVICE_PLAIN
    _set_cookie(response, request, name, device, known_devices.KEPT_MS)
    return response


async def refuse(hub: Deps, username: str, address: str, why: str = "") -> None:
    """A name that is no account's may be a password typed into the wrong field: not stored."""
    detail = address if not why else f"{address}, {why}"

    def change(unit: UnitOfWork) -> None:
        unit.audit(username, "login_refused", f"account:{username}", detail)

    await hub.writer.change(change)


def too_many(wait_ms: int) -> Problem:
    seconds = -(-wait_ms // 1000)
    detail = f"too many failures; try again in {seconds} s"
    return Problem(429, "too_many_failures", detail, headers={"Retry-After": str(seconds)})


async def known_device(request: Request, hub: Deps, username: str) -> str:
    secret = device_secret(request)
    if not secret:
        return ""
    return await run_in_threadpool(_known_as, hub, username, secret)


def device_secret(request: Request) -> str:
    return request.cookies.get(DEVICE_SECURE) or request.cookies.get(DEVICE_PLAIN) or ""


def set_session_cookie(response: Response, request: Request, token: str) -> None:
    name = COOKIE_SECURE if is_secure(request) else COOKIE_PLAIN
    _set_cookie(response, request, name, token, ABSOLUTE_MS)


def clear_session_cookie(response: Response, request: Request) -> None:
    secure = is_secure(request)
    name = COOKIE_SECURE if secure else COOKIE_PLAIN
    response.delete_cookie(name, secure=secure, httponly=True, samesite="lax")


def is_secure(request: Request) -> bool:
    """Plain HTTP is for the demonstration on this machine; a proxy's scheme is passed on."""
    return request.url.scheme == "https"


def _news(hub: Deps, username: str, browser: str) -> Document:
    with hub.engine.connect() as connection:
        return {
            **news_for(connection, username, browser, hub.wall_ms()),
            "before": came_before(connection, username),
        }


def _known_as(hub: Deps, username: str, secret: str) -> str:
    with hub.engine.connect() as connection:
        return known_devices.known_as(connection, username, secret, hub.wall_ms())


def _begin_grace(unit: UnitOfWork, username: str, wall_ms: int) -> None:
    unit.execute(
        "UPDATE account SET factor_due_from_ms = ?"
        " WHERE username = ? AND factor_due_from_ms IS NULL",
        (wall_ms, username),
    )


def _told(method: Method, address: str, *, strange: bool) -> str:
    """`door_news` takes it apart again."""
    how = () if method == "password" else (method,)
    return ", ".join((address, *how, *((NEW_BROWSER,) if strange else ())))


def _set_cookie(response: Response, request: Request, name: str, value: str, age_ms: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=age_ms // 1000,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
