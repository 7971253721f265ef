"""A person's whole file (一人一档) as one document: annex 3, then tables of what happened. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.documents.annex3 import annex3
from ledger.documents.paper import Paper, Section
from ledger.documents.sheets import PersonSheet, VisitSheet
from ledger.documents.table import Column, Table
from ledger.documents.words import KINDS, OUTCOMES, SEVERITIES, STAYS, word
from ledger.forms.visit_form import NOBODY_MET, QUESTIONS, SATISFACTION, WAY, Question

# Three years of weekly visits, two a week for half of it; the table export has all.
VISITS_PRINTED: Final = 240
# More calls than the loneliest home makes in years.
ALARMS_PRINTED: Final = 200
STAYS_PRINTED: Final = 60
# Answers that a county asks about: what grew worse, or is not safe.
_NOTED: Final = frozenset({"worse", "serious", "unsafe", "fairly_safe", "more", "fewer"})
_WORDS_PRINTED: Final = 120

VISIT_COLUMNS: Final = (
    Column(key="number", zh="次数", kind="integer", width=5),
    Column(key="visited_at", zh="探访时间", kind="instant", width=11),
    Column(key="way", zh="方式", width=8),
    Column(key="visitor", zh="服务人员", width=8),
    Column(key="noted", zh="需关注情况", width=24),
    Column(key="satisfaction", zh="满意度", width=7),
    Column(key="words", zh="需求与建议", width=26),
)
ALARM_COLUMNS: Final = (
    Column(key="number", zh="编号", kind="integer", width=6),
    Column(key="raised_at", zh="报警时间", kind="instant", width=11),
    Column(key="kind", zh="类型", width=12),
    Column(key="severity", zh="级别", width=6),
    Column(key="acknowledged_at", zh="接警时间", kind="instant", width=11),
    Column(key="arrived_at", zh="到场时间", kind="instant", width=11),
    Column(key="closed_at", zh="结案时间", kind="instant", width=11),
    Column(key="outcome", zh="结果", width=12),
)
STAY_COLUMNS: Final = (
    Column(key="kind", zh="类型", width=8),
    Column(key="from", zh="开始", kind="instant", width=12),
    Column(key="until", zh="结束", kind="instant", width=12),
    Column(key="note", zh="说明", width=30),
)
CONSENT_COLUMNS: Final = (
    Column(key="purpose", zh="用途", width=16),
    Column(key="given_by", zh="同意人", width=10),
    Column(key="relation", zh="与老人关系", width=10),
    Column(key="how", zh="方式", width=12),
    Column(key="given_on", zh="同意日期", kind="day", width=11),
    Column(key="until_on", zh="截止日期", kind="day", width=11),
    Column(key="withdrawn_on", zh="撤回日期", kind="day", width=11),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmLine:
    number: int
    raised_at_ms: int
    kind: str
    severity: str
    acknowledged_at_ms: int | None
    arrived_at_ms: int | None
    closed_at_ms: int | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StayLine:
    kind: str
    from_ms: int
    until_ms: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything newest first; `more_*`: how many older ones there are beside."""

    person: PersonSheet
    visits: Sequence[VisitSheet]
    alarms: Sequence[AlarmLine]
    stays: Sequence[StayLine]
    # Rows of CONSENT_COLUMNS; None: this hub keeps none.
    consents: Sequence[Sequence[Any]] | None = None
    more_visits: int = 0
    more_alarms: int = 0
    more_stays: int = 0
    # A small JPEG; None: there is none, or it may not be shown.
    photo: bytes | None = None


def dossier(found: Dossier, printed: str, at_ms: int) -> Paper:
    """Annex 3 on its sheet, the tables behind it."""
    name = found.person.identity.name
    sections = [
        Section(title="一、探访关爱服务记录汇总", table=_visits(found)),
        Section(title="二、警情处置记录", table=_alarms(found)),
        Section(title="三、外出、住院与来访", table=_stays(found)),
    ]
    if found.consents is not None:
        table = Table(title="知情同意", columns=CONSENT_COLUMNS, rows=found.consents)
        sections.append(Section(title="四、知情同意记录", table=table))
    return Paper(
        title=f"{name}服务档案",
        printed=printed,
        at_ms=at_ms,
        forms=(annex3(found.person),),
        sections=tuple(sections),
        picture=found.photo,
    )


def _visits(found: Dossier) -> Table:
    return Table(
        title="探访",
        columns=VISIT_COLUMNS,
        rows=[
            (
                visit.number,
                visit.visited_at_ms,
                _chosen(WAY, visit.way),
                visit.visitor,
                "；".join(_noted(visit)),
                _chosen(SATISFACTION, visit.record.get(SATISFACTION.field)),
                "；".join(words.rstrip("。；") for words in _said(visit)),
            )
            for visit in found.visits
        ],
        left_out=found.more_visits,
    )


def _alarms(found: Dossier) -> Table:
    return Table(
        title="警情",
        columns=ALARM_COLUMNS,
        rows=[
            (
                alarm.number,
                alarm.raised_at_ms,
                word(KINDS, alarm.kind),
                word(SEVERITIES, alarm.severity),
                alarm.acknowledged_at_ms,
                alarm.arrived_at_ms,
                alarm.closed_at_ms,
                word(OUTCOMES, alarm.outcome),
            )
            for alarm in found.alarms
        ],
        left_out=found.more_alarms,
    )


def _stays(found: Dossier) -> Table:
    rows = [(word(STAYS, s.kind), s.from_ms, s.until_ms, s.note) for s in found.stays]
    return Table(title="外出", columns=STAY_COLUMNS, rows=rows, left_out=found.more_stays)


def _noted(visit: VisitSheet) -> Iterable[str]:
    if visit.record.get(NOBODY_MET) is True:
        yield "未见到老人"
    for question in QUESTIONS:
        chosen = visit.record.get(question.field)
        if isinstance(chosen, str) and chosen in _NOTED:
            yield f"{question.zh}{_chosen(question, chosen)}"
    illness = visit.record.get("illness_name")
    if isinstance(illness, str) and illness:
        yield f"疾病：{illness}"


def _said(visit: VisitSheet) -> Iterable[str]:
    for field in ("needs", "suggestions"):
        words = visit.record.get(field)
        if isinstance(words, str) and words:
            more = len(words) > _WORDS_PRINTED
            yield f"{words[:_WORDS_PRINTED]}……" if more else words


def _chosen(question: Question, chosen: object) -> str:
    return next((o.zh for o in question.options if o.word == chosen), "")
