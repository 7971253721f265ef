"""Assessment on the page, with a real hub behind it: a mark, feedback, the answer, what stands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from contract.moment import from_iso
from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import Bench
from tests.adapters.real_hub import serving_hub
from tests.browser.axe import read_axe, too_wide
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.browser.page_checks import open_faults
from tests.browser.test_reports import ACCOUNTS, DAY_MS, visit
from tests.dashboard.county import ROSTER

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[tuple[str, Bench]]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as found:
        yield found


@pytest.fixture
def url(bench: tuple[str, Bench]) -> str:
    return bench[0]


@pytest.fixture
def clock(bench: tuple[str, Bench]) -> Any:
    return bench[1].clock


def signed_in(open_desk: OpenDesk, username: str, **more: Any) -> Desk:
    desk = open_desk(**more)
    desk.sign_in_by_hand(username)
    return desk


def next_quarter(clock: Any) -> None:
    clock.at_ms = from_iso("2027-01-05T02:00:00Z")


def say(page: Page, what: str, text: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=what, exact=True).click()
    form = dialog.locator("form")
    expect(form.get_by_role("button", name=what)).to_be_disabled()
    form.locator("[name=text]").fill(text)
    form.get_by_role("button", name=what).click()
    expect(form).to_have_count(0)


def test_mark_feedback_answer_and_a_result_that_stands(open_desk: OpenDesk, clock: Any) -> None:
    """A manager of the town about a visitor, who answers on the telephone."""
    visitor = signed_in(open_desk, "visitor-1", viewport=PHONE)
    visit(visitor, clock.now_ms() - DAY_MS, record={"satisfaction": "satisfied", "services": [7]})
    next_quarter(clock)
    desk = signed_in(open_desk, "manager-1")
    page = desk.page
    page.get_by_role("link", name="考核评价").click()
    # The quarter that is over, not the one that runs.
    expect(page.locator("main")).to_contain_text("2026年第4季度")
    page.get_by_role("button", name="镇村").click()
    page.get_by_role("button", name="龙头村").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("[data-criterion=satisfied]")).to_contain_text("15 / 15")
    expect(dialog.locator("[data-criterion=satisfied]")).to_contain_text("1 / 1，即 100%")
    expect(dialog.locator("[data-criterion=answered]")).to_contain_text("不计")
    dialog.get_by_role("button", name="评分", exact=True).click()
    desk.at_every_size(dialog.locator("[name=points]"), dialog.locator("[name=text]"))
    dialog.locator("[name=points]").fill("80")
    dialog.locator("[name=text]").fill("档案齐全，一户未更新")
    dialog.locator("form").get_by_role("button", name="评分").click()
    expect(dialog.locator("[data-criterion=inspection]")).to_contain_text("8 / 10")
    say(page, "反馈", "两户请补访")
    say(page, "答复", "已补访")
    say(page, "审定结果", "同意")
    expect(dialog.locator(".value")).to_contain_text("已审定")
    expect(dialog.get_by_role("button", name="评分", exact=True)).to_have_count(0)
    said = dialog.locator("ul.rows").last.locator("> li")
    expect(said.locator(".badge")).to_have_text(["评分", "反馈", "答复", "审定"])
    expect(said.nth(1)).to_contain_text("两户请补访")


def test_a_visitor_sees_the_own_score_and_answers(open_desk: OpenDesk, clock: Any) -> None:
    visitor = signed_in(open_desk, "visitor-1", viewport=PHONE)
    visit(visitor, clock.now_ms() - DAY_MS, record={"satisfaction": "dissatisfied"})
    desk = signed_in(open_desk, "manager-1")
    desk.go("/assessment?by=visitor&period=2026-Q4")
    desk.page.get_by_role("button", name="visitor-1", exact=True).click()
    say(desk.page, "反馈", "有一位老人不满意")
    page = visitor.page
    visitor.go("/me")
    page.get_by_role("link", name="考核评价").click()
    page.get_by_role("button", name="看每项得分的来历和反馈").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("有一位老人不满意")
    # Nobody marks the own work.
    expect(dialog.get_by_role("button", name="评分", exact=True)).to_have_count(0)
    satisfied = dialog.locator("[data-criterion=satisfied]")
    satisfied.get_by_role("button", name="看不满意的记录").click()
    expect(satisfied.locator(".lost li")).to_contain_text("张桂英")
    assert not too_wide(visitor)
    say(page, "答复", "已上门道歉")
    expect(dialog).to_contain_text("已上门道歉")
    assert not too_wide(visitor)


def test_a_quarter_that_runs_can_not_be_settled(open_desk: OpenDesk, clock: Any) -> None:
    desk = signed_in(open_desk, "manager-1")
    visit(desk, clock.now_ms() - DAY_MS)
    desk.go("/assessment?period=2026-Q4")
    expect(desk.page.locator("main")).to_contain_text("还没有结束")
    desk.page.get_by_role("button", name="龙头村").click()
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="反馈", exact=True)).to_be_visible()
    expect(dialog.get_by_role("button", name="审定结果")).to_have_count(0)
    expect(dialog).to_contain_text("本季度结束后才能审定")


def test_criteria_are_said_anew_by_who_may(open_desk: OpenDesk, clock: Any) -> None:
    desk = signed_in(open_desk, "admin-1")
    visit(desk, clock.now_ms() - DAY_MS)
    page = desk.page
    desk.go("/assessment?period=2026-Q4")
    panel = page.get_by_role("region", name="考核指标")
    panel.get_by_role("button", name="修改指标").click()
    first = panel.get_by_role("group", name="第 1 项", exact=True)
    first.get_by_label("满分（分）").fill("45")
    expect(panel).to_contain_text("满分合计 105，应为 100。")
    save = panel.get_by_role("button", name="保存指标")
    panel.get_by_label("修改原因").fill("县里发文调整")
    expect(save).to_be_disabled()
    panel.get_by_role("button", name="删除第 3 项").click()
    expect(panel).to_contain_text("满分合计 100")
    first.get_by_label("得满分").fill("60")
    expect(first).to_contain_text("不能相同")
    expect(save).to_be_disabled()
    first.get_by_label("得满分").fill("95")
    save.click()
    expect(panel.get_by_role("button", name="修改指标")).to_be_visible()
    expect(panel).to_contain_text("60% 得 0 分，95% 得满分 45")
    expect(panel).not_to_contain_text("有服务内容")
    other = signed_in(open_desk, "manager-1")
    other.go("/assessment")
    expect(other.page.get_by_role("region", name="考核指标")).to_be_visible()
    expect(other.page.get_by_role("button", name="修改指标")).to_have_count(0)


def test_results_are_saved(open_desk: OpenDesk, clock: Any, tmp_path: Path) -> None:
    desk = signed_in(open_desk, "manager-1")
    visit(desk, clock.now_ms() - DAY_MS)
    desk.go("/assessment?period=2026-Q4")
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="下载 Excel").click()
    download.value.save_as(tmp_path / "results.xlsx")
    [_head, row] = openpyxl.load_workbook(tmp_path / "results.xlsx")["得分"].values
    assert row[1] == "龙头村"
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="打印结果").click()
    assert download.value.suggested_filename == "考核评价结果-单位-2026-Q4.pdf"


def test_what_opens_in_an_assessment_violates_nothing(open_desk: OpenDesk, clock: Any) -> None:
    desk = signed_in(open_desk, "admin-1", language="en")
    visit(desk, clock.now_ms() - DAY_MS)
    page = desk.page
    desk.go("/assessment?period=2026-Q4")
    page.get_by_role("button", name="Change the criteria").click()
    expect(page.locator("fieldset").first).to_be_visible()
    found = open_faults(desk, read_axe(), "criteria")
    page.locator("main table .button").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Give feedback").click()
    dialog.get_by_role("button", name="Who was dissatisfied").click()
    expect(dialog.locator(".lost")).to_be_visible()
    found += open_faults(desk, read_axe(), "score")
    assert not found, "\n".join(found)
