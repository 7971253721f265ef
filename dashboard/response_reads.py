"""Calls of a span as the figures of the service want them, and the figures as documents."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, and_, func, select

from alarms.lifecycle import Outcome
from alarms.response import called_from_ms
from contract.moment import to_iso
from dashboard.callers import Caller
from dashboard.ports import Deps
from dashboard.reads import Row, roster_for, rows
from ledger.response_figures import (
    Call,
    Figures,
    Speed,
    by_person,
    day_part,
    figures,
    grouped,
    owes_review,
)
from ledger.schema import ALARM, REGION, RESPONSE_REVIEW, TASK
from ledger.views import Document, instant

# Nobody was called for these: a press that the home made known as a test.
_NO_CALLS: Final = frozenset({Outcome.TEST.value, "merged"})
# A year of a county with 30,000 homes; more is asked for region by region.
CALLS_MAX: Final = 50_000


def calls_of(
    connection: Connection, caller: Caller, region: str | None, from_ms: int, to_ms: int
) -> list[Call]:
    """The calls that were raised in [from, to), oldest first."""
    reviews = select(RESPONSE_REVIEW.c.alarm, func.count().label("reviews"))
    reviewed = reviews.group_by(RESPONSE_REVIEW.c.alarm).subquery()
    wanted = (
        select(
            ALARM,
            TASK.c.accepted_at_ms,
            TASK.c.arrived_at_ms,
            TASK.c.completed_at_ms,
            TASK.c.assignee.label("went"),
            reviewed.c.reviews,
        )
        .join(TASK, TASK.c.id == ALARM.c.task, isouter=True)
        .join(reviewed, reviewed.c.alarm == ALARM.c.id, isouter=True)
        .where(
            and_(ALARM.c.severity == "urgent", caller.visible(ALARM.c.region)),
            ALARM.c.raised_at_ms >= from_ms,
            ALARM.c.raised_at_ms < to_ms,
        )
        .order_by(ALARM.c.number)
        .limit(CALLS_MAX)
    )
    if region:
        wanted = wanted.where(ALARM.c.region.startswith(region, autoescape=True))
    found = (_call(row) for row in rows(connection, wanted))
    return [call for call in found if call is not None]


def _call(row: Row) -> Call | None:
    called_ms = called_from_ms(row)
    if called_ms is None or row["outcome"] in _NO_CALLS:
        return None
    return Call(
        alarm=row["id"],
        number=row["number"],
        region=row["region"],
        rule=row["rule"],
        kind=row["kind"],
        called_ms=called_ms,
        answered_ms=row["acknowledged_at_ms"],
        answered_by=row["acknowledged_by"] or row["closed_by"],
        sent_ms=row["accepted_at_ms"],
        went=row["went"],
        # Who completes without having said "I am there" was there.
        arrived_ms=row["arrived_at_ms"] or row["completed_at_ms"],
        closed_ms=row["closed_at_ms"],
        outcome=row["outcome"],
        reviewed=bool(row["reviews"]),
    )


def groups_of(
    connection: Connection, hub: Deps, calls: Sequence[Call], by: str, base: str
) -> list[Document]:
    """The figures of each region below `base`, of each shift, or of each person."""
    now_ms = hub.clock.now_ms()
    named: list[tuple[str | None, str, Figures]]
    if by == "person":
        people = by_person(calls, now_ms)
        accounts = roster_for(connection, usernames=people).accounts
        named = [
            (name, accounts[name]["name"] if name in accounts else name, found)
            for name, found in people.items()
        ]
    elif by == "shift":
        found_by = grouped(calls, now_ms, lambda call: _shift(hub, call))
        named = [(name, name or "", found) for name, found in found_by.items()]
    else:
        regions = {row["code"]: row for row in rows(connection, select(REGION))}
        below = _below(regions, base)
        found_by = grouped(calls, now_ms, lambda call: below(call.region))
        named = [
            (code, regions[code]["name"] if code in regions else "", found)
            for code, found in found_by.items()
        ]
    named.sort(key=lambda group: (-group[2].calls, str(group[0])))
    return [
        {"group": group, "name": name, **figures_document(found)} for group, name, found in named
    ]


def figures_document(found: Figures) -> Document:
    return {
        "calls": found.calls,
        "answered": _speed(found.answered),
        "attended": _speed(found.attended),
        "called_off": found.called_off,
        "by_outcome": [{"outcome": o, "count": c} for o, c in found.by_outcome.items()],
        "by_rule": [{"rule": r, "count": c} for r, c in found.by_rule.items()],
        "reviews": {"due": found.reviews_due, "done": found.reviews_done},
    }


def report(
    connection: Connection, hub: Deps, calls: Sequence[Call], by: str | None, base: str
) -> Document:
    groups = groups_of(connection, hub, calls, by, base) if by else []
    return {"total": figures_document(figures(calls, hub.clock.now_ms())), "groups": groups}


def call_documents(connection: Connection, hub: Deps, calls: Sequence[Call]) -> list[Document]:
    now_ms = hub.clock.now_ms()
    people = [name for call in calls for name in (call.answered_by, call.went)]
    roster = roster_for(connection, usernames=people)

    def named(username: str | None) -> str | None:
        row = roster.accounts.get(username or "")
        return username if row is None else str(row["name"])

    return [
        {
            "alarm": call.alarm,
            "number": call.number,
            "region": call.region,
            "region_path": roster.region_path(call.region),
            "rule": call.rule,
            "kind": call.kind,
            "shift": _shift(hub, call),
            "called_at": to_iso(call.called_ms),
            "answered_at": instant(call.answered_ms),
            "answered_by": named(call.answered_by),
            "answer_s": _seconds(call.answer_wait_ms),
            "went": named(call.went) if call.sent_ms is not None else None,
            "arrived_at": instant(call.arrived_ms),
            "attend_s": _seconds(call.attend_wait_ms),
            "closed_at": instant(call.closed_ms),
            "outcome": call.outcome,
            "review_due": owes_review(call, now_ms),
            "reviewed": call.reviewed,
        }
        for call in calls
    ]


def _shift(hub: Deps, call: Call) -> str:
    named = hub.shift_of(call.region, call.called_ms)
    return day_part(call.called_ms, hub.timezone) if named is None else named


def _below(regions: dict[Any, Row], base: str) -> Callable[[str | None], str | None]:
    """For a region the one just below `base` that it lies in, or itself. Nothing said: below the
    only region at the top, where there is one."""
    tops = [code for code, row in regions.items() if row["parent"] is None]
    top = base or (tops[0] if len(tops) == 1 else "")

    def below(code: str | None) -> str | None:
        found = code
        while code is not None and code != top and code in regions:
            found, code = code, regions[code]["parent"]
        return found

    return below


def _speed(speed: Speed) -> Document:
    return {
        "shares": [
            {
                "within_s": share.within_ms // 1000,
                "goal": share.goal,
                "met": share.met,
                "of": share.of,
                "share": share.share,
                "reached": share.reached,
            }
            for share in speed.shares
        ],
        "done": speed.done,
        "waiting": speed.waiting,
        "median_s": _seconds(speed.median_ms),
        "worst_s": _seconds(speed.worst_ms),
    }


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
