"""Dispatching: tasks made and given by hand, who could go, the card of who goes, 120's sheet."""

import uuid
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.suggestion import Suggestion, suggest
from alarms.visiting import NewTask
from dashboard.answers import CREATED, Trail, answer
from dashboard.asked import Body, Note, PathId, Word, instant_ms
from dashboard.callers import Caller, Hub, needs
from dashboard.candidate_reads import candidates, place_of
from dashboard.card_reads import card, sheet
from dashboard.contact_masks import without_contacts
from dashboard.named_account import check_named
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import Row, find_alarm, find_task
from dashboard.register_reads import find_home
from dashboard.routes.alarms import Nothing
from dashboard.routes.tasks import act_on_task, task_document, visible_task
from ledger.views import Document

router = APIRouter(tags=["tasks"])

# What somebody may read who reads a card.
_ON_THE_CARD: Final = frozenset({"address.read", "person.read"})
_NAMESPACE: Final = uuid.UUID("0b9c1a3e-7f0e-5f5b-8a43-63a1d8f0c2b7")


class TaskOrder(Body):
    """Work that no alarm asks for."""

    kind: Literal["routine", "follow_up"]
    home: Word
    due_at: Word
    assignee: Word | None = None
    note: Note = ""


class Reassignment(Body):
    assignee: Word


@router.post("/tasks", status_code=CREATED)
async def create_task(
    body: TaskOrder, request: Request, hub: Hub, caller: Annotated[Caller, needs("task.assign")]
) -> Response:
    """A visit to be made by a day. The same `Idempotency-Key` never makes a second one."""
    due_at_ms = instant_ms(body.due_at, "due_at")
    if due_at_ms is None or due_at_ms <= hub.clock.now_ms():
        raise bad_field("due_at", "a time to come")
    home = await run_in_threadpool(_home, hub, caller, body.home)
    if body.assignee is not None:
        await run_in_threadpool(
            check_named, hub, home["region"], body.assignee, "assignee", "task.move"
        )
    key = request.headers.get(HEADER)
    name = uuid.uuid5(_NAMESPACE, f"{caller.username}:{key}") if key else uuid.uuid4()
    new = NewTask(
        id=str(name),
        kind=body.kind,
        home=body.home,
        region=home["region"],
        due_at_ms=due_at_ms,
        assignee=body.assignee,
        note=body.note,
    )

    async def work() -> Document:
        await hub.desk.create_task(new, caller.username)
        return await run_in_threadpool(task_document, hub, caller, new.id)

    return await once(request, caller, work, CREATED)


@router.post("/tasks/{task_id}/assign")
async def assign_task(
    task_id: PathId,
    body: Reassignment,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("task.assign")],
) -> Response:
    """Somebody else goes; whoever had it does not any more."""

    async def act() -> None:
        task = await run_in_threadpool(visible_task, hub, caller, task_id)
        await run_in_threadpool(
            check_named, hub, task["region"], body.assignee, "assignee", "task.move"
        )
        if await run_in_threadpool(_alarm_open, hub, task["alarm"]):
            # Its alarm has to know who goes.
            await hub.desk.assign(task["alarm"], caller.username, body.assignee)
        else:
            await hub.desk.reassign_task(task_id, caller.username, body.assignee)

    return await act_on_task(request, caller, task_id, act)


@router.post("/tasks/{task_id}/cancel")
async def cancel_task(
    task_id: PathId,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("task.assign")],
    _body: Nothing | None = None,
) -> Response:
    """It is not needed any more; one of an open alarm ends with that alarm only."""

    async def act() -> None:
        await hub.desk.cancel_task(task_id, caller.username)

    return await act_on_task(request, caller, task_id, act)


@router.get("/tasks/{task_id}/suggestions")
def suggestions(
    task_id: PathId, hub: Hub, caller: Annotated[Caller, needs("task.assign")]
) -> Response:
    """Who could go, the best first, each with `why`."""
    task = visible_task(hub, caller, task_id)
    with hub.engine.connect() as connection:
        home = None if task["home"] is None else find_home(connection, task["home"])
        people = candidates(connection, hub, task)
    return answer({"items": [_shown(each) for each in suggest(place_of(home), people)]})


@router.get("/tasks/{task_id}/card")
def get_card(
    task_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("task.read")]
) -> Response:
    """All that who goes has to know. For who has the task, and for duty and managers of the
    region; every look is in the audit trail."""
    task = visible_task(hub, caller, task_id)
    _check_reader(task, caller, task["home"])
    with hub.engine.connect() as connection:
        document = card(connection, hub, task, hub.clock.now_ms())
    trail.note(caller.username, "viewed", f"card:{task_id}", f"home {task['home'] or 'none'}")
    return answer(_as_seen(document, caller.can_at(task["home"])))


@router.get("/alarms/{alarm_id}/sheet")
def get_sheet(
    alarm_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("alarm.read")]
) -> Response:
    """For 120 or 110, to be read out or printed; for the same people as the card."""
    with hub.engine.connect() as connection:
        alarm = find_alarm(connection, alarm_id)
        if alarm is None or not caller.sees(alarm["region"]):
            raise not_found("alarm")
        task = None if alarm["task"] is None else find_task(connection, alarm["task"])
        _check_reader(task or {"assignee": None}, caller, alarm["home"])
        document = sheet(connection, hub, alarm, hub.clock.now_ms())
    trail.note(caller.username, "viewed", f"sheet:{alarm_id}", f"home {alarm['home'] or 'none'}")
    return answer(_as_seen(document, caller.can_at(alarm["home"])))


def _check_reader(task: Row, caller: Caller, home: str | None) -> None:
    """A card holds more than a list: it is for who goes, and for who sends."""
    if task["assignee"] != caller.username and "task.move_any" not in caller.can:
        raise Problem(403, "not_yours", "it is for who has the task, duty and managers")
    # But for telephones none of it is masked: a program's token has to have been given all of that.
    # And who went there knows the record no longer than docs/access.md says.
    missing = sorted(_ON_THE_CARD - caller.can_at(home))
    if missing:
        raise Problem(403, "forbidden", f"a card needs {', '.join(missing)}")


def _as_seen(document: Document, can: frozenset[str]) -> Document:
    """Once all is over there, an office above several towns rings nobody up from it."""
    if "contact.read" in can:
        return document
    shown = without_contacts(document, can)
    for name in ("alarm", "task"):
        if shown.get(name) is not None:
            shown[name] = without_contacts(shown[name], can)
    return {**shown, "open_alarms": [without_contacts(a, can) for a in shown["open_alarms"]]}


def _home(hub: Deps, caller: Caller, home_id: str) -> Row:
    with hub.engine.connect() as connection:
        home = find_home(connection, home_id)
    if home is None or not caller.sees(home["region"]):
        raise bad_field("home", "there is no such home")
    return home


def _alarm_open(hub: Deps, alarm_id: str | None) -> bool:
    if alarm_id is None:
        return False
    with hub.engine.connect() as connection:
        alarm = find_alarm(connection, alarm_id)
    return alarm is not None and alarm["state"] != "closed"


def _shown(suggestion: Suggestion) -> Document:
    who = suggestion.candidate
    return {
        "username": who.username,
        "name": who.name,
        "role": who.role,
        "phone": who.phone,
        "km": suggestion.km,
        "tasks": who.tasks,
        "why": list(suggestion.why),
    }
