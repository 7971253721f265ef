"""Devices: what was heard or announced, and which home each belongs to."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, Field
from sqlalchemy import or_
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.kinds import KINDS
from dashboard.answers import CREATED, answer
from dashboard.asked import (
    REGISTER_LIMIT_DEFAULT,
    Body,
    Line,
    PathId,
    QueryWord,
    RegisterLimit,
    Word,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file
from dashboard.label import device_label
from dashboard.masking import without_labels
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, rows
from dashboard.register_reads import (
    device_documents,
    devices_with_region,
    find_device,
    find_gateway,
    find_home,
    seen_region,
    vacated_homes,
)
from dashboard.routes.homes import check_id
from ledger.database import insert_sql
from ledger.expectations import INTERVAL_MAX_S, INTERVAL_MIN_S
from ledger.register_changes import Changed
from ledger.schema import DEVICE
from ledger.sealing.sealer import owner_of_device
from ledger.unit_of_work import Entry, UnitOfWork
from ledger.views import Document, to_json

router = APIRouter(tags=["devices"])

_COLUMNS: Final = (
    "gateway",
    "device",
    "home",
    "kind",
    "model",
    "label",
    "expected_interval_s",
    "test_interval_s",
    "life_critical",
)
_INSERT: Final = insert_sql(DEVICE, _COLUMNS, "ON CONFLICT DO NOTHING")


def _interval(seconds: int) -> int:
    if seconds and not INTERVAL_MIN_S <= seconds <= INTERVAL_MAX_S:
        raise ValueError(f"0 (never), or between {INTERVAL_MIN_S} and {INTERVAL_MAX_S} seconds")
    return seconds


Interval = Annotated[int, Field(strict=True), AfterValidator(_interval)]


class DeviceChanges(Body):
    """`home: null` takes the device out of its home. Intervals are seconds, 0 for never, null for
    what its kind says; the same for `life_critical`."""

    home: Word | None = None
    label: Line = ""
    kind: Line = ""
    model: Line = ""
    expected_interval_s: Interval | None = None
    test_interval_s: Interval | None = None
    life_critical: bool | None = None


class NewDevice(DeviceChanges):
    gateway: Word
    device: Word


@router.get("/devices")
def list_devices(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("device.read")],
    home: QueryWord = None,
    gateway: QueryWord = None,
    unbound: Annotated[bool | None, Query()] = None,
    collect: Annotated[bool | None, Query()] = None,
    limit: RegisterLimit = REGISTER_LIMIT_DEFAULT,
) -> Response:
    """Devices by gateway and name; `unbound=true` are those waiting for a home, `collect=true`
    those in homes whose people have all left the service."""
    wanted = devices_with_region().where(caller.known(seen_region(), DEVICE.c.home))
    if home:
        wanted = wanted.where(DEVICE.c.home == home)
    if gateway:
        wanted = wanted.where(DEVICE.c.gateway == gateway)
    if unbound is not None:
        wanted = wanted.where(DEVICE.c.home.is_(None) if unbound else DEVICE.c.home.is_not(None))
    if collect is not None:
        gone = DEVICE.c.home.in_(vacated_homes())
        wanted = wanted.where(gone if collect else or_(DEVICE.c.home.is_(None), ~gone))
    wanted = wanted.order_by(DEVICE.c.gateway, DEVICE.c.device).limit(limit)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted)
        documents = device_documents(connection, found, hub.clock.now_ms())
    if "address.read" not in caller.can:
        documents = [without_labels(document) for document in documents]
    return answer({"items": documents})


@router.post("/devices", status_code=CREATED)
async def create_device(
    body: NewDevice, request: Request, hub: Hub, caller: Annotated[Caller, needs("device.write")]
) -> Response:
    """Announce a device before it is first heard."""
    check_id(body.device)
    row = body.model_dump()

    def change(unit: UnitOfWork) -> None:
        stored = unit.seal.row(DEVICE, owner_of_device(row), row)
        unit.execute(_INSERT, tuple(stored[name] for name in _COLUMNS))
        if unit.cursor.rowcount == 0:
            raise Problem(409, "taken", "this device is in the register", field="device")
        _entry(unit, hub, caller, (body.gateway, body.device), "announced")

    async def work() -> Document:
        await run_in_threadpool(_check, hub, caller, row)
        await hub.writer.change(change)
        return await run_in_threadpool(_document, hub, caller, body.gateway, body.device)

    return await once(request, caller, work, CREATED)


@router.patch("/devices/{gateway}/{device}")
async def change_device(
    *,
    gateway: PathId,
    device: PathId,
    body: DeviceChanges,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("device.write")],
) -> Response:
    """Bind a device to a home, name it, say what it is and how often it must be heard."""
    changes = body.model_dump(exclude_unset=True)
    await run_in_threadpool(_document, hub, caller, gateway, device)

    def change(unit: UnitOfWork) -> None:
        key = {"gateway": gateway, "device": device}
        unit.update(DEVICE, key, _stored(unit, key, changes))
        fact = "changed"
        if "home" in changes:
            fact = "unbound" if changes["home"] is None else "bound"
        _entry(unit, hub, caller, (gateway, device), fact)

    async def work() -> Document:
        await run_in_threadpool(_check, hub, caller, changes)
        await hub.writer.change(change)
        return await run_in_threadpool(_document, hub, caller, gateway, device)

    return await once(request, caller, work)


@router.get(
    "/devices/{gateway}/{device}/label.svg", response_class=Response, responses=as_file("svg")
)
def label_of_device(
    *,
    gateway: PathId,
    device: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("device.read")],
) -> Response:
    """A label to print: the device's name, and a QR code that opens it in the page."""
    document = _document(hub, caller, gateway, device)
    picture = device_label(str(request.base_url), gateway, device, str(document["label"]))
    return Response(picture, media_type="image/svg+xml")


