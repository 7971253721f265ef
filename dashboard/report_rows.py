"""Rows behind a report: as documents for a page, and as tables that say who, where, when, what, and
which figures each row is counted in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, select

from contract.moment import from_iso
from dashboard.care_reads import line_documents, referral_documents
from dashboard.export import Names, read_names
from dashboard.reads import Row, alarm_documents, rows
from dashboard.register_reads import person_documents
from dashboard.report_people import Counted, people_documents
from dashboard.report_reads import Asked, rows_of
from dashboard.visit_reads import visit_documents
from ledger.care.money import FEN
from ledger.care.services import CARE_SERVICES
from ledger.documents.table import Column, Table
from ledger.documents.words import ALARM_STATES, KINDS, OUTCOMES, SEVERITIES, word
from ledger.forms.visit_form import WAY
from ledger.reports.catalogue import GROUP_BY_NAME, zh_name
from ledger.reports.sheet import Figure, Subject, figures_of
from ledger.schema import ALARM, CARE_LINE, REFERRAL, SERVICE_USER, VISIT
from ledger.views import Document

# A town's month. A county's has forty thousand visits, which nobody reads in one file and which
# would take a processor for a minute.
ROWS_IN_FILE: Final = 10_000
# Documents are made of so many rows at a time: what they refer to is read for each portion.
PORTION: Final = 500
# Groups that say nothing of a row that its other columns don't.
_PLAIN_GROUPS: Final = frozenset({"rule_outcome"})
_CARE_WORDS: Final = {service.word: service.zh for service in CARE_SERVICES}
_WAY_WORDS: Final = {option.word: option.zh for option in WAY.options}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a caller needs to see rows of a kind, where they are, and how they are shown."""

    zh: str
    needs: str
    table: Any
    documents: Callable[[Connection, list[Row], int], list[Document]]
    line: Callable[[Document], "Line"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row for a table; `cost` in yuan."""

    who: str
    at: str | None
    what: str
    by: str
    cost: float | None = None


COLUMNS: Final = (
    Column(key="town", zh="镇", width=12),
    Column(key="village", zh="村（社区）", width=14),
    Column(key="who", zh="服务对象", width=14),
    Column(key="at", zh="时间", kind="instant", width=17),
    Column(key="what", zh="内容", width=30),
    Column(key="by", zh="人员或机构", width=16),
    Column(key="cost", zh="费用（元）", kind="yuan", width=11),
    Column(key="figures", zh="计入的指标", width=60),
    Column(key="id", zh="编号", width=38),
)
TALLY_COLUMNS: Final = (
    *COLUMNS[:3],
    Column(key="visitor", zh="探访责任人", width=12),
    Column(key="owed", zh="应访", kind="integer", width=8),
    Column(key="done", zh="已访", kind="integer", width=8),
    Column(key="due", zh="待访", kind="integer", width=8),
    Column(key="late", zh="待补访", kind="integer", width=8),
    Column(key="overdue", zh="漏访", kind="integer", width=8),
    Column(key="more", zh="超出应访", kind="integer", width=10),
    Column(key="calls", zh="电话与视频", kind="integer", width=11),
    Column(key="nobody_met", zh="上门未见到", kind="integer", width=11),
    Column(key="id", zh="对象编号", width=24),
)


def documents_of(
    connection: Connection, kind: Kind, ids: Sequence[str], now_ms: int
) -> list[Document]:
    """The rows with these ids, in their order."""
    found = rows(connection, select(kind.table).where(kind.table.c.id.in_(ids)))
    place = {name: number for number, name in enumerate(ids)}
    found.sort(key=lambda row: place[row["id"]])
    return kind.documents(connection, found, now_ms)


Shown = Callable[[Document], Document]


def row_table(
    connection: Connection, subject: Subject, asked: Asked, now_ms: int, shown: Shown
) -> Table | None:
    """All rows of a kind; None: more than one file takes. `shown` masks what the caller may not
    see."""
    kind, day = ROW_KINDS[subject], asked.span.last
    found = list(islice(rows_of(connection, subject, asked), ROWS_IN_FILE + 1))
    if len(found) > ROWS_IN_FILE:
        return None
    names = read_names(connection)
    of = {row["id"]: (names.place(row["region"]), figures_of(subject, row, day)) for row in found}
    ids = list(of)
    cells = [
        _cells(kind.line(shown(document)), *of[document["id"]], document["id"])
        for start in range(0, len(ids), PORTION)
        for document in documents_of(connection, kind, ids[start : start + PORTION], now_ms)
    ]
    return Table(title=kind.zh, columns=COLUMNS, rows=cells)


def tally_table(
    connection: Connection, found: Sequence[Counted], can: frozenset[str]
) -> Table | None:
    """Visits owed and made, person by person; None: more than one file takes."""
    if len(found) > ROWS_IN_FILE:
        return None
    names = read_names(connection)
    cells = [
        _tally_cells(document, names)
        for start in range(0, len(found), PORTION)
        for document in people_documents(connection, found[start : start + PORTION], can)
    ]
    return Table(title="探访落实（按人）", columns=TALLY_COLUMNS, rows=cells)


def _tally_cells(document: Document, names: Names) -> tuple[Any, ...]:
    home = document["home"]
    return (
        *names.place(home["region"] if home else None),
        document["person"]["name"],
        _name(document["visitor"]),
        *(document[column.key] for column in TALLY_COLUMNS[4:-1]),
        document["service_user"],
    )


def _cells(
    line: Line, place: tuple[str, str], figures: Sequence[Figure], name: str
) -> tuple[Any, ...]:
    return (
        *place,
        line.who,
        None if line.at is None else from_iso(line.at),
        line.what,
        line.by,
        line.cost,
        "、".join(_figure_names(figures)),
        name,
    )


def _figure_names(figures: Sequence[Figure]) -> Iterator[str]:
    for group, name in figures:
        known = GROUP_BY_NAME.get(group)
        if known is not None and group not in _PLAIN_GROUPS:
            yield f"{known.zh}：{zh_name(known, name)}"


def _name(reference: Mapping[str, Any] | None) -> str:
    return "" if reference is None else str(reference["name"])


def _person_line(document: Document) -> Line:
    what = "、".join([*document["categories"], document["grade"] or "未评估"])
    return Line(who=document["name"], at=None, what=what, by="")


def _visit_line(document: Document) -> Line:
    what = word(_WAY_WORDS, document["way"])
    if not document["met"]:
        what += "，未见到老人"
    if not document["counts"]:
        what += "（已作废）" if document["voided_at"] else "（重复）"
    return Line(
        who=document["service_user_name"] or "",
        at=document["visited_at"],
        what=what,
        by=_name(document["visitor"]),
    )


def _alarm_line(document: Document) -> Line:
    ended = document["outcome"]
    end = word(OUTCOMES, ended) if ended else word(ALARM_STATES, document["state"])
    return Line(
        who="、".join(person["name"] for person in document["persons"]),
        at=document["raised_at"],
        what=f"{word(KINDS, document['kind'])}（{word(SEVERITIES, document['severity'])}），{end}",
        by=_name(document["assignee"] or document["acknowledged_by"]),
    )


def _referral_line(document: Document) -> Line:
    state = zh_name(GROUP_BY_NAME["referral_state"], document["state"])
    return Line(
        who=document["person_name"] or "",
        at=document["created_at"],
        what=f"{word(_CARE_WORDS, document['service'])}，{state}",
        by=document["provider_name"] or "",
    )


def _care_line(document: Document) -> Line:
    return Line(
        who=document["person_name"] or "",
        at=document["served_at"],
        what=f"{word(_CARE_WORDS, document['service'])}，{document['minutes'] or 0} 分钟",
        by=document["provider_name"] or document["who"] or "",
        cost=document["cost_fen"] / FEN,
    )


ROW_KINDS: Final[Mapping[Subject, Kind]] = {
    "person": Kind(
        zh="服务对象",
        needs="person.read",
        table=SERVICE_USER,
        documents=person_documents,
        line=_person_line,
    ),
    "visit": Kind(
        zh="探访记录",
        needs="visit.read",
        table=VISIT,
        documents=lambda connection, found, _now_ms: visit_documents(connection, found),
        line=_visit_line,
    ),
    "alarm": Kind(
        zh="警情",
        needs="alarm.read",
        table=ALARM,
        documents=lambda connection, found, _now_ms: alarm_documents(connection, found),
        line=_alarm_line,
    ),
    "referral": Kind(
        zh="服务转介",
        needs="care.read",
        table=REFERRAL,
        documents=referral_documents,
        line=_referral_line,
    ),
    "care": Kind(
        zh="服务日志",
        needs="care.read",
        table=CARE_LINE,
        documents=lambda connection, found, _now_ms: line_documents(connection, found),
        line=_care_line,
    ),
}
