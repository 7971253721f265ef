"""Reports as files: a spreadsheet with the rows behind it, and sheets to print and sign."""

from dataclasses import replace
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.responses import Response

from dashboard.answers import Trail
from dashboard.asked import QueryWord
from dashboard.callers import Caller, Hub, needs
from dashboard.downloads import as_file, download
from dashboard.export_requests import mark_text, marked, number_of
from dashboard.paper_marks import mark_of
from dashboard.ports import Deps
from dashboard.reads import Row
from dashboard.report_people import counted
from dashboard.report_reads import SUBJECTS, Asked, Months, county_report, region_rows
from dashboard.report_rows import ROW_KINDS, ROWS_IN_FILE, row_table, tally_table
from dashboard.response_reads import calls_of, report
from dashboard.routes.referrals import present_care
from dashboard.routes.reports import PeriodWord, asked_region, span_of
from ledger.documents.paper import Paper
from ledger.documents.sheets import local
from ledger.documents.table import Table
from ledger.documents.workbook import write_xlsx
from ledger.reports.official import OPEN_SHOWN, SheetOf, official_sheet
from ledger.reports.spans import Span, span_before
from ledger.reports.tables import figures_table, regions_table
from ledger.schema import REGION
from ledger.views import Document
from ledger.visiting.days import date_of

router = APIRouter(tags=["reports"])

_TITLE: Final = "特殊困难老年人探访关爱服务统计表"


@router.get("/reports/period.xlsx", response_class=Response, responses=as_file("xlsx"))
def save_report(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("data.export")],
    period: PeriodWord = None,
    region: QueryWord = None,
) -> Response:
    """The figures beside those of the period before, the regions below beside each other, and the
    rows behind the figures, of each kind a sheet."""
    now_ms = hub.clock.now_ms()
    span = span_of(period, now_ms)
    with hub.engine.connect() as connection:
        regions = region_rows(connection, REGION)
        asked = asked_region(caller, region, span, regions)
        months = Months(connection, now_ms, asked)
        now, before = _both(connection, hub, asked, regions, months)
        sheets, missing = _row_sheets(connection, asked, now_ms, months)
    number = number_of(now_ms)
    sheets = [marked(sheet, caller, number, now_ms) for sheet in sheets]
    notes = (*_notes(now_ms, asked), *missing, f"导出：{mark_text(caller, number, now_ms)}")
    made = write_xlsx([figures_table(now, before, notes), regions_table(now), *sheets])
    count = sum(len(sheet.rows) for sheet in sheets)
    detail = f"{number}, {span.key} {region or caller.region}, {count} rows, xlsx"
    trail.note(caller.username, "exported", "report", detail)
    return download(made, f"统计报表-{_unit(asked, regions)}-{span.key}", "xlsx")


@router.get("/reports/period.pdf", response_class=Response, responses=as_file("pdf"))
def print_report(
    *,
    hub: Hub,
    trail: Trail,
    caller: Annotated[Caller, needs("report.read")],
    period: PeriodWord = None,
    region: QueryWord = None,
    each: Annotated[Literal["no", "yes"], Query()] = "no",
) -> Response:
    """The region's figures on one page to sign; `each=yes`: with a page for each one below."""
    now_ms = hub.clock.now_ms()
    span = span_of(period, now_ms)
    with hub.engine.connect() as connection:
        regions = region_rows(connection, REGION)
        asked = asked_region(caller, region, span, regions)
        now, before = _both(connection, hub, asked, regions, Months(connection, now_ms, asked))
    unit, when = _unit(asked, regions), _when(span)
    notes = (*_notes(now_ms, asked), f"报警原因等只列最多的 {OPEN_SHOWN} 类，其余见电子表格。")
    earlier = {part["region"]: part for part in before["regions"]}
    whole = SheetOf(title=_TITLE, unit=unit, period=when, notes=notes)
    sheets = [official_sheet(whole, now, before)]
    for part in now["regions"] if each == "yes" else ():
        name = part["name"] or part["region"]
        about = replace(whole, unit=f"{unit} {name}")
        sheets.append(official_sheet(about, part, earlier.get(part["region"], _NOTHING)))
    mark = mark_of(caller, f"report:{span.key}:{asked.region}:{each}", now_ms)
    paper = Paper(
        title=f"统计表-{unit}-{span.key}",
        printed=mark.foot,
        at_ms=mark.at_ms,
        forms=tuple(sheets),
    )
    made = hub.printer.pdf(paper)
    said = f"{span.key} {region or caller.region}, {mark.number}"
    trail.note(caller.username, "printed", "report", said)
    return download(made, paper.title, "pdf", inline=True)


