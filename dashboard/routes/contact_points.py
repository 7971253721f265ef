"""By which ways an account wants to be told; a code that goes that very way proves each."""

import secrets
import uuid
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms import contact_points
from alarms.addresses import shown
from alarms.telling import send_code
from contract.moment import to_iso
from dashboard.answers import CREATED, answer
from dashboard.asked import Body, Line, PathId
from dashboard.callers import ONESELF, SIGNED_IN, Caller, Hub
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.reads import Row, one, rows
from ledger.schema import ACCOUNT, CONTACT_POINT
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["contact points"])

SignedIn = Annotated[Caller, SIGNED_IN]
# How somebody is called out at night is changed by a human, and by no program's token.
Human = Annotated[Caller, ONESELF]
Language = Literal["zh-CN", "en"]
# A subscription of a browser is the longest address there is.
ADDRESS_LENGTH_MAX: Final = 4000
ACCEPTED: Final = 202


class NewWay(Body):
    channel: Annotated[str, Field(max_length=32)]
    address: Annotated[str, Field(min_length=1, max_length=ADDRESS_LENGTH_MAX)]
    label: Annotated[Line, Field(max_length=64)] = ""
    language: Language = "zh-CN"


class WayChanges(Body):
    label: Annotated[Line, Field(max_length=64)] = ""
    language: Language = "zh-CN"
    place: Annotated[int, Field(ge=0, le=1000)] = 0


class Code(Body):
    code: Annotated[str, Field(pattern=r"^\s*[0-9]{6}\s*$")]


class Nothing(Body):
    """A request that needs no words."""


@router.get("/me/channels")
def list_channels(hub: Hub, _caller: SignedIn) -> Response:
    """The ways that are configured here, and the key that browsers subscribe with."""
    notices = hub.notices
    return answer({"items": list(notices.offered()), "push_key": notices.push_key()})


@router.get("/users/{username}/contact-points")
def list_points(username: PathId, hub: Hub, caller: SignedIn) -> Response:
    """In the order in which they want to be reached; addresses whole only for oneself."""
    _allowed(hub, caller, username, "user.read")
    return answer({"items": _documents(hub, caller, username)})


@router.post("/users/{username}/contact-points", status_code=CREATED)
async def add_point(username: PathId, body: NewWay, hub: Hub, caller: Human) -> Response:
    """A new way, last in the order; nothing is sent there but a code until it has come back."""
    await run_in_threadpool(_allowed, hub, caller, username, "user.write")
    new = contact_points.NewPoint(
        id=str(uuid.uuid4()),
        owner=username,
        channel=body.channel,
        address=hub.notices.clean(body.channel, body.address),
        label=body.label,
        language=body.language,
    )
    await hub.writer.change(lambda unit: contact_points.add(unit, new, actor=caller.username))
    return answer(await run_in_threadpool(_document, hub, caller, username, new.id), CREATED)


@router.patch("/users/{username}/contact-points/{point_id}")
async def change_point(
    username: PathId, point_id: PathId, body: WayChanges, hub: Hub, caller: Human
) -> Response:
    """Its label, its language, its place in the order."""
    await run_in_threadpool(_allowed, hub, caller, username, "user.write")
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)

    def change(unit: UnitOfWork) -> None:
        contact_points.change(unit, username, point_id, changes, actor=caller.username)

    await _change(hub, change)
    return answer(await run_in_threadpool(_document, hub, caller, username, point_id))


@router.delete("/users/{username}/contact-points/{point_id}", status_code=204)
async def remove_point(username: PathId, point_id: PathId, hub: Hub, caller: Human) -> Response:
    """Nothing goes there any more."""
    await run_in_threadpool(_allowed, hub, caller, username, "user.write")

    def change(unit: UnitOfWork) -> None:
        contact_points.remove(unit, username, point_id, actor=caller.username)

    await _change(hub, change)
    return Response(status_code=204)


@router.post("/users/{username}/contact-points/{point_id}/code", status_code=ACCEPTED)
async def send_point_code(
    username: PathId,
    point_id: PathId,
    hub: Hub,
    caller: Human,
    _body: Nothing | None = None,
) -> Response:
    """Send a code of six digits there, valid for ten minutes; at most one a minute."""
    await run_in_threadpool(_allowed, hub, caller, username, "user.write")
    code, row_id = f"{secrets.randbelow(1_000_000):06}", str(uuid.uuid4())

    def change(unit: UnitOfWork) -> None:
        point = contact_points.expect_code(unit, username, point_id, code)
        send_code(unit, point, code, row_id)

    await _change(hub, change)
    return answer({"sent": True}, ACCEPTED)


@router.post("/users/{username}/contact-points/{point_id}/verify")
async def verify_point(
    username: PathId, point_id: PathId, body: Code, hub: Hub, caller: Human
) -> Response:
    """The code that arrived there. Five wrong ones end it."""
    await run_in_threadpool(_allowed, hub, caller, username, "user.write")
    code = body.code.strip()

    def change(unit: UnitOfWork) -> bool:
        return contact_points.check_code(unit, username, point_id, code, actor=caller.username)

    if not await _change(hub, change):
        raise Problem(422, "wrong_code", "not the code that was sent, or too late", field="code")
    return answer(await run_in_threadpool(_document, hub, caller, username, point_id))


async def _change(hub: Deps, change: Any) -> Any:
    try:
        return await hub.writer.change(change)
    except KeyError:
        raise not_found("contact point") from None


def _allowed(hub: Deps, caller: Caller, username: str, permission: str) -> None:
    """One's own, or somebody's whose account one may look after. A program's token has only what
    it was given."""
    if username == caller.username and caller.scopes is None:
        return
    with hub.engine.connect() as connection:
        row = one(connection, select(ACCOUNT).where(ACCOUNT.c.username == username))
    if permission not in caller.can or row is None or not row["region"].startswith(caller.region):
        raise not_found("account")


def _documents(hub: Deps, caller: Caller, username: str) -> list[Document]:
    table = CONTACT_POINT
    wanted = select(table).where(table.c.owner == username)
    wanted = wanted.order_by(table.c.place, table.c.created_at_ms, table.c.id)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted)
    own = username == caller.username and caller.scopes is None
    return [_shown(row, own=own) for row in found]


def _document(hub: Deps, caller: Caller, username: str, point_id: str) -> Document:
    for document in _documents(hub, caller, username):
        if document["id"] == point_id:
            return document
    raise not_found("contact point")


def _shown(row: Row, *, own: bool) -> Document:
    whole = own and row["channel"] != "web_push"
    return {
        "id": row["id"],
        "channel": row["channel"],
        "address": row["address"] if whole else shown(row["channel"], row["address"]),
        "label": row["label"],
        "language": row["language"],
        "place": row["place"],
        "created_at": to_iso(row["created_at_ms"]),
        "verified_at": _at(row["verified_at_ms"]),
        "dead_since": _at(row["dead_since_ms"]),
        "dead_reason": row["dead_reason"],
        "code_until": _at(row["code_until_ms"]),
    }


def _at(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_iso(at_ms)
