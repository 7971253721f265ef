"""Signing in and out, and who one is."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.answers import answer
from dashboard.asked import Body
from dashboard.callers import (
    COOKIE_PLAIN,
    COOKIE_SECURE,
    PUBLIC,
    SIGNED_IN,
    Caller,
    Hub,
    client_address,
    presented_token,
)
from dashboard.login_delay import LoginDelay
from dashboard.own_permissions import can_of
from dashboard.passwords import LENGTH_MAX
from dashboard.ports import Deps
from dashboard.problems import Problem
from dashboard.reads import Row, one
from dashboard.sessions import ABSOLUTE_MS, close_session, digest_of, new_token, open_session
from ledger.schema import ACCOUNT
from ledger.unit_of_work import UnitOfWork

router = APIRouter(tags=["session"])


class Credentials(Body):
    username: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=LENGTH_MAX)]


@router.post("/login", dependencies=[PUBLIC])
async def login(body: Credentials, request: Request, hub: Hub) -> Response:
    """Start a session: a cookie, and the same token for `Authorization: Bearer`."""
    delays: LoginDelay = request.app.state.login_delay
    address = client_address(request)
    wait_ms = delays.attempt(body.username, address, hub.wall_ms())
    if wait_ms:
        seconds = -(-wait_ms // 1000)
        detail = f"too many failures; try again in {seconds} s"
        headers = {"Retry-After": str(seconds)}
        raise Problem(429, "too_many_failures", detail, headers=headers)
    account = await run_in_threadpool(_account, hub, body.username)
    stored = None if account is None or account["disabled"] else account["password"]
    right = await hub.passwords.verify_async(stored, body.password)
    if account is None or not right:
        await _refuse(hub, body.username if account is not None else "unknown", address)
        raise Problem(401, "bad_credentials", "the username or the password is wrong")
    delays.succeeded(body.username, address)
    renewed = None
    if hub.passwords.outdated(account["password"]):
        renewed = await hub.passwords.hash_async(body.password)
    old = presented_token(request)
    token = new_token()

    def change(unit: UnitOfWork) -> int:
        if old is not None:
            close_session(unit, digest_of(old[0]))
        if renewed is not None:
            unit.execute(
                "UPDATE account SET password = ? WHERE username = ?", (renewed, body.username)
            )
        unit.audit(body.username, "logged_in", f"account:{body.username}", address)
        return open_session(unit, token, body.username, hub.wall_ms())

    expires_ms = await hub.writer.change(change)
    response = answer({"token": token, "role": account["role"], "expires_at": to_iso(expires_ms)})
    _set_cookie(response, request, token)
    return response


@router.post("/logout")
async def logout(request: Request, hub: Hub, caller: Annotated[Caller, SIGNED_IN]) -> Response:
    """End this session."""

    def change(unit: UnitOfWork) -> None:
        close_session(unit, caller.digest)
        unit.audit(caller.username, "logged_out", f"account:{caller.username}")

    await hub.writer.change(change)
    response = answer({"username": caller.username})
    secure = _is_secure(request)
    response.delete_cookie(
        COOKIE_SECURE if secure else COOKIE_PLAIN, secure=secure, httponly=True, samesite="lax"
    )
    return response


@router.get("/me")
def me(hub: Hub, caller: Annotated[Caller, SIGNED_IN]) -> Response:
    """Who I am and what I may do."""
    with hub.engine.connect() as connection:
        can = can_of(connection, caller)
    return answer(
        {
            "username": caller.username,
            "name": caller.name,
            "role": caller.role,
            "region": caller.region,
            "can": sorted(can),
        }
    )


def _account(hub: Deps, username: str) -> Row | None:
    with hub.engine.connect() as connection:
        return one(connection, select(ACCOUNT).where(ACCOUNT.c.username == username))


async def _refuse(hub: Deps, username: str, address: str) -> None:
    """A name that is no account's may be a password typed into the wrong field: not stored."""

    def change(unit: UnitOfWork) -> None:
        unit.audit(username, "login_refused", f"account:{username}", address)

    await hub.writer.change(change)


def _set_cookie(response: Response, request: Request, token: str) -> None:
    secure = _is_secure(request)
    response.set_cookie(
        COOKIE_SECURE if secure else COOKIE_PLAIN,
        token,
        max_age=ABSOLUTE_MS // 1000,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _is_secure(request: Request) -> bool:
    """Plain HTTP is for the demonstration on this machine; a proxy's scheme is passed on."""
    return request.url.scheme == "https"
