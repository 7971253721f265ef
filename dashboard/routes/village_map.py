"""The map of homes."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from dashboard.answers import Trail, answer
from dashboard.asked import REGISTER_LIMIT_MAX, QueryWord, RegisterLimit, day_start_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.map_reads import map_document

router = APIRouter(tags=["overview"])


@router.get("/map")
def get_map(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("home.read")],
    region: QueryWord = None,
    limit: RegisterLimit = REGISTER_LIMIT_MAX,
) -> Response:
    """Homes in which somebody of the service lives, each with its place where it is known, its
    worst open alarm, whether it is heard, and whether anybody was seen there today; `gateways`
    are those that are silent."""
    now_ms = hub.clock.now_ms()
    with hub.engine.connect() as connection:
        document = map_document(
            connection,
            hub.rules,
            caller,
            region,
            now_ms=now_ms,
            today_ms=day_start_ms(now_ms, hub.timezone),
            limit=limit,
        )
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", "map", f"{len(document['homes'])} shown")
    return answer(document)
