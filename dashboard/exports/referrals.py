"""Referrals to providers (服务需求转介): the need, who agreed, how it went."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from dashboard.export import PLACE, Names, Subject
from dashboard.exports.care import SERVICES
from dashboard.reads import Row
from ledger.documents.table import Column
from ledger.documents.words import word
from ledger.schema import PROVIDER, REFERRAL, SERVICE_USER

COLUMNS: Final = (
    Column(key="number", zh="编号", kind="integer", width=8),
    Column(key="person", zh="服务对象", width=10),
    Column(key="person_id", zh="对象编号", width=14),
    *PLACE,
    Column(key="service", zh="服务类别", width=12),
    Column(key="need", zh="需求", width=30),
    Column(key="state", zh="状态", width=10),
    Column(key="provider", zh="承接机构", width=20),
    Column(key="agreed_by", zh="同意人身份", width=11),
    Column(key="agreed_name", zh="同意人", width=10),
    Column(key="agreed_at", zh="同意时间", kind="instant", width=17),
    Column(key="created_at", zh="提出时间", kind="instant", width=17),
    Column(key="created_by", zh="提出人", width=10),
    Column(key="sent_at", zh="转介时间", kind="instant", width=17),
    Column(key="accepted_at", zh="承接时间", kind="instant", width=17),
    Column(key="began_at", zh="开始服务", kind="instant", width=17),
    Column(key="ended_at", zh="结束时间", kind="instant", width=17),
    Column(key="outcome", zh="结果", width=12),
    Column(key="note", zh="说明", width=30),
)
STATES: Final = {
    "proposed": "待转介",
    "sent": "已转介",
    "accepted": "已承接",
    "serving": "服务中",
    "ended": "已结束",
    "withdrawn": "已撤回",
}
OUTCOMES: Final = {
    "helped": "已解决",
    "partly": "部分解决",
    "not_helped": "未解决",
    "moved": "已迁出",
    "died": "已去世",
}
AGREED_BY: Final = {"person": "本人", "family": "家属", "guardian": "监护人"}
_INSTANTS: Final = ("sent", "accepted", "began", "ended")


def _wanted() -> Select[Any]:
    joined = select(
        REFERRAL, SERVICE_USER.c.name.label("person_name"), PROVIDER.c.name.label("provider_name")
    )
    joined = joined.join(SERVICE_USER, SERVICE_USER.c.id == REFERRAL.c.person)
    joined = joined.join(PROVIDER, PROVIDER.c.id == REFERRAL.c.provider, isouter=True)
    return joined.order_by(REFERRAL.c.number)


def _cells(row: Row, names: Names) -> Sequence[Any]:
    return (
        row["number"],
        row["person_name"],
        row["person"],
        *names.place(row["region"]),
        word(SERVICES, row["service"]),
        row["need"],
        word(STATES, row["state"]),
        row["provider_name"],
        word(AGREED_BY, row["agreed_by"]),
        row["agreed_name"],
        row["agreed_at_ms"],
        row["created_at_ms"],
        names.account(row["created_by"]),
        *(row[f"{name}_at_ms"] for name in _INSTANTS),
        word(OUTCOMES, row["outcome"]),
        row["note"],
    )


SUBJECT: Final = Subject(
    zh="服务转介",
    needs=frozenset({"care.read", "person.read"}),
    columns=COLUMNS,
    wanted=_wanted,
    region=REFERRAL.c.region,
    cells=_cells,
    time=REFERRAL.c.created_at_ms,
)
