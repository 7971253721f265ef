"""The family looks by a link: made by the office, while the person agrees, until it ends."""

import secrets
import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import AfterValidator, Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.telling import digest_of
from contract.moment import to_iso
from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import Body, PathId, clean, day_start_ms, local_day
from dashboard.callers import FAMILY_TOKEN, Caller, Hub, client_address, needs
from dashboard.family_reads import family_document, find_link, is_open, links_of
from dashboard.label import address_code
from dashboard.look_limit import LOOKS_MAX, WRONG_MAX, LookLimit
from dashboard.person_reads import purpose_states
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.reads import Row
from dashboard.register_reads import find_person
from ledger.database import insert_sql
from ledger.schema import FAMILY_LINK
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["family"])

DAY_MS: Final = 86_400_000
# A link is renewed by asking the person again, once a year at least.
DAYS_MAX: Final = 366
DAYS_DEFAULT: Final = 90
PURPOSE: Final = "family_view"
TOKEN_BYTES: Final = 32
TOKEN_LENGTH_MAX: Final = 64
_OVER: Final = "link, or it is over"
_COLUMNS: Final = (
    "id",
    "person",
    "digest",
    "relation",
    "created_at_ms",
    "created_by",
    "expires_at_ms",
)
_INSERT: Final = insert_sql(FAMILY_LINK, _COLUMNS)
_REVOKE: Final = (
    "UPDATE family_link SET revoked_at_ms = ?, revoked_by = ?"
    " WHERE id = ? AND person = ? AND revoked_at_ms IS NULL"
)
_LOOKED: Final = "UPDATE family_link SET looks = looks + 1, looked_at_ms = ? WHERE id = ?"


class NewLink(Body):
    """`relation`: whose it is (daughter …); the name is nobody's business here."""

    relation: Annotated[
        str,
        StringConstraints(min_length=1, max_length=20, strip_whitespace=True),
        AfterValidator(clean),
    ]
    days: Annotated[int, Field(ge=1, le=DAYS_MAX)] = DAYS_DEFAULT


class Nothing(Body):
    pass


@router.get("/service-users/{person_id}/family-links")
def list_links(
    person_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("person.read")]
) -> Response:
    """Links of a person, newest first, and how the consent stands without which none opens."""
    _seen(hub, caller, person_id)
    trail.note(caller.username, "viewed", f"family_links:{person_id}")
    return answer(_links(hub, person_id))


@router.post("/service-users/{person_id}/family-links", status_code=CREATED)
async def make_link(
    person_id: PathId,
    body: NewLink,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("person.write")],
) -> Response:
    """A link that is told once: `address`, and `code` to be read by a telephone. It is kept by
    nobody, so an answer that was lost means making another and ending this one."""
    await run_in_threadpool(_seen, hub, caller, person_id)
    state = await run_in_threadpool(_consent, hub, person_id)
    if state != "given":
        raise Problem(422, f"consent_{state}", "the person's consent to this is needed first")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = f"family-{uuid.uuid4().hex[:12]}"

    def change(unit: UnitOfWork) -> None:
        until_ms = unit.now_ms + body.days * DAY_MS
        row = (link, person_id, digest_of(token), body.relation)
        unit.execute(_INSERT, (*row, unit.now_ms, caller.username, until_ms))
        detail = f"{link}, {body.days} days"
        unit.audit(caller.username, "made_family_link", f"person:{person_id}", detail)

    await hub.writer.change(change)
    address = f"{str(request.base_url).rstrip('/')}/f/{token}"
    document = await run_in_threadpool(_links, hub, person_id)
    told = {"id": link, "address": address, "code": address_code(address)}
    return answer({**document, "made": told}, CREATED)


@router.post("/service-users/{person_id}/family-links/{link_id}/revoke")
async def revoke_link(
    person_id: PathId,
    link_id: PathId,
    body: Nothing,  # noqa: ARG001 - an empty object, as everywhere
    hub: Hub,
    caller: Annotated[Caller, needs("person.write")],
) -> Response:
    """It opens nothing from now on; one that was ended before stays as it is."""
    await run_in_threadpool(_seen, hub, caller, person_id)

    def change(unit: UnitOfWork) -> None:
        unit.execute(_REVOKE, (unit.now_ms, caller.username, link_id, person_id))
        if unit.cursor.rowcount:
            unit.audit(caller.username, "ended_family_link", f"person:{person_id}", link_id)

    await hub.writer.change(change)
    return answer(await run_in_threadpool(_links, hub, person_id))


