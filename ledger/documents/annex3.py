"""Annex 3 as a form: 特殊困难老年人信息记录表, from a person's sheet. Pure.

Sections two to four are the notice's, word for word. Its first section is not legible in the text
at hand: here it has what sections 1 and 2 of the notice ask for and the register knows.
"""

import datetime
from collections.abc import Sequence
from typing import Final

from ledger.documents.form import (
    Blank,
    Box,
    Cell,
    Form,
    Line,
    Text,
    boxes,
    fitted,
    label,
    lines_of,
    section,
    text,
    value,
)
from ledger.documents.sheets import Contact, PersonSheet
from ledger.documents.words import SEXES, YES_NO
from ledger.forms.categories import CATEGORY_ORDER
from ledger.forms.person_file import (
    DISABILITIES,
    MEMBERS_PRINTED,
    SUPPORTERS,
    Identity,
    Member,
    PersonFile,
)

TITLE: Final = "特殊困难老年人信息记录表"
MARK: Final = "附件3"
FOOT: Final = "备注：此表一式三份，县民政局、镇、村各存档一份，可复印。"
COPIES: Final = ("县民政局", "镇", "村")
# Grades of GB/T 42195-2022 in the words of the notice.
GRADES: Final = (
    ("完好", "能力完好"),
    ("轻度", "轻度失能"),
    ("中度", "中度失能"),
    ("重度", "重度失能"),
    ("完全", "完全失能"),
)

# Twelve narrow columns let every section have fields of its own width.
_WIDTHS: Final = (1.0, 1.2, 0.7, 0.9, 1.2, 1.2, 1.0, 1.0, 1.0, 0.9, 0.9, 1.0)
_ALL: Final = len(_WIDTHS)
# Characters that a field of the printed table holds at its smallest type.
_SUPPORT_FITS: Final = 320
_CONDITIONS_FITS: Final = 130
_SUBSIDIES_FITS: Final = 110
_LINE_FITS: Final = 90
_CELL_FITS: Final = 24
# More are on the person's page of the register; three are rung.
_CONTACTS_PRINTED: Final = 3
_EMPTY: Final = Identity(name="", sex="", born="", grade="", categories=())


def annex3(sheet: PersonSheet | None) -> Form:
    """The form filled in, or empty."""
    sheet = PersonSheet(identity=_EMPTY) if sheet is None else sheet
    rest: list[tuple[str, str]] = []
    file = sheet.file
    return Form(
        mark=MARK,
        title=TITLE,
        above=(),
        widths=_WIDTHS,
        rows=(
            (section("一、基本信息", _ALL),),
            *_identity(sheet),
            *_state(sheet, rest),
            (section("二、家庭基本情况", _ALL),),
            *_members(file.members, rest),
            (section("三、家庭生活条件", _ALL),),
            *_living(file, rest),
            (section("四、已享受帮扶情况", _ALL),),
            *_support(file, rest),
            _signed(sheet),
        ),
        below=(),
        foot=FOOT,
        copies=COPIES,
        size_pt=10.5,
        row_mm=6.5,
        continued=tuple(rest),
    )


def _identity(sheet: PersonSheet) -> Sequence[tuple[Cell, ...]]:
    identity, file = sheet.identity, sheet.file
    return (
        (
            label("姓名"),
            value(identity.name, columns=2),
            label("性别"),
            value(SEXES.get(identity.sex, "")),
            label("出生日期"),
            value(day(identity.born), columns=3),
            label("民族"),
            value(file.ethnicity, columns=2),
        ),
        (
            label("公民身份号码", columns=2),
            value(file.id_number, columns=4),
            label("联系电话", columns=2),
            value(sheet.phone, columns=4),
        ),
        (
            label("户籍地址", columns=2),
            value(file.registered_address, columns=6, align="left"),
            label("是否农村户籍", columns=2),
            value(YES_NO[file.rural_registration], columns=2),
        ),
        (
            label("现居住地址", columns=2),
            value(sheet.address, columns=_ALL - 2, align="left"),
        ),
    )


