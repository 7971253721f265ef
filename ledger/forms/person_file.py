"""Annex 3: what is known of one person (特殊困难老年人信息记录表, 一人一档). Pure.

The person's name, sex, birthday, telephone, categories, grade and conditions are columns of the
register (`ledger.schema.SERVICE_USER`); this is the rest, a document of its own (`file`). The
annex's first section (identity) is not legible in the notice's text at hand: its fields here are
those that the notice names in sections 1 and 2 and the register needs.
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from ledger.forms import id_number
from ledger.forms.refusal import Refusal
from ledger.forms.visit_form import Option

# Rows of the printed table; who lives with more people gets a second sheet.
MEMBERS_PRINTED: Final = 5
MEMBERS_MAX: Final = 20
TEXT_MAX: Final = 500
NAME_MAX: Final = 64
# Above it somebody typed a zero too many: the county's income a head is about 1,600 a month.
MONEY_MAX_YUAN: Final = 1_000_000
# The oldest person ever verified lived 122 years.
AGE_MAX_YEARS: Final = 125

YesNo = Literal["yes", "no", ""]
YES_NO: Final = get_args(YesNo)

# 帮扶单位（组织）: several may be ticked.
SUPPORTERS: Final[tuple[Option, ...]] = (
    Option(word="government", zh="党政机关、群团组织", en="party, government, mass organisations"),
    Option(word="village_committee", zh="镇、村（居）民委员会", en="town or village committee"),
    Option(word="company", zh="企业", en="company"),
    Option(word="social_organisation", zh="社会组织", en="social organisation"),
    Option(word="social_worker", zh="专业社会工作者", en="social worker"),
    Option(word="volunteer", zh="志愿者", en="volunteer"),
    Option(word="other", zh="其他", en="other"),
)
# Kinds and grades of 中华人民共和国残疾人证; 重残 is grade 1 or 2.
DISABILITIES: Final[tuple[Option, ...]] = (
    Option(word="visual", zh="视力", en="visual"),
    Option(word="hearing", zh="听力", en="hearing"),
    Option(word="speech", zh="言语", en="speech"),
    Option(word="physical", zh="肢体", en="physical"),
    Option(word="intellectual", zh="智力", en="intellectual"),
    Option(word="mental", zh="精神", en="mental"),
    Option(word="multiple", zh="多重", en="multiple"),
)
DISABILITY_GRADES: Final = (0, 1, 2, 3, 4)  # 0: no certificate
SEVERE_GRADES: Final = frozenset({1, 2})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A row of 家庭基本情况. `visits_often` is 是否经常探访."""

    name: str
    sex: str = ""
    id_number: str = ""
    relation: str = ""  # 与户主关系
    health: str = ""
    visits_often: YesNo = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFile:
    """Annex 3 without what the register has. Money in yuan a month; None: not said.

    The three facts that end in `_away`, `_town` and `_only_child` are what the definitions of the
    categories ask for (annex 1) and nothing else says.
    """

    id_number: str = ""
    ethnicity: str = ""  # 民族
    registered_address: str = ""  # 户籍地址; where she lives is the home's
    rural_registration: YesNo = ""  # 农村户籍
    lives_alone: YesNo = ""
    spouse_alive: YesNo = ""
    children: int | None = None
    children_in_town: YesNo = ""  # any child lives in the same town
    children_away_months: int | None = None  # all of them, since; 0: at least one is at home
    only_child_lost: YesNo = ""  # 独生子女三级以上伤残或去世, none born or adopted since
    assessed_on: str = ""  # of the ability grade
    disability_kind: str = ""
    disability_grade: int = 0
    disability_number: str = ""
    seriously_ill: YesNo = ""  # 重病
    members: tuple[Member, ...] = ()
    water_safe: YesNo = ""
    electricity_safe: YesNo = ""
    housing_safe: YesNo = ""
    income_yuan: float | None = None
    pension: YesNo = ""
    pension_yuan: float | None = None
    subsidies: tuple[str, ...] = ()  # 享受社会救助和社会福利补贴项目
    subsidies_yuan: float | None = None
    supporters: tuple[str, ...] = ()
    supporter_name: str = ""  # 帮扶责任人
    support: str = ""  # 帮扶措施
    recorded_by: str = ""
    village_checked_by: str = ""
    town_checked_by: str = ""
    recorded_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the register says of the same person; empty texts are unknown."""

    name: str
    sex: str
    born: str
    grade: str
    categories: tuple[str, ...]


# field → its name on the form.
_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "id_number": ("公民身份号码", "Identity number"),
    "ethnicity": ("民族", "Ethnicity"),
    "registered_address": ("户籍地址", "Registered address"),
    "assessed_on": ("评估日期", "Day of the assessment"),
    "recorded_on": ("填表日期", "Day of the record"),
    "disability_kind": ("残疾类别", "Kind of disability"),
    "disability_grade": ("残疾等级", "Grade of disability"),
    "disability_number": ("残疾人证号", "Number of the disability certificate"),
    "children": ("子女人数", "Number of children"),
    "children_away_months": ("子女外出月数", "Months that the children have been away"),
    "income_yuan": ("家庭每月收入", "Income of the household a month"),
    "pension_yuan": ("养老保险每月金额", "Pension a month"),
    "subsidies_yuan": ("每月补贴金额", "Subsidies a month"),
    "subsidies": ("补贴项目", "Subsidies"),
    "supporters": ("帮扶单位（组织）", "Supporting organisations"),
    "supporter_name": ("帮扶责任人", "Who is responsible for the support"),
    "support": ("帮扶措施", "Support given"),
    "members": ("家庭基本情况", "Members of the household"),
}
_ID_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "length": ("应为 18 位，请核对身份证", "must have 18 characters; see the card"),
    "digits": ("前 17 位应为数字，末位为数字或 X", "17 digits, then a digit or X"),
    "birthday": ("其中的出生日期不存在", "holds a birthday that does not exist"),
    "check_digit": ("校验位不符，请逐位核对", "fails its check digit; compare each digit"),
}


def label(field: str) -> tuple[str, str]:
    return _LABELS.get(field, (field, field))


def check(file: PersonFile, identity: Identity, today: datetime.date) -> list[Refusal]:
    """What can't be true of a person's file. Empty when all is well."""
    refusals = _id_number("id_number", file.id_number)
    read = id_number.read(file.id_number) if file.id_number else ""
    if isinstance(read, id_number.IdNumber):
        refusals += _agrees(read, identity)
    refusals += _day("assessed_on", file.assessed_on, today)
    refusals += _day("recorded_on", file.recorded_on, today)
    for field in ("income_yuan", "pension_yuan", "subsidies_yuan"):
        refusals += _number(field, getattr(file, field), MONEY_MAX_YUAN)
    refusals += _number("children", file.children, MEMBERS_MAX)
    refusals += _number("children_away_months", file.children_away_months, 12 * AGE_MAX_YEARS)
    refusals += _of("supporters", file.supporters, {o.word for o in SUPPORTERS})
    kinds = [file.disability_kind] if file.disability_kind else []
    refusals += _of("disability_kind", kinds, {o.word for o in DISABILITIES})
    if file.disability_grade not in DISABILITY_GRADES:
        refusals.append(_refuse("disability_grade", "no_such_choice", "应为 1 到 4 级", "1 to 4"))
    return refusals + _members(file.members)


def _refuse(field: str, code: str, zh: str, en: str, name: str = "") -> Refusal:
    zh_label, en_label = label(name or field)
    return Refusal(field=field, code=code, zh=f"“{zh_label}”{zh}", en=f"{en_label}: {en}")


def _id_number(field: str, text: str) -> list[Refusal]:
    read = id_number.read(text) if text else ""
    if not read or isinstance(read, id_number.IdNumber):
        return []
    zh, en = _ID_WORDS[read]
    return [_refuse(field, f"id_{read}", zh, en, "id_number")]


def _agrees(number: id_number.IdNumber, identity: Identity) -> list[Refusal]:
    refusals = []
    if identity.born and identity.born != number.born:
        zh = f"中的出生日期 {number.born} 与登记的 {identity.born} 不一致，请改正其一"
        en = f"says born {number.born}, the register {identity.born}; correct one of them"
        refusals.append(_refuse("id_number", "id_other_birthday", zh, en))
    if identity.sex and identity.sex != number.sex:
        zh = "中的性别与登记的不一致，请改正其一"
        refusals.append(
            _refuse("id_number", "id_other_sex", zh, "says another sex than the register")
        )
    return refusals


def _day(field: str, text: str, today: datetime.date) -> list[Refusal]:
    if not text:
        return []
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return [_refuse(field, "no_date", "应为日期，如 2026-05-01", "a date, as 2026-05-01")]
    if day > today or day.year < today.year - AGE_MAX_YEARS:
        return [_refuse(field, "impossible_date", "的日期不可能，请核对", "an impossible date")]
    return []


def _number(field: str, value: float | None, most: int) -> list[Refusal]:
    if value is None or 0 <= value <= most:
        return []
    return [_refuse(field, "no_such_number", f"应在 0 到 {most} 之间", f"0 to {most}")]


def _of(field: str, values: Iterable[str], words: set[str]) -> list[Refusal]:
    if set(values) <= words:
        return []
    en = f"one of {', '.join(sorted(words))}"
    return [_refuse(field, "no_such_choice", "请从所列选项中选择", en)]


def _members(members: tuple[Member, ...]) -> list[Refusal]:
    if len(members) > MEMBERS_MAX:
        return [_refuse("members", "too_many", f"最多 {MEMBERS_MAX} 人", f"at most {MEMBERS_MAX}")]
    refusals: list[Refusal] = []
    for place, member in enumerate(members):
        if not member.name.strip():
            field = f"members[{place}].name"
            zh, en = f"第 {place + 1} 行请填写姓名", f"row {place + 1} has no name"
            refusals.append(_refuse(field, "missing", zh, en, "members"))
        refusals += _id_number(f"members[{place}].id_number", member.id_number)
    return refusals
