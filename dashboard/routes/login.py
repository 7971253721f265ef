"""Signing in and out, showing a second factor, and who one is."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.answers import answer
from dashboard.asked import Body
from dashboard.callers import ARRIVING, PUBLIC, WHO, Caller, Hub, client_address
from dashboard.login_delay import LoginDelay
from dashboard.passwords import LENGTH_MAX
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field
from dashboard.reads import Row
from dashboard.sessions import close_session, proved
from dashboard.signing_in import policy, second_factors
from dashboard.signing_in.entering import (
    Entry,
    account_of,
    clear_session_cookie,
    enter,
    known_device,
    refuse,
    set_session_cookie,
    too_many,
)
from dashboard.signing_in.webauthn import relying_party
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["session"])

# A code of an authenticator app, or one of those on paper, as people type them.
Code = Annotated[str, Field(min_length=1, max_length=40)]


class Credentials(Body):
    username: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=LENGTH_MAX)]
    code: Code | None = None


class Shown(Body):
    """`password`: for an account without a second factor."""

    code: Code | None = None
    password: Annotated[str, Field(min_length=1, max_length=LENGTH_MAX)] | None = None


@router.post("/login", dependencies=[PUBLIC])
async def login(body: Credentials, request: Request, hub: Hub) -> Response:
    """Start a session: a cookie, and the same token for `Authorization: Bearer`.

    401 `second_factor` asks for the same again with a `code`, of the authenticator app or one of
    those on paper."""
    delays: LoginDelay = request.app.state.login_delay
    address = client_address(request)
    device = await known_device(request, hub, body.username)
    wait_ms = delays.attempt(body.username, address, hub.wall_ms(), device)
    if wait_ms:
        raise too_many(wait_ms)
    account = await run_in_threadpool(_account, hub, body.username)
    stored = None if account is None or account["disabled"] else account["password"]
    right = await hub.passwords.verify_async(stored, body.password)
    if account is None or not right:
        await refuse(hub, body.username if account is not None else "unknown", address)
        raise Problem(401, "bad_credentials", "the username or the password is wrong")
    entry = Entry(account=account, method="password", factor_at_ms=None)
    if account["has_factor"]:
        if body.code is None:
            delays.half_way(body.username, address, device)
            raise Problem(401, "second_factor", "a code is needed as well", field="code")
        shown = await _check_code(request, hub, body.username, body.code, 401)
        entry = Entry(account=account, method=shown, factor_at_ms=hub.wall_ms())
    if hub.passwords.outdated(account["password"]):
        renewed = await hub.passwords.hash_async(body.password)
        entry = Entry(
            account=account, method=entry.method, factor_at_ms=entry.factor_at_ms, renewed=renewed
        )
    return await enter(request, hub, entry)


@router.get("/login/ways", dependencies=[PUBLIC])
async def sign_in_ways(request: Request, hub: Hub) -> Response:
    """What there is besides a password, for the page that asks for one."""
    provider = hub.signing_in.sign_on
    party = relying_party(hub.signing_in.origin, request.url.hostname)
    return answer(
        {
            "passkeys": party is not None,
            "sign_on": None if provider is None else {"name": provider.name},
        }
    )


@router.post("/me/factor")
async def show_factor(
    body: Shown, request: Request, hub: Hub, caller: Annotated[Caller, ARRIVING]
) -> Response:
    """Show the second factor in a session that began without, or again where that was long ago; an
    account that has none shows its password. The session goes on under another token."""
    account = await run_in_threadpool(_account, hub, caller.username)
    if account is not None and account["has_factor"]:
        if body.code is None:
            raise bad_field("code", "of the authenticator app, or one on paper")
        await _check_code(request, hub, caller.username, body.code, 403)
        return await stepped_up(request, hub, caller, factor=True)
    if body.password is None:
        raise bad_field("password", "this account has no second factor: its password")
    await check_own_password(request, hub, caller, body.password, "password")
    return await stepped_up(request, hub, caller, factor=False)


async def stepped_up(
    request: Request, hub: Deps, caller: Caller, *, factor: bool, extra: Document | None = None
) -> Response:
    """Something was shown just now."""
    try:
        token = await hub.writer.change(
            lambda unit: proved(unit, caller.digest, hub.wall_ms(), factor=factor)
        )
    except KeyError:
        raise Problem(401, "signed_out", "sign in first") from None
    response = answer({"token": token, "username": caller.username, **(extra or {})})
    if caller.via == "cookie":
        set_session_cookie(response, request, token)
    return response


async def check_own_password(
    request: Request, hub: Deps, caller: Caller, password: str, field: str
) -> None:
    """403 unless it is the caller's; guesses count as at the login."""
    delays: LoginDelay = request.app.state.login_delay
    address = client_address(request)
    device = await known_device(request, hub, caller.username)
    wait_ms = delays.attempt(caller.username, address, hub.wall_ms(), device)
    if wait_ms:
        raise too_many(wait_ms)
    account = await run_in_threadpool(_account, hub, caller.username)
    stored = None if account is None else account["password"]
    if not await hub.passwords.verify_async(stored, password):
        raise Problem(403, "bad_credentials", "the password is wrong", field=field)
    delays.succeeded(caller.username, address, device)