# Of a region that had nothing in the period before.
_NOTHING: Final[Document] = {
    "figures": {},
    "care": {"minutes": 0, "cost_fen": 0},
    "visits": None,
    "response": None,
}


def _both(
    connection: Connection, hub: Deps, asked: Asked, regions: dict[str, Row], months: Months
) -> tuple[Document, Document]:
    """The report, and that of the period before; each region with its answers and arrivals."""
    earlier = Asked(caller=asked.caller, region=asked.region, span=span_before(asked.span))
    return (
        _with_speeds(connection, hub, asked, regions, months),
        _with_speeds(connection, hub, earlier, regions, None),
    )


def _with_speeds(
    connection: Connection,
    hub: Deps,
    asked: Asked,
    regions: dict[str, Row],
    months: Months | None,
) -> Document:
    document = county_report(connection, hub, asked, regions, months)
    calls = calls_of(connection, asked.caller, asked.region or None, asked.from_ms, asked.to_ms)
    base = asked.region or asked.caller.region
    groups = report(connection, hub, calls, "region", base)["groups"]
    speeds = {group["group"]: group for group in groups}
    nothing = report(connection, hub, [], None, base)["total"]
    for part in document["regions"]:
        part["response"] = speeds.get(part["region"], nothing)
    return document


def _row_sheets(
    connection: Connection, asked: Asked, now_ms: int, months: Months
) -> tuple[list[Table], tuple[str, ...]]:
    """Those that the caller may read and that one file takes; of the others a line says so."""
    caller = asked.caller
    sheets: list[Table] = []
    missing: list[str] = []

    def shown(document: Document) -> Document:
        return present_care(document, caller)

    def add(name: str, table: Table | None) -> None:
        if table is None:
            missing.append(f"{name}超过 {ROWS_IN_FILE} 行，未附名单；请选择镇或村再下载。")
        else:
            sheets.append(table)

    if "person.read" in caller.can:
        found = counted(asked, months)
        add("探访落实（按人）", tally_table(connection, found, caller.can))
    for subject in SUBJECTS:
        kind = ROW_KINDS[subject]
        if kind.needs in caller.can:
            add(kind.zh, row_table(connection, subject, asked, now_ms, shown))
    return sheets, tuple(missing)


def _notes(now_ms: int, asked: Asked) -> tuple[str, ...]:
    today = local(now_ms)
    notes = [f"类别、能力等级和责任人按 {today:%Y-%m-%d} 的名册统计，不与上期比较。"]
    if asked.to_ms > now_ms:
        notes.insert(0, f"本期尚未结束，数字截至 {today:%Y-%m-%d %H:%M}；上期为整期。")
    return tuple(notes)


def _unit(asked: Asked, regions: dict[str, Row]) -> str:
    code = asked.region or asked.caller.region
    if code in regions:
        return str(regions[code]["name"])
    tops = [row["name"] for row in regions.values() if row["parent"] is None]
    return str(tops[0]) if len(tops) == 1 else "全部"


def _when(span: Span) -> str:
    first, last = date_of(span.first), date_of(span.last)
    months = f"{first.month}月" if len(span.months) == 1 else f"{first.month}—{last.month}月"
    return f"{first.year}年{months}"
