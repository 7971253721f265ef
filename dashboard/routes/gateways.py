"""Gateways: what each last said of itself, and the key of its second path."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.accounts import issue_gateway_key
from dashboard.answers import CREATED, answer
from dashboard.asked import (
    REGISTER_LIMIT_DEFAULT,
    Body,
    Line,
    PathId,
    RegisterLimit,
    Word,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.reads import rows
from dashboard.register_reads import find_gateway, gateway_documents
from dashboard.routes.homes import check_id, check_region
from ledger.database import insert_sql
from ledger.register_changes import Changed
from ledger.schema import GATEWAY
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["gateways"])

_COLUMNS: Final = ("id", "region", "name", "online", "status")
_INSERT: Final = insert_sql(GATEWAY, _COLUMNS, "ON CONFLICT DO NOTHING")


class GatewayChanges(Body):
    """`new_key: true` ends the old key and answers the new one, once."""

    region: Word = ""
    name: Line = ""
    new_key: bool = False


class NewGateway(Body):
    id: Word
    region: Word
    name: Line = ""


@router.get("/gateways")
def list_gateways(
    hub: Hub,
    caller: Annotated[Caller, needs("gateway.read")],
    limit: RegisterLimit = REGISTER_LIMIT_DEFAULT,
) -> Response:
    """Gateways by id."""
    wanted = select(GATEWAY).where(caller.visible(GATEWAY.c.region))
    with hub.engine.connect() as connection:
        found = rows(connection, wanted.order_by(GATEWAY.c.id).limit(limit))
        documents = gateway_documents(connection, found)
    return answer({"items": documents})


@router.get("/gateways/{gateway_id}")
def get_gateway(
    gateway_id: PathId, hub: Hub, caller: Annotated[Caller, needs("gateway.read")]
) -> Response:
    """One gateway."""
    return answer(_document(hub, caller, gateway_id))


@router.post("/gateways", status_code=CREATED)
async def create_gateway(
    body: NewGateway, hub: Hub, caller: Annotated[Caller, needs("gateway.write")]
) -> Response:
    """Add a gateway; the answer holds `key`, shown this once, for `POST activations`."""
    check_id(body.id)

    def change(unit: UnitOfWork) -> str:
        unit.execute(_INSERT, (body.id, body.region, body.name, False, "{}"))
        if unit.cursor.rowcount == 0:
            raise Problem(409, "taken", "this id is taken", field="id")
        unit.audit(caller.username, "created", f"gateway:{body.id}")
        key = issue_gateway_key(unit, body.id, actor=caller.username)
        hub.roster_changed(unit, Changed(gateways=frozenset({body.id})))
        return key

    await run_in_threadpool(check_region, hub, caller, body.region)
    key = await hub.writer.change(change)
    document = await run_in_threadpool(_document, hub, caller, body.id)
    # Not by `once`: a key must not be kept in the table of answers.
    return answer({**document, "key": key}, CREATED)


@router.patch("/gateways/{gateway_id}")
async def change_gateway(
    gateway_id: PathId,
    body: GatewayChanges,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("gateway.write")],
) -> Response:
    """Change what is named; leave the rest."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    new_key = changes.pop("new_key", False)
    await run_in_threadpool(_document, hub, caller, gateway_id)
    if "region" in changes:
        await run_in_threadpool(check_region, hub, caller, changes["region"])

    def change(unit: UnitOfWork) -> str | None:
        unit.update(GATEWAY, {"id": gateway_id}, changes)
        unit.audit(caller.username, "changed", f"gateway:{gateway_id}", ", ".join(changes))
        key = issue_gateway_key(unit, gateway_id, actor=caller.username) if new_key else None
        hub.roster_changed(unit, Changed(gateways=frozenset({gateway_id})))
        return key

    if new_key:
        key = await hub.writer.change(change)
        document = await run_in_threadpool(_document, hub, caller, gateway_id)
        return answer({**document, "key": key})

    async def work() -> Document:
        await hub.writer.change(change)
        return await run_in_threadpool(_document, hub, caller, gateway_id)

    return await once(request, caller, work)


def _document(hub: Deps, caller: Caller, gateway_id: str) -> Document:
    with hub.engine.connect() as connection:
        row = find_gateway(connection, gateway_id)
        if row is None or not caller.sees(row["region"]):
            raise not_found("gateway")
        return gateway_documents(connection, [row])[0]
