"""A person's own photo: brought by whoever keeps her file or visits her, shown to who may see
people, taken away again."""

import hashlib
from typing import Annotated, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import Trail, answer
from dashboard.asked import PathId, local_day
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file
from dashboard.images import FACE, BadPicture, Pictures
from dashboard.person_photos import photo_of
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.reads import Row
from dashboard.register_reads import find_person, person_documents
from ledger.persons import photo
from ledger.persons.asking import refusal
from ledger.persons.files import Refused
from ledger.persons.photo import NewPhoto
from ledger.register_changes import Changed
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["service users"])

# Whoever may see it is asked for each time: a browser may keep the bytes, and asks before it shows
# them, so that a photo that was taken away is gone from the next page on.
_ASKED_EACH_TIME: Final = "private, no-cache"


@router.put("/service-users/{person_id}/photo")
async def keep_photo(
    person_id: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("visit.write")],
) -> Response:
    """The file as the body: a JPEG, PNG or WebP photo, in the place of the one before. Where a
    consent to photographs holds; by who keeps her file or visits her."""
    row = await run_in_threadpool(_seen, hub, caller, person_id)
    _check_may(row, caller)
    payload = await request.body()
    new = await run_in_threadpool(_drawn, request.app.state.pictures, person_id, payload)
    day = local_day(hub.clock.now_ms(), hub.timezone).isoformat()

    def change(unit: UnitOfWork) -> None:
        if photo.keep(unit, new, row["home_region"], caller.username, day):
            unit.audit(caller.username, "changed", f"person:{person_id}", "photo")
            hub.roster_changed(unit, Changed(persons=frozenset({person_id})))

    await hub.writer.change(change)
    return answer(await run_in_threadpool(_document, hub, caller, person_id))


@router.delete("/service-users/{person_id}/photo")
async def remove_photo(
    person_id: PathId, hub: Hub, caller: Annotated[Caller, needs("visit.write")]
) -> Response:
    """The photo is gone for good, and the person as she is now comes back."""
    row = await run_in_threadpool(_seen, hub, caller, person_id)
    _check_may(row, caller)

    def change(unit: UnitOfWork) -> None:
        if photo.remove(unit, person_id, row["home_region"], caller.username):
            unit.audit(caller.username, "changed", f"person:{person_id}", "photo removed")
            hub.roster_changed(unit, Changed(persons=frozenset({person_id})))

    await hub.writer.change(change)
    return answer(await run_in_threadpool(_document, hub, caller, person_id))


@router.get("/service-users/{person_id}/photo", response_class=Response, responses=as_file("jpg"))
def get_photo(
    person_id: PathId,
    request: Request,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("person.read")],
) -> Response:
    """The photo itself, while the consent to it holds."""
    _seen(hub, caller, person_id)
    today = local_day(hub.clock.now_ms(), hub.timezone).isoformat()
    with hub.engine.connect() as connection:
        found = photo_of(connection, person_id, today)
    if found.photo is None:
        raise not_found("photo")
    if found.consent != "given":
        raise Refused([refusal(photo.PURPOSE, found.consent, "photo")])
    headers = {"Cache-Control": _ASKED_EACH_TIME, "ETag": f'"{found.photo["sha256"]}"'}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    trail.note(caller.username, "viewed", f"person:{person_id}", "photo")
    content = bytes(found.photo["bytes"])
    return Response(content, media_type=found.photo["mime"], headers=headers)


def _drawn(pictures: Pictures, person: str, payload: bytes) -> NewPhoto:
    try:
        drawn = pictures.photo(payload, FACE)
    except BadPicture as error:
        raise Problem(422, error.code, error.detail, field="file") from None
    return NewPhoto(
        person=person,
        mime=drawn.mime,
        content=drawn.content,
        sha256=hashlib.sha256(drawn.content).hexdigest(),
        width=drawn.width,
        height=drawn.height,
    )


def _check_may(row: Row, caller: Caller) -> None:
    if "person.write" not in caller.can and row["visitor"] != caller.username:
        detail = "only who keeps the file, or visits this person, brings and removes the photo"
        raise Problem(403, "not_responsible", detail)


def _seen(hub: Deps, caller: Caller, person_id: str) -> Row:
    with hub.engine.connect() as connection:
        row = find_person(connection, person_id)
    if row is None or not caller.knows(row["home_region"], row["home"]):
        raise not_found("person")
    return row


def _document(hub: Deps, caller: Caller, person_id: str) -> Document:
    row = _seen(hub, caller, person_id)
    with hub.engine.connect() as connection:
        return person_documents(connection, [row], hub.clock.now_ms())[0]
