"""Who can't be reached, since when, and what comes next."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from dashboard.answers import Trail, answer
from dashboard.asked import LIMIT_DEFAULT, QueryWord, RegisterLimit, words
from dashboard.callers import Caller, Hub, needs
from dashboard.contact_masks import HIDDEN
from dashboard.routes.unseen import masked_person
from dashboard.unreachable_reads import (
    REASONS,
    read_unreachable,
    reason_counts,
    unreachable_object,
)
from ledger.views import Document

router = APIRouter(tags=["unseen"])


@router.get("/unreachable")
def list_unreachable(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("visit.read")],
    region: QueryWord = None,
    visitor: QueryWord = None,
    reason: QueryWord = None,
    limit: RegisterLimit = LIMIT_DEFAULT,
) -> Response:
    """Whom the last two attempts or more did not find, who has no telephone and no contact with
    one, whose contacts did not get what was sent. `reason` may list several."""
    reasons = words(reason, REASONS, "reason")
    now_ms = hub.clock.now_ms()
    with hub.engine.connect() as connection:
        of = read_unreachable(connection, hub.rules, caller, region, now_ms)
    mine = [one for one in of.found if not visitor or one.row["visitor"] == visitor]
    shown = [one for one in mine if not reasons or set(reasons) & set(one.reasons)]
    documents = [unreachable_object(one, of, now_ms) for one in shown[:limit]]
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", "unreachable", f"{len(documents)} shown")
    return answer(
        {
            "items": [_shown(document, caller) for document in documents],
            "total": len(shown),
            "counts": {"people": of.people, "found": len(mine), **reason_counts(mine)},
        }
    )


def _shown(document: Document, caller: Caller) -> Document:
    shown = masked_person(document, caller)
    if "person.read" not in caller.can:
        failed = [{**one, "name": HIDDEN} for one in shown["contacts_failed"]]
        shown = {**shown, "contacts_failed": failed}
    return shown
