"""The numbers above the board, the hub's clock, and the alarm report."""

import statistics
from collections import Counter
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from sqlalchemy import Connection, and_, case, func, or_, select
from starlette.responses import Response

from alarms.lifecycle import REPAIR_KINDS
from alarms.response import answered_within_ms
from contract.moment import to_iso
from dashboard.answers import answer
from dashboard.asked import DAY_MS, FromTime, QueryWord, day_start_ms, span_ms
from dashboard.callers import SIGNED_IN, Caller, Hub, needs
from dashboard.department_files import failing
from dashboard.once import JSON
from dashboard.ports import Deps
from dashboard.reads import one, rows
from dashboard.register_reads import seen_region
from dashboard.shared_answers import SharedAnswers
from ledger.expectations import ALWAYS_EXPECTED_S, EXPECTED_ONCE_SHOWN_S
from ledger.schema import (
    ALARM,
    DEVICE,
    GATEWAY,
    HOME,
    QUARANTINE,
    TASK,
    TEST_PRESS,
)
from ledger.views import Document, to_json

router = APIRouter(tags=["overview"])

REPORT_DEFAULT_MS: Final = 30 * DAY_MS
# What of the summary not everybody sees.
_SHOWN_TO: Final = ("export.order", "gateway.read")
_LIVE_ALARMS: Final = ("open", "acknowledged", "in_response")
_LIVE_TASKS: Final = ("open", "accepted", "departed", "arrived")


@router.get("/clock")
def get_clock(hub: Hub, _caller: Annotated[Caller, SIGNED_IN]) -> Response:
    """The hub's time, how fast it runs, and the zone that the county's days and hours are in."""
    return answer(
        {
            "now": to_iso(hub.clock.now_ms()),
            "speed": hub.clock.speed(),
            "timezone": hub.timezone,
        }
    )


@router.get("/summary")
async def get_summary(
    request: Request, hub: Hub, caller: Annotated[Caller, needs("summary.read")]
) -> Response:
    """Counts of what the caller may see."""
    shared: SharedAnswers = request.app.state.shared

    def make() -> bytes:
        with hub.engine.connect() as connection:
            return to_json(summary_of(connection, caller, hub))

    # All that the counts depend on besides the book and the time.
    made = await shared.get(
        ("summary", caller.region, *(may in caller.can for may in _SHOWN_TO)), make
    )
    return Response(made, media_type=JSON)


@router.get("/reports/alarms")
def report_alarms(
    hub: Hub,
    caller: Annotated[Caller, needs("report.read")],
    from_: FromTime = None,
    to: QueryWord = None,
    region: QueryWord = None,
) -> Response:
    """Alarms raised in a span (the last 30 days): by rule, by outcome, and how fast we were."""
    from_ms, to_ms = span_ms(from_, to, hub.clock.now_ms(), default_ms=REPORT_DEFAULT_MS)
    wanted = select(
        ALARM.c.rule,
        ALARM.c.kind,
        ALARM.c.severity,
        ALARM.c.outcome,
        ALARM.c.ingested_at_ms,
        ALARM.c.worsened_at_ms,
        ALARM.c.acknowledged_at_ms,
    ).where(
        caller.visible(ALARM.c.region),
        ALARM.c.raised_at_ms >= from_ms,
        ALARM.c.raised_at_ms < to_ms,
    )
    if region:
        wanted = wanted.where(ALARM.c.region.startswith(region, autoescape=True))
    with hub.engine.connect() as connection:
        alarms = rows(connection, wanted)
    by_rule = Counter((row["rule"], row["kind"], row["severity"]) for row in alarms)
    by_outcome = Counter(row["outcome"] for row in alarms if row["outcome"] is not None)
    waits = [wait_ms / 1000 for row in alarms if (wait_ms := answered_within_ms(row)) is not None]
    return answer(
        {
            "from": to_iso(from_ms),
            "to": to_iso(to_ms),
            "total": len(alarms),
            "by_rule": [
                {"rule": rule, "kind": kind, "severity": severity, "count": count}
                for (rule, kind, severity), count in by_rule.most_common()
            ],
            "by_outcome": [
                {"outcome": outcome, "count": count} for outcome, count in by_outcome.most_common()
            ],
            "acknowledged": len(waits),
            "median_acknowledge_s": statistics.median(waits) if waits else None,
        }
    )


