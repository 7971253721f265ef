"""Where an account stands: how far its region reaches, whose records it knows, what it opened in
an emergency. Read anew with every request, so that what ends is over at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from alarms.lifecycle import AlarmState, TaskState
from alarms.rota.plan import Plan
from alarms.rota.standing_in import stands_in
from dashboard.permissions import (
    ASSIGNED_ROLES,
    NEAR_ONLY,
    OFFICE_ROLES,
    ROLE_PERMISSIONS,
    Area,
)
from ledger.schema import ALARM, BREAK_GLASS, HOME, OUTBOX, REGION, SERVICE_USER, TASK
from rules.local_time import DAY_MS

_OVER: Final = (TaskState.COMPLETED.value, TaskState.CANCELLED.value)
# What lies below a village stands like one.
_AREA_OF_LEVEL: Final[dict[str, Area]] = {"county": "county", "town": "town"}
# Somebody who was there writes the record, and looks in again: a week covers both.
KNOWN_AFTER_TASK_MS: Final = 7 * DAY_MS
# An alarm that somebody was called to stays on her list while it is open, but is not asked for
# among calls of long ago.
CALLED_WITHIN_MS: Final = 30 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an account's place in the book adds to its role. homes: whose records it knows, None:
    all of its region; opened: those of anywhere that it opened in an emergency."""

    area: Area
    homes: frozenset[str] | None = None
    opened: frozenset[str] = frozenset()
    # Where telephones are open to it, None: wherever it knows people.
    contacts: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    username: str
    role: str
    region: str


def standing_of(connection: Connection, account: Account, plan: Plan, now_ms: int) -> Standing:
    username = account.username
    opened = select(BREAK_GLASS.c.home).where(
        BREAK_GLASS.c.username == username, BREAK_GLASS.c.until_ms > now_ms
    )
    return Standing(
        area=area_of(connection, account.region),
        homes=_assigned(connection, username, plan, now_ms)
        if account.role in ASSIGNED_ROLES
        else None,
        opened=frozenset(connection.scalars(opened)),
        contacts=None if _rings_up(connection, account) else _at_work(connection, account.region),
    )


def _rings_up(connection: Connection, account: Account) -> bool:
    """Whether telephones are its daily work: of an office above several towns they aren't."""
    granted = ROLE_PERMISSIONS.get(account.role, frozenset())
    if "person.read" not in granted:
        return True
    if account.role not in OFFICE_ROLES:
        return NEAR_ONLY in granted
    inside = REGION.c.code.startswith(account.region, autoescape=True)
    towns = select(func.count()).select_from(REGION).where(REGION.c.level == "town", inside)
    return (connection.scalar(towns) or 0) <= 1


def _at_work(connection: Connection, region: str) -> frozenset[str]:
    """Homes where an alarm or a task is open: nobody who answers there waits for a reason."""
    found: set[str] = set()
    for table, over in ((ALARM, (AlarmState.CLOSED.value,)), (TASK, _OVER)):
        inside = table.c.region.startswith(region, autoescape=True)
        live = select(table.c.home).where(table.c.state.not_in(over), inside)
        found |= set(connection.scalars(live))
    return frozenset(found - {None})


def area_of(connection: Connection, region: str) -> Area:
    """How far a region reaches: "whole" when nothing of the book lies outside of it."""
    if not region:
        return "whole"
    outside = select(REGION.c.code).where(~REGION.c.code.startswith(region, autoescape=True))
    if connection.scalar(outside.limit(1)) is None:
        return "whole"
    level = connection.scalar(select(REGION.c.level).where(REGION.c.code == region))
    return _AREA_OF_LEVEL.get(str(level), "village")


def _assigned(connection: Connection, username: str, plan: Plan, now_ms: int) -> frozenset[str]:
    """Homes of people one is responsible for or stands in for, has a task with, or is called to."""
    found: set[str] = set()
    for asked in (
        *_persons(username, plan, now_ms),
        _tasks(username, now_ms),
        _called(username, now_ms),
    ):
        found |= set(connection.scalars(asked))
    return frozenset(found - {None})


def _persons(username: str, plan: Plan, now_ms: int) -> Iterator[Any]:
    own = select(SERVICE_USER.c.home)
    yield own.where(SERVICE_USER.c.visitor == username)
    for desk in stands_in(plan, username, now_ms):
        away = {leave.person for leave in plan.leaves.values() if leave.covers(now_ms)}
        whose: ColumnElement[bool] = or_(
            SERVICE_USER.c.visitor.in_(desk.gone | away), SERVICE_USER.c.visitor.is_(None)
        )
        inside = HOME.c.region.startswith(desk.region, autoescape=True)
        yield own.join(HOME, HOME.c.id == SERVICE_USER.c.home).where(whose, inside)


def _tasks(username: str, now_ms: int) -> Any:
    live = TASK.c.state.not_in(_OVER)
    lately = TASK.c.completed_at_ms > now_ms - KNOWN_AFTER_TASK_MS
    return select(TASK.c.home).where(TASK.c.assignee == username, or_(live, lately))


def _called(username: str, now_ms: int) -> Any:
    """Alarms that are open and that she was asked to come to: she has to know where."""
    open_ = and_(ALARM.c.id == OUTBOX.c.alarm, ALARM.c.state != AlarmState.CLOSED.value)
    return (
        select(ALARM.c.home)
        .join(OUTBOX, open_)
        .where(OUTBOX.c.recipient == username, OUTBOX.c.created_at_ms > now_ms - CALLED_WITHIN_MS)
    )
