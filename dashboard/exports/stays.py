"""Who was away, in hospital, or had visitors."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from dashboard.export import ADDRESS, PLACE, Names, Subject, home_columns
from dashboard.reads import Row
from ledger.documents.table import Column
from ledger.documents.words import STAYS, word
from ledger.schema import HOME, SERVICE_USER, STAY

COLUMNS: Final = (
    Column(key="kind", zh="类型", width=10),
    Column(key="person", zh="老年人", width=12),
    *PLACE,
    ADDRESS,
    Column(key="from", zh="开始", kind="instant", width=17),
    Column(key="until", zh="预计结束", kind="instant", width=17),
    Column(key="ended_at", zh="实际结束", kind="instant", width=17),
    Column(key="note", zh="说明", width=30),
    Column(key="created_by", zh="登记人", width=10),
    Column(key="created_at", zh="登记时间", kind="instant", width=17),
    Column(key="home", zh="住户编号", width=14),
)


def _wanted() -> Select[Any]:
    joined = select(STAY, SERVICE_USER.c.name.label("person_name"), *home_columns())
    joined = joined.join(HOME, HOME.c.id == STAY.c.home)
    joined = joined.join(SERVICE_USER, SERVICE_USER.c.id == STAY.c.person, isouter=True)
    return joined.order_by(STAY.c.from_ms, STAY.c.id)


def _cells(row: Row, names: Names) -> Sequence[Any]:
    return (
        word(STAYS, row["kind"]),
        row["person_name"] if row["person"] is not None else "全家",
        *names.place(row["home_region"]),
        row["home_address"],
        row["from_ms"],
        row["until_ms"],
        row["ended_at_ms"],
        row["note"],
        names.account(row["created_by"]),
        row["created_at_ms"],
        row["home"],
    )


SUBJECT: Final = Subject(
    zh="外出住院",
    needs=frozenset({"home.read", "person.read", "address.read"}),
    columns=COLUMNS,
    wanted=_wanted,
    region=HOME.c.region,
    cells=_cells,
    time=STAY.c.from_ms,
)
