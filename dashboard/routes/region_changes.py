"""Regions are added, renamed, closed and opened again, by who keeps the register there."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, answer
from dashboard.asked import Body, Line, PathId, Reason, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.register_reads import find_region
from dashboard.routes.homes import check_id
from ledger import regions as book
from ledger.regions import ABOVE, RegionError
from ledger.register_changes import Changed
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["homes"])

CODE_LENGTH_MAX: Final = 32
# What is still there, in words: how many, in both languages.
_STILL: Final[Mapping[str, tuple[str, str]]] = {
    "regions": ("还有 {n} 个下级地区没有撤销", "{n} regions below it are open"),
    "persons": ("还有 {n} 位在服务的老人住在这里", "{n} persons in the service live here"),
    "devices": ("还有 {n} 台设备装在这里的住户", "{n} devices are in homes here"),
    "gateways": ("还有 {n} 台网关登记在这里", "{n} gateways are registered here"),
    "accounts": ("还有 {n} 个账号归在这里", "{n} accounts belong here"),
}

Keeper = Annotated[Caller, needs("home.write")]


class NewRegion(Body):
    """`code` as GB/T 2260 and its extensions have it: it begins with that of its parent."""

    code: Word
    name: Word
    level: Literal["town", "village", "group"]
    parent: Word
    reason: Line = ""


class NewName(Body):
    name: Word
    reason: Reason


class Why(Body):
    reason: Reason


@router.post("/regions", status_code=CREATED)
async def create_region(body: NewRegion, request: Request, hub: Hub, caller: Keeper) -> Response:
    """A town, village or group more."""
    check_id(body.code)
    row = body.model_dump(exclude={"reason"})

    def change(unit: UnitOfWork) -> None:
        book.add(unit, row, caller.username, body.reason)

    async def work() -> Document:
        await run_in_threadpool(_check, hub, caller, body)
        await _change(hub, body.code, change)
        return row

    return await once(request, caller, work, CREATED)


@router.patch("/regions/{code}")
async def rename_region(code: PathId, body: NewName, hub: Hub, caller: Keeper) -> Response:
    """Another name; its code stays, for everything that lies there is found by it."""
    await run_in_threadpool(_visible, hub, caller, code)
    await _change(
        hub, code, lambda u: book.rename(u, code, body.name, caller.username, body.reason)
    )
    return answer({"code": code, "name": body.name})


@router.post("/regions/{code}/close")
async def close_region(code: PathId, body: Why, hub: Hub, caller: Keeper) -> Response:
    """Nothing more is put there; 409 `in_use` with `errors` while something is. It keeps its place
    in what happened."""
    await run_in_threadpool(_visible, hub, caller, code)
    await _change(hub, code, lambda u: book.close(u, code, caller.username, body.reason))
    return answer({"code": code, "closed": True})


@router.post("/regions/{code}/reopen")
async def reopen_region(code: PathId, body: Why, hub: Hub, caller: Keeper) -> Response:
    """A region that was closed counts again. 404 without one that the caller sees."""
    await run_in_threadpool(_visible, hub, caller, code)
    await _change(hub, code, lambda u: book.reopen(u, code, caller.username, body.reason))
    return answer({"code": code, "closed": False})


async def _change(hub: Deps, code: str, done: Callable[[UnitOfWork], None]) -> None:
    def change(unit: UnitOfWork) -> None:
        done(unit)
        hub.roster_changed(unit, Changed(regions=frozenset({code})))

    try:
        await hub.writer.change(change)
    except RegionError as error:
        raise _problem(error) from None


def _problem(error: RegionError) -> Problem:
    errors = [
        {
            "field": what,
            "code": error.code,
            "zh": _STILL[what][0].format(n=count),
            "en": _STILL[what][1].format(n=count),
        }
        for what, count in error.counts.items()
    ]
    return Problem(409, error.code, error.detail, field=error.field, errors=errors)


def _visible(hub: Deps, caller: Caller, code: str) -> None:
    with hub.engine.connect() as connection:
        if find_region(connection, code) is None or not caller.sees(code):
            raise not_found("region")


def _check(hub: Deps, caller: Caller, body: NewRegion) -> None:
    with hub.engine.connect() as connection:
        parent = find_region(connection, body.parent)
    if parent is None or not caller.sees(body.parent):
        raise bad_field("parent", "there is no such region")
    if parent["level"] != ABOVE[body.level]:
        raise bad_field("level", f"a {body.level} lies in a {ABOVE[body.level]}")
    # What one may see is decided by how a code begins.
    if not body.code.startswith(body.parent) or len(body.code) > CODE_LENGTH_MAX:
        raise bad_field("code", f"begins with {body.parent}, at most {CODE_LENGTH_MAX} characters")
