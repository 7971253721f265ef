"""Visits with every answer of annex 4, a column each (探访关爱服务台账)."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from dashboard.export import ADDRESS, PLACE, Names, Subject, home_columns
from dashboard.reads import Row
from ledger.documents.table import Column
from ledger.documents.words import PROOFS, TASK_KINDS, word
from ledger.forms.services import SERVICE_BY_NUMBER
from ledger.forms.visit_form import (
    CHOICES,
    HOUSEHOLD_CHANGE,
    NOBODY_MET,
    SERVICES_DONE,
    TEXTS,
    WAY,
    Question,
)
from ledger.schema import HOME, SERVICE_USER, VISIT
from ledger.views import document_of

COLUMNS: Final = (
    Column(key="number", zh="第几次", kind="integer", width=8),
    Column(key="visited_at", zh="探访时间", kind="instant", width=17),
    Column(key="person", zh="服务对象", width=10),
    Column(key="person_id", zh="对象编号", width=14),
    *PLACE,
    ADDRESS,
    Column(key="way", zh=WAY.zh, width=16),
    Column(key="kind", zh="任务类型", width=10),
    Column(key="visitor", zh="服务人员", width=10),
    Column(key="nobody_met", zh="未见到老人", kind="yes_no", width=10),
    *(Column(key=question.field, zh=question.zh, width=12) for question in CHOICES),
    Column(key=HOUSEHOLD_CHANGE, zh="人口增减（人）", kind="integer", width=12),
    *(
        Column(key=field, zh=f"{zh}（文字）" if field == "satisfaction_words" else zh, width=28)
        for field, (zh, _en) in TEXTS.items()
    ),
    Column(key=SERVICES_DONE, zh="服务项目（附件2）", width=34),
    Column(key="proof", zh="到场证明", width=14),
    Column(key="counts", zh="是否有效", width=10),
    Column(key="void_reason", zh="作废原因", width=20),
    Column(key="recorded_at", zh="登记时间", kind="instant", width=17),
    Column(key="id", zh="记录编号", width=38),
)


def _wanted() -> Select[Any]:
    joined = select(VISIT, SERVICE_USER.c.name.label("person_name"), *home_columns())
    joined = joined.join(HOME, HOME.c.id == VISIT.c.home)
    joined = joined.join(SERVICE_USER, SERVICE_USER.c.id == VISIT.c.service_user, isouter=True)
    return joined.order_by(VISIT.c.visited_at_ms, VISIT.c.id)


def _cells(row: Row, names: Names) -> Sequence[Any]:
    record = document_of(row["record"])
    people = record.get(HOUSEHOLD_CHANGE)
    return (
        row["number"] or None,
        row["visited_at_ms"],
        row["person_name"],
        row["service_user"],
        *names.place(row["home_region"]),
        row["home_address"],
        _chosen(WAY, row["way"]),
        word(TASK_KINDS, row["kind"]),
        names.account(row["visitor"]),
        record.get(NOBODY_MET) is True,
        *(_chosen(question, record.get(question.field)) for question in CHOICES),
        people if type(people) is int else None,
        *(_text(record.get(field)) for field in TEXTS),
        _services(record.get(SERVICES_DONE)),
        word(PROOFS, row["proof"]),
        _standing(row),
        row["void_reason"],
        row["recorded_at_ms"],
        row["id"],
    )


def _standing(row: Row) -> str:
    if row["voided_at_ms"] is not None:
        return "已作废"
    return "有效" if row["duplicate_of"] is None else "重复"


def _chosen(question: Question, chosen: object) -> str:
    """The form's word; of an older or foreign record what it says."""
    known = {option.word: option.zh for option in question.options}
    return known.get(chosen, chosen) if isinstance(chosen, str) else ""


def _text(words: object) -> str:
    return words if isinstance(words, str) else ""


def _services(numbers: object) -> str:
    if not isinstance(numbers, list):
        return ""
    known = (SERVICE_BY_NUMBER.get(n) for n in numbers if type(n) is int)
    return "、".join(f"{s.number} {s.name}" for s in known if s is not None)


SUBJECT: Final = Subject(
    zh="探访记录",
    needs=frozenset({"visit.read", "person.read", "address.read"}),
    columns=COLUMNS,
    wanted=_wanted,
    region=HOME.c.region,
    cells=_cells,
    time=VISIT.c.visited_at_ms,
)
