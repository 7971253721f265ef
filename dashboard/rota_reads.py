"""The rota as documents: read from the book for a window of days, so that what was long ago is
shown too, with the names of the people in it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, and_, or_, select

from alarms.rota.coverage import Problem
from alarms.rota.days import DayKind, iso_day
from alarms.rota.facts import plan_of
from alarms.rota.model import REACH_DAYS, Desk, Leave, Pattern, Shift, clock_text
from alarms.rota.plan import OnDuty, Plan
from alarms.rota.swaps import Swap
from contract.moment import to_iso
from dashboard.callers import Caller
from dashboard.reads import Row, rows
from ledger.schema import ACCOUNT, ROTA_FACT
from ledger.views import Document
from rules.local_time import DAY_MS

# Whoever is on duty, a shift's end is at most so far.
NEXT_WITHIN_MS: Final = 3 * DAY_MS

Names = Mapping[str, Row]


def read_plan(connection: Connection, from_day: int, to_day: int) -> Plan:
    """The plan as it is now, with what was said of the shifts of [from, to)."""
    table = ROTA_FACT
    of_shift = and_(
        table.c.kind == "shift", table.c.day >= from_day - REACH_DAYS, table.c.day < to_day
    )
    others = table.c.kind.in_(("desk", "pattern", "leave", "day"))
    wanted = select(table.c.kind, table.c.key, table.c.desk, table.c.day, table.c.body)
    return plan_of(rows(connection, wanted.where(or_(others, of_shift)).order_by(table.c.seq)))


def read_names(connection: Connection) -> Names:
    """Every account: a county has some hundreds."""
    columns = (
        ACCOUNT.c.username,
        ACCOUNT.c.name,
        ACCOUNT.c.role,
        ACCOUNT.c.phone,
        ACCOUNT.c.region,
        ACCOUNT.c.disabled,
    )
    return {row["username"]: row for row in rows(connection, select(*columns))}


def sees_desk(caller: Caller, desk: Desk) -> bool:
    """One's own region's desks, and those above, which answer for it."""
    return desk.region.startswith(caller.region) or caller.region.startswith(desk.region)


def person(username: str, names: Names) -> Document:
    row = names.get(username, {})
    return {
        "username": username,
        "name": row.get("name", username),
        "role": row.get("role"),
        "phone": row.get("phone", ""),
    }


def desk_object(desk: Desk) -> Document:
    return {
        "id": desk.id,
        "name": desk.name,
        "region": desk.region,
        "kind": desk.kind,
        "seats": desk.seats,
        "always": desk.always,
        "closed": desk.closed,
    }


def day_object(day: int, kind: DayKind) -> Document:
    return {
        "date": iso_day(day),
        "working": kind.working,
        "name": kind.name,
        "known": kind.known,
        "source": kind.source,
    }


def shift_object(shift: Shift, plan: Plan, names: Names) -> Document:
    """`absent`: on leave for a part of it at least."""
    people = [
        {**person(username, names), "absent": _absent(plan, username, shift)}
        for username in shift.people
    ]
    desk = plan.desks.get(shift.key.desk)
    there = sum(1 for one in people if not one["absent"])
    return {
        "id": str(shift.key),
        "desk": shift.key.desk,
        "date": iso_day(shift.key.day),
        "name": shift.key.name,
        "start": to_iso(shift.start_ms),
        "end": to_iso(shift.end_ms),
        "people": people,
        "changed": shift.changed,
        "missing": max(0, (1 if desk is None else desk.seats) - there),
    }


def pattern_object(pattern: Pattern) -> Document:
    return {
        "id": pattern.id,
        "desk": pattern.desk,
        "from": iso_day(pattern.from_day),
        "until": None if pattern.until_day is None else iso_day(pattern.until_day),
        "anchor": iso_day(pattern.anchor_day),
        "cycle_days": pattern.cycle_days,
        "shifts": [
            {
                "name": hours.name,
                "start": clock_text(hours.start_min),
                "end": clock_text(hours.start_min + hours.length_min),
                "minutes": hours.length_min,
            }
            for hours in pattern.hours
        ],
        "turns": [
            {"day": turn.day, "shift": turn.shift, "people": list(turn.people), "on": turn.on}
            for turn in pattern.turns
        ],
    }


def leave_object(leave: Leave, names: Names) -> Document:
    """Why somebody is away is not for the wall."""
    return {
        "id": leave.id,
        "person": person(leave.person, names),
        "from": to_iso(leave.from_ms),
        "until": to_iso(leave.until_ms),
    }


def swap_object(swap: Swap, plan: Plan, names: Names) -> Document:
    given = plan.find(swap.given)
    taken = None if swap.taken is None else plan.find(swap.taken)
    return {
        "id": swap.id,
        "asker": person(swap.asker, names),
        "other": person(swap.other, names),
        "given": str(swap.given),
        "given_shift": None if given is None else shift_object(given, plan, names),
        "taken": None if swap.taken is None else str(swap.taken),
        "taken_shift": None if taken is None else shift_object(taken, plan, names),
        "state": swap.state.value,
        "note": swap.note,
    }


def problem_object(problem: Problem, names: Names) -> Document:
    return {
        "reason": problem.reason.value,
        "level": problem.level.value,
        "desk": problem.desk,
        "region": problem.region,
        "shift": problem.shift,
        "from": to_iso(problem.from_ms),
        "until": to_iso(problem.until_ms),
        "people": [person(username, names) for username in problem.people],
    }


def duty_object(desk: Desk, plan: Plan, names: Names, now_ms: int) -> Document:
    """Who is there now, until when, and who comes next."""
    change_ms = plan.next_change_ms(desk.id, now_ms, NEXT_WITHIN_MS)
    following = [] if change_ms is None else plan.on_duty(desk.id, change_ms)
    return {
        "desk": desk_object(desk),
        "on_duty": _present(plan.on_duty(desk.id, now_ms), names),
        "next_at": None if change_ms is None else to_iso(change_ms),
        "next": _present(following, names),
    }


def my_next(plan: Plan, username: str, now_ms: int, names: Names) -> Document | None:
    """The shift one is in, or the next one within a week."""
    mine = [
        shift
        for desk in plan.desks.values()
        if not desk.closed
        for shift in plan.shifts(desk.id, now_ms, now_ms + 7 * DAY_MS)
        if username in shift.people
    ]
    found = min(mine, key=lambda shift: shift.start_ms, default=None)
    return None if found is None else shift_object(found, plan, names)


def of_desks(desks: Iterable[Desk], plan: Plan, from_ms: int, to_ms: int) -> Sequence[Shift]:
    found = [shift for desk in desks for shift in plan.shifts(desk.id, from_ms, to_ms)]
    return sorted(found, key=lambda s: (s.start_ms, s.key.desk, s.key.name))


def _present(on_duty: Sequence[OnDuty], names: Names) -> list[Document]:
    return [
        {**person(on.person, names), "shift": str(on.shift), "until": to_iso(on.until_ms)}
        for on in on_duty
    ]


def _absent(plan: Plan, username: str, shift: Shift) -> bool:
    return any(
        leave.from_ms < shift.end_ms and leave.until_ms > shift.start_ms
        for leave in plan.leaves_of(username)
    )


def accounts_in(names: Names, region: str) -> Mapping[str, Any]:
    """Whom a rota of a region may name: enabled accounts of the region, and of those above."""
    return {
        username: row
        for username, row in names.items()
        if not row["disabled"]
        and row["role"] in ("admin", "duty", "manager", "visitor")
        and (row["region"].startswith(region) or region.startswith(row["region"]))
    }
