"""The register of people (特殊困难老年人名册)."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Select, select

from dashboard.export import ADDRESS, PLACE, Names, Subject, home_columns, listed
from dashboard.reads import Row
from ledger.documents.table import Column
from ledger.documents.words import SEXES, word
from ledger.schema import HOME, SERVICE_USER

COLUMNS: Final = (
    Column(key="id", zh="编号", width=16),
    Column(key="name", zh="姓名", width=10),
    Column(key="sex", zh="性别", width=6),
    Column(key="born", zh="出生日期", kind="day", width=14),
    Column(key="phone", zh="联系电话", width=14),
    *PLACE,
    ADDRESS,
    Column(key="categories", zh="老年人类别", width=18),
    Column(key="grade", zh="能力等级", width=10),
    Column(key="conditions", zh="患病情况", width=20),
    Column(key="medication", zh="用药", width=20),
    Column(key="allergies", zh="过敏", width=14),
    Column(key="hearing", zh="沟通提示", width=14),
    Column(key="contacts", zh="紧急联系人", width=34),
    Column(key="visitor", zh="探访责任人", width=12),
    Column(key="home", zh="住户编号", width=14),
)


def _wanted() -> Select[Any]:
    joined = select(SERVICE_USER, *home_columns()).join(HOME, HOME.c.id == SERVICE_USER.c.home)
    return joined.order_by(HOME.c.region, SERVICE_USER.c.id)


def _cells(row: Row, names: Names) -> Sequence[Any]:
    return (
        row["id"],
        row["name"],
        word(SEXES, row["sex"]),
        row["born"],
        row["phone"],
        *names.place(row["home_region"]),
        row["home_address"],
        listed(row["categories"]),
        row["grade"],
        listed(row["conditions"]),
        listed(row["medication"]),
        listed(row["allergies"]),
        row["hearing"],
        _contacts(row["contacts"]),
        names.account(row["visitor"]),
        row["home"],
    )


def _contacts(text: str) -> str:
    try:
        contacts = msgspec.json.decode(text)
        return "；".join(
            " ".join(str(c[k]) for k in ("name", "relation", "phone") if c.get(k)) for c in contacts
        )
    except (msgspec.DecodeError, TypeError, AttributeError):
        return text


SUBJECT: Final = Subject(
    zh="老年人名册",
    needs=frozenset({"person.read", "address.read"}),
    columns=COLUMNS,
    wanted=_wanted,
    region=HOME.c.region,
    cells=_cells,
)
