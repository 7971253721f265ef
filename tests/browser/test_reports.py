"""Reports on the page, with a real hub behind it: month, figure, rows, the person, a file."""

import datetime
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import openpyxl
import pytest
from playwright.sync_api import expect

from contract.moment import to_iso
from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import Bench
from tests.adapters.real_hub import serving_hub
from tests.browser.axe import read_axe
from tests.browser.conftest import DEADLINE_MS, Desk, OpenDesk
from tests.browser.page_checks import open_faults
from tests.dashboard.county import ROSTER

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

ACCOUNTS: Final = {
    "admin-1": ("admin", ""),
    "manager-1": ("manager", "610926101"),
    "visitor-1": ("visitor", "610926101"),
}
LAPTOP: Final = {"width": 1024, "height": 768}
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# Posts as the page does, with its session.
_POST: Final = """async ([path, body]) => {
  const headers = {"Content-Type": "application/json", "X-Requested-With": "hearthwatch"};
  const sent = {method: "POST", headers, body: JSON.stringify(body)};
  const answer = await fetch(`/api/v1/${path}`, sent);
  return [answer.status, await answer.text()];
}"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[tuple[str, Bench]]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as found:
        yield found


@pytest.fixture
def url(bench: tuple[str, Bench]) -> str:
    return bench[0]


@pytest.fixture
def now_ms(bench: tuple[str, Bench]) -> int:
    return bench[1].clock.now_ms()


def tell(desk: Desk, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, text = desk.page.evaluate(_POST, [path, body])
    assert status == 201, text
    return json.loads(text)


def visit(desk: Desk, at_ms: int, **more: Any) -> None:
    record = {"satisfaction": "dissatisfied", "services": [7], "gas_safety": "unsafe"}
    body = {"home": "home-0001", "service_user": "person-0001", "way": "home_visit"}
    tell(desk, "visits", {**body, "visited_at": to_iso(at_ms), "record": record, **more})


def month_before(now_ms: int) -> str:
    today = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
    last = (today + datetime.timedelta(hours=8)).replace(day=1) - datetime.timedelta(days=1)
    return f"{last:%Y-%m}"


@pytest.fixture
def manager(open_desk: OpenDesk, now_ms: int) -> Desk:
    desk = open_desk()
    desk.sign_in_by_hand("manager-1")
    visit(desk, now_ms - HOUR_MS)
    visit(desk, now_ms - 2 * HOUR_MS, way="phone", record={})
    return desk


def test_from_the_month_to_the_figure_to_the_person_and_back(manager: Desk) -> None:
    page = manager.page
    page.get_by_role("link", name="统计报表").click()
    expect(page.get_by_role("heading", name="统计报表")).to_be_visible()
    # A month that runs says so before anything else.
    expect(page.locator("main")).to_contain_text("还没有结束")
    page.locator("[data-figure='unsafe.gas_safety']").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("发现不安全 · 燃气安全")
    expect(dialog.get_by_role("status")).to_have_text("名单已载入，共 1 条")
    rows = dialog.locator("ul.rows > li")
    expect(rows).to_have_count(1)
    manager.at_every_size(rows.get_by_role("link", name="张桂英"), shown=[dialog])
    # The bars are also a table, which ends with this month's.
    expect(dialog.locator("caption")).to_contain_text("近 12 个月")
    expect(dialog.locator("tbody tr")).to_have_count(12)
    # As big as the other words of the chart: the dialog's own great number is another.
    size = "one => parseFloat(getComputedStyle(one).fontSize)"
    assert dialog.locator("svg text.value").first.evaluate(size) <= 14
    assert dialog.locator("p.value").evaluate(size) > 14
    expect(dialog.locator("tbody tr").last).to_contain_text("1（未结束）")
    rows.get_by_role("link", name="张桂英").click()
    expect(page.get_by_role("heading", name=re.compile("张桂英"))).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_contain_text("燃气安全")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_people_have_a_course_where_dates_on_file_tell_one(open_desk: OpenDesk) -> None:
    desk = open_desk(language="en")
    desk.sign_in_by_hand("manager-1")
    page = desk.page
    desk.go("/reports")
    page.locator("[data-figure='people.all']").click()
    dialog = page.get_by_role("dialog")
    months = dialog.locator("tbody tr")
    expect(months).to_have_count(12)
    expect(months.last).to_contain_text("1 (")
    # Months before this book began are empty, not nought.
    expect(months.first).to_contain_text("not known")
    expect(dialog).to_contain_text("From the dates of joining, leaving and birth on file")
    desk.at_every_size(shown=[dialog.locator("svg").first])
    assert open_faults(desk, read_axe(), "figure") == []
    page.keyboard.press("Escape")
    page.locator("[data-figure^='category.']").first.click()
    expect(dialog).to_contain_text("This is known for today only")
    expect(months).to_have_count(0)


def test_a_figure_opens_and_closes_by_keys_alone(manager: Desk) -> None:
    page = manager.page
    manager.go("/reports")
    figure = page.locator("[data-figure='way.phone']")
    figure.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("button", name="关闭", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(figure).to_be_focused()


def test_who_is_short_of_a_visit_is_named(manager: Desk, now_ms: int) -> None:
    page = manager.page
    manager.go("/reports")
    page.locator("[data-figure='visits.calls']").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("ul.rows > li")).to_contain_text("张桂英")
    expect(dialog.locator("ul.rows > li")).to_contain_text("城关镇")
    # Month by month: each of the twelve is asked for.
    expect(dialog.locator("tbody tr").last).to_contain_text("未结束")


def test_another_month_and_another_region_stand_in_the_address(
    open_desk: OpenDesk, now_ms: int
) -> None:
    desk = open_desk()
    desk.sign_in_by_hand("admin-1")
    page = desk.page
    desk.go("/reports")
    table = page.get_by_role("region", name="各单位对比").locator("table")
    expect(table.locator("tbody tr")).to_have_count(2)
    desk.at_every_size(table.get_by_role("button", name="城关镇"))
    table.get_by_role("button", name="城关镇").click()
    desk.wait_for("location.search.includes('region=610926101')")
    expect(page.get_by_role("navigation", name="地区")).to_contain_text("平利县")
    expect(table.locator("tbody")).to_contain_text("龙头村")
    page.get_by_role("button", name="‹ 上月").click()
    desk.wait_for(f"location.search.includes('period={month_before(now_ms)}')")
    expect(page.get_by_text("人数是统计期最后一天在服务中的老人")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("还没有结束")
    page.go_back()
    page.go_back()
    expect(table.locator("tbody")).to_contain_text("兴隆镇")


def test_a_heading_sorts_and_says_so(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.sign_in_by_hand("admin-1")
    desk.go("/reports")
    table = desk.page.get_by_role("region", name="各单位对比").locator("table")
    names = table.locator("tbody th")
    expect(names).to_have_text(["城关镇", "兴隆镇"])
    table.get_by_role("button", name="单位").click()
    expect(names).to_have_text(["兴隆镇", "城关镇"])
    expect(table.locator("th[aria-sort]")).to_have_attribute("aria-sort", "descending")


def test_the_spreadsheet_has_the_figures_and_their_rows(manager: Desk, tmp_path: Path) -> None:
    page = manager.page
    manager.go("/reports")
    with page.expect_download() as download:
        page.get_by_role("button", name="下载 Excel").click()
    assert download.value.suggested_filename.startswith("统计报表-城关镇-")
    download.value.save_as(tmp_path / "report.xlsx")
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    figures = {row[2].value: row[4].value for row in book["指标"].iter_rows(min_row=2)}
    assert (figures["上门探访"], figures["电话问候"], figures["不满意"]) == (1, 1, 1)
    people = [row[2].value for row in book["探访记录"].iter_rows(min_row=2)]
    assert people == ["张桂英", "张桂英"]
    with page.expect_download() as download:
        page.get_by_role("button", name="打印统计表").click()
    assert download.value.suggested_filename.endswith(".pdf")


def test_a_visitor_has_no_reports_in_the_menu(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.sign_in_by_hand("visitor-1")
    expect(desk.page.get_by_role("link", name="计划").first).to_be_visible()
    expect(desk.page.get_by_role("link", name="统计报表")).to_have_count(0)


def test_an_open_figure_violates_nothing(open_desk: OpenDesk, now_ms: int) -> None:
    desk = open_desk(language="en")
    desk.sign_in_by_hand("manager-1")
    visit(desk, now_ms - HOUR_MS)
    desk.go("/reports")
    desk.page.locator("[data-figure='way.home_visit']").click()
    expect(desk.page.get_by_role("dialog").locator("ul.rows > li")).to_have_count(1)
    found = open_faults(desk, read_axe(), "figure")
    assert not found, "\n".join(found)
