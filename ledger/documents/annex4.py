"""Annex 4 as a form: 特殊困难老年人探访关爱服务记录表, from one visit. Pure.

Rows, words and their order are the notice's. What the record has and the form has no row for (the
services done, remarks, corrections) stands below the table.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from ledger.documents.form import (
    Blank,
    Box,
    Cell,
    Drawing,
    Form,
    Line,
    Part,
    Text,
    fitted,
    label,
    lines_of,
    text,
)
from ledger.documents.sheets import VisitSheet, local
from ledger.forms.services import SERVICE_BY_NUMBER
from ledger.forms.visit_form import (
    HOUSEHOLD_CHANGE,
    NOBODY_MET,
    QUESTIONS,
    SATISFACTION,
    SERVICES_DONE,
    TEXTS,
    UNSIGNED,
    VISITOR_KIND,
    WAY,
    Option,
    Question,
)

TITLE: Final = "特殊困难老年人探访关爱服务记录表"
MARK: Final = "附件4"
FOOT: Final = "备注：此表一式四份，县民政局、镇、村及服务对象各存档一份，可复印。"
COPIES: Final = ("县民政局", "镇", "村", "服务对象")

_WIDTHS: Final = (0.8, 1.2, 1.4, 3.2, 3.4)
_ALL: Final = len(_WIDTHS)
# Characters that the three wide fields hold at their smallest type.
_WORDS_FIT: Final = 170
_BELOW_FITS: Final = 120
_ILLNESS_FITS: Final = 30
_UNSIGNED_FITS: Final = 40


def annex4(sheet: VisitSheet | None) -> Form:
    """The form filled in, or empty."""
    rest: list[tuple[str, str]] = []
    record: Mapping[str, object] = {} if sheet is None else sheet.record
    return Form(
        mark=f"{MARK}（已作废）" if sheet is not None and sheet.voided else MARK,
        title=TITLE,
        above=tuple(_above(sheet)),
        widths=_WIDTHS,
        rows=(
            *_questions(sheet, record, rest),
            *(_wide(field, record, rest) for field in ("satisfaction_words", "needs")),
            _wide("suggestions", record, rest),
            _signed(sheet, record, rest),
        ),
        below=tuple(_below(sheet, record, rest)),
        foot=FOOT,
        copies=COPIES,
        size_pt=11.5,
        row_mm=9.0,
        continued=tuple(rest),
    )


def _above(sheet: VisitSheet | None) -> Iterator[Line]:
    """The day as the notice has it; whose visit it was, which the notice leaves to the file."""
    if sheet is None:
        yield _time(("", "", ""))
        return
    yield (
        Text(text="服务对象："),
        Text(text=sheet.name),
        *((Text(text=f"　{sheet.address}"),) if sheet.address else ()),
    )
    at = local(sheet.visited_at_ms)
    yield (*_time((str(at.year), str(at.month), str(at.day))), Text(text=f" {at:%H:%M}"))


def _time(parts: tuple[str, str, str]) -> Line:
    year, month, day = parts
    return (
        Text(text="探访时间："),
        Blank(text=year, ems=3),
        Text(text="年"),
        Blank(text=month, ems=2),
        Text(text="月"),
        Blank(text=day, ems=2),
        Text(text="日"),
    )


def _questions(
    sheet: VisitSheet | None, record: Mapping[str, object], rest: list[tuple[str, str]]
) -> Iterator[tuple[Cell, ...]]:
    number = "" if sheet is None or sheet.number is None else str(sheet.number)
    nth = Cell(
        lines=((Text(text="第"), Blank(text=number, ems=2), Text(text="次探访关爱服务")),),
        rows=1 + len(QUESTIONS),
        align="center",
        head=True,
        upright=True,
    )
    way = "" if sheet is None else sheet.way
    ways = tuple(Box(ticked=o.word == way, label=o.zh) for o in WAY.options)
    yield (nth, label(WAY.zh, columns=2), Cell(lines=(ways,), columns=2))
    for group, found in groupby(QUESTIONS, key=lambda question: question.group):
        questions = tuple(found)
        for place, question in enumerate(questions):
            first = (label(group, rows=len(questions)),) if place == 0 else ()
            answers = Cell(lines=(_answers(question, record, rest),), columns=2)
            yield (*first, label(question.zh), answers)


def _answers(question: Question, record: Mapping[str, object], rest: list[tuple[str, str]]) -> Line:
    chosen = record.get(question.field)
    parts: list[Part] = []
    for option in question.options:
        ticked = option.word == chosen
        parts.append(Box(ticked=ticked, label=option.zh))
        parts += _asked(option, ticked, record, rest)
    return tuple(parts)


def _asked(
    option: Option, ticked: bool, record: Mapping[str, object], rest: list[tuple[str, str]]
) -> Sequence[Part]:
    """The place beside a box: a number of people, the name of an illness."""
    if not option.asks:
        return ()
    people = option.asks == HOUSEHOLD_CHANGE
    # The number belongs to one of two boxes; an illness was named, whichever box is ticked.
    said = record.get(option.asks) if ticked or not people else None
    words = "" if said is None else str(said)
    if people:
        return (Blank(text=words, ems=2), Text(text="人　"))
    zh = TEXTS[option.asks][0]
    shown, more = fitted(words, _ILLNESS_FITS)
    if more:
        rest.append((zh, words))
    return (Text(text=f"{zh}："), Blank(text=shown, ems=8), Text(text="　"))


def _wide(
    field: str, record: Mapping[str, object], rest: list[tuple[str, str]]
) -> tuple[Cell, ...]:
    zh = TEXTS[field][0]
    words = _said(record, field)
    if field == "satisfaction_words":
        grade = _chosen(SATISFACTION, record)
        words = "。".join(part for part in (grade, words) if part)
    shown, more = fitted(words, _WORDS_FIT)
    if more:
        rest.append((zh, words))
    head, *others = lines_of(shown) or ((),)
    first: Line = (Text(text=f"{zh}："), *head)
    return (Cell(lines=(first, *others), columns=_ALL, height_mm=26.0, top=True),)


def _signed(
    sheet: VisitSheet | None, record: Mapping[str, object], rest: list[tuple[str, str]]
) -> tuple[Cell, ...]:
    visitor = "" if sheet is None else sheet.visitor
    drawn = None if sheet is None else sheet.visitor_signature
    person = None if sheet is None else sheet.person_signature
    return (
        Cell(
            lines=(
                (
                    Text(text="服务人员类别："),
                    Text(text=_chosen(VISITOR_KIND, record)),
                ),
                # Room for a pen, where nothing was drawn.
                *(((),) if drawn is None else ()),
                _signature("服务人员签字：", drawn, visitor),
            ),
            columns=4,
            height_mm=25.0,
        ),
        Cell(
            lines=(_signature("服务对象（签字）", person, ""), *_unsigned(record, rest)),
            columns=1,
        ),
    )


def _unsigned(record: Mapping[str, object], rest: list[tuple[str, str]]) -> Iterator[Line]:
    """Why the person's own signature is missing: many never learnt to write."""
    words = "：".join(
        part for part in (_chosen(UNSIGNED, record), _said(record, "unsigned_note")) if part
    )
    if words:
        shown, more = fitted(words, _UNSIGNED_FITS)
        if more:
            rest.append((UNSIGNED.zh, words))
        yield text(f"（{shown}）")


