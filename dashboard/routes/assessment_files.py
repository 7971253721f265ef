"""Results of an assessment as a spreadsheet and on paper."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from dashboard.answers import Trail
from dashboard.asked import QueryWord
from dashboard.assessment_reads import WhoKind
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file, download
from dashboard.export_requests import marked, number_of
from dashboard.paper_marks import mark_of
from dashboard.routes.assessments import Shown, results_shown
from dashboard.routes.reports import PeriodWord
from ledger.assessment.paper import WHO_ZH, criteria_table, results_table
from ledger.documents.paper import Paper, Section
from ledger.documents.workbook import write_xlsx

router = APIRouter(tags=["assessments"])

_LINES: Final = (
    "没有发生的（没有呼叫、没有问到满意度、尚未评分）不扣分，其权重由其余指标分担；",
    "评到的权重不足三分之一的不计总分。未审定的得分随台账变化。",
)

By = Annotated[WhoKind, Query()]


@router.get("/assessments/results.xlsx", response_class=Response, responses=as_file("xlsx"))
def save_results(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("data.export")],
    by: By = "region",
    period: PeriodWord = None,
    region: QueryWord = None,
) -> Response:
    """Scores with the points of each criterion, the best first; the criteria on a sheet behind."""
    shown = results_shown(hub, caller, by, period, region)
    now_ms = hub.clock.now_ms()
    number = number_of(now_ms)
    results = marked(results_table(by, shown.criteria, shown.items), caller, number, now_ms)
    made = write_xlsx([results, criteria_table(shown.criteria)])
    trail.note(caller.username, "exported", "assessment", f"{number}, {shown.span.key} {by}, xlsx")
    return download(made, _title(shown, by), "xlsx")


@router.get("/assessments/results.pdf", response_class=Response, responses=as_file("pdf"))
def print_results(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("assessment.read")],
    by: By = "region",
    period: PeriodWord = None,
    region: QueryWord = None,
) -> Response:
    """The same on paper; a visitor's own and no other."""
    shown = results_shown(hub, caller, by, period, region)
    mark = mark_of(caller, f"assessment:{shown.span.key}:{by}:{region or ''}", hub.clock.now_ms())
    paper = Paper(
        title=_title(shown, by),
        printed=mark.foot,
        at_ms=mark.at_ms,
        sections=(
            Section(
                title="一、得分",
                lines=_LINES,
                table=results_table(by, shown.criteria, shown.items),
            ),
            Section(title="二、考核指标", table=criteria_table(shown.criteria)),
        ),
    )
    made = hub.printer.pdf(paper)
    said = f"{shown.span.key} {by}, {mark.number}"
    trail.note(caller.username, "printed", "assessment", said)
    return download(made, paper.title, "pdf", inline=True)


def _title(shown: Shown, by: WhoKind) -> str:
    return f"考核评价结果-{WHO_ZH[by]}-{shown.span.key}"
