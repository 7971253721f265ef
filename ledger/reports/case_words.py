"""Names of the figures about alarms, referrals and care. Pure."""

from typing import Final

from ledger.care.services import CARE_SERVICES
from ledger.documents.words import SEVERITIES
from ledger.reports.naming import FigureGroup, figure

ALARMS: Final = (
    FigureGroup(
        group="alarms",
        section="alarms",
        subject="alarm",
        zh="警情",
        en="Alarms",
        zh_about="按报警时间计入本期；演练和设备警情也在内。",
        en_about="By the time they were raised; tests and alarms of devices are included.",
        words=(figure("all", "全部警情", "all alarms"),),
    ),
    FigureGroup(
        group="severity",
        section="alarms",
        subject="alarm",
        zh="级别",
        en="By severity",
        zh_about="最后的级别：升级后按升级后的计。",
        en_about="As it is now: one that got worse counts as what it became.",
        words=tuple(
            figure(name, zh, en)
            for (name, zh), en in zip(
                SEVERITIES.items(), ("urgent", "to watch", "technical"), strict=True
            )
        ),
    ),
    FigureGroup(
        group="rule",
        section="alarms",
        subject="alarm",
        zh="报警原因",
        en="By rule",
        zh_about="由哪条规则发现。",
        en_about="Which rule found it.",
        words=(),
        page="kind",
        open=True,
    ),
    FigureGroup(
        group="outcome",
        section="alarms",
        subject="alarm",
        zh="处置结果",
        en="By outcome",
        zh_about="结案时登记的结果；未结案的单列。",
        en_about="As they were closed; those still open are counted apart.",
        words=(
            figure("open", "尚未结案", "still open"),
            figure("none", "结案未填结果", "closed without an outcome"),
        ),
        page="outcome",
        open=True,
    ),
    FigureGroup(
        group="rule_outcome",
        section="alarms",
        subject="alarm",
        zh="原因与结果",
        en="Rule and outcome",
        zh_about="已结案的警情，按原因和结果交叉。",
        en_about="Closed alarms, by both.",
        words=(),
        page="kind/outcome",
        open=True,
    ),
)
REFERRALS: Final = (
    FigureGroup(
        group="referrals",
        section="referrals",
        subject="referral",
        zh="转介",
        en="Referrals",
        zh_about="本期提出的转介。",
        en_about="Those made in the period.",
        words=(figure("all", "提出转介", "made"),),
    ),
    FigureGroup(
        group="referral_state",
        section="referrals",
        subject="referral",
        zh="目前状态",
        en="What has become of them",
        zh_about="本期提出的转介，今天的状态。",
        en_about="Of those made in the period, as they stand today.",
        words=(
            figure("proposed", "待征得同意", "consent to be asked"),
            figure("sent", "已转出", "sent"),
            figure("accepted", "已接收", "accepted"),
            figure("serving", "服务中", "being served"),
            figure("ended", "已结束", "ended"),
            figure("withdrawn", "已撤回", "withdrawn"),
        ),
    ),
    FigureGroup(
        group="referral_outcome",
        section="referrals",
        subject="referral",
        zh="转介结果",
        en="How they ended",
        zh_about="已结束的转介。",
        en_about="Of those that ended.",
        words=(
            figure("helped", "需求已解决", "helped"),
            figure("partly", "部分解决", "partly"),
            figure("not_helped", "未解决", "not helped"),
            figure("moved", "已迁出", "moved away"),
            figure("died", "已去世", "died"),
        ),
    ),
    FigureGroup(
        group="referral_service",
        section="referrals",
        subject="referral",
        zh="转介服务类别",
        en="By service",
        zh_about="需要哪一类服务。",
        en_about="What was needed.",
        words=tuple(figure(s.word, s.zh, s.en) for s in CARE_SERVICES),
    ),
)
CARE: Final = (
    FigureGroup(
        group="care",
        section="care",
        subject="care",
        zh="服务日志",
        en="Log of services",
        zh_about="第三方机构的服务；更正过的按更正后的计。",
        en_about="Of providers; corrected entries count as corrected.",
        words=(figure("all", "服务次数", "services"),),
    ),
    FigureGroup(
        group="care_service",
        section="care",
        subject="care",
        zh="服务类别",
        en="By service",
        zh_about="按服务日志的类别。",
        en_about="By the kinds of the log.",
        words=tuple(figure(s.word, s.zh, s.en) for s in CARE_SERVICES),
    ),
)
