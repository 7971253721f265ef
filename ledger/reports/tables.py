"""A report as typed tables: its figures, and its regions beside each other. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from ledger.documents.table import Column, Table
from ledger.reports.catalogue import SECTIONS
from ledger.reports.lines import Document, ReportLine, report_lines, value_text

FIGURE_COLUMNS: Final = (
    Column(key="section", zh="分类", width=16),
    Column(key="group", zh="分组", width=16),
    Column(key="figure", zh="指标", width=24),
    Column(key="unit", zh="单位", width=7),
    Column(key="value", zh="本期", kind="decimal", width=12),
    Column(key="before", zh="上期", kind="decimal", width=12),
    Column(key="change", zh="增减", kind="decimal", width=10),
    Column(key="goal", zh="目标", width=9),
    Column(key="about", zh="统计口径", width=60),
)
# What villages and towns are compared by, as keys of lines.
COMPARED: Final = (
    (("people", "all"), "在册老人"),
    (("people", "no_visitor"), "无责任人"),
    (("visits", "owed"), "应访"),
    (("visits", "done"), "已访"),
    (("visits", "share"), "完成率（%）"),
    (("visits", "late"), "待补访"),
    (("visits", "overdue"), "漏访"),
    (("visits", "people_short"), "欠访老人"),
    (("contacts", "all"), "探访记录"),
    (("contacts", "nobody_met"), "未见到老人"),
    (("satisfaction", "dissatisfied"), "不满意"),
    (("alarms", "all"), "警情"),
    (("severity", "urgent"), "紧急警情"),
    (("referrals", "all"), "转介"),
    (("care", "all"), "照护服务"),
)
REGION_COLUMNS: Final = (
    Column(key="region", zh="单位", width=16),
    *(
        Column(
            key="/".join(key), zh=zh, kind="decimal" if key[1] == "share" else "integer", width=11
        )
        for key, zh in COMPARED
    ),
)
_DIGITS: Final = 2


def figures_table(report: Document, before: Document, notes: tuple[str, ...] = ()) -> Table:
    """Each figure beside that of the period before; `notes` stand below, each a row."""
    earlier = {line.key: line for line in report_lines(before)}
    rows = [_figure_row(line, earlier.get(line.key)) for line in report_lines(report)]
    empty = (None,) * (len(FIGURE_COLUMNS) - 1)
    return Table(
        title="指标",
        columns=FIGURE_COLUMNS,
        rows=[*rows, *((f"说明：{note}", *empty) for note in notes)],
    )


def _figure_row(line: ReportLine, before: ReportLine | None) -> tuple[Any, ...]:
    earlier = None if line.of_today or before is None else before.value
    if before is None and not line.of_today:
        # A kind of the open ones that did not occur then.
        earlier = 0
    change = None if line.value is None or earlier is None else line.value - earlier
    return (
        SECTIONS[line.section][0],
        line.group,
        line.zh,
        line.unit,
        _rounded(line.value),
        _rounded(earlier),
        _rounded(change),
        line.goal,
        line.about,
    )


def regions_table(report: Document) -> Table:
    return Table(
        title="各单位",
        columns=REGION_COLUMNS,
        rows=[(part["name"] or part["region"], *_compared(part)) for part in report["regions"]],
    )


def _compared(part: Document) -> list[float | None]:
    values = {line.key: line.value for line in report_lines(part)}
    return [_rounded(values.get(key)) for key, _zh in COMPARED]


def _rounded(value: float | None) -> float | None:
    """Shares have endless digits; counts stay as they are."""
    return value if value is None or isinstance(value, int) else round(value, _DIGITS)


def printed_values(report: Document, before: Document) -> Mapping[tuple[str, str], tuple[str, str]]:
    """By line the value of this period and of the one before, as they are printed."""
    earlier = {line.key: line for line in report_lines(before)}
    found = {}
    for line in report_lines(report):
        old = earlier.get(line.key)
        then = "" if line.of_today else value_text(0 if old is None else old.value, line.unit)
        found[line.key] = (value_text(line.value, line.unit), then)
    return found
