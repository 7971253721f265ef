"""`GET stream`: the live feed as server-sent events."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from dashboard.answers import Trail
from dashboard.callers import Caller, Hub, needs
from dashboard.problems import bad_field
from dashboard.stream import Streams, events

router = APIRouter(tags=["live"])

# Eighteen digits fit the tables' integers.
_ID_LENGTH_MAX: Final = 18


class EventStream(StreamingResponse):
    """Bytes as they are made: the feed's payloads are ready for the wire."""

    media_type = "text/event-stream"


@router.get("/stream", response_class=EventStream)
async def stream(
    *,
    request: Request,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("stream.read")],
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> EventStream:
    """Events of types `alarm`, `task`, `visit`, `device` and `gateway` as they are committed.

    `Last-Event-ID` resumes after that entry; `reset` says that too much was missed."""
    streams: Streams = request.app.state.streams
    refused = streams.refusal(caller.username)
    if refused is not None:
        raise refused
    last_id = _last_id(last_event_id)
    if "person.read" in caller.can:
        trail.note(caller.username, "listened", "stream", "" if last_id is None else f"{last_id}")
    return EventStream(
        events(hub, streams, caller, last_id),
        # Proxies must neither keep nor gather what is sent.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _last_id(text: str | None) -> int | None:
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _ID_LENGTH_MAX):
        raise bad_field("Last-Event-ID", "the number of an entry")
    return int(text)
