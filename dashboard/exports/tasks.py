"""Tasks: what was to do at a door, by whom, until when, and what was found."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from dashboard.export import ADDRESS, PLACE, Names, Subject
from dashboard.reads import Row
from ledger.documents.table import Column
from ledger.documents.words import PROOFS, TASK_KINDS, TASK_STATES, word
from ledger.schema import HOME, TASK

COLUMNS: Final = (
    Column(key="number", zh="编号", kind="integer", width=8),
    Column(key="kind", zh="类型", width=10),
    Column(key="state", zh="状态", width=10),
    *PLACE,
    ADDRESS,
    Column(key="assignee", zh="负责人", width=10),
    Column(key="created_at", zh="建立时间", kind="instant", width=17),
    Column(key="due_at", zh="期限", kind="instant", width=17),
    Column(key="accepted_at", zh="接受时间", kind="instant", width=17),
    Column(key="departed_at", zh="出发时间", kind="instant", width=17),
    Column(key="arrived_at", zh="到达时间", kind="instant", width=17),
    Column(key="completed_at", zh="完成时间", kind="instant", width=17),
    Column(key="note", zh="事由", width=30),
    Column(key="finding", zh="处理情况", width=34),
    Column(key="proof", zh="到场证明", width=14),
    Column(key="home", zh="住户编号", width=14),
)
_INSTANTS: Final = ("created", "due", "accepted", "departed", "arrived", "completed")


def _wanted() -> Select[Any]:
    joined = select(TASK, HOME.c.address.label("home_address"))
    joined = joined.join(HOME, HOME.c.id == TASK.c.home, isouter=True)
    return joined.order_by(TASK.c.number)


def _cells(row: Row, names: Names) -> Sequence[Any]:
    return (
        row["number"],
        word(TASK_KINDS, row["kind"]),
        word(TASK_STATES, row["state"]),
        *names.place(row["region"]),
        row["home_address"],
        names.account(row["assignee"]),
        *(row[f"{name}_at_ms"] for name in _INSTANTS),
        row["note"],
        row["finding"],
        word(PROOFS, row["proof"]),
        row["home"],
    )


SUBJECT: Final = Subject(
    zh="任务",
    needs=frozenset({"task.read", "person.read", "address.read"}),
    columns=COLUMNS,
    wanted=_wanted,
    region=TASK.c.region,
    cells=_cells,
    time=TASK.c.created_at_ms,
)
