"""Devices: which, where, how they are (设备台账)."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from dashboard.export import ADDRESS, PLACE, Names, Subject
from dashboard.reads import Row
from dashboard.register_reads import seen_region
from ledger.documents.table import Column
from ledger.documents.words import KINDS, word
from ledger.schema import DEVICE, GATEWAY, HOME

COLUMNS: Final = (
    Column(key="gateway", zh="网关", width=14),
    Column(key="device", zh="设备编号", width=18),
    Column(key="kind", zh="类型", width=12),
    Column(key="model", zh="型号", width=18),
    Column(key="label", zh="名称", width=18),
    *PLACE,
    ADDRESS,
    Column(key="first_seen_at", zh="首次上报", kind="instant", width=17),
    Column(key="last_seen_at", zh="最近上报", kind="instant", width=17),
    Column(key="battery_pct", zh="电量（%）", kind="decimal", width=10),
    Column(key="signal_dbm", zh="信号（dBm）", kind="decimal", width=11),
    Column(key="fault", zh="故障", width=18),
    Column(key="tested_at", zh="最近测试", kind="instant", width=17),
    Column(key="home", zh="住户编号", width=14),
)


def _wanted() -> Select[Any]:
    return (
        select(
            DEVICE,
            seen_region().label("seen_region"),
            HOME.c.address.label("home_address"),
        )
        .join(HOME, HOME.c.id == DEVICE.c.home, isouter=True)
        .join(GATEWAY, GATEWAY.c.id == DEVICE.c.gateway, isouter=True)
        .order_by(DEVICE.c.gateway, DEVICE.c.device)
    )


def _cells(row: Row, names: Names) -> Sequence[Any]:
    return (
        row["gateway"],
        row["device"],
        word(KINDS, row["kind"]),
        row["model"],
        row["label"],
        *names.place(row["seen_region"]),
        row["home_address"],
        row["first_seen_ms"],
        row["last_seen_ms"],
        row["battery_pct"],
        row["signal_dbm"],
        row["fault"],
        row["tested_at_ms"],
        row["home"],
    )


SUBJECT: Final = Subject(
    zh="设备",
    needs=frozenset({"device.read", "address.read"}),
    columns=COLUMNS,
    wanted=_wanted,
    region=seen_region(),
    cells=_cells,
)
