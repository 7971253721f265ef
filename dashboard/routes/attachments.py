"""Photos and signatures of a visit: sent as they are, kept small, shown to who may see people."""

import hashlib
import uuid
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.ids import name_uuid
from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import PathId, local_day
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file
from dashboard.images import BadPicture, Pictures, signature_png
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.routes.visit_changes import check_own
from dashboard.routes.visits import detail_document, visible_visit
from dashboard.visit_reads import find_attachment
from ledger.forms import strokes
from ledger.persons.asking import must_not_be_refused, people_of
from ledger.unit_of_work import UnitOfWork
from ledger.visits import AttachmentKind, NewAttachment

router = APIRouter(tags=["visits"])

_NAMESPACE: Final = uuid.UUID("5d0f7d39-3c0b-5d1a-9b6e-0f6f0a2f6f11")
# A picture is named by its content and never changes; it is a person's, so no proxy keeps it.
_PRIVATE: Final = {"Cache-Control": "private, max-age=86400"}


@router.post("/visits/{visit_id}/attachments", status_code=CREATED)
async def attach(
    *,
    visit_id: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("visit.write")],
    kind: AttachmentKind = "photo",
) -> Response:
    """The file as the body: a JPEG, PNG or WebP photo, or a signature's strokes. The same file
    again is the one that is there. No photo of who said no to photographs, but in an emergency."""
    row = await run_in_threadpool(visible_visit, hub, caller, visit_id)
    check_own(row, caller)
    payload = await request.body()
    new = await run_in_threadpool(_kept, request.app.state.pictures, visit_id, kind, payload)
    attachments = hub.desk.visits.attachments
    day = local_day(hub.clock.now_ms(), hub.timezone).isoformat()

    def change(unit: UnitOfWork) -> None:
        # Of an emergency a picture is taken without asking (ledger/persons/asking.py).
        if kind == "photo" and row["alarm"] is None and row["kind"] != "emergency":
            people = people_of(unit, row["service_user"], row["home"])
            must_not_be_refused(unit, people, "photo", day, "file")
        attachments.attach(unit, new, caller.username)

    await hub.writer.change(change)
    document = await run_in_threadpool(detail_document, hub, caller, row)
    return answer(document, CREATED)


@router.get(
    "/visits/{visit_id}/attachments/{attachment_id}",
    response_class=Response,
    responses=as_file("jpg", "png", "svg", "strokes"),
)
def get_attachment(
    *,
    visit_id: PathId,
    attachment_id: PathId,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("visit.read", "person.read")],
    form: Literal["kept", "svg", "png"] = "kept",
) -> Response:
    """A photo, or a signature as its strokes or (`form`) as an SVG or PNG."""
    visible_visit(hub, caller, visit_id)
    mime, content = _shown(hub, visit_id, attachment_id, form)
    trail.note(caller.username, "viewed", f"attachment:{attachment_id}", f"visit {visit_id}")
    return Response(content, media_type=mime, headers=_PRIVATE)


def _kept(pictures: Pictures, visit_id: str, kind: AttachmentKind, payload: bytes) -> NewAttachment:
    source = hashlib.sha256(payload).hexdigest()
    try:
        if kind == "photo":
            photo = pictures.photo(payload)
            mime, content = photo.mime, photo.content
            width, height = photo.width, photo.height
        else:
            drawn = strokes.parse(payload)
            mime, content = strokes.MIME, strokes.compact(drawn)
            width, height = drawn.width, drawn.height
    except (BadPicture, strokes.StrokesError) as error:
        raise Problem(422, error.code, error.detail, field="file") from None
    return NewAttachment(
        id=name_uuid(_NAMESPACE, f"{visit_id}:{kind}:{source}"),
        visit=visit_id,
        kind=kind,
        mime=mime,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        source_sha256=source,
        width=width,
        height=height,
    )


def _shown(hub: Deps, visit_id: str, attachment_id: str, form: str) -> tuple[str, bytes]:
    with hub.engine.connect() as connection:
        row = find_attachment(connection, visit_id, attachment_id)
    if row is None:
        raise not_found("attachment")
    content = row["bytes"]
    if not content:
        raise Problem(410, "erased", "whom it shows was erased")
    if form == "kept":
        return str(row["mime"]), content
    if row["mime"] != strokes.MIME:
        raise Problem(422, "invalid", "a photo is shown as it is kept", field="form")
    drawn = strokes.parse(content)
    if form == "svg":
        return "image/svg+xml", strokes.svg(drawn)
    return "image/png", signature_png(drawn)
