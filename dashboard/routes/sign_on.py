"""Signing in by an identity provider: off to it, and back. Whatever fails leads to the page's
login, which says why; the password is there whatever becomes of the provider."""

import hmac
import logging
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dashboard.callers import PUBLIC, Hub, client_address
from dashboard.ports import Deps
from dashboard.problems import not_found
from dashboard.reads import Row
from dashboard.signing_in import flow_cookie
from dashboard.signing_in.entering import Entry, account_of, enter, is_secure, refuse
from dashboard.signing_in.sign_on_rows import username_of
from ledger.views import Document

_LOG = logging.getLogger("hearthwatch.dashboard")

router = APIRouter(tags=["session"])

COOKIE_SECURE: Final = "__Host-hearthwatch-sign-on"
COOKIE_PLAIN: Final = "hearthwatch-sign-on"
BACK: Final = "/api/v1/sign-on/back"
# Codes and states are at most a few hundred characters.
Word = Annotated[str | None, Query(max_length=2000)]


@router.get("/sign-on/start", dependencies=[PUBLIC])
async def start(request: Request, hub: Hub) -> Response:
    """To the identity provider; the browser keeps what has to come back."""
    sign_on = _sign_on(request)
    origin = hub.signing_in.origin or str(request.base_url).rstrip("/")
    failed = _failed_kind()
    try:
        address, flow = await sign_on.begin(f"{origin}{BACK}", hub.wall_ms() // 1000)
    except failed as error:
        return _login(request, error.why, error.detail)
    response = RedirectResponse(address, 303)
    key: bytes = request.app.state.sign_on_key
    _set_flow(response, request, flow_cookie.written(key, asdict(flow), hub.wall_ms()))
    return response


@router.get("/sign-on/back", dependencies=[PUBLIC])
async def back(
    request: Request,
    hub: Hub,
    code: Word = None,
    state: Word = None,
    error: Word = None,
) -> Response:
    """From the identity provider: whom it means is signed in, if an administrator linked them."""
    sign_on = _sign_on(request)
    kept = _kept(request, hub)
    if kept is None or not hmac.compare_digest(kept["state"].encode(), (state or "").encode()):
        return _login(request, "state", "not begun in this browser, or too long ago")
    if error is not None or not code:
        return _login(request, "refused", "the provider refused")
    failed = _failed_kind()
    try:
        signed_on = await sign_on.end(code, _flow(kept), hub.wall_ms() // 1000)
    except failed as problem:
        return _login(request, problem.why, problem.detail)
    found = await run_in_threadpool(_account, hub, signed_on.subject)
    if found is None or found["disabled"]:
        name = "unknown" if found is None else found["username"]
        await refuse(hub, name, client_address(request), "sign_on")
        return _login(request, "no_account", "a subject that no account is linked to")
    factor_at_ms = hub.wall_ms() if signed_on.factor else None
    entry = Entry(account=found, method="sign_on", factor_at_ms=factor_at_ms)
    entered = await enter(request, hub, entry)
    response = RedirectResponse("/", 303)
    for name, value in entered.raw_headers:
        if name == b"set-cookie":
            response.raw_headers.append((name, value))
    _clear_flow(response, request)
    return response


def _account(hub: Deps, subject: str) -> Row | None:
    settings = hub.signing_in.sign_on
    if settings is None:
        return None
    with hub.engine.connect() as connection:
        return _linked(connection, settings.issuer, subject)


def _linked(connection: Connection, issuer: str, subject: str) -> Row | None:
    username = username_of(connection, issuer, subject)
    return None if username is None else account_of(connection, username)


def _sign_on(request: Request) -> Any:
    sign_on = request.app.state.sign_on
    if sign_on is None:
        raise not_found("identity provider")
    return sign_on


def _failed_kind() -> Any:
    # Authlib is an extra: who has no provider has no need of it.
    from dashboard.signing_in.sign_on import SignOnFailed

    return SignOnFailed


def _flow(kept: dict[str, str]) -> Any:
    from dashboard.signing_in.sign_on import Flow

    return Flow(**kept)


def _kept(request: Request, hub: Deps) -> dict[str, str] | None:
    text = request.cookies.get(COOKIE_SECURE) or request.cookies.get(COOKIE_PLAIN) or ""
    return flow_cookie.read(request.app.state.sign_on_key, text, hub.wall_ms())


def _login(request: Request, why: str, detail: str) -> Response:
    """To the page's login, which has words for it."""
    _LOG.warning("single sign-on: %s: %s", why, detail)
    response = RedirectResponse(f"/?sign_on={why}", 303)
    _clear_flow(response, request)
    return response


def _set_flow(response: Response, request: Request, value: str) -> None:
    response.set_cookie(
        **_cookie(request), value=value, max_age=flow_cookie.LIFE_MS // 1000, path="/"
    )


def _clear_flow(response: Response, request: Request) -> None:
    response.delete_cookie(**_cookie(request), path="/")


def _cookie(request: Request) -> Document:
    secure = is_secure(request)
    key = COOKIE_SECURE if secure else COOKIE_PLAIN
    # Lax: the way back begins at another site.
    return {"key": key, "secure": secure, "httponly": True, "samesite": "lax"}
