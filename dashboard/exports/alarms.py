"""Alarms: when, where, who took them, how they ended (警情台账)."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from dashboard.export import ADDRESS, PLACE, Names, Subject
from dashboard.reads import Row
from ledger.documents.table import Column
from ledger.documents.words import ALARM_STATES, KINDS, OUTCOMES, SEVERITIES, word
from ledger.schema import ALARM, HOME, TASK

COLUMNS: Final = (
    Column(key="number", zh="编号", kind="integer", width=8),
    Column(key="kind", zh="类型", width=14),
    Column(key="severity", zh="级别", width=8),
    Column(key="state", zh="状态", width=10),
    Column(key="raised_at", zh="报警时间", kind="instant", width=17),
    *PLACE,
    ADDRESS,
    Column(key="device", zh="设备", width=18),
    Column(key="events", zh="触发次数", kind="integer", width=9),
    Column(key="acknowledged_at", zh="接警时间", kind="instant", width=17),
    Column(key="acknowledged_by", zh="接警人", width=10),
    Column(key="went", zh="出动人员", width=10),
    Column(key="arrived_at", zh="到场时间", kind="instant", width=17),
    Column(key="closed_at", zh="结案时间", kind="instant", width=17),
    Column(key="closed_by", zh="结案人", width=10),
    Column(key="outcome", zh="结果", width=16),
    Column(key="note", zh="结案说明", width=34),
    Column(key="home", zh="住户编号", width=14),
)


def _wanted() -> Select[Any]:
    return (
        select(
            ALARM,
            HOME.c.address.label("home_address"),
            TASK.c.arrived_at_ms.label("task_arrived_ms"),
            TASK.c.assignee.label("task_assignee"),
        )
        .join(HOME, HOME.c.id == ALARM.c.home, isouter=True)
        .join(TASK, TASK.c.id == ALARM.c.task, isouter=True)
        .order_by(ALARM.c.number)
    )


def _cells(row: Row, names: Names) -> Sequence[Any]:
    return (
        row["number"],
        word(KINDS, row["kind"]),
        word(SEVERITIES, row["severity"]),
        word(ALARM_STATES, row["state"]),
        row["raised_at_ms"],
        *names.place(row["region"]),
        row["home_address"],
        row["device"],
        row["event_count"],
        row["acknowledged_at_ms"],
        names.account(row["acknowledged_by"]),
        names.account(row["task_assignee"]),
        row["task_arrived_ms"],
        row["closed_at_ms"],
        names.account(row["closed_by"]),
        word(OUTCOMES, row["outcome"]),
        row["note"],
        row["home"],
    )


SUBJECT: Final = Subject(
    zh="警情",
    needs=frozenset({"alarm.read", "person.read", "address.read"}),
    columns=COLUMNS,
    wanted=_wanted,
    region=ALARM.c.region,
    cells=_cells,
    time=ALARM.c.raised_at_ms,
)
