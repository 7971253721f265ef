"""Tasks: work dispatched to visitors, and its way from acceptance to completion."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.lifecycle import TaskState
from dashboard.answers import Trail, answer, page
from dashboard.asked import LIMIT_DEFAULT, Body, Limit, Note, Number, PathId, QueryWord, words
from dashboard.callers import Caller, Hub, needs
from dashboard.masking import present
from dashboard.once import once
from dashboard.permissions import permissions_of
from dashboard.ports import Deps, TaskMoveName
from dashboard.problems import Problem, not_found
from dashboard.reads import Row, find_task, rows, task_detail, task_documents
from dashboard.routes.alarms import Nothing
from ledger.schema import ACCOUNT, TASK
from ledger.views import Document

router = APIRouter(tags=["tasks"])


class Completion(Body):
    finding: Note


@router.get("/tasks")
def list_tasks(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("task.read")],
    state: QueryWord = None,
    assignee: QueryWord = None,
    home: QueryWord = None,
    limit: Limit = LIMIT_DEFAULT,
    before: Number = None,
) -> Response:
    """Tasks, newest first. `state` may list several; `assignee=me` are one's own."""
    wanted = select(TASK).where(caller.visible(TASK.c.region))
    states = words(state, [s.value for s in TaskState], "state")
    if states:
        wanted = wanted.where(TASK.c.state.in_(states))
    if assignee:
        name = caller.username if assignee == "me" else assignee
        wanted = wanted.where(TASK.c.assignee == name)
    if home:
        wanted = wanted.where(TASK.c.home == home)
    if before is not None:
        wanted = wanted.where(TASK.c.number < before)
    wanted = wanted.order_by(TASK.c.number.desc()).limit(limit + 1)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted)
        documents = task_documents(connection, found[:limit], hub.clock.now_ms())
    if "person.read" in caller.can:
        trail.note(caller.username, "listed", "tasks", f"{len(documents)} shown")
    shown = [
        present(document, caller.can_at(row["home"]))
        for document, row in zip(documents, found, strict=False)
    ]
    return page(shown, [row["number"] for row in found], limit)


@router.get("/tasks/{task_id}")
def get_task(
    task_id: PathId, hub: Hub, trail: Trail, caller: Annotated[Caller, needs("task.read")]
) -> Response:
    """A task with its `timeline`; `checks` are the troubles of devices there."""
    row = visible_task(hub, caller, task_id)
    with hub.engine.connect() as connection:
        document = task_detail(connection, row, hub.clock.now_ms())
    trail.note(caller.username, "viewed", f"task:{task_id}", f"home {row['home'] or 'none'}")
    return answer(present(document, caller.can_at(row["home"])))


@router.post("/tasks/{task_id}/accept")
async def accept(
    task_id: PathId,
    request: Request,
    caller: Annotated[Caller, needs("task.move")],
    _body: Nothing | None = None,
) -> Response:
    """I go: the task is mine and its alarm is in response."""
    return await _move(request, caller, task_id, "accept")


@router.post("/tasks/{task_id}/depart")
async def depart(
    task_id: PathId,
    request: Request,
    caller: Annotated[Caller, needs("task.move")],
    _body: Nothing | None = None,
) -> Response:
    """I am on my way."""
    return await _move(request, caller, task_id, "depart")


@router.post("/tasks/{task_id}/complete")
async def complete(
    task_id: PathId,
    body: Completion,
    request: Request,
    caller: Annotated[Caller, needs("task.move")],
) -> Response:
    """Done; `finding` says what was found."""
    return await _move(request, caller, task_id, "complete", body.finding)


@router.get("/assignees")
def list_assignees(hub: Hub, caller: Annotated[Caller, needs("task.read")]) -> Response:
    """Who can take a task in the caller's region, wider areas of duty included."""
    with hub.engine.connect() as connection:
        accounts = rows(connection, select(ACCOUNT).where(ACCOUNT.c.disabled.is_(False)))
    return answer(
        {
            "items": [
                {key: account[key] for key in ("username", "name", "role", "phone")}
                for account in sorted(accounts, key=lambda a: (a["role"] != "visitor", a["name"]))
                if "task.move" in permissions_of(account["role"])
                and _overlap(account["region"], caller.region)
            ]
        }
    )


async def _move(
    request: Request, caller: Caller, task_id: str, move: TaskMoveName, finding: str = ""
) -> Response:
    hub: Deps = request.app.state.deps

    async def act() -> None:
        await hub.desk.move_task(task_id, caller.username, move, finding)

    return await act_on_task(request, caller, task_id, act)


async def act_on_task(
    request: Request, caller: Caller, task_id: str, act: Callable[[], Awaitable[None]]
) -> Response:
    """Whoever has the task, or may move any: act once, answer the task as it is now."""
    hub: Deps = request.app.state.deps
    before = await run_in_threadpool(visible_task, hub, caller, task_id)
    check_holder(before, caller)

    async def work() -> Document:
        try:
            await act()
        except KeyError:
            raise not_found("task") from None
        return await run_in_threadpool(task_document, hub, caller, task_id)

    return await once(request, caller, work)


def check_holder(task: Row, caller: Caller) -> None:
    if task["assignee"] not in (None, caller.username) and "task.move_any" not in caller.can:
        raise Problem(403, "not_yours", "somebody else has this task")


def visible_task(hub: Deps, caller: Caller, task_id: str) -> Row:
    with hub.engine.connect() as connection:
        row = find_task(connection, task_id)
    if row is None or not caller.sees(row["region"]):
        raise not_found("task")
    return row


def task_document(hub: Deps, caller: Caller, task_id: str) -> Document:
    row = visible_task(hub, caller, task_id)
    with hub.engine.connect() as connection:
        document = task_documents(connection, [row], hub.clock.now_ms())[0]
    return present(document, caller.can_at(row["home"]))


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
