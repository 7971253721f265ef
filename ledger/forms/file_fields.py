"""The fields of a person's file: what each is called, where it stands, its form. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ledger.forms.person_file import DISABILITIES, SUPPORTERS
from ledger.forms.visit_form import Option

Section = Literal["identity", "care", "household", "living", "support", "record"]
Form = Literal[
    "text",
    "long",
    "yes_no",
    "whole",
    "money",
    "day",
    "choice",
    "grade",
    "choices",
    "texts",
    "members",
]

SECTIONS: Final[Mapping[Section, tuple[str, str]]] = {
    "identity": ("一、基本信息", "1. Identity"),
    "care": ("类别依据", "What the categories rest on"),
    "household": ("二、家庭基本情况", "2. Household"),
    "living": ("三、家庭生活条件", "3. Living conditions"),
    "support": ("四、已享受帮扶情况", "4. Support received"),
    "record": ("填表与审核", "Record and checks"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`secret`: shown masked everywhere (identity numbers, and what begins with one)."""

    name: str
    section: Section
    form: Form
    zh: str
    en: str
    options: tuple[Option, ...] = ()
    secret: bool = False


def _f(  # noqa: PLR0917 - a table's columns
    name: str,
    section: Section,
    form: Form,
    zh: str,
    en: str,
    options: tuple[Option, ...] = (),
    *,
    secret: bool = False,
) -> Field:
    return Field(
        name=name, section=section, form=form, zh=zh, en=en, options=options, secret=secret
    )


FIELDS: Final[tuple[Field, ...]] = (
    _f("id_number", "identity", "text", "公民身份号码", "Identity number", secret=True),
    _f("ethnicity", "identity", "text", "民族", "Ethnicity"),
    _f("registered_address", "identity", "long", "户籍地址", "Registered address"),
    _f("rural_registration", "identity", "yes_no", "农村户籍", "Rural registration"),
    _f("lives_alone", "care", "yes_no", "独自居住", "Lives alone"),
    _f("spouse_alive", "care", "yes_no", "配偶健在", "Spouse alive"),
    _f("children", "care", "whole", "子女人数", "Number of children"),
    _f("children_in_town", "care", "yes_no", "有子女住在本镇", "A child lives in the same town"),
    _f(
        "children_away_months",
        "care",
        "whole",
        "全部子女外出月数",
        "Months that all children have been away",
    ),
    _f(
        "only_child_lost",
        "care",
        "yes_no",
        "独生子女三级以上伤残或去世，未再生育或收养",
        "Only child dead or severely disabled, none born or adopted since",
    ),
    _f("assessed_on", "care", "day", "能力评估日期", "Day of the assessment"),
    _f("disability_kind", "care", "choice", "残疾类别", "Kind of disability", DISABILITIES),
    _f("disability_grade", "care", "grade", "残疾等级", "Grade of disability"),
    # It begins with the identity number.
    _f(
        "disability_number",
        "care",
        "text",
        "残疾人证号",
        "Number of the disability certificate",
        secret=True,
    ),
    _f("seriously_ill", "care", "yes_no", "重病", "Seriously ill"),
    _f("members", "household", "members", "家庭基本情况", "Members of the household"),
    _f("water_safe", "living", "yes_no", "饮水是否安全", "Drinking water safe"),
    _f("electricity_safe", "living", "yes_no", "生活用电是否安全", "Electricity safe"),
    _f("housing_safe", "living", "yes_no", "住房是否安全", "Housing safe"),
    _f(
        "income_yuan",
        "living",
        "money",
        "家庭每月收入（元）",
        "Income of the household a month (yuan)",
    ),
    _f("pension", "living", "yes_no", "有养老保险", "Has a pension"),
    _f("pension_yuan", "living", "money", "养老保险每月金额（元）", "Pension a month (yuan)"),
    _f("subsidies", "living", "texts", "补贴项目", "Subsidies"),
    _f("subsidies_yuan", "living", "money", "每月补贴金额（元）", "Subsidies a month (yuan)"),
    _f(
        "supporters",
        "support",
        "choices",
        "帮扶单位（组织）",
        "Supporting organisations",
        SUPPORTERS,
    ),
    _f("supporter_name", "support", "text", "帮扶责任人", "Who is responsible for the support"),
    _f("support", "support", "long", "帮扶措施", "Support given"),
    _f("recorded_by", "record", "text", "信息录入人员", "Recorded by"),
    _f(
        "village_checked_by",
        "record",
        "text",
        "村（居）民委员会审核人员",
        "Checked in the village by",
    ),
    _f("town_checked_by", "record", "text", "镇政府审核人员", "Checked in the town by"),
    _f("recorded_on", "record", "day", "填表日期", "Day of the record"),
)
FIELD: Final[Mapping[str, Field]] = {field.name: field for field in FIELDS}

# Columns of the register that the form's first section has.
REGISTER: Final[Mapping[str, tuple[str, str]]] = {
    "name": ("姓名", "Name"),
    "sex": ("性别", "Sex"),
    "born": ("出生日期", "Birthday"),
    "phone": ("联系电话", "Telephone"),
    "home": ("住址", "Home"),
    "categories": ("类别", "Categories"),
    "grade": ("能力等级", "Ability grade"),
    "conditions": ("病史", "Conditions"),
    "medication": ("用药", "Medication"),
    "allergies": ("过敏", "Allergies"),
    "hearing": ("听力与沟通", "How to be heard"),
    "contacts": ("紧急联系人", "Emergency contacts"),
    "visitor": ("探访责任人", "Responsible visitor"),
    "joined_on": ("加入日期", "Joined on"),
    "left_on": ("退出日期", "Left on"),
    "left_why": ("退出原因", "Why she or he left"),
    "left_note": ("去向说明", "Where to, remarks"),
    "returned_on": ("重新加入日期", "Returned on"),
    "service_gaps": ("此前退出记录", "Times out of the service before"),
}


def named(field: str) -> tuple[str, str]:
    """What a field of the file or the register is called; `members[2].name` by its first part."""
    first = field.split("[", 1)[0].split(".", 1)[0]
    if first in REGISTER:
        return REGISTER[first]
    known = FIELD.get(first)
    return (first, first) if known is None else (known.zh, known.en)