def _signature(words: str, drawn: Drawing | None, name: str) -> Line:
    """Drawn, then the name in print, that it can be read."""
    parts: list[Part] = [Text(text=words)]
    if drawn is not None:
        parts.append(drawn)
    if name:
        parts.append(Text(text=f"　{name}" if drawn is not None else name))
    return tuple(parts)


def _below(
    sheet: VisitSheet | None, record: Mapping[str, object], rest: list[tuple[str, str]]
) -> Iterator[Line]:
    if sheet is not None and sheet.voided:
        yield text(f"本记录已作废：{sheet.voided}")
    if record.get(NOBODY_MET) is True:
        yield text("本次探访未见到老人。")
    done = _services(record)
    for zh, words in (
        ("本次服务项目（附件2）", done),
        # 备注 is the word of the form's own foot.
        ("其他说明", _said(record, "remarks").replace("\n", " ")),
        ("更正", "；".join(() if sheet is None else sheet.corrections)),
    ):
        if words:
            shown, more = fitted(words, _BELOW_FITS)
            if more:
                rest.append((zh, words))
            yield text(f"{zh}：{shown}")


def _services(record: Mapping[str, object]) -> str:
    numbers = record.get(SERVICES_DONE)
    if not isinstance(numbers, list | tuple):
        return ""
    known = [SERVICE_BY_NUMBER[n] for n in numbers if type(n) is int and n in SERVICE_BY_NUMBER]
    return "、".join(f"{s.number} {s.name}" for s in sorted(known, key=lambda s: s.number))


def _chosen(question: Question, record: Mapping[str, object]) -> str:
    chosen = record.get(question.field)
    return next((o.zh for o in question.options if o.word == chosen), "")


def _said(record: Mapping[str, object], field: str) -> str:
    words = record.get(field)
    return words if isinstance(words, str) else ""
