"""Screens on walls: what the screen itself asks, and who lets screens in and ends them.

The screen shows a code; somebody who answers for the place types it at her own desk, sees which
browser shows it, and says which screen that is. No password is typed in a room full of people.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request
from pydantic import StringConstraints
from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.accounts import AccountError, check_region
from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import Body, Line, PathId, Word
from dashboard.callers import CSRF_HEADER, CSRF_VALUE, PUBLIC, Caller, Hub, Needs, client_address
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, alarm_documents, roster_for, rows
from dashboard.routes.live import EventStream, feed_of
from dashboard.routes.overview import summary_of
from dashboard.screens import screen_rows
from dashboard.screens.screen_caller import (
    WAITING_SCREEN,
    WALL_SCREEN,
    again,
    caller_of,
    set_screen_cookie,
)
from dashboard.screens.wall_view import all_on_the_wall
from dashboard.shared_answers import SharedAnswers
from ledger.schema import ALARM
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document, account_reference, instant, to_json

router = APIRouter(tags=["screens"])

# More than any wall has room for; what is beyond is counted all the same.
_ALARMS_MAX: Final = 300
_RETRY_AFTER_S: Final = "60"

Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")]
# No program lets a screen in: it can't see what hangs on the wall.
May = Annotated[Caller, Depends(Needs("screen.write", human=True))]


class ShownCode(Body):
    code: Code


class NewScreen(ShownCode):
    """`name`: what people call it; `region`: of what it shows the alarms."""

    name: Word
    region: Annotated[Line, StringConstraints(max_length=32)] = ""


@router.post("/screen/code", status_code=CREATED, dependencies=[PUBLIC])
async def show_code(request: Request, hub: Hub) -> Response:
    """A code for a screen that wants to be let in, and a cookie by which it is known again."""
    asking = screen_rows.Asking(
        address=client_address(request), agent=request.headers.get("user-agent", "")
    )
    wall_ms = hub.wall_ms()
    try:
        token, code = await hub.writer.change(lambda unit: screen_rows.ask(unit, asking, wall_ms))
    except screen_rows.ScreenRefused as error:
        wait = {"Retry-After": _RETRY_AFTER_S}
        raise Problem(429, error.code, error.detail, headers=wait) from None
    response = answer(
        {"state": "asked", "code": code, "lasts_s": screen_rows.CODE_MS // 1000}, CREATED
    )
    set_screen_cookie(response, request, token)
    return response


@router.get("/screen")
async def screen_state(hub: Hub, screen: Annotated[Row, WAITING_SCREEN]) -> Response:
    """Whether it waits to be let in (`asked`, with its code), was let in and has to come in
    (`granted`), or is `shown`."""
    left_ms = max(0, screen["code_until_ms"] - hub.wall_ms())
    waiting = {"code": screen["code"], "lasts_s": left_ms // 1000}
    return answer({"state": screen["state"], **(waiting if screen["state"] == "asked" else {})})


@router.post("/screen/enter")
async def enter(request: Request, hub: Hub, screen: Annotated[Row, WAITING_SCREEN]) -> Response:
    """Take the secret that opens the board, once, after it was let in."""
    if request.headers.get(CSRF_HEADER, "").lower() != CSRF_VALUE:
        raise Problem(403, "csrf", f"this needs the header {CSRF_HEADER}: {CSRF_VALUE}")
    wall_ms = hub.wall_ms()
    try:
        token = await hub.writer.change(
            lambda unit: screen_rows.enter(unit, screen["digest"], wall_ms)
        )
    except KeyError:
        raise Problem(409, "not_granted", "nobody has let this screen in, or it is in") from None
    response = answer({"state": "shown"})
    set_screen_cookie(response, request, token)
    return response


@router.get("/screen/board")
async def screen_board(request: Request, hub: Hub, screen: Annotated[Row, WALL_SCREEN]) -> Response:
    """Everything that the wall shows: live alarms without persons, counts, the hub's time."""
    shared: SharedAnswers = request.app.state.shared
    made = await shared.get(("screen", screen["id"]), lambda: _board(hub, screen))
    return Response(made, media_type="application/json")


