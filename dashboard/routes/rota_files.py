"""The rota as files: import with a preview, export, and a calendar to subscribe."""

import secrets
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.rota.days import iso_day
from alarms.rota.ics import MEDIA_TYPE as ICS_TYPE
from alarms.rota.ics import CalendarEvent, calendar
from alarms.rota.model import Desk, RotaError
from alarms.rota.plan import Plan
from alarms.rota.sheet import Preview, RowResult, preview, staff_of, table_of
from dashboard.answers import answer
from dashboard.asked import Body, FromTime, QueryWord
from dashboard.callers import CALENDAR_TOKEN, Caller, Hub, needs
from dashboard.downloads import as_file
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import one
from dashboard.rota_reads import (
    Names,
    accounts_in,
    of_desks,
    read_names,
    read_plan,
    sees_desk,
)
from dashboard.routes.rota import find_desk, said, window
from dashboard.sessions import digest_of
from dashboard.spreadsheets import (
    CSV_TYPE,
    XLSX_TYPE,
    UnreadableSheet,
    read_sheet,
    write_csv,
    write_xlsx,
)
from ledger.database import insert_sql
from ledger.schema import ACCOUNT, ROTA_CALENDAR
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document
from rules.local_time import at_minute_ms, day_of

router = APIRouter(tags=["rota"])

# A subscribed calendar shows a month back and half a year ahead.
CALENDAR_BACK_DAYS: Final = 30
CALENDAR_AHEAD_DAYS: Final = 180
TOKEN_BYTES: Final = 32
# Of the exported sheet: date, desk, shift, its times, three people.
COLUMN_WIDTHS: Final = (12, 14, 10, 8, 8, 14, 14, 14)
_INSERT: Final = insert_sql(ROTA_CALENDAR)
_END: Final = "UPDATE rota_calendar SET ended_at_ms = ? WHERE username = ? AND ended_at_ms IS NULL"

Why = Annotated[str, Query(min_length=2, max_length=500)]


class Nothing(Body):
    pass


@router.post("/rota/import")
async def import_rota(
    *,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("rota.write")],
    apply: bool = False,
    skip_rejected: bool = False,
    desk: QueryWord = None,
    reason: Why = "imported",
) -> Response:
    """A CSV or XLSX file as the body. Without `apply` a preview: every row with what it would do,
    or why it can't. With it all rows are taken; if one is rejected none is, but for
    `skip_rejected`."""
    payload = await request.body()

    async def work() -> Document:
        try:
            table = await run_in_threadpool(read_sheet, payload)
            found = await run_in_threadpool(_preview, hub, caller, table, desk)
        except (UnreadableSheet, RotaError) as error:
            detail = error.detail if isinstance(error, RotaError) else str(error)
            raise Problem(422, "unreadable", detail, field="file") from None
        rejected = found.of("rejected")
        if not apply:
            return _import_document(found, applied=False)
        if rejected and not skip_rejected:
            detail = f"{len(rejected)} rows are rejected: nothing was imported"
            raise Problem(409, "rows_rejected", detail)
        changes = [row.change for row in found.of("new", "change") if row.change is not None]

        def change(unit: UnitOfWork) -> None:
            hub.rota.book.change_shifts(
                unit, changes, caller.username, reason.strip(), "shift_imported"
            )

        await said(hub, change)
        return _import_document(found, applied=True)

    return await once(request, caller, work)


@router.get("/rota/export", response_class=Response, responses=as_file("csv", "xlsx"))
def export_rota(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("rota.read")],
    format: Literal["csv", "xlsx"] = "xlsx",
    language: Literal["zh-CN", "en"] = "zh-CN",
    from_: FromTime = None,
    to: QueryWord = None,
    desk: QueryWord = None,
) -> Response:
    """The shifts of [from, to) as rows that an import reads again."""
    first, last = window(hub, from_, to)
    wanted = None if desk is None else find_desk(hub, caller, desk)
    with hub.engine.connect() as connection:
        plan = read_plan(connection, first, last)
        names = read_names(connection)
    desks = [d for d in plan.desks.values() if sees_desk(caller, d)] if wanted is None else [wanted]
    span = at_minute_ms(first, 0), at_minute_ms(last, 0)
    shifts = [s for s in of_desks(desks, plan, *span) if first <= s.key.day < last]
    labels = {username: str(row["name"]) for username, row in names.items()}
    table = table_of(shifts, labels, chinese=language == "zh-CN")
    file = f"rota-{iso_day(first)}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    if format == "csv":
        return Response(write_csv(table), media_type=CSV_TYPE, headers=headers)
    return Response(
        write_xlsx(table, "值班表", COLUMN_WIDTHS), media_type=XLSX_TYPE, headers=headers
    )


