"""At the door: the visitor's own press, the label of the home, the arrival and its proof."""

import secrets
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.arrival import Proof, gps_proof, label_code, label_proof
from dashboard.answers import Trail, answer
from dashboard.asked import Body, PathId, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file
from dashboard.label import home_address, home_label
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, one
from dashboard.register_reads import find_home
from dashboard.routes.alarms import Nothing
from dashboard.routes.tasks import act_on_task
from ledger.database import insert_sql
from ledger.register_changes import Changed
from ledger.schema import HOME, META, TASK
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["tasks"])

_KEPT_AS: Final = "label_secret"
_SECRET_BYTES: Final = 32
_INSERT_META: Final = insert_sql(META, ("key", "value"), "ON CONFLICT DO NOTHING")

Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Metres = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class GivenProof(Body):
    """`code` of a label, or a place."""

    kind: Literal["label", "gps"]
    code: Word | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    accuracy_m: Metres | None = None


class Arrival(Body):
    proof: GivenProof | None = None


@router.post("/tasks/{task_id}/ask-press")
async def ask_press(
    task_id: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("task.move")],
    _body: Nothing | None = None,
) -> Response:
    """I press the home's button now: the next press within two minutes shows that I am there."""

    async def act() -> None:
        await hub.desk.ask_press(task_id, caller.username)

    return await act_on_task(request, caller, task_id, act)


@router.post("/tasks/{task_id}/arrive")
async def arrive(
    task_id: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("task.move")],
    body: Arrival | None = None,
) -> Response:
    """I am there, with a proof or without; it may be brought after the arrival as well."""
    given = None if body is None else body.proof

    async def act() -> None:
        proof = None if given is None else await run_in_threadpool(_checked, hub, task_id, given)
        await hub.desk.arrive(task_id, caller.username, proof)

    return await act_on_task(request, caller, task_id, act)


@router.get("/homes/{home_id}/label", response_class=Response, responses=as_file("svg"))
def get_label(
    home_id: PathId,
    request: Request,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("device.write")],
) -> Response:
    """The label that hangs at the home's door, as an SVG; 409 before the first print."""
    home = _visible(hub, caller, home_id)
    if home["label_print"] < 1:
        raise Problem(409, "not_printed", "no label has been made for this home")
    code = label_code(_secret(hub), home_id, home["label_print"])
    trail.note(caller.username, "printed", f"label:{home_id}", f"print {home['label_print']}")
    return Response(home_label(str(request.base_url), home_id, code), media_type="image/svg+xml")


@router.post("/homes/{home_id}/label")
async def new_label(
    home_id: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("device.write")],
    _body: Nothing | None = None,
) -> Response:
    """A new label: from now on the ones before prove nothing. `address` is for an NFC tag."""
    home = await run_in_threadpool(_visible, hub, caller, home_id)
    print_ = int(home["label_print"]) + 1

    def change(unit: UnitOfWork) -> None:
        unit.execute(_INSERT_META, (_KEPT_AS, secrets.token_hex(_SECRET_BYTES)))
        unit.update(HOME, {"id": home_id}, {"label_print": print_})
        unit.audit(caller.username, "printed", f"label:{home_id}", f"print {print_}")
        hub.roster_changed(unit, Changed(homes=frozenset({home_id})))

    async def work() -> Document:
        await hub.writer.change(change)
        code = label_code(await run_in_threadpool(_secret, hub), home_id, print_)
        address = home_address(str(request.base_url), home_id, code)
        return {"home": home_id, "print": print_, "code": code, "address": address}

    return await once(request, caller, work)


@router.get("/proofs")
def list_proofs(hub: Hub, _caller: Annotated[Caller, needs("task.read")]) -> Response:
    """The kinds of proof that this hub takes."""
    return answer({"items": ["button", "label", *(["gps"] if hub.gps_proof else [])]})


def _checked(hub: Deps, task_id: str, given: GivenProof) -> Proof:
    with hub.engine.connect() as connection:
        joined = select(HOME).join(TASK, TASK.c.home == HOME.c.id).where(TASK.c.id == task_id)
        home = one(connection, joined)
    if home is None:
        raise bad_field("proof", "this task leads to no home")
    if given.kind == "label":
        if given.code is None:
            raise bad_field("proof.code", "the code on the label")
        # What a scanned code holds in front of it.
        named, _, code = given.code.rpartition(":")
        if named and named != home["id"]:
            raise Problem(422, "wrong_label", "this is the label of another home")
        return label_proof(_secret(hub), home["id"], home["label_print"], code)
    if not hub.gps_proof:
        raise Problem(422, "gps_off", "the place of a telephone proves nothing here")
    if given.lat is None or given.lon is None or given.accuracy_m is None:
        raise bad_field("proof", "lat, lon and accuracy_m")
    return gps_proof(home, given.lat, given.lon, given.accuracy_m)


def _secret(hub: Deps) -> bytes:
    with hub.engine.connect() as connection:
        found = connection.scalar(select(META.c.value).where(META.c.key == _KEPT_AS))
    # Without one nothing was ever printed: what nobody can know matches nothing.
    return secrets.token_bytes(_SECRET_BYTES) if found is None else bytes.fromhex(found)


def _visible(hub: Deps, caller: Caller, home_id: str) -> Row:
    with hub.engine.connect() as connection:
        row = find_home(connection, home_id)
    if row is None or not caller.sees(row["region"]):
        raise not_found("home")
    return row
