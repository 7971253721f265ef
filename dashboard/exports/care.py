"""The log of services (关爱服务日志): what was done for whom, by whom, what it cost."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Select, select

from dashboard.care_reads import served_lines
from dashboard.export import PLACE, Names, Subject
from dashboard.reads import Row
from ledger.care.money import FEN
from ledger.care.services import CARE_SERVICES
from ledger.documents.table import Column
from ledger.documents.words import word
from ledger.forms.services import SERVICE_BY_NUMBER
from ledger.schema import CARE_LINE, PROVIDER, SERVICE_USER

COLUMNS: Final = (
    Column(key="served_at", zh="服务时间", kind="instant", width=17),
    Column(key="person", zh="服务对象", width=10),
    Column(key="person_id", zh="对象编号", width=14),
    *PLACE,
    Column(key="service", zh="服务类别", width=12),
    Column(key="items", zh="服务项目（附件2）", width=30),
    Column(key="provider", zh="服务机构", width=20),
    Column(key="who", zh="服务人员", width=12),
    Column(key="minutes", zh="时长（分钟）", kind="integer", width=11),
    Column(key="cost", zh="费用（元）", kind="yuan", width=12),
    Column(key="note", zh="说明", width=30),
    Column(key="why", zh="更正原因", width=20),
    Column(key="recorded_at", zh="登记时间", kind="instant", width=17),
    Column(key="recorded_by", zh="登记人", width=10),
)
SERVICES: Final = {service.word: service.zh for service in CARE_SERVICES}


def _wanted() -> Select[Any]:
    """Lines that count: what was replaced or taken back does not."""
    joined = select(
        CARE_LINE, SERVICE_USER.c.name.label("person_name"), PROVIDER.c.name.label("provider_name")
    )
    joined = joined.join(SERVICE_USER, SERVICE_USER.c.id == CARE_LINE.c.person)
    joined = joined.join(PROVIDER, PROVIDER.c.id == CARE_LINE.c.provider, isouter=True)
    joined = joined.where(*served_lines())
    return joined.order_by(CARE_LINE.c.served_at_ms, CARE_LINE.c.id)


def _cells(row: Row, names: Names) -> Sequence[Any]:
    return (
        row["served_at_ms"],
        row["person_name"],
        row["person"],
        *names.place(row["region"]),
        word(SERVICES, row["service"]),
        _items(row["items"]),
        row["provider_name"],
        row["who"],
        row["minutes"],
        row["cost_fen"] / FEN,
        row["note"],
        row["why"],
        row["recorded_at_ms"],
        names.account(row["recorded_by"]),
    )


def _items(text: str) -> str:
    numbers = msgspec.json.decode(text or "[]")
    known = (SERVICE_BY_NUMBER.get(number) for number in numbers)
    return "、".join(f"{s.number} {s.name}" for s in known if s is not None)


SUBJECT: Final = Subject(
    zh="关爱服务日志",
    needs=frozenset({"care.read", "person.read"}),
    columns=COLUMNS,
    wanted=_wanted,
    region=CARE_LINE.c.region,
    cells=_cells,
    time=CARE_LINE.c.served_at_ms,
)