def _state(sheet: PersonSheet, rest: list[tuple[str, str]]) -> Sequence[tuple[Cell, ...]]:
    identity, file = sheet.identity, sheet.file
    conditions = "、".join(sheet.conditions)
    return (
        (
            label("老年人类别", columns=2),
            _ticks(tuple((c, c in identity.categories) for c in CATEGORY_ORDER), _ALL - 2),
        ),
        (
            label("能力评估等级", columns=2),
            Cell(
                lines=(
                    boxes((zh, word == identity.grade) for word, zh in GRADES),
                    (Text(text="评估日期 "), Blank(text=day(file.assessed_on), ems=9)),
                ),
                columns=_ALL - 2,
            ),
        ),
        (
            label("残疾情况", columns=2),
            Cell(lines=_disability(file), columns=_ALL - 2),
        ),
        (
            label("患病情况", columns=2),
            _words("患病情况", conditions, 6, _CONDITIONS_FITS, rest),
            label("是否重病", columns=2),
            value(YES_NO[file.seriously_ill], columns=2),
        ),
        (
            label("居住与子女", columns=2),
            Cell(lines=_children(file), columns=_ALL - 2),
        ),
        (
            label("紧急联系人", columns=2),
            _words("紧急联系人", _contacts(sheet.contacts), 6, _LINE_FITS, rest),
            label("探访责任人", columns=2),
            value(sheet.visitor, columns=2),
        ),
    )


def _disability(file: PersonFile) -> tuple[Line, ...]:
    kinds = {option.word: option.zh for option in DISABILITIES}
    kind: Line = (
        Text(text="残疾类别 "),
        Blank(text=kinds.get(file.disability_kind, ""), ems=4),
        Text(text="　残疾等级 "),
        *(
            Box(ticked=file.disability_grade == number, label=f"{zh}级")
            for number, zh in enumerate("一二三四", start=1)
        ),
    )
    return kind, (Text(text="残疾人证号 "), Blank(text=file.disability_number, ems=14))


def _children(file: PersonFile) -> tuple[Line, ...]:
    """What the definitions of annex 1 ask for."""
    people: Line = (
        Text(text="独自居住 "),
        Blank(text=YES_NO[file.lives_alone], ems=2),
        Text(text="　配偶健在 "),
        Blank(text=YES_NO[file.spouse_alive], ems=2),
        Text(text="　子女 "),
        Blank(text=number_words(file.children), ems=2),
        Text(text=" 人　有子女在同一镇居住 "),
        Blank(text=YES_NO[file.children_in_town], ems=2),
    )
    facts: Line = (
        Text(text="全部子女外出 "),
        Blank(text=number_words(file.children_away_months), ems=2),
        Text(text=" 个月　独生子女三级以上伤残或去世 "),
        Blank(text=YES_NO[file.only_child_lost], ems=2),
    )
    return people, facts


def _contacts(contacts: tuple[Contact, ...]) -> str:
    return "；".join(
        " ".join(word for word in (c.name, c.relation, c.phone) if word)
        for c in contacts[:_CONTACTS_PRINTED]
    )


def _members(
    members: tuple[Member, ...], rest: list[tuple[str, str]]
) -> Sequence[tuple[Cell, ...]]:
    """Five rows as the notice prints them; who is more stands on the sheet behind."""
    head = (
        label("序号"),
        label("姓名", columns=2),
        label("性别"),
        label("公民身份号码", columns=3),
        label("与户主关系"),
        label("健康状况", columns=2),
        label("是否经常探访", columns=2),
    )
    shown = (*members, *(Member(name="") for _ in range(MEMBERS_PRINTED)))[:MEMBERS_PRINTED]
    if len(members) > MEMBERS_PRINTED:
        rest.append(("家庭基本情况（续）", "\n".join(map(_member, *_numbered(members)))))
    return (
        head,
        *(
            (
                label(str(place)),
                _words(f"第 {place} 人姓名", m.name, 2, _CELL_FITS, rest),
                value(SEXES.get(m.sex, m.sex)),
                value(m.id_number, columns=3),
                value(m.relation),
                _words(f"第 {place} 人健康状况", m.health, 2, _CELL_FITS, rest),
                value(YES_NO[m.visits_often], columns=2),
            )
            for place, m in enumerate(shown, start=1)
        ),
    )


def _numbered(members: tuple[Member, ...]) -> tuple[range, tuple[Member, ...]]:
    return range(MEMBERS_PRINTED + 1, len(members) + 1), members[MEMBERS_PRINTED:]


