"""The register of people (特殊困难老年人名册)."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Select, select

from dashboard.export import ADDRESS, PLACE, Names, Subject, home_columns, listed
from dashboard.paper_reads import without_numbers
from dashboard.reads import Row
from ledger.documents.table import Column, Kind
from ledger.documents.words import SEXES, YES_NO, word
from ledger.forms.file_document import read
from ledger.forms.file_fields import FIELDS, Field
from ledger.forms.joining import WHY_LEFT
from ledger.schema import HOME, PERSON_FILE, SERVICE_USER
from ledger.views import document_of

# Fields of annex 3. Who lives with the person is a table of its own, and none of a register.
_FILE: Final = tuple(field for field in FIELDS if field.form != "members")
_KINDS: Final[dict[str, Kind]] = {"money": "yuan", "whole": "integer", "day": "day"}

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
    Column(key="joined_on", zh="加入日期", kind="day", width=14),
    Column(key="left_on", zh="退出日期", kind="day", width=14),
    Column(key="left_why", zh="退出原因", width=14),
    Column(key="left_note", zh="去向说明", width=20),
    *(Column(key=f.name, zh=f.zh, kind=_KINDS.get(f.form, "text"), width=16) for f in _FILE),
)


def _wanted() -> Select[Any]:
    joined = select(SERVICE_USER, PERSON_FILE.c.document.label("file"), *home_columns())
    joined = joined.join(HOME, HOME.c.id == SERVICE_USER.c.home)
    joined = joined.join(PERSON_FILE, PERSON_FILE.c.person == SERVICE_USER.c.id, isouter=True)
    return joined.order_by(HOME.c.region, SERVICE_USER.c.id)


def _cells(row: Row, names: Names) -> Sequence[Any]:
    file = without_numbers(read(document_of(row["file"] or "{}")))
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
        row["joined_on"],
        row["left_on"],
        next((o.zh for o in WHY_LEFT if o.word == row["left_why"]), row["left_why"]),
        row["left_note"],
        *(_said(field, getattr(file, field.name)) for field in _FILE),
    )


def _said(field: Field, value: Any) -> Any:
    """As the form says it; identity numbers stay masked: a list of them is nobody's need."""
    match field.form:
        case "yes_no":
            return word(YES_NO, value)
        case "choice":
            return _zh(field, value)
        case "choices":
            return "、".join(_zh(field, one) for one in value)
        case "texts":
            return "、".join(value)
        case "grade":
            return f"{value}级" if value else ""
        case _:
            return value


def _zh(field: Field, chosen: str) -> str:
    return next((option.zh for option in field.options if option.word == chosen), chosen)


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
