"""Annex 4: the record of one visit (特殊困难老年人探访关爱服务记录表). Pure.

The way of the visit and its time are columns of their own (`ledger/visits.py`); everything else is
the `record`: answers by field name, each optional, for half a form is worth more than none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.forms.refusal import Refusal
from ledger.forms.services import SERVICE_BY_NUMBER, SERVICES

# More people than this come or go in no household of an elder.
PEOPLE_MAX: Final = 20
# What a visitor types with a thumb; the printed field holds about a quarter of it.
TEXT_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One box to tick. `asks` names the record's field that goes with it (a number, a name)."""

    word: str
    zh: str
    en: str
    asks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A row of the form: one box of several. `group` is the form's column before it."""

    field: str
    group: str
    zh: str
    en: str
    options: tuple[Option, ...]

    @property
    def words(self) -> frozenset[str]:
        return frozenset(option.word for option in self.options)


_UNCHANGED: Final = Option(word="unchanged", zh="无变化", en="unchanged")
_BETTER: Final = Option(word="better", zh="较好", en="better")
_WORSE: Final = Option(word="worse", zh="较差", en="worse")
_CHANGE: Final = (_UNCHANGED, _BETTER, _WORSE)
_SAFE: Final = (
    Option(word="safe", zh="安全", en="safe"),
    Option(word="fairly_safe", zh="较安全", en="fairly safe"),
    Option(word="unsafe", zh="不安全", en="unsafe"),
)

WAY: Final = Question(
    field="way",
    group="",
    zh="探访方式",
    en="Way of the visit",
    options=(
        Option(word="phone", zh="电话问候", en="telephone call"),
        Option(word="home_visit", zh="上门探访", en="visit at home"),
        Option(word="video", zh="互联网音（视）频探访", en="call over the internet"),
        Option(word="other", zh="其他", en="other"),
    ),
)
QUESTIONS: Final[tuple[Question, ...]] = (
    Question(
        field="household",
        group="家庭状况",
        zh="家庭人口",
        en="Household",
        options=(
            _UNCHANGED,
            Option(word="more", zh="增加", en="more people", asks="household_change"),
            Option(word="fewer", zh="减少", en="fewer people", asks="household_change"),
        ),
    ),
    Question(field="speech", group="健康状况", zh="表达能力", en="Speech", options=_CHANGE),
    Question(field="movement", group="健康状况", zh="行动能力", en="Movement", options=_CHANGE),
    Question(
        field="illness",
        group="健康状况",
        zh="疾病状况",
        en="Illness",
        options=(
            _UNCHANGED,
            Option(word="serious", zh="严重", en="serious", asks="illness_name"),
            Option(word="improved", zh="转好", en="improved"),
        ),
    ),
    Question(field="mood", group="精神状态", zh="情绪状态", en="Mood", options=_CHANGE),
    Question(field="gas_safety", group="安全情况", zh="燃气安全", en="Gas", options=_SAFE),
    Question(
        field="water_heating_safety",
        group="安全情况",
        zh="水暖安全",
        en="Water and heating",
        options=_SAFE,
    ),
    Question(
        field="electrical_safety", group="安全情况", zh="用电安全", en="Electricity", options=_SAFE
    ),
    Question(field="fire_safety", group="安全情况", zh="消防安全", en="Fire", options=_SAFE),
    Question(
        field="personal_hygiene",
        group="卫生状况",
        zh="个人卫生",
        en="Personal hygiene",
        options=_CHANGE,
    ),
    Question(
        field="home_hygiene", group="卫生状况", zh="家庭卫生", en="Hygiene at home", options=_CHANGE
    ),
    Question(field="indoors", group="居住环境", zh="室内环境", en="Indoors", options=_CHANGE),
)
# The form leaves 服务人员类别 open; these are the notice's own words (sections 3 and 4).
VISITOR_KIND: Final = Question(
    field="visitor_kind",
    group="",
    zh="服务人员类别",
    en="Kind of visitor",
    options=(
        Option(word="village_cadre", zh="村（社区）干部", en="village cadre"),
        Option(word="stationed_team", zh="驻村工作队员", en="stationed team"),
        Option(word="grid_worker", zh="网格员", en="grid worker"),
        Option(word="liaison_cadre", zh="联村部门包帮干部", en="liaison cadre"),
        Option(word="social_worker", zh="社工", en="social worker"),
        Option(word="volunteer", zh="志愿者", en="volunteer"),
        Option(word="doctor", zh="家庭医生", en="family doctor"),
        Option(word="care_worker", zh="养老服务人员", en="care worker"),
        Option(word="party_member", zh="老党员", en="party member"),
        Option(word="neighbour", zh="亲属邻里", en="relative or neighbour"),
        Option(word="other", zh="其他", en="other"),
    ),
)
# The form wants words; the figures of a quarter want a grade beside them.
SATISFACTION: Final = Question(
    field="satisfaction",
    group="",
    zh="老年人服务满意度评价",
    en="How satisfied the person is",
    options=(
        Option(word="satisfied", zh="满意", en="satisfied"),
        Option(word="fairly_satisfied", zh="基本满意", en="fairly satisfied"),
        Option(word="dissatisfied", zh="不满意", en="dissatisfied"),
    ),
)
# Why the person's signature is missing: many of them never learnt to write.
UNSIGNED: Final = Question(
    field="unsigned",
    group="",
    zh="服务对象未签字原因",
    en="Why the person did not sign",
    options=(
        Option(word="cannot_write", zh="不会写字", en="can't write"),
        Option(word="fingerprint", zh="按手印（纸质）", en="fingerprint on paper"),
        Option(word="unwell", zh="身体不便", en="not able to at the moment"),
        Option(word="unwilling", zh="不愿签字", en="doesn't want to"),
        Option(word="not_there", zh="未当面探访", en="not seen in person"),
    ),
)
CHOICES: Final = (*QUESTIONS, VISITOR_KIND, SATISFACTION, UNSIGNED)