@router.get("/screen/stream", response_class=EventStream)
async def screen_stream(
    *,
    request: Request,
    hub: Hub,
    trail: Trail,
    screen: Annotated[Row, WALL_SCREEN],
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> EventStream:
    """`GET stream` for a screen: events of type `alarm`, each as the board has it."""
    caller = caller_of(screen)
    made = feed_of(request, hub, caller, last_event_id, again)
    trail.note(caller.username, "listened", "stream", screen["name"])
    return made


@router.post("/screens/asked")
async def who_asks(body: ShownCode, hub: Hub, _caller: May) -> Response:
    """Which browser shows this code: to be looked at before it is let in."""
    row = await run_in_threadpool(_asked, hub, body.code)
    if row is None:
        raise not_found("screen with this code")
    return answer(
        {
            "code": row["code"],
            "address": row["address"],
            "agent": row["agent"],
            "asked_at": to_iso(row["asked_at_ms"]),
        }
    )


@router.get("/screens")
def list_screens(hub: Hub, caller: May) -> Response:
    """Screens of the caller's regions; those that were ended lately, too."""
    wall_ms = hub.wall_ms()
    with hub.engine.connect() as connection:
        found = screen_rows.listed(connection, caller.region, wall_ms)
        return answer({"items": _documents(connection, found, wall_ms)})


@router.post("/screens", status_code=CREATED)
async def let_in(body: NewScreen, hub: Hub, caller: May) -> Response:
    """Let the screen in that shows this code, under a name, for a region."""
    if not body.region.startswith(caller.region):
        raise bad_field("region", "it lies outside your own")
    wall_ms = hub.wall_ms()

    def change(unit: UnitOfWork) -> str:
        check_region(unit, body.region)
        return screen_rows.grant(unit, body.code, body.name, body.region, caller.username, wall_ms)

    try:
        screen = await hub.writer.change(change)
    except AccountError as error:
        raise Problem(422, error.code, error.detail, field=error.field) from None
    except screen_rows.ScreenRefused as error:
        raise Problem(409, error.code, error.detail) from None
    except KeyError:
        raise not_found("screen with this code") from None
    return answer(await run_in_threadpool(_document, hub, screen), CREATED)


@router.delete("/screens/{screen_id}")
async def end_screen(screen_id: PathId, hub: Hub, caller: May) -> Response:
    """It shows nothing from now on."""
    row = await run_in_threadpool(_found, hub, screen_id)
    if row is None or not row["region"].startswith(caller.region):
        raise not_found("screen")
    wall_ms = hub.wall_ms()
    try:
        await hub.writer.change(
            lambda unit: screen_rows.end(unit, screen_id, caller.username, wall_ms)
        )
    except KeyError:
        raise not_found("screen") from None
    return answer(await run_in_threadpool(_document, hub, screen_id))


def _board(hub: Deps, screen: Row) -> bytes:
    caller = caller_of(screen)
    live = ALARM.c.state != "closed"
    wanted = select(ALARM).where(caller.visible(ALARM.c.region), live)
    # Devices are many and calm: they take no person's place.
    people = wanted.where(ALARM.c.severity != "technical").order_by(ALARM.c.number.desc())
    devices = wanted.where(ALARM.c.severity == "technical").order_by(ALARM.c.number.desc())
    with hub.engine.connect() as connection:
        found = rows(connection, people.limit(_ALARMS_MAX))
        found += rows(connection, devices.limit(_ALARMS_MAX))
        counts = summary_of(connection, caller, hub)
        document = {
            "screen": {
                "name": screen["name"],
                "region_path": roster_for(connection).region_path(screen["region"] or None),
                "ends_at": _ends_soon(screen, hub.wall_ms()),
            },
            "clock": {
                "now": to_iso(hub.clock.now_ms()),
                "speed": hub.clock.speed(),
                "timezone": hub.timezone,
            },
            "summary": {name: counts[name] for name in ("alarms", "gateways")},
            "alarms": all_on_the_wall(alarm_documents(connection, found)),
        }
    return to_json(document)


def _ends_soon(screen: Row, wall_ms: int) -> str | None:
    """When it ends, once somebody has to think of it."""
    soon = screen["expires_at_ms"] - wall_ms <= screen_rows.ENDS_SOON_MS
    return to_iso(screen["expires_at_ms"]) if soon else None


def _asked(hub: Deps, code: str) -> Row | None:
    with hub.engine.connect() as connection:
        return screen_rows.asked_by_code(connection, code, hub.wall_ms())


def _found(hub: Deps, screen: str) -> Row | None:
    with hub.engine.connect() as connection:
        return screen_rows.find(connection, screen)


def _document(hub: Deps, screen: str) -> Document:
    with hub.engine.connect() as connection:
        row = screen_rows.find(connection, screen)
        found = [] if row is None else [row]
        return _documents(connection, found, hub.wall_ms())[0]


def _documents(connection: Connection, found: list[Row], wall_ms: int) -> list[Document]:
    roster = roster_for(
        connection, usernames={row[name] for row in found for name in ("made_by", "ended_by")}
    )

    def state(row: Row) -> str:
        over = row["state"] != "revoked" and not screen_rows.is_alive(row, wall_ms)
        return "over" if over else str(row["state"])

    def person(username: Any) -> Any:
        return account_reference(username, roster)

    return [
        {
            "id": row["id"],
            "name": row["name"],
            "region": row["region"],
            "region_path": roster.region_path(row["region"] or None),
            "state": state(row),
            "address": row["address"],
            "agent": row["agent"],
            "made_by": person(row["made_by"]),
            "made_at": instant(row["made_at_ms"]),
            "seen_at": to_iso(row["seen_at_ms"]),
            "ends_at": instant(row["expires_at_ms"]),
            "ended_by": person(row["ended_by"]),
            "ended_at": instant(row["ended_at_ms"]),
        }
        for row in found
    ]