@router.post("/rota/calendar")
async def make_calendar(
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("rota.read")],
    _body: Nothing | None = None,
) -> Response:
    """A secret address of one's own shifts for calendar programs; the one before it ends."""

    async def work() -> Document:
        token = secrets.token_urlsafe(TOKEN_BYTES)

        def change(unit: UnitOfWork) -> None:
            unit.execute(_END, (unit.now_ms, caller.username))
            unit.execute(_INSERT, (digest_of(token), caller.username, unit.now_ms, None))
            unit.audit(caller.username, "made_calendar_link", f"account:{caller.username}")

        await hub.writer.change(change)
        return {"path": f"/api/v1/rota/calendar/{token}.ics"}

    return await once(request, caller, work)


@router.delete("/rota/calendar")
async def end_calendar(hub: Hub, caller: Annotated[Caller, needs("rota.read")]) -> Response:
    """The address is worth nothing any more."""

    def change(unit: UnitOfWork) -> None:
        unit.execute(_END, (unit.now_ms, caller.username))
        unit.audit(caller.username, "ended_calendar_link", f"account:{caller.username}")

    await hub.writer.change(change)
    return answer({"ended": True})


@router.get(
    "/rota/calendar/{token}",
    dependencies=[CALENDAR_TOKEN],
    response_class=Response,
    responses=as_file("ics"),
)
def get_calendar(token: str, hub: Hub) -> Response:
    """A person's shifts as iCalendar; whoever has the address may read it, and nothing else."""
    digest = digest_of(token.removesuffix(".ics")[:200])
    now_ms = hub.clock.now_ms()
    today = day_of(now_ms)
    first, last = today - CALENDAR_BACK_DAYS, today + CALENDAR_AHEAD_DAYS
    with hub.engine.connect() as connection:
        wanted = select(ACCOUNT.c.username, ACCOUNT.c.name, ACCOUNT.c.disabled)
        wanted = wanted.join(ROTA_CALENDAR, ROTA_CALENDAR.c.username == ACCOUNT.c.username)
        wanted = wanted.where(
            ROTA_CALENDAR.c.digest == digest, ROTA_CALENDAR.c.ended_at_ms.is_(None)
        )
        account = one(connection, wanted)
        if account is None or account["disabled"]:
            raise not_found("calendar")
        plan = read_plan(connection, first, last)
        names = read_names(connection)
    text = calendar(
        f"{account['name']} 值班",
        account["username"],
        _events(plan, account["username"], names, (first, last)),
        now_ms=now_ms,
    )
    headers = {"Content-Disposition": 'inline; filename="rota.ics"'}
    return Response(text, media_type=ICS_TYPE, headers=headers)


def _events(
    plan: Plan, username: str, names: Names, days: tuple[int, int]
) -> Sequence[CalendarEvent]:
    span = at_minute_ms(days[0], 0), at_minute_ms(days[1], 0)
    desks = [desk for desk in plan.desks.values() if not desk.closed]
    found = []
    for shift in of_desks(desks, plan, *span):
        if username not in shift.people:
            continue
        others = [str(names.get(p, {}).get("name", p)) for p in shift.people if p != username]
        place = shift.people.index(username) + 1
        found.append(
            CalendarEvent(
                shift=shift,
                title=f"值班 {shift.key.name}（第{place}）",
                place=plan.desks[shift.key.desk].name,
                notes=f"同班：{'、'.join(others)}" if others else "",
            )
        )
    return found


def _preview(
    hub: Deps, caller: Caller, table: Sequence[Sequence[str]], desk: str | None
) -> Preview:
    plan, now_ms = hub.rota.book.plan, hub.clock.now_ms()
    desks: list[Desk] = [
        d for d in plan.desks.values() if d.region.startswith(caller.region) and not d.closed
    ]
    if desk is not None:
        desks = [find_desk(hub, caller, desk, write=True)]
    if not desks:
        raise bad_field("desk", "there is no desk that you may change")
    with hub.engine.connect() as connection:
        names = read_names(connection)
    staff = {d.id: staff_of(accounts_in(names, d.region)) for d in desks}
    return preview(table, plan, desks, staff, now_ms)


def _import_document(found: Preview, *, applied: bool) -> Document:
    verdicts = ("new", "change", "same", "rejected")
    counts = {verdict: len(found.of(verdict)) for verdict in verdicts}  # type: ignore[arg-type]
    return {
        "applied": applied,
        "counts": {**counts, "blank": found.blank},
        "ignored_columns": list(found.ignored_columns),
        "rows": [_row_document(row) for row in found.rows],
    }


def _row_document(row: RowResult) -> Document:
    return {
        "row": row.row,
        "verdict": row.verdict,
        "cells": dict(row.cells),
        "shift": None if row.change is None else str(row.change.key),
        "faults": [
            {"column": f.column, "code": f.code, "detail": f.detail, "value": f.value}
            for f in row.faults
        ],
    }
