"""Not yet seen today, and the call that changes it."""

import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import StrictBool
from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import (
    LIMIT_DEFAULT,
    Body,
    PathId,
    QueryWord,
    RegisterLimit,
    day_start_ms,
)
from dashboard.callers import Caller, Hub, needs
from dashboard.masking import present
from dashboard.once import HEADER, once
from dashboard.plan_facts import made
from dashboard.ports import Deps
from dashboard.problems import not_found
from dashboard.reads import one
from dashboard.register_reads import find_person
from dashboard.unseen_reads import Unseen, UnseenList, read_unseen, unseen_object
from ledger.forms.visit_form import NOBODY_MET
from ledger.schema import VISIT
from ledger.views import Document
from ledger.visits import SAID_WELL, NewVisit

router = APIRouter(tags=["unseen"])

# Two taps on a slow line, or on two screens of one desk, are one call.
SAME_CALL_MS: Final = 5 * 60_000
# How long a number beside the menu may be old; the list itself is always new.
COUNTED_FOR_MS: Final = 60_000
_NAMESPACE: Final = uuid.UUID("4b7d5c0e-13a9-5f0a-8d55-1c2c7a0e9b35")
_ORDERS: Final[dict[str, Callable[[Unseen], Any]]] = {
    "alarm": lambda person: person.by_alarm,
    "sign": lambda person: person.by_sign,
}


class Phoned(Body):
    """`answered`: she was heard and is well; false: nobody answered."""

    answered: StrictBool = True


@router.get("/unseen")
def list_unseen(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("visit.read")],
    region: QueryWord = None,
    visitor: QueryWord = None,
    seen: bool | None = None,
    order: Literal["alarm", "sign"] = "alarm",
    limit: RegisterLimit = LIMIT_DEFAULT,
) -> Response:
    """Everybody of the caller's regions: whom the absence alarm would be about first stands first,
    or, `order=sign`, who was seen least lately. `seen=false`: only who was not seen today, and who
    is found silent, whatever stirred since."""
    with hub.engine.connect() as connection:
        found = _read(connection, hub, caller, region)
    people = [p for p in found.people if not visitor or p.row["visitor"] == visitor]
    shown = [p for p in people if seen is None or _counts_as_seen(p) is seen]
    shown.sort(key=_ORDERS[order])
    now_ms = hub.clock.now_ms()
    documents = [unseen_object(person, found, now_ms) for person in shown[:limit]]
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", "unseen", f"{len(documents)} shown")
    return answer(
        {
            "items": [masked_person(document, caller) for document in documents],
            "total": len(shown),
            "counts": _counts(people),
        }
    )


@router.get("/unseen/count")
def count_unseen(
    hub: Hub, request: Request, caller: Annotated[Caller, needs("visit.read")]
) -> Response:
    """How many were not seen today and are not away; at most a minute old."""
    kept: dict[object, tuple[int, Document]] = request.app.state.unseen_counts
    of = (caller.region, caller.homes, caller.opened)
    known = kept.get(of)
    wall_ms = hub.wall_ms()
    if known is None or not 0 <= wall_ms - known[0] < COUNTED_FOR_MS:
        with hub.engine.connect() as connection:
            found = _read(connection, hub, caller, None)
        known = kept[of] = (wall_ms, _counts(found.people))
    return answer(known[1])


@router.post("/service-users/{person_id}/phoned", status_code=CREATED)
async def phoned(
    person_id: PathId,
    body: Phoned,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("visit.write")],
) -> Response:
    """Somebody telephoned just now: a call of the book, no visit at home. Answered, it proves life
    to `no_sign_of_life` a minute later, until then `POST visits/{id}/void` takes it back."""
    key = request.headers.get(HEADER)
    name = uuid.uuid5(_NAMESPACE, f"{caller.username}:{key}") if key else uuid.uuid4()

    def find() -> tuple[str, str | None]:
        with hub.engine.connect() as connection:
            person = find_person(connection, person_id)
            if person is None or not caller.knows(person["home_region"], person["home"]):
                raise not_found("person")
            return str(person["home"]), _same(connection, hub, caller, person_id, body)

    async def work() -> Document:
        home, same = await run_in_threadpool(find)
        if same is not None:
            return {"visit": same}
        visit = NewVisit(
            id=str(name),
            home=home,
            service_user=person_id,
            way="phone",
            visitor=caller.username,
            visited_at_ms=hub.clock.now_ms(),
            record={SAID_WELL: True} if body.answered else {NOBODY_MET: True},
        )
        recorded = await hub.desk.record_visit(visit, caller.username)
        request.app.state.unseen_counts.clear()
        return {"visit": recorded}

    return await once(request, caller, work, CREATED)


def _read(connection: Connection, hub: Deps, caller: Caller, region: str | None) -> UnseenList:
    now_ms = hub.clock.now_ms()
    return read_unseen(
        connection,
        hub.rules,
        caller,
        region,
        now_ms=now_ms,
        today_ms=day_start_ms(now_ms, hub.timezone),
    )


def _counts_as_seen(person: Unseen) -> bool:
    """What stirred may have been somebody else: whom the rule holds silent is not seen."""
    return person.seen_today and person.life != "silent"


def _counts(people: Sequence[Unseen]) -> Document:
    """`unseen`: not seen today or found silent, and nobody has said that they are away.
    `cannot_judge`: of these no alarm would come."""
    return {
        "people": len(people),
        "unseen": sum(not _counts_as_seen(p) and p.stay is None for p in people),
        "silent": sum(p.life == "silent" for p in people),
        "cannot_judge": sum(not p.judged and p.life != "silent" for p in people),
        "away": sum(p.stay is not None for p in people),
    }


def masked_person(document: Document, caller: Caller) -> Document:
    """Name, telephone and address as far as the caller may see them."""
    masked = present({"persons": [document["person"]], "home": document["home"]}, caller.can)
    return {**document, "person": masked["persons"][0], "home": masked["home"]}


def _same(
    connection: Connection, hub: Deps, caller: Caller, person: str, body: Phoned
) -> str | None:
    """The same said by the same a moment ago."""
    newest = (
        select(VISIT.c.id)
        .where(
            VISIT.c.service_user == person,
            VISIT.c.visitor == caller.username,
            VISIT.c.way == "phone",
            VISIT.c.met.is_(body.answered),
            VISIT.c.visited_at_ms > hub.clock.now_ms() - SAME_CALL_MS,
            *made(),
        )
        .order_by(VISIT.c.visited_at_ms.desc())
        .limit(1)
    )
    row = one(connection, newest)
    return None if row is None else str(row["id"])
