"""The printed sheet: every figure once, no heading at the foot of a block."""

from ledger.reports.lines import report_lines, value_text
from ledger.reports.official import BLOCKS, SheetOf, official_sheet
from ledger.reports.spans import parse_span, span_before
from ledger.reports.tables import figures_table, regions_table

EMPTY = {
    "figures": {},
    "care": {"minutes": 0, "cost_fen": 0},
    "visits": None,
    "response": None,
}
TALLY = {"people": 4, "owed": 8, "done": 6, "due": 1, "late": 0, "overdue": 1, "people_short": 1}
NOW = {
    **EMPTY,
    "figures": {
        "people": {"all": 4},
        "category": {"独居": 3},
        "way": {"home_visit": 6, "phone": 2},
        "rule": {f"kind-{n}": n for n in range(1, 12)},
        "rule_outcome": {"sos/test": 1},
    },
    "care": {"minutes": 90, "cost_fen": 12_345},
    "visits": {"total": TALLY, "tiers": {}},
}
ABOUT = SheetOf(title="统计表", unit="平利县", period="2026年11月", notes=("说明",))


def words(cell) -> str:
    return "".join(part.text for line in cell.lines for part in line)


def test_a_sheet_has_each_figure_beside_that_of_the_period_before() -> None:
    form = official_sheet(ABOUT, NOW, {**EMPTY, "figures": {"way": {"phone": 5}}})
    cells = [words(cell) for row in form.rows for cell in row]
    place = cells.index("电话问候")
    assert cells[place : place + 3] == ["电话问候", "2", "5"]
    # Today's register is not compared.
    place = cells.index("独居")
    assert cells[place : place + 3] == ["独居", "3", ""]
    assert cells[cells.index("探访完成率") + 1] == "75.0%"
    assert cells[cells.index("服务费用（元）") + 1] == "123.45"


def test_of_what_has_no_end_the_most_frequent_are_shown() -> None:
    cells = [words(cell) for row in official_sheet(ABOUT, NOW, EMPTY).rows for cell in row]
    assert [c for c in cells if c.startswith("kind-")] == [f"kind-{n}" for n in range(11, 5, -1)]


def test_blocks_are_as_wide_as_their_columns_and_end_with_a_figure() -> None:
    form = official_sheet(ABOUT, NOW, EMPTY)
    for row in form.rows:
        assert sum(cell.columns for cell in row) == len(form.widths)
    columns: list[list[str]] = [[] for _block in range(BLOCKS)]
    for row in form.rows[1:]:
        place = 0
        for cell in row:
            if place % 3 == 0 and cell.lines:
                columns[place // 3].append("heading" if cell.columns == 3 else "figure")
            place += cell.columns
    assert [column[-1] for column in columns] == ["figure"] * BLOCKS


def test_a_table_compares_what_can_be_compared() -> None:
    rows = {row[2]: row for row in figures_table(NOW, EMPTY).rows}
    assert rows["上门探访"][4:7] == (6, 0, 6)
    assert rows["在册老人"][4:7] == (4, 0, 4)
    assert rows["独居"][4:7] == (3, None, None)
    assert rows["探访完成率"][4:7] == (75.0, None, None)
    assert rows["待补访（次）"][7] == "0"
    [row] = regions_table({"regions": [{**NOW, "name": "", "region": "610926"}]}).rows
    assert row[:5] == ("610926", 4, 0, 8, 6)


def test_what_can_not_be_judged_is_no_nought() -> None:
    assert value_text(None, "%") == "—"
    share = next(line for line in report_lines(EMPTY) if line.zh == "探访完成率")
    assert share.value is None


def test_the_span_before() -> None:
    before = {key: span_before(parse_span(key)).key for key in ("2026-01", "2026-11", "2026-Q1")}
    assert before == {"2026-01": "2025-12", "2026-11": "2026-10", "2026-Q1": "2025-Q4"}
    assert span_before(parse_span("2026-Q4")) == parse_span("2026-Q3")
