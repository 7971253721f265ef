"""Homes: the list with each home's sign of life, one with its devices, rules and alarms."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import or_, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.errors import ContractError
from contract.ids import check_name
from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import (
    REGISTER_LIMIT_DEFAULT,
    Body,
    Line,
    Note,
    PathId,
    QueryWord,
    RegisterLimit,
    Word,
    like,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.contact_masks import HIDDEN
from dashboard.contact_masks import WAYS_IN as _WAYS_IN
from dashboard.masking import present
from dashboard.once import once
from dashboard.person_search import homes_at, homes_of
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, alarm_documents, rows
from dashboard.register_reads import (
    device_documents,
    find_home,
    find_region,
    home_documents,
    live_homes,
    rule_documents,
)
from dashboard.trouble_reads import troubles_of
from ledger.database import insert_sql
from ledger.persons import index as person_index
from ledger.persons.terms import Kind, Question, plain
from ledger.regions import closed_codes
from ledger.register_changes import Changed
from ledger.schema import ALARM, DEVICE, HOME, SERVICE_USER
from ledger.sealing.at_connection import ring_at
from ledger.sealing.ring import Ring
from ledger.sealing.sealer import owner_of
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, person_object

router = APIRouter(tags=["homes"])

ALARMS_SHOWN: Final = 20

_COLUMNS: Final = ("id", "region", "address", "lat", "lon", *_WAYS_IN)
_INSERT: Final = insert_sql(HOME, _COLUMNS, "ON CONFLICT DO NOTHING")

Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class NewHome(Body):
    """`id` may be left out; it is a topic-safe name otherwise."""

    id: Word | None = None
    region: Word
    address: Line
    lat: Latitude | None = None
    lon: Longitude | None = None
    access_note: Note = ""
    key_place: Line = ""
    lane: Line = ""
    dog: Line = ""


class HomeChanges(Body):
    region: Word = ""
    address: Line = ""
    lat: Latitude | None = None
    lon: Longitude | None = None
    access_note: Note = ""
    key_place: Line = ""
    lane: Line = ""
    dog: Line = ""


@router.get("/homes")
def list_homes(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("home.read")],
    region: QueryWord = None,
    q: QueryWord = None,
    limit: RegisterLimit = REGISTER_LIMIT_DEFAULT,
) -> Response:
    """Homes in the order of their ids. `q` finds part of an address, an id or a name."""
    wanted = select(HOME).where(caller.known(HOME.c.region, HOME.c.id))
    if region:
        wanted = wanted.where(HOME.c.region.startswith(region, autoescape=True))
    wanted = wanted.order_by(HOME.c.id).limit(limit)
    with hub.engine.connect() as connection:
        if q:
            wanted = wanted.where(_matches(q, caller, ring_at(connection)))
        found = rows(connection, wanted)
        documents = home_documents(connection, found, hub.rules, hub.clock.now_ms())
        live = live_homes(connection, {row["id"] for row in found})
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", "homes", f"{len(documents)} shown")
    items = [present(document, caller.can_in_list(document["id"], live)) for document in documents]
    return answer({"items": items})


@router.get("/homes/{home_id}")
def get_home(
    home_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("home.read")]
) -> Response:
    """A home with `devices` and what is wrong with them (`checks`), `rules` (the state of each
    rule) and its latest `alarms`."""
    document = _document(hub, caller, home_id)
    trail.note(caller.username, "viewed", f"home:{home_id}")
    return answer(document)


@router.post("/homes", status_code=CREATED)
async def create_home(
    body: NewHome, request: Request, hub: Hub, caller: Annotated[Caller, needs("home.write")]
) -> Response:
    """Add a home to the register."""
    home_id = check_id(body.id) if body.id is not None else f"home-{uuid.uuid4().hex[:12]}"

    def change(unit: UnitOfWork) -> None:
        row = unit.seal.row(HOME, owner_of(None, home_id), {**body.model_dump(), "id": home_id})
        unit.execute(_INSERT, tuple(row[name] for name in _COLUMNS))
        if unit.cursor.rowcount == 0:
            raise Problem(409, "taken", "this id is taken", field="id")
        person_index.refresh_homes(unit.cursor, [home_id])
        unit.audit(caller.username, "created", f"home:{home_id}")
        hub.roster_changed(unit, Changed(homes=frozenset({home_id})))

    async def work() -> Document:
        await run_in_threadpool(check_region, hub, caller, body.region)
        await hub.writer.change(change)
        return await run_in_threadpool(_document, hub, caller, home_id)

    return await once(request, caller, work, CREATED)


@router.patch("/homes/{home_id}")
async def change_home(
    home_id: PathId,
    body: HomeChanges,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("home.write")],
) -> Response:
    """Change what is named; leave the rest."""
    changes = body.model_dump(exclude_unset=True)
    # A form that showed the way in masked, sent again: it stays as it was.
    changes = {k: v for k, v in changes.items() if not (k in _WAYS_IN and v == HIDDEN)}
    await run_in_threadpool(_visible, hub, caller, home_id)

    def change(unit: UnitOfWork) -> None:
        stored = unit.seal.row(HOME, owner_of(None, home_id), changes)
        unit.update(HOME, {"id": home_id}, stored)
        if "address" in changes:
            person_index.refresh_homes(unit.cursor, [home_id])
        unit.audit(caller.username, "changed", f"home:{home_id}", ", ".join(sorted(changes)))
        hub.roster_changed(unit, Changed(homes=frozenset({home_id})))

    async def work() -> Document:
        if "region" in changes:
            await run_in_threadpool(check_region, hub, caller, changes["region"])
        await hub.writer.change(change)
        return await run_in_threadpool(_document, hub, caller, home_id)

    return await once(request, caller, work)


def check_id(name: str) -> str:
    """An id that somebody chose: it may appear in topics and file names."""
    try:
        return check_name(name, "id")
    except ContractError as error:
        raise bad_field("id", error.detail) from None


def check_region(hub: Deps, caller: Caller, region: str) -> None:
    """The region exists and the caller may put things there."""
    with hub.engine.connect() as connection:
        known = find_region(connection, region)
        closed = closed_codes(connection)
    if known is None or not caller.sees(region):
        raise bad_field("region", "there is no such region")
    if region in closed:
        raise bad_field("region", "this region is closed")


def _document(hub: Deps, caller: Caller, home_id: str) -> Document:
    now_ms = hub.clock.now_ms()
    with hub.engine.connect() as connection:
        row = find_home(connection, home_id)
        if row is None or not caller.knows(row["region"], home_id):
            raise not_found("home")
        document = home_documents(connection, [row], hub.rules, now_ms)[0]
        people = select(SERVICE_USER).where(
            SERVICE_USER.c.home == home_id, SERVICE_USER.c.left_on == ""
        )
        persons = rows(connection, people.order_by(SERVICE_USER.c.id))
        devices = rows(
            connection, select(DEVICE).where(DEVICE.c.home == home_id).order_by(DEVICE.c.device)
        )
        newest = select(ALARM).where(ALARM.c.home == home_id)
        newest = newest.order_by(ALARM.c.number.desc()).limit(ALARMS_SHOWN)
        alarms = alarm_documents(connection, rows(connection, newest))
        shown = device_documents(connection, devices, now_ms)
        checks = troubles_of(connection, [home_id], now_ms).get(home_id, [])
    can = caller.can_at(home_id)
    # Whoever may not read people gets the list's three fields, masked.
    known = (
        {"persons": [person_object(person, now_ms) for person in persons]}
        if "person.read" in can
        else {}
    )
    return {
        **present({**document, **known}, can),
        **_ways_in(row, can),
        "devices": shown,
        "checks": checks,
        "rules": rule_documents(home_id, hub.rules, {device["kind"] for device in devices}),
        "alarms": [present(a, can) for a in alarms] if "alarm.read" in can else [],
    }


def _ways_in(row: Row, can: frozenset[str]) -> Document:
    if "address.read" not in can:
        return dict.fromkeys(_WAYS_IN, "")
    whole = "contact.read" in can
    return {name: row[name] if whole or not row[name] else HIDDEN for name in _WAYS_IN}


def _visible(hub: Deps, caller: Caller, home_id: str) -> None:
    with hub.engine.connect() as connection:
        row = find_home(connection, home_id)
    if row is None or not caller.knows(row["region"], home_id):
        raise not_found("home")


def _matches(q: str, caller: Caller, ring: Ring | None) -> Any:
    """Where the text occurs; only in what the caller may read."""
    places: list[Any] = [HOME.c.id.like(like(q), escape="\\")]
    question = Question(term=plain(q), kinds=frozenset({Kind.NAME, Kind.NAME_INSIDE}))
    if question.term and "address.read" in caller.can:
        places.append(HOME.c.id.in_(homes_at(question, ring)))
    if question.term and "person.read" in caller.can:
        places.append(HOME.c.id.in_(homes_of(question, ring)))
    return or_(*places)