@router.get("/family/{token}", dependencies=[FAMILY_TOKEN])
async def look(token: PathId, request: Request, hub: Hub) -> Response:
    """What the family sees. 404 for whatever is none, has ended, or is agreed to no more: nobody
    learns which. 429 with `Retry-After` when it is looked at too often."""
    limit: LookLimit = request.app.state.look_limit
    wall_ms = hub.wall_ms()
    found = await run_in_threadpool(_opened, hub, token)
    if found is None:
        # Behind a proxy many come from one address: whose link opens never waits for who tries.
        stranger = f"address:{client_address(request)}"
        _check(limit, stranger, WRONG_MAX, wall_ms)
        limit.count(stranger, wall_ms)
        raise not_found(_OVER)
    link, person = found
    # Before anything is read: who saw the file takes thousands of rows.
    _check(limit, link["id"], LOOKS_MAX, wall_ms)
    limit.count(link["id"], wall_ms)
    document = await run_in_threadpool(_document, hub, link, person)

    def change(unit: UnitOfWork) -> None:
        unit.execute(_LOOKED, (unit.now_ms, link["id"]))
        # Whose it is was typed, and goes with her.
        whose, relation = link["person"], link["relation"]
        unit.audit(link["id"], "viewed", f"family:{whose}", relation, owner=whose)

    # Looked at and on record, or not at all.
    await hub.writer.change(change)
    return answer(document)


def _check(limit: LookLimit, who: str, most: int, wall_ms: int) -> None:
    wait_ms = limit.wait_ms(who, most, wall_ms)
    if wait_ms:
        seconds = str(-(-wait_ms // 1000))
        raise Problem(429, "too_often", "look again later", headers={"Retry-After": seconds})


def _opened(hub: Deps, token: str) -> tuple[Row, Row] | None:
    """The link and the person."""
    if not 0 < len(token) <= TOKEN_LENGTH_MAX or not token.isascii():
        return None
    now_ms = hub.clock.now_ms()
    with hub.engine.connect() as connection:
        link = find_link(connection, digest_of(token))
        if link is None or not is_open(link, now_ms):
            return None
        person = find_person(connection, link["person"])
        if (
            person is None
            or person["left_on"]
            or _state(connection, hub, link["person"]) != "given"
        ):
            return None
    return link, person


def _document(hub: Deps, link: Row, person: Row) -> Document:
    now_ms = hub.clock.now_ms()
    today_ms = day_start_ms(now_ms, hub.timezone)
    with hub.engine.connect() as connection:
        seen = family_document(
            connection,
            hub.rules,
            person,
            now_ms=now_ms,
            today_ms=today_ms,
            today=local_day(now_ms, hub.timezone).isoformat(),
        )
    times = {"at": to_iso(now_ms), "expires_at": to_iso(link["expires_at_ms"])}
    return {**seen, **times, "timezone": hub.timezone}


def _links(hub: Deps, person_id: str) -> Document:
    with hub.engine.connect() as connection:
        links = links_of(connection, person_id, hub.clock.now_ms())
        return {"consent": _state(connection, hub, person_id), "items": links}


def _consent(hub: Deps, person_id: str) -> str:
    with hub.engine.connect() as connection:
        return _state(connection, hub, person_id)


def _state(connection: Any, hub: Deps, person_id: str) -> str:
    day = local_day(hub.clock.now_ms(), hub.timezone).isoformat()
    found = purpose_states(connection, [person_id], PURPOSE, day)
    return found.get(person_id, "unasked")


def _seen(hub: Deps, caller: Caller, person_id: str) -> None:
    with hub.engine.connect() as connection:
        person = find_person(connection, person_id)
    if person is None or not caller.knows(person["home_region"], person["home"]):
        raise not_found("person")