def summary_of(connection: Connection, caller: Caller, hub: Deps) -> Document:
    now_ms = hub.clock.now_ms()
    today_ms = day_start_ms(now_ms, hub.timezone)
    alarms = _counts(connection, ALARM, ALARM.c.state.in_(_LIVE_ALARMS), caller)
    tasks = _counts(connection, TASK, TASK.c.state.in_(_LIVE_TASKS), caller)
    closed = select(func.count()).select_from(ALARM)
    closed = closed.where(ALARM.c.state == "closed", ALARM.c.closed_at_ms >= today_ms)
    homes = select(func.count()).select_from(HOME).where(caller.visible(HOME.c.region))
    silent = _silent(now_ms)
    devices = (
        select(
            func.count(),
            func.count().filter(silent),
            func.count().filter(_unheard()),
            func.count().filter(DEVICE.c.home.is_(None)),
        )
        .select_from(DEVICE)
        .join(HOME, HOME.c.id == DEVICE.c.home, isouter=True)
        .join(GATEWAY, GATEWAY.c.id == DEVICE.c.gateway, isouter=True)
        .where(caller.visible(seen_region()))
    )
    total, quiet, unheard, unbound = connection.execute(devices).one()
    gateways = select(func.count(), func.count().filter(GATEWAY.c.online.is_(True)))
    gateways = gateways.select_from(GATEWAY).where(caller.visible(GATEWAY.c.region))
    gateways_total, online = connection.execute(gateways).one()
    return {
        "alarms": {
            **{state: alarms.get(state, 0) for state in _LIVE_ALARMS},
            "closed_today": connection.scalar(closed.where(caller.visible(ALARM.c.region))),
        },
        "tasks": {state: tasks.get(state, 0) for state in _LIVE_TASKS},
        "homes": connection.scalar(homes),
        "gateways": {"online": online, "total": gateways_total},
        "devices": {"total": total, "silent": quiet, "unheard": unheard, "unbound": unbound},
        "repairs": _repairs(connection, caller, now_ms),
        "quarantine": connection.scalar(quarantine_visible(func.count(), caller)),
        "last_test": _last_test(connection),
        "certificates": _certificates(hub) if "gateway.read" in caller.can else None,
        "department_files_failed": len(failing(connection)) if "export.order" in caller.can else 0,
    }


def _last_test(connection: Connection) -> Document | None:
    """Of the presses by which the hub tests the whole way; None: it makes none."""
    row = one(connection, select(TEST_PRESS).order_by(TEST_PRESS.c.pressed_at_ms.desc()).limit(1))
    if row is None:
        return None
    took_ms = row["took_ms"]
    return {
        "pressed_at": to_iso(row["pressed_at_ms"]),
        "result": row["result"],
        "missing": row["missing"],
        "took_s": None if took_ms is None else took_ms / 1000,
    }


def _certificates(hub: Deps) -> Document | None:
    """When those end on which all gateways depend; None: not known, or they have passwords."""
    ends = hub.enrolment.ends
    if ends is None or not ends.ends_ms:
        return None
    found = {f"{name}_until": to_iso(at_ms) for name, at_ms in ends.ends_ms.items()}
    return {"broker_until": None, "authority_until": None, **found, "refused": ends.refused}


def _silent(now_ms: int) -> Any:
    """As `ledger.device_views.device_state`: bound, without a fault, unheard for too long."""
    shown = [
        (and_(DEVICE.c.kind == kind, DEVICE.c.reports_itself.is_(True)), seconds)
        for kind, seconds in EXPECTED_ONCE_SHOWN_S.items()
    ]
    always = [(DEVICE.c.kind == kind, seconds) for kind, seconds in ALWAYS_EXPECTED_S.items()]
    by_kind = case(*shown, *always, else_=0)
    expected_s = func.coalesce(DEVICE.c.expected_interval_s, by_kind)
    return and_(
        DEVICE.c.home.is_not(None),
        expected_s > 0,
        # Compared in seconds: PostgreSQL would count them as 32-bit milliseconds otherwise.
        (now_ms - DEVICE.c.last_seen_ms) / 1000 > expected_s,
        or_(DEVICE.c.fault.is_(None), DEVICE.c.fault == ""),
    )


def _unheard() -> Any:
    """As `ledger.views.device_state`: bound, without a fault, and never heard yet."""
    return and_(
        DEVICE.c.home.is_not(None),
        DEVICE.c.last_seen_ms.is_(None),
        or_(DEVICE.c.fault.is_(None), DEVICE.c.fault == ""),
    )


def _repairs(connection: Connection, caller: Caller, now_ms: int) -> Document:
    """What is wrong with devices, and how much of it should have been mended by now."""
    counted = (
        select(func.count(), func.count().filter(TASK.c.due_at_ms < now_ms))
        .select_from(ALARM)
        .join(TASK, TASK.c.id == ALARM.c.task, isouter=True)
        .where(
            ALARM.c.kind.in_(sorted(REPAIR_KINDS)),
            ALARM.c.state.in_(_LIVE_ALARMS),
            caller.visible(ALARM.c.region),
        )
    )
    total, overdue = connection.execute(counted).one()
    return {"open": total, "overdue": overdue}


def quarantine_visible(what: Any, caller: Caller) -> Any:
    """A selection of quarantined messages: those of gateways in the caller's region. Who sees
    every region also sees those whose gateway nobody knows."""
    chosen = select(what).select_from(QUARANTINE)
    if not caller.region:
        return chosen
    chosen = chosen.join(GATEWAY, GATEWAY.c.id == QUARANTINE.c.gateway)
    return chosen.where(GATEWAY.c.region.startswith(caller.region, autoescape=True))


def _counts(connection: Connection, table: Any, live: Any, caller: Caller) -> dict[str, int]:
    counted = select(table.c.state, func.count()).where(live, caller.visible(table.c.region))
    found = connection.execute(counted.group_by(table.c.state)).all()
    return {row[0]: row[1] for row in found}
