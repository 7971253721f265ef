"""How somebody else's account is opened, for administrators: who lost the second factor or waits
after a stranger's guesses is let in again, and whom the identity provider means."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import answer
from dashboard.asked import Body, Line, PathId
from dashboard.callers import Caller, Hub, needs
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.routes.alarms import Nothing
from dashboard.sessions import close_sessions_of
from dashboard.signing_in import api_tokens, second_factors, sign_on_rows
from dashboard.signing_in.door_news import failed_since
from dashboard.signing_in.entering import account_of
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["users"])


class Subject(Body):
    subject: Annotated[Line, Field(min_length=1, max_length=sign_on_rows.SUBJECT_MAX)]


@router.get("/users/{username}/doors")
def get_doors(
    username: PathId, hub: Hub, caller: Annotated[Caller, needs("user.write")]
) -> Response:
    """What it is opened by; nothing of the secrets."""
    return answer(_doors(hub, caller, username))


@router.post("/users/{username}/free")
async def free(
    username: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("user.write")],
    _body: Nothing | None = None,
) -> Response:
    """It waits no longer for what strangers guessed."""
    document = await run_in_threadpool(_doors, hub, caller, username)
    request.app.state.login_delay.free(username)
    await hub.writer.change(
        lambda unit: unit.audit(caller.username, "freed", f"account:{username}")
    )
    return answer(document)


@router.delete("/users/{username}/factors")
async def reset_factors(
    username: PathId, hub: Hub, caller: Annotated[Caller, needs("user.write")]
) -> Response:
    """All second factors, known devices and sessions end; where one is asked of it, it has the
    grace of a new account to set one up. One's own are removed on one's own page."""
    await run_in_threadpool(_doors, hub, caller, username)
    if username == caller.username:
        raise Problem(409, "own_account", "another administrator must do this to yours")

    def change(unit: UnitOfWork) -> None:
        second_factors.reset(unit, username, caller.username)
        close_sessions_of(unit, username)

    await hub.writer.change(change)
    return answer(await run_in_threadpool(_doors, hub, caller, username))


@router.delete("/users/{username}/sessions")
async def end_sessions(
    username: PathId, hub: Hub, caller: Annotated[Caller, needs("user.write")]
) -> Response:
    """Signed out everywhere, and its programs' tokens end."""
    await run_in_threadpool(_doors, hub, caller, username)
    wall_ms = hub.wall_ms()

    def change(unit: UnitOfWork) -> None:
        close_sessions_of(unit, username)
        api_tokens.revoke_all(unit, username, caller.username, wall_ms)
        unit.audit(caller.username, "ended_session", f"account:{username}", "all")

    await hub.writer.change(change)
    return answer(await run_in_threadpool(_doors, hub, caller, username))


@router.put("/users/{username}/sign-on")
async def link_subject(
    username: PathId,
    body: Subject,
    hub: Hub,
    caller: Annotated[Caller, needs("user.write")],
) -> Response:
    """Who comes from the identity provider as this subject is this account."""
    await run_in_threadpool(_doors, hub, caller, username)
    settings, wall_ms = hub.signing_in.sign_on, hub.wall_ms()
    if settings is None:
        raise Problem(409, "no_sign_on", "no identity provider is configured at this hub")

    def change(unit: UnitOfWork) -> None:
        sign_on_rows.link(unit, username, settings.issuer, body.subject, caller.username, wall_ms)

    try:
        await hub.writer.change(change)
    except sign_on_rows.SubjectTaken:
        detail = "another account has this subject"
        raise Problem(409, "taken", detail, field="subject") from None
    return answer(await run_in_threadpool(_doors, hub, caller, username))


@router.delete("/users/{username}/sign-on")
async def unlink_subject(
    username: PathId, hub: Hub, caller: Annotated[Caller, needs("user.write")]
) -> Response:
    """The account is signed in to elsewhere no more."""
    await run_in_threadpool(_doors, hub, caller, username)
    try:
        await hub.writer.change(lambda unit: sign_on_rows.unlink(unit, username, caller.username))
    except KeyError:
        raise not_found("link") from None
    return answer(await run_in_threadpool(_doors, hub, caller, username))


def _doors(hub: Deps, caller: Caller, username: str) -> Document:
    with hub.engine.connect() as connection:
        account = account_of(connection, username)
        if account is None or not account["region"].startswith(caller.region):
            raise not_found("account")
        return {
            "username": username,
            "has_factor": bool(account["has_factor"]),
            "recovery_left": second_factors.recovery_left(connection, username),
            "failed": failed_since(connection, username),
            "sign_on": sign_on_rows.link_of(connection, username),
            "sign_on_offered": hub.signing_in.sign_on is not None,
        }
