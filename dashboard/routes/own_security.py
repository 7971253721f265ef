"""By what one signs in oneself, and where one is signed in."""

import base64
import io
from typing import Annotated, Final

import segno
from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.answers import answer
from dashboard.asked import Body, PathId
from dashboard.callers import ARRIVING, ONESELF, SETTING_UP, Caller, Hub
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.reads import Row
from dashboard.routes.login import Code, stepped_up
from dashboard.routes.passkeys import passkeys_possible
from dashboard.sessions import ID_LENGTH, close_one_of, close_sessions_of, sessions_of
from dashboard.signing_in import api_tokens, one_time_code, passkey_rows, second_factors
from dashboard.signing_in.door_news import comings, failed_since
from dashboard.signing_in.entering import too_many
from dashboard.signing_in.policy import is_asked
from dashboard.signing_in.sign_on_rows import link_of
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, instant

router = APIRouter(tags=["session"])

# Modules of a QR code in pixels: an arm's length from the telephone.
_QR_SCALE: Final = 5


class Confirmation(Body):
    code: Code


@router.get("/me/security")
def own_security(request: Request, hub: Hub, caller: Annotated[Caller, ARRIVING]) -> Response:
    """What one's account is opened by, its sessions and its programs' tokens."""
    with hub.engine.connect() as connection:
        document = _security(connection, hub, caller)
    possible = passkeys_possible(request, hub)
    return answer({**document, "passkeys_possible": possible, "fresh": caller.fresh})


def _security(connection: Connection, hub: Deps, caller: Caller) -> Document:
    username, wall_ms = caller.username, hub.wall_ms()
    totp = second_factors.totp_of(connection, username)
    confirmed = totp is not None and totp["confirmed_at_ms"] is not None
    return {
        "username": username,
        "limit": caller.limit,
        "wanted": is_asked(hub.signing_in, caller.role),
        "totp": {"set_at": instant(totp["confirmed_at_ms"]) if confirmed and totp else None},
        "recovery_left": second_factors.recovery_left(connection, username),
        "passkeys": [
            passkey_rows.shown_document(row)
            for row in passkey_rows.of_account(connection, username)
        ],
        "sessions": [
            _session(row, caller.digest) for row in sessions_of(connection, username, wall_ms)
        ],
        "tokens": [
            api_tokens.shown(row, wall_ms) for row in api_tokens.tokens_of(connection, username)
        ],
        "scopes": api_tokens.offered(caller.role),
        "sign_on": link_of(connection, username),
    }


def _session(row: Row, own: str) -> Document:
    return {
        "id": row["digest"][:ID_LENGTH],
        "own": row["digest"] == own,
        "method": row["method"],
        "address": row["address"],
        "agent": row["agent"],
        "begun_at": to_iso(row["created_at_ms"]),
        "seen_at": to_iso(row["seen_at_ms"]),
        "ends_at": to_iso(row["expires_at_ms"]),
    }


@router.get("/me/failures")
def own_failures(hub: Hub, caller: Annotated[Caller, ONESELF]) -> Response:
    """What was tried in vain in one's name since one came in."""
    with hub.engine.connect() as connection:
        return answer(failed_since(connection, caller.username))


@router.get("/me/sign-ins")
def own_sign_ins(hub: Hub, caller: Annotated[Caller, ONESELF]) -> Response:
    """Who came in under one's name, and who was refused: when, from where, by what."""
    with hub.engine.connect() as connection:
        return answer({"items": comings(connection, caller.username)})


@router.post("/me/totp")
async def begin_totp(hub: Hub, caller: Annotated[Caller, SETTING_UP]) -> Response:
    """A secret for an authenticator app, as text and as a QR code; in use once confirmed."""
    wall_ms = hub.wall_ms()
    try:
        secret = await hub.writer.change(
            lambda unit: second_factors.begin_totp(unit, caller.username, wall_ms)
        )
    except ValueError:
        raise Problem(409, "in_use", "an authenticator app is set up; remove it first") from None
    return answer({"secret": secret, "qr": _qr(one_time_code.address(secret, caller.username))})


@router.post("/me/totp/confirm")
async def confirm_totp(
    body: Confirmation, request: Request, hub: Hub, caller: Annotated[Caller, SETTING_UP]
) -> Response:
    """A code of the app shows that it has the secret. The first time there are codes for paper in
    the answer, which nobody can read again."""
    wall_ms = hub.wall_ms()
    wait_ms = request.app.state.login_delay.code_attempt(caller.username, wall_ms)
    if wait_ms:
        raise too_many(wait_ms)
    code = body.code.replace(" ", "")

    def change(unit: UnitOfWork) -> list[str] | None:
        if not second_factors.confirm_totp(unit, caller.username, code, wall_ms):
            return None
        return second_factors.new_recovery_codes(unit, caller.username, wall_ms)

    codes = await hub.writer.change(change)
    if codes is None:
        raise Problem(403, "bad_code", "this is no code of that secret", field="code")
    request.app.state.login_delay.code_succeeded(caller.username)
    return await stepped_up(request, hub, caller, factor=True, extra={"recovery_codes": codes})


@router.delete("/me/totp")
async def remove_totp(hub: Hub, caller: Annotated[Caller, SETTING_UP]) -> Response:
    """From now on no code of the app is asked for, nor taken."""

    def change(unit: UnitOfWork) -> None:
        second_factors.remove_totp(unit, caller.username, caller.username)

    await hub.writer.change(change)
    return answer({"username": caller.username})


@router.post("/me/recovery-codes")
async def new_recovery_codes(hub: Hub, caller: Annotated[Caller, SETTING_UP]) -> Response:
    """New codes for paper; those before open nothing any more."""
    if not await run_in_threadpool(_has_totp, hub, caller.username):
        raise Problem(409, "no_factor", "set an authenticator app up first")
    wall_ms = hub.wall_ms()
    codes = await hub.writer.change(
        lambda unit: second_factors.new_recovery_codes(unit, caller.username, wall_ms)
    )
    return answer({"recovery_codes": codes})


@router.delete("/me/sessions/{session_id}")
async def end_session(session_id: PathId, hub: Hub, caller: Annotated[Caller, ONESELF]) -> Response:
    """Sign out elsewhere."""

    def change(unit: UnitOfWork) -> None:
        close_one_of(unit, caller.username, session_id)
        unit.audit(caller.username, "ended_session", f"account:{caller.username}", session_id)

    try:
        await hub.writer.change(change)
    except KeyError:
        raise not_found("session") from None
    return answer({"id": session_id})


@router.delete("/me/sessions")
async def end_other_sessions(hub: Hub, caller: Annotated[Caller, ONESELF]) -> Response:
    """Sign out everywhere but here."""

    def change(unit: UnitOfWork) -> None:
        close_sessions_of(unit, caller.username, caller.digest)
        unit.audit(caller.username, "ended_session", f"account:{caller.username}", "all others")

    await hub.writer.change(change)
    return answer({"username": caller.username})


def _has_totp(hub: Deps, username: str) -> bool:
    with hub.engine.connect() as connection:
        found = second_factors.totp_of(connection, username)
    return found is not None and found["confirmed_at_ms"] is not None


def _qr(text: str) -> str:
    """As an address of data: the page's policy lets no inline drawing in that has styles."""
    out = io.BytesIO()
    # Black on white whatever the page's colours are: cameras want that.
    segno.make(text, error="m").save(out, kind="svg", scale=_QR_SCALE, light="#fff", xmldecl=False)
    return f"data:image/svg+xml;base64,{base64.b64encode(out.getvalue()).decode()}"
