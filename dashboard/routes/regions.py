"""County, towns, villages and groups: the tree that homes lie in."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, answer
from dashboard.asked import Body, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field
from dashboard.reads import rows
from dashboard.register_reads import find_region
from dashboard.routes.homes import check_id
from ledger.database import insert_sql
from ledger.register_changes import Changed
from ledger.schema import HOME, REGION, SERVICE_USER
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["homes"])

# Each level and what it lies in.
_ABOVE: Final = {"town": "county", "village": "town", "group": "village"}
_INSERT: Final = insert_sql(REGION, conflict="ON CONFLICT DO NOTHING")
CODE_LENGTH_MAX: Final = 32


class NewRegion(Body):
    """`code` as GB/T 2260 and its extensions have it: it begins with that of its parent."""

    code: Word
    name: Word
    level: Literal["town", "village", "group"]
    parent: Word


@router.get("/regions")
def list_regions(hub: Hub, caller: Annotated[Caller, needs("home.read")]) -> Response:
    """The regions that one sees and what they lie in, with so many people right there."""
    with hub.engine.connect() as connection:
        everything = rows(connection, select(REGION).order_by(REGION.c.code))
        counted = (
            select(HOME.c.region, func.count().label("persons"))
            .join(SERVICE_USER, SERVICE_USER.c.home == HOME.c.id)
            .where(SERVICE_USER.c.left_on == "")
            .where(caller.visible(HOME.c.region))
            .group_by(HOME.c.region)
        )
        persons = {row["region"]: row["persons"] for row in rows(connection, counted)}
    return answer(
        {
            "items": [
                {**region, "persons": persons.get(region["code"], 0)}
                for region in everything
                if caller.sees(region["code"]) or caller.region.startswith(region["code"])
            ]
        }
    )


@router.post("/regions", status_code=CREATED)
async def create_region(
    body: NewRegion, request: Request, hub: Hub, caller: Annotated[Caller, needs("home.write")]
) -> Response:
    """A town, village or group more."""
    check_id(body.code)

    def change(unit: UnitOfWork) -> None:
        unit.execute(_INSERT, (body.code, body.name, body.level, body.parent))
        if unit.cursor.rowcount == 0:
            raise Problem(409, "taken", "this code is taken", field="code")
        unit.audit(caller.username, "created", f"region:{body.code}")
        hub.roster_changed(unit, Changed(regions=frozenset({body.code})))

    async def work() -> Document:
        await run_in_threadpool(_check, hub, caller, body)
        await hub.writer.change(change)
        return body.model_dump()

    return await once(request, caller, work, CREATED)


def _check(hub: Deps, caller: Caller, body: NewRegion) -> None:
    with hub.engine.connect() as connection:
        parent = find_region(connection, body.parent)
    if parent is None or not caller.sees(body.parent):
        raise bad_field("parent", "there is no such region")
    if parent["level"] != _ABOVE[body.level]:
        raise bad_field("level", f"a {body.level} lies in a {_ABOVE[body.level]}")
    # What one may see is decided by how a code begins.
    if not body.code.startswith(body.parent) or len(body.code) > CODE_LENGTH_MAX:
        raise bad_field("code", f"begins with {body.parent}, at most {CODE_LENGTH_MAX} characters")