def _member(place: int, member: Member) -> str:
    often = YES_NO[member.visits_often]
    words = (
        member.name,
        SEXES.get(member.sex, member.sex),
        member.id_number,
        member.relation,
        member.health,
        f"经常探访：{often}" if often else "",
    )
    return f"{place}. {'，'.join(word for word in words if word)}"


def _living(file: PersonFile, rest: list[tuple[str, str]]) -> Sequence[tuple[Cell, ...]]:
    """The notice gives the last field two lines: the pension, then what else is drawn."""
    subsidies = "、".join(file.subsidies)
    shown, more = fitted(subsidies, _SUBSIDIES_FITS)
    if more:
        rest.append(("享受社会救助和社会福利补贴项目", subsidies))
    pension: Line = (
        Box(ticked=file.pension == "yes", label="有领取养老保险，每月"),
        Blank(text=money(file.pension_yuan), ems=5),
        Text(text="元　"),
        Box(ticked=file.pension == "no", label="无养老保险"),
    )
    drawn: Line = (Text(text="享受社会救助和社会福利补贴项目："), Blank(text=shown, ems=9))
    amount: Line = (
        Text(text="每月补贴金额 "),
        Blank(text=money(file.subsidies_yuan), ems=5),
        Text(text=" 元"),
    )
    answers = (
        ("饮水是否安全", YES_NO[file.water_safe]),
        ("生活用电是否安全", YES_NO[file.electricity_safe]),
        ("住房是否安全", YES_NO[file.housing_safe]),
        ("家庭每月收入（元）", money(file.income_yuan)),
    )
    return (
        *(
            (label(words, columns=4), value(answer, columns=_ALL - 4, align="left"))
            for words, answer in answers
        ),
        (
            label("家庭每月领取养老保险、社会救助和社会福利补贴等情况", columns=4),
            Cell(lines=(pension, drawn, amount), columns=_ALL - 4),
        ),
    )


def _support(file: PersonFile, rest: list[tuple[str, str]]) -> Sequence[tuple[Cell, ...]]:
    shown, more = fitted(file.support, _SUPPORT_FITS)
    if more:
        rest.append(("帮扶措施", file.support))
    return (
        (
            label("帮扶单位（组织）", columns=2),
            _ticks(tuple((o.zh, o.word in file.supporters) for o in SUPPORTERS), 6),
            label("帮扶责任人", columns=2),
            _words("帮扶责任人", file.supporter_name, 2, _CELL_FITS, rest),
        ),
        (
            Cell(
                lines=(text("帮扶措施："), *lines_of(shown)),
                columns=_ALL,
                height_mm=20.0,
                top=True,
            ),
        ),
    )


def _signed(sheet: PersonSheet) -> tuple[Cell, ...]:
    file = sheet.file
    recorded: tuple[Line, ...] = lines_of(file.recorded_by)
    if sheet.signature is not None:
        recorded = ((sheet.signature,), *recorded)
    return (
        label("信息录入人员签字", columns=2, height_mm=21.0),
        Cell(
            lines=(*recorded, *lines_of(file.recorded_on)),
            columns=2,
            align="center",
        ),
        label("村（居）民委员会\n审核人员签字\n（盖章）", columns=2),
        value(file.village_checked_by, columns=2),
        label("镇政府\n审核人员签字\n（盖章）", columns=2),
        value(file.town_checked_by, columns=2),
    )


def _words(name: str, words: str, columns: int, most: int, rest: list[tuple[str, str]]) -> Cell:
    shown, more = fitted(words, most)
    if more:
        rest.append((name, words))
    return value(shown, columns=columns, align="center" if columns < 3 else "left")


def _ticks(choices: tuple[tuple[str, bool], ...], columns: int) -> Cell:
    return Cell(lines=(boxes(choices),), columns=columns)


def day(iso: str) -> str:
    """2026-05-01 as 2026年5月1日; what is no day as it stands."""
    try:
        found = datetime.date.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{found.year}年{found.month}月{found.day}日"


def money(yuan: float | None) -> str:
    """Whole yuan without decimals; nothing for what was not said."""
    if yuan is None:
        return ""
    return f"{yuan:.0f}" if float(yuan).is_integer() else f"{yuan:.2f}"


def number_words(number: int | None) -> str:
    return "" if number is None else str(number)