# Field → its name on the form. `remarks` is for what the form has no row for.
TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "illness_name": ("疾病名称", "Name of the illness"),
    "satisfaction_words": ("老年人服务满意度评价", "What the person says of the service"),
    "needs": ("老年人服务需求", "What the person needs"),
    "suggestions": ("实施关爱服务建议", "What should be done"),
    "remarks": ("备注", "Remarks"),
    "unsigned_note": ("未签字说明", "Remarks on the missing signature"),
}
HOUSEHOLD_CHANGE: Final = "household_change"
SERVICES_DONE: Final = "services"
# What a visit that found nobody says; a follow-up is made of it.
NOBODY_MET: Final = "nobody_met"
FIELDS: Final[frozenset[str]] = frozenset(
    {question.field for question in CHOICES}
    | TEXTS.keys()
    | {HOUSEHOLD_CHANGE, SERVICES_DONE, NOBODY_MET}
)


def check(record: Mapping[str, object]) -> list[Refusal]:
    """What of a record can't be: of the fields that this form knows. Empty when all is well."""
    refusals: list[Refusal] = []
    for question in CHOICES:
        refusals += _choice(question, record)
    for field, (zh, en) in TEXTS.items():
        value = record.get(field)
        if value is not None and not (isinstance(value, str) and len(value) <= TEXT_MAX):
            refusals.append(
                Refusal(
                    field=field,
                    code="too_long" if isinstance(value, str) else "no_text",
                    zh=f"“{zh}”应为不超过 {TEXT_MAX} 字的文字，请缩短",
                    en=f"{en}: a text of at most {TEXT_MAX} characters",
                )
            )
    return refusals + _household(record) + _services(record) + _nobody(record)


def _choice(question: Question, record: Mapping[str, object]) -> list[Refusal]:
    value = record.get(question.field)
    if value is None or value == "" or (isinstance(value, str) and value in question.words):
        return []
    return [
        Refusal(
            field=question.field,
            code="no_such_choice",
            zh=f"“{question.zh}”请从以下选项中选择：{'、'.join(o.zh for o in question.options)}",
            en=f"{question.en}: one of {', '.join(o.word for o in question.options)}",
        )
    ]


def _household(record: Mapping[str, object]) -> list[Refusal]:
    people = record.get(HOUSEHOLD_CHANGE)
    changed = record.get("household") in ("more", "fewer")
    if people is None and not changed:
        return []
    if changed and type(people) is int and 1 <= people <= PEOPLE_MAX:
        return []
    if not changed:
        zh, en = "人数只在“增加”或“减少”时填写", "the number belongs to more or fewer people"
    else:
        zh, en = f"请填写 1 到 {PEOPLE_MAX} 的人数", f"a number from 1 to {PEOPLE_MAX}"
    return [
        Refusal(
            field=HOUSEHOLD_CHANGE,
            code="no_such_number",
            zh=f"“家庭人口”：{zh}",
            en=f"Household: {en}",
        )
    ]


def _services(record: Mapping[str, object]) -> list[Refusal]:
    done = record.get(SERVICES_DONE)
    if done is None:
        return []
    if isinstance(done, list) and len(set(map(repr, done))) == len(done) and _known(done):
        return []
    return [
        Refusal(
            field=SERVICES_DONE,
            code="no_such_service",
            zh=f"“服务项目”请填写服务清单的序号（1–{len(SERVICES)}），每项一次",
            en=f"Services: numbers of annex 2 (1 to {len(SERVICES)}), each once",
        )
    ]


def _known(numbers: list[object]) -> bool:
    return all(type(number) is int and number in SERVICE_BY_NUMBER for number in numbers)


def _nobody(record: Mapping[str, object]) -> list[Refusal]:
    value = record.get(NOBODY_MET)
    if value is None or isinstance(value, bool):
        return []
    return [
        Refusal(
            field=NOBODY_MET,
            code="no_yes_or_no",
            zh="“未见到老人”只能填写是或否",
            en="Nobody met: true or false",
        )
    ]