def _stored(unit: UnitOfWork, key: Mapping[str, str], changes: Mapping[str, Any]) -> Document:
    """What it is called goes with it into another home, under that home's key."""
    if not changes.keys() & {"home", "label"}:
        return dict(changes)
    sql = "SELECT gateway, home, label FROM device WHERE gateway = ? AND device = ?"
    before = unit.execute(sql, (key["gateway"], key["device"])).fetchone()
    row = {**dict(zip(("gateway", "home", "label"), before, strict=True)), **changes}
    label = unit.seal.row(DEVICE, owner_of_device(row), {"label": row["label"]})
    return {**changes, **label}


def _entry(unit: UnitOfWork, hub: Deps, caller: Caller, key: tuple[str, str], fact: str) -> None:
    """The fact for the book and the live feed, with the region that may see it."""
    columns = ", ".join(f'device."{column.name}"' for column in DEVICE.columns)
    # Only names of columns are put into the text.
    unit.execute(
        f"SELECT {columns}, coalesce(home.region, gateway.region) FROM device "  # noqa: S608
        "LEFT JOIN home ON home.id = device.home "
        "LEFT JOIN gateway ON gateway.id = device.gateway "
        "WHERE device.gateway = ? AND device.device = ?",
        key,
    )
    *values, region = unit.cursor.fetchone()
    row: dict[str, Any] = dict(zip((c.name for c in DEVICE.columns), values, strict=True))
    subject = "/".join(key)
    unit.entry(
        Entry(
            topic="device",
            subject=subject,
            fact=fact,
            actor=caller.username,
            region=region,
            data={"home": row["home"]},
            payload=lambda: to_json(_shown(hub, row, unit.now_ms)),
        )
    )
    unit.audit(caller.username, fact, f"device:{subject}", f"home {row['home'] or 'none'}")
    hub.roster_changed(unit, Changed(devices=frozenset({key})))


def _shown(hub: Deps, row: Row, now_ms: int) -> Document:
    """A change of a device leaves its alarms as they are: those of the last commit hold. Its name
    is that of the change."""
    with hub.engine.connect() as connection:
        document = device_documents(connection, [row], now_ms)[0]
    label = row["label"] or row["device"]
    return {**document, "troubles": [{**t, "label": label} for t in document["troubles"]]}


def _check(hub: Deps, caller: Caller, changes: dict[str, Any]) -> None:
    with hub.engine.connect() as connection:
        if "gateway" in changes:
            gateway = find_gateway(connection, changes["gateway"])
            if gateway is None or not caller.sees(gateway["region"]):
                raise bad_field("gateway", "there is no such gateway")
        if changes.get("home") is not None:
            home = find_home(connection, changes["home"])
            if home is None or not caller.sees(home["region"]):
                raise bad_field("home", "there is no such home")
    if changes.get("kind") and changes["kind"] not in KINDS:
        raise bad_field("kind", f"one of {', '.join(sorted(KINDS))}")


def _document(hub: Deps, caller: Caller, gateway: str, device: str) -> Document:
    with hub.engine.connect() as connection:
        row: Row | None = find_device(connection, gateway, device)
        if row is None or not caller.knows(row["seen_region"], row["home"]):
            raise not_found("device")
        document = device_documents(connection, [row], hub.clock.now_ms())[0]
    return document if "address.read" in caller.can else without_labels(document)