@router.post("/logout")
async def logout(request: Request, hub: Hub, caller: Annotated[Caller, ARRIVING]) -> Response:
    """End this session."""

    def change(unit: UnitOfWork) -> None:
        close_session(unit, caller.digest)
        unit.audit(caller.username, "logged_out", f"account:{caller.username}")

    await hub.writer.change(change)
    response = answer({"username": caller.username})
    clear_session_cookie(response, request)
    return response


@router.get("/me")
def me(hub: Hub, caller: Annotated[Caller, WHO]) -> Response:
    """Who I am and what I may do; `limit` says what this session has to show or set up first."""
    with hub.engine.connect() as connection:
        account = account_of(connection, caller.username)
    return answer(
        {
            "username": caller.username,
            "name": caller.name,
            "role": caller.role,
            "region": caller.region,
            "can": [] if caller.limit else sorted(caller.can),
            "limit": caller.limit,
            "factor": _factor(hub, account, caller),
        }
    )


def _factor(hub: Deps, account: Row | None, caller: Caller) -> Document:
    """Whether there is a second factor, and by when there has to be one."""
    if account is None:
        return {"set": False, "due_at": None}
    standing = policy.Standing(
        role=caller.role,
        has_factor=bool(account["has_factor"]),
        factor_at_ms=None,
        proved_at_ms=None,
        due_from_ms=account["factor_due_from_ms"],
        begun_at_ms=hub.wall_ms(),
    )
    due_ms = policy.due_at_ms(hub.signing_in, standing)
    known = due_ms is not None and standing.due_from_ms is not None
    return {
        "set": standing.has_factor,
        "due_at": to_iso(due_ms) if known and due_ms is not None else None,
    }


async def _check_code(
    request: Request, hub: Deps, username: str, code: str, status: int
) -> second_factors.Shown:
    """What was shown; a code that counts is used up. `bad_code` with this status, or 429."""
    delays: LoginDelay = request.app.state.login_delay
    wall_ms = hub.wall_ms()
    device = await known_device(request, hub, username)
    wait_ms = delays.code_attempt(username, wall_ms, device)
    if wait_ms:
        raise too_many(wait_ms)
    shown = await hub.writer.change(lambda unit: second_factors.take(unit, username, code, wall_ms))
    if shown is None:
        await refuse(hub, username, client_address(request), "wrong code")
        raise Problem(status, "bad_code", "this code is wrong, or was used before", field="code")
    delays.code_succeeded(username, device)
    return shown


def _account(hub: Deps, username: str) -> Row | None:
    with hub.engine.connect() as connection:
        return account_of(connection, username)
