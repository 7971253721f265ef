"""`GET stream`: the live feed as server-sent events."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from dashboard.answers import Trail
from dashboard.callers import Caller, Hub, needs
from dashboard.ports import Deps
from dashboard.problems import bad_field
from dashboard.stream import Again, Streams, events, refreshed

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
    made = feed_of(request, hub, caller, last_event_id, refreshed)
    if "person.read" in caller.can:
        trail.note(caller.username, "listened", "stream", last_event_id or "")
    return made


def feed_of(
    request: Request, hub: Deps, caller: Caller, last_event_id: str | None, again: Again
) -> EventStream:
    """A stream for whoever asks; Problem when there is none left."""
    streams: Streams = request.app.state.streams
    refused = streams.refusal(caller.username)
    if refused is not None:
        raise refused
    return EventStream(
        events(hub, streams, caller, _last_id(last_event_id), again),
        # Proxies must neither keep nor gather what is sent.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _last_id(text: str | None) -> int | None:
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _ID_LENGTH_MAX):
        raise bad_field("Last-Event-ID", "the number of an entry")
    return int(text)
