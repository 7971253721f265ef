"""A report as lines: each figure with name, unit, value and goal, in the order of a sheet. Pure.

Takes the documents of `GET reports/period`, so that a file says what the page says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.care.money import FEN
from ledger.reports.catalogue import GROUPS, SECTIONS, words_shown, zh_name
from ledger.reports.naming import Counted, FigureGroup

Document = Mapping[str, Any]

_UNITS: Final[Mapping[Counted, str]] = {
    "person": "人",
    "visit": "次",
    "alarm": "起",
    "referral": "件",
    "care": "次",
    # Visits, but for one that is of people; its name says so.
    "tally": "",
}
_MINUTES: Final = 60
_SPEEDS: Final = (("answered", "接警"), ("attended", "到场"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """`value` None: there was nothing to judge by. `key` is the same in every period."""

    key: tuple[str, str]
    section: str
    group: str
    zh: str
    unit: str
    value: float | None
    goal: str = ""
    about: str = ""
    # Of today, whatever the period: not to be compared.
    of_today: bool = False


def report_lines(report: Document) -> Iterator[ReportLine]:
    """Of a report, or of one region's part of it."""
    for section in SECTIONS:
        for group in GROUPS:
            if group.section == section:
                yield from _group(group, _figures(report, group))
        if section == "visits":
            yield _share_made(_tally(report))
        elif section == "response" and report.get("response") is not None:
            yield from _response(report["response"])
        elif section == "care":
            yield from _care(report["care"])


def value_text(value: float | None, unit: str) -> str:
    """As it is printed."""
    if value is None:
        return "—"
    if unit == "%":
        return f"{value:.1f}%"
    return f"{value:.2f}" if unit == "元" else f"{value:g}"


def _tally(report: Document) -> Mapping[str, int]:
    tally: Mapping[str, int] = (report["visits"] or {}).get("total", {})
    return tally


def _figures(report: Document, group: FigureGroup) -> Mapping[str, int]:
    if group.subject == "tally":
        return {w.word: _tally(report).get(w.word, 0) for w in group.words}
    figures: Mapping[str, int] = report["figures"].get(group.group, {})
    return figures


def _group(group: FigureGroup, figures: Mapping[str, int]) -> Iterator[ReportLine]:
    goals = {one.word: one.goal for one in group.words}
    of_today = {one.word for one in group.words if one.of_today}
    abouts = {one.word: one.zh_about for one in group.words}
    for name in words_shown(group, figures):
        goal = goals.get(name)
        yield ReportLine(
            key=(group.group, name),
            section=group.section,
            group=group.zh,
            zh=zh_name(group, name),
            unit=_UNITS[group.subject],
            value=figures.get(name, 0),
            goal="" if goal is None else str(goal),
            about=" ".join(text for text in (group.zh_about, abouts.get(name, "")) if text),
            of_today=name in of_today,
        )


def _share_made(tally: Mapping[str, int]) -> ReportLine:
    owed = tally.get("owed", 0)
    return ReportLine(
        key=("visits", "share"),
        section="visits",
        group="上门探访",
        zh="探访完成率",
        unit="%",
        value=100 * tally.get("done", 0) / owed if owed else None,
        goal="100%",
        about="已访除以应访；月中查看时，待访的也在应访里。",
    )


def _response(response: Document) -> Iterator[ReportLine]:
    for name, zh in _SPEEDS:
        for share in response[name]["shares"]:
            within = share["within_s"]
            limit = f"{within} 秒" if name == "answered" else f"{within // _MINUTES} 分钟"
            yield ReportLine(
                key=(name, str(within)),
                section="response",
                group=zh,
                zh=f"{limit}内{zh}",
                unit="%",
                value=None if share["share"] is None else 100 * share["share"],
                goal=f"{100 * share['goal']:g}%",
                about=f"{share['met']}/{share['of']} 起；从警情变为紧急时算起。",
            )
    yield ReportLine(
        key=("response", "calls"),
        section="response",
        group="接警",
        zh="紧急呼叫",
        unit="起",
        value=response["calls"],
        about="通知过人的紧急警情；演练不计。",
    )


def _care(care: Document) -> Iterator[ReportLine]:
    for name, zh, unit, value in (
        ("minutes", "服务时长（分钟）", "分钟", care["minutes"]),
        ("cost_fen", "服务费用（元）", "元", care["cost_fen"] / FEN),
    ):
        yield ReportLine(
            key=("care", name),
            section="care",
            group="服务日志",
            zh=zh,
            unit=unit,
            value=value,
            about="服务日志里登记的合计。",
        )
