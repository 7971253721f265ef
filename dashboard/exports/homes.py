"""Homes, and what a visitor has to know of the way in."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select

from dashboard.export import ADDRESS, PLACE, Names, Subject
from dashboard.reads import Row
from ledger.documents.table import Column
from ledger.schema import DEVICE, HOME, SERVICE_USER

COLUMNS: Final = (
    Column(key="id", zh="住户编号", width=16),
    *PLACE,
    ADDRESS,
    Column(key="persons", zh="老年人数", kind="integer", width=10),
    Column(key="devices", zh="设备数", kind="integer", width=8),
    Column(key="lat", zh="纬度", kind="decimal", width=10),
    Column(key="lon", zh="经度", kind="decimal", width=10),
    Column(key="access_note", zh="进门提示", width=30),
    Column(key="key_place", zh="钥匙位置", width=20),
    Column(key="lane", zh="道路", width=20),
    Column(key="dog", zh="犬只", width=12),
)


def _count_of(table: Any, *conditions: ColumnElement[bool]) -> Any:
    counted = select(func.count()).select_from(table).where(table.c.home == HOME.c.id, *conditions)
    return counted.correlate(HOME).scalar_subquery()


def _wanted() -> Select[Any]:
    persons = _count_of(SERVICE_USER, SERVICE_USER.c.left_on == "")
    counts = persons.label("persons"), _count_of(DEVICE).label("devices")
    return select(HOME, *counts).order_by(HOME.c.region, HOME.c.id)


def _cells(row: Row, names: Names) -> Sequence[Any]:
    return (
        row["id"],
        *names.place(row["region"]),
        row["address"],
        row["persons"],
        row["devices"],
        row["lat"],
        row["lon"],
        row["access_note"],
        row["key_place"],
        row["lane"],
        row["dog"],
    )


SUBJECT: Final = Subject(
    zh="住户",
    needs=frozenset({"home.read", "address.read"}),
    columns=COLUMNS,
    wanted=_wanted,
    region=HOME.c.region,
    cells=_cells,
)
