"""County, towns, villages and groups: the tree that homes lie in, read."""

from typing import Annotated

from fastapi import APIRouter
from sqlalchemy import func, select
from starlette.responses import Response

from dashboard.answers import answer
from dashboard.asked import PathId
from dashboard.callers import Caller, Hub, needs
from dashboard.problems import not_found
from dashboard.reads import rows
from dashboard.region_reads import overview, region_history
from dashboard.register_reads import find_region
from ledger.regions import closed_codes
from ledger.schema import HOME, REGION, SERVICE_USER

router = APIRouter(tags=["homes"])


@router.get("/regions")
def list_regions(hub: Hub, caller: Annotated[Caller, needs("home.read")]) -> Response:
    """The regions that one sees and what they lie in, with so many people right there."""
    with hub.engine.connect() as connection:
        everything = rows(connection, select(REGION).order_by(REGION.c.code))
        closed = closed_codes(connection)
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
                {
                    **region,
                    "persons": persons.get(region["code"], 0),
                    "closed": region["code"] in closed,
                }
                for region in everything
                if caller.sees(region["code"]) or caller.region.startswith(region["code"])
            ]
        }
    )


@router.get("/regions/overview")
def get_overview(hub: Hub, caller: Annotated[Caller, needs("home.read")]) -> Response:
    """The same with persons, homes and visitors of all that lies below, and who answers for it."""
    with hub.engine.connect() as connection:
        return answer({"items": overview(connection, caller)})


@router.get("/regions/{code}/history")
def get_history(code: PathId, hub: Hub, caller: Annotated[Caller, needs("home.read")]) -> Response:
    """When it was added, renamed, closed and opened again, by whom and why; newest first."""
    with hub.engine.connect() as connection:
        if find_region(connection, code) is None or not caller.sees(code):
            raise not_found("region")
        return answer({"items": region_history(connection, code)})
