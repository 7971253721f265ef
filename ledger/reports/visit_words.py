"""Names of the figures about people, visits, what was found and the services of annex 2. Pure."""

from dataclasses import replace
from typing import Final

from ledger.forms.joining import WHY_LEFT
from ledger.forms.services import SERVICES
from ledger.forms.visit_form import QUESTIONS, SATISFACTION, WAY
from ledger.reports.naming import FigureGroup, figure, nobody, options_of

_QUESTIONS: Final = {question.field: question for question in QUESTIONS}
_GRADE_NAMES: Final = (
    ("完好", "能力完好", "fully able"),
    ("轻度", "轻度失能", "mild loss of ability"),
    ("中度", "中度失能", "moderate loss of ability"),
    ("重度", "重度失能", "severe loss of ability"),
    ("完全", "完全失能", "complete loss of ability"),
    ("unknown", "未评估", "not assessed"),
)
_CATEGORY_NAMES: Final = (
    ("独居", "独居", "lives alone"),
    ("空巢", "空巢", "children live elsewhere"),
    ("留守", "留守", "children away for work"),
    ("失能", "失能", "can't look after themselves"),
    ("重残", "重残", "severely disabled"),
    ("计划生育特殊家庭", "计生特殊家庭", "lost an only child"),
    ("none", "未登记类别", "no category"),
)

PEOPLE: Final = (
    FigureGroup(
        group="people",
        section="people",
        subject="person",
        zh="人数",
        en="People",
        zh_about="统计期最后一天在服务中的老人；类别、等级和责任人按今天的名册统计。",
        en_about="In the service on the last day; everything else as in today's register.",
        words=(
            figure("all", "在册老人", "on the register"),
            figure(
                "high_age",
                "高龄（80岁及以上）",
                "aged 80 or more",
                "按统计期最后一天的年龄。",
                "By age on the last day.",
            ),
            figure("age_unknown", "出生日期不详", "age unknown"),
            replace(
                nobody(
                    "no_visitor",
                    "无探访责任人",
                    "without a responsible visitor",
                    "每位老人都应有一名探访关爱责任人。",
                    "Everybody must have one.",
                ),
                of_today=True,
            ),
        ),
    ),
    FigureGroup(
        group="change",
        section="people",
        subject="person",
        zh="本期增减",
        en="Joined and left",
        zh_about="统计期内加入、重新加入和退出服务的老人，退出按原因分列。",
        en_about="Who joined, returned or left within the period, by reason.",
        words=(
            figure("joined", "新增", "joined"),
            figure("returned", "重新加入", "returned"),
            *options_of(WHY_LEFT),
        ),
    ),
    FigureGroup(
        group="category",
        section="people",
        subject="person",
        zh="类别",
        en="By category",
        zh_about="一位老人可属多个类别，合计会大于在册人数。",
        en_about="One person may be in several, so the sum may exceed the number of people.",
        words=tuple(replace(figure(*names), of_today=True) for names in _CATEGORY_NAMES),
    ),
    FigureGroup(
        group="grade",
        section="people",
        subject="person",
        zh="能力等级",
        en="By grade of ability",
        zh_about="按最近一次能力评估（GB/T 42195）；每位老人只计一次。",
        en_about="By the latest assessment (GB/T 42195); each person counts once.",
        words=tuple(replace(figure(*names), of_today=True) for names in _GRADE_NAMES),
    ),
)
VISITS: Final = (
    FigureGroup(
        group="visits",
        section="visits",
        subject="tally",
        zh="上门探访",
        en="Home visits",
        zh_about="应访＝已访＋待访＋待补访＋漏访。只有见到老人的上门探访才算；电话、视频另计。",
        en_about="Due = made + still to come + to make up + missed. Only where the person was met.",
        words=(
            figure(
                "owed",
                "应访（次）",
                "due",
                "按每位老人的探访频次。",
                "By each person's frequency.",
            ),
            figure("done", "已访（次）", "made"),
            figure(
                "due", "待访（次）", "still to come", "还没到日子。", "Their day has not come yet."
            ),
            nobody(
                "late",
                "待补访（次）",
                "to make up",
                "计划的日子已过，本期内还能补。",
                "The planned day is over, the period still runs.",
            ),
            nobody(
                "overdue", "漏访（次）", "missed", "整个周期已过。", "The whole period is over."
            ),
            nobody("people_short", "欠访老人（人）", "people short of visits"),
            figure("more", "超出应访（次）", "more than were due"),
            figure("calls", "电话与视频（次）", "calls"),
            figure("nobody_met", "上门未见到（次）", "met nobody"),
        ),
    ),
)
CONTACTS: Final = (
    FigureGroup(
        group="contacts",
        section="contacts",
        subject="visit",
        zh="记录",
        en="Records",
        zh_about="本期的每一条探访记录；作废的、重复的只计在各自一项里。",
        en_about="Each record of the period; cancelled ones and duplicates count only as such.",
        words=(
            figure("all", "有效记录", "records that count"),
            figure("nobody_met", "未见到老人", "met nobody", "任何方式。", "In any way."),
            figure("met_at_home", "上门见到老人", "met at home"),
            figure("with_service", "上门并有服务", "at home, with a service"),
            figure("needs", "提出需求", "a need was named"),
            figure("voided", "已作废", "cancelled"),
            figure("duplicate", "重复记录", "duplicates"),
        ),
    ),
    FigureGroup(
        group="way",
        section="contacts",
        subject="visit",
        zh="探访方式",
        en="By kind",
        zh_about="电话、视频是补充，不能代替上门。",
        en_about="Calls are additional; they don't replace home visits.",
        words=options_of(WAY.options),
    ),
    FigureGroup(
        group="visit_kind",
        section="contacts",
        subject="visit",
        zh="探访起因",
        en="By occasion",
        zh_about="例行计划、警情、回访或维修时的探访。",
        en_about="By what led to the visit.",
        words=(),
        page="task_kind",
        open=True,
    ),
)
FOUND: Final = (
    FigureGroup(
        group="satisfaction",
        section="found",
        subject="visit",
        zh="满意度",
        en="Satisfaction",
        zh_about="按记录条数；没有问到的不计。",
        en_about="By records; who was not asked is left out.",
        words=options_of(SATISFACTION.options),
    ),
    FigureGroup(
        group="unsafe",
        section="found",
        subject="visit",
        zh="发现不安全",
        en="Found unsafe",
        zh_about="记录里填“不安全”的次数；同一隐患每次发现都计。",
        en_about="Records that say unsafe; the same danger counts each time.",
        words=tuple(figure(q.field, q.zh, q.en) for q in QUESTIONS if q.field.endswith("_safety")),
    ),
    FigureGroup(
        group="worse",
        section="found",
        subject="visit",
        zh="情况较差",
        en="Found worse",
        zh_about="记录里填“较差”（疾病为“严重”）的次数。",
        en_about="Records that say worse (of an illness: serious).",
        words=tuple(
            figure(q.field, q.zh, q.en)
            for q in QUESTIONS
            if "worse" in q.words or q is _QUESTIONS["illness"]
        ),
    ),
)
SERVICE: Final = (
    FigureGroup(
        group="service",
        section="services",
        subject="visit",
        zh="附件2的16项服务",
        en="The sixteen services",
        zh_about="一次探访可做几项，每项各计一次；未见到老人的不计。",
        en_about="One visit may have several; a visit that met nobody has none.",
        words=tuple(
            figure(str(s.number), f"{s.number} {s.name}", f"{s.number} {s.en}", s.detail, s.en)
            for s in SERVICES
        ),
    ),
)
