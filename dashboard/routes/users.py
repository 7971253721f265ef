"""Accounts of staff, for administrators; nobody gives away more than they have."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import Connection, func, literal, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.accounts import (
    AccountError,
    Kept,
    change_account,
    check_account,
    create_user,
    set_password,
)
from dashboard.answers import CREATED, answer
from dashboard.asked import Body, Line, PathId, Word
from dashboard.callers import ONESELF, Caller, Hub, needs
from dashboard.passwords import LENGTH_MAX, check_password
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, one, rows
from dashboard.routes.login import check_own_password
from dashboard.signing_in.api_tokens import ALIVE_MAX
from ledger.register_changes import Changed
from ledger.schema import ACCOUNT, AUDIT, REGION, SESSION
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, instant

router = APIRouter(tags=["users"])

Password = Annotated[str, Field(min_length=1, max_length=LENGTH_MAX)]
Phone = Annotated[Line, Field(max_length=32)]


class NewAccount(Body):
    username: Word
    name: Word
    role: Word
    password: Password
    region: Annotated[Line, Field(max_length=32)] = ""
    phone: Phone = ""


class AccountChanges(Body):
    name: Word = ""
    role: Word = ""
    region: Annotated[Line, Field(max_length=32)] = ""
    phone: Phone = ""
    disabled: bool = False
    password: Password | None = None


@router.get("/users")
def list_users(hub: Hub, caller: Annotated[Caller, needs("user.read")]) -> Response:
    """Accounts whose area lies in the caller's, when they last came, and whether they are in."""
    with hub.engine.connect() as connection:
        found = rows(connection, select(ACCOUNT).order_by(ACCOUNT.c.username))
        came, sessions = _came(connection), _sessions(connection, hub.wall_ms())
    mine = [row for row in found if row["region"].startswith(caller.region)]
    return answer(
        {
            "items": [
                {
                    **_shown(row),
                    "last_sign_in_at": instant(came.get(row["username"])),
                    "sessions": sessions.get(row["username"], 0),
                }
                for row in mine
            ]
        }
    )


@router.post("/users", status_code=CREATED)
async def add_user(
    body: NewAccount, hub: Hub, caller: Annotated[Caller, needs("user.write")]
) -> Response:
    """Add an account; its password has at least 12 characters."""
    _within(caller, body.region)
    try:
        about = (body.name, body.phone, *await run_in_threadpool(_places, hub, body.region))
        await run_in_threadpool(check_account, body.username, body.role, body.password, about)
        password_hash = await hub.passwords.hash_async(body.password)

        def change(unit: UnitOfWork) -> None:
            fields = body.model_dump(exclude={"password"})
            create_user(unit, **fields, password_hash=password_hash, actor=caller.username)
            hub.roster_changed(unit, Changed(accounts=frozenset({body.username})))

        await hub.writer.change(change)
    except AccountError as error:
        raise _problem(error) from None
    document = await run_in_threadpool(_document, hub, caller, body.username)
    return answer(document, CREATED)


@router.patch("/users/{username}")
async def change_user(
    username: PathId,
    body: AccountChanges,
    hub: Hub,
    caller: Annotated[Caller, needs("user.write")],
) -> Response:
    """Change what is named. A new password or less power ends the account's sessions."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    password = changes.pop("password", None)
    await run_in_threadpool(_document, hub, caller, username)
    if "region" in changes:
        _within(caller, changes["region"])
    if username == caller.username and changes.keys() & {"role", "region", "disabled"}:
        raise Problem(409, "own_account", "another administrator must change this of yours")
    password_hash = None
    if password is not None:
        about = await run_in_threadpool(_about, hub, username)
        await run_in_threadpool(check_password, password, username, about)
        password_hash = await hub.passwords.hash_async(password)

    def change(unit: UnitOfWork) -> None:
        if changes:
            change_account(unit, username, changes, actor=caller.username)
        if password_hash is not None:
            by, at_ms = caller.username, hub.wall_ms()
            set_password(unit, username, password_hash, actor=by, wall_ms=at_ms)
        hub.roster_changed(unit, Changed(accounts=frozenset({username})))

    try:
        await hub.writer.change(change)
    except AccountError as error:
        raise _problem(error) from None
    return answer(await run_in_threadpool(_document, hub, caller, username))


class OwnPassword(Body):
    """`keep_tokens`: ids of programs' tokens that go on; the others end."""

    old: Password
    new: Password
    keep_tokens: Annotated[list[Word], Field(default_factory=list, max_length=ALIVE_MAX)]


@router.post("/me/password")
async def change_own_password(
    body: OwnPassword,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, ONESELF],
) -> Response:
    """A new password of one's own. All other sessions end, and programs' tokens but those that are
    named; `ended_tokens` are the names of what ended."""
    await check_own_password(request, hub, caller, body.old, "old")
    about = await run_in_threadpool(_about, hub, caller.username)
    await run_in_threadpool(check_password, body.new, caller.username, about)
    password_hash = await hub.passwords.hash_async(body.new)

    def change(unit: UnitOfWork) -> list[str]:
        return set_password(
            unit,
            caller.username,
            password_hash,
            actor=caller.username,
            wall_ms=hub.wall_ms(),
            kept=Kept(session=caller.digest, tokens=frozenset(body.keep_tokens)),
        )

    ended = await hub.writer.change(change)
    return answer({"username": caller.username, "ended_tokens": ended})


def _within(caller: Caller, region: str) -> None:
    """An administrator of a town makes no administrators of the county."""
    if not region.startswith(caller.region):
        raise bad_field("region", "it lies outside your own")


def _problem(error: AccountError) -> Problem:
    return Problem(
        409 if error.code == "taken" else 422, error.code, error.detail, field=error.field
    )


def _about(hub: Deps, username: str) -> tuple[str, ...]:
    """What somebody who guesses at this account's password would try."""
    with hub.engine.connect() as connection:
        row = one(connection, select(ACCOUNT).where(ACCOUNT.c.username == username))
    return () if row is None else (row["name"], row["phone"], *_places(hub, row["region"]))


def _places(hub: Deps, region: str) -> list[str]:
    """Names of the region and of those it lies in."""
    with hub.engine.connect() as connection:
        found = rows(
            connection, select(REGION.c.name).where(literal(region).startswith(REGION.c.code))
        )
    return [str(row["name"]) for row in found]


def _document(hub: Deps, caller: Caller, username: str) -> Document:
    with hub.engine.connect() as connection:
        row = one(connection, select(ACCOUNT).where(ACCOUNT.c.username == username))
    if row is None or not row["region"].startswith(caller.region):
        raise not_found("account")
    return _shown(row)


def _shown(row: Row) -> Document:
    return {
        "username": row["username"],
        "name": row["name"],
        "role": row["role"],
        "region": row["region"],
        "phone": row["phone"],
        "disabled": bool(row["disabled"]),
        "created_at": to_iso(row["created_at_ms"]),
    }


def _came(connection: Connection) -> dict[str, int]:
    newest = select(AUDIT.c.actor, func.max(AUDIT.c.at_ms).label("at_ms"))
    newest = newest.where(AUDIT.c.action == "logged_in").group_by(AUDIT.c.actor)
    return {row["actor"]: row["at_ms"] for row in rows(connection, newest)}


def _sessions(connection: Connection, wall_ms: int) -> dict[str, int]:
    counted = select(SESSION.c.username, func.count().label("open"))
    counted = counted.where(SESSION.c.expires_at_ms > wall_ms).group_by(SESSION.c.username)
    return {row["username"]: row["open"] for row in rows(connection, counted)}
