"""The office with a real hub behind: regions, files for departments, accounts, the trail."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import Bench
from tests.adapters.real_hub import serving_hub
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.browser.test_accessibility import LEVELS, axe, violations
from tests.browser.test_unseen import TABLET
from tests.dashboard.conftest import ROSTER

__all__ = ["axe"]

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

ACCOUNTS = {
    "admin-1": ("admin", ""),
    "manager-1": ("manager", "610926101"),
    "visitor-1": ("visitor", "610926101"),
    "auditor-1": ("auditor", ""),
    "department-1": ("department", "610926101"),
    "exchange-1": ("exchange", "610926101"),
}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Bench]]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as found:
        yield found


@pytest.fixture
def url(served: tuple[str, Bench]) -> str:
    return served[0]


def signed_in(open_desk: OpenDesk, username: str = "admin-1", **more: object) -> Desk:
    desk = open_desk(**more)
    desk.sign_in_by_hand(username)
    return desk


def test_a_group_is_added_renamed_closed_and_opened_again(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, "manager-1")
    page = desk.page
    page.get_by_role("link", name="管理", exact=True).click()
    expect(page.get_by_role("heading", name="地区", exact=True)).to_be_visible()
    tree = page.get_by_role("region", name="地区列表")
    expect(tree.locator("[data-region='610926101001'] .figures")).to_contain_text("1 位老人")
    tree.get_by_role("button", name="龙头村", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("没有账号归在这里")
    expect(dialog.get_by_role("link", name="负责 1 位")).to_be_visible()
    dialog.get_by_role("button", name="增加组").click()
    form = dialog.get_by_role("form", name="增加组")
    # The next code is there already; nobody types fifteen digits.
    expect(form.get_by_label("代码后几位")).to_have_value("001")
    form.get_by_role("button", name="保存").click()
    expect(form.get_by_role("alert")).to_have_text("请填名称")
    form.get_by_label("组名称").fill("一组")
    form.get_by_role("button", name="保存").click()
    expect(form.get_by_role("alert")).to_contain_text("请写明原因")
    form.get_by_label(re.compile("为什么")).fill("新设村民小组")
    form.get_by_role("button", name="保存").click()
    expect(page.locator(".toasts")).to_contain_text("已增加“一组”")
    # What still has people in it is not closed, and the page says who is there.
    dialog.get_by_role("button", name="撤销", exact=True).click()
    form = dialog.get_by_role("form", name="撤销")
    form.get_by_label(re.compile("为什么")).fill("撤村并村")
    form.get_by_role("button", name="保存").click()
    expect(form.get_by_role("alert")).to_contain_text("还有 1 位在服务的老人")
    expect(form.get_by_role("alert")).to_contain_text("还有 1 个下级地区")
    dialog.get_by_role("button", name="关闭").click()
    tree.get_by_role("button", name="一组", exact=True).click()
    expect(dialog).to_contain_text("新设村民小组")
    for button, done in (("改名", "由“一组”改名为“第一组”"), ("撤销", "不能再往这里登记")):
        dialog.get_by_role("button", name=button, exact=True).click()
        form = dialog.get_by_role("form", name=button)
        if button == "改名":
            form.get_by_label("新名称").fill("第一组")
        form.get_by_label(re.compile("为什么")).fill("村委会决定")
        form.get_by_role("button", name="保存").click()
        expect(dialog).to_contain_text(done)
    dialog.get_by_role("button", name="关闭").click()
    expect(tree.get_by_role("button", name="第一组")).to_have_count(0)
    page.get_by_label(re.compile("显示已撤销")).check()
    expect(tree.get_by_role("button", name="第一组")).to_be_visible()


def test_a_region_is_found_by_name_and_by_code(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk)
    page = desk.page
    page.goto(f"{desk.url}/regions")
    tree = page.get_by_role("region", name="地区列表")
    for text, there, gone in (
        ("新场", "新场街村", "龙头村"),
        ("610926101001", "龙头村", "新场街村"),
    ):
        page.get_by_label("地区名称或代码").fill(text)
        expect(tree.get_by_role("button", name=there, exact=True)).to_be_visible()
        expect(tree.get_by_role("button", name=gone, exact=True)).to_have_count(0)
    page.get_by_label("地区名称或代码").fill("没有这村")
    expect(tree).to_contain_text("没有名称或代码含“没有这村”的地区")


def test_the_trail_says_who_did_what_to_whose_file(open_desk: OpenDesk) -> None:
    manager = signed_in(open_desk, "manager-1")
    manager.page.goto(f"{manager.url}/persons/person-0001")
    # Of a town only: its accounts are not offered the trail of the county.
    expect(manager.page.get_by_role("link", name="谁看过、谁改过")).to_have_count(0)
    said = "() => fetch('/api/v1/service-users/person-0001', {method: 'PATCH', headers: "
    said += "{'X-Requested-With': 'hearthwatch', 'Content-Type': 'application/json'}, "
    manager.page.evaluate(said + "body: JSON.stringify({phone: '13900009999'})})")
    desk = signed_in(open_desk)
    page = desk.page
    page.goto(f"{desk.url}/persons/person-0001")
    page.get_by_role("link", name="谁看过、谁改过").click()
    expect(page.get_by_role("heading", name="操作记录", exact=True)).to_be_visible()
    day = page.get_by_role("region", name="今天")
    changed = day.locator("li", has_text="manager-1").filter(has_text="修改")
    expect(changed).to_contain_text("老人档案：张桂英")
    expect(changed).to_contain_text("登录自 127.0.0.1")
    changed.get_by_role("button", name="改了什么").click()
    expect(changed.locator(".changes")).to_contain_text("13800000001 → 13900009999")
    page.get_by_role("group", name="哪一类").get_by_role("button", name="查看").click()
    expect(changed).to_have_count(0)
    expect(day.locator("li", has_text="manager-1").filter(has_text="档案").first).to_be_visible()
    page.get_by_role("button", name="清除筛选").click()
    page.locator("[name=actor]").select_option("manager-1")
    # Who listed it is on the trail; another account's lines are not shown now.
    expect(day.locator("li").filter(has_text="admin-1")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="导出为表格").click()
    assert download.value.suggested_filename.startswith("操作记录-")
    page.locator("[name=actor]").select_option("admin-1")
    expect(day.locator("li", has_text="导出").filter(has_text="操作记录")).to_be_visible()


def test_a_changed_row_is_told_on_the_page(open_desk: OpenDesk, served: tuple[str, Bench]) -> None:
    desk = signed_in(open_desk, "auditor-1")
    page = desk.page
    page.get_by_role("link", name="管理", exact=True).click()
    page.get_by_role("link", name="操作记录", exact=True).click()
    page.get_by_text("记录有没有被人改过").click()
    page.get_by_role("button", name="现在核对").click()
    expect(page.locator("summary", has_text="没有发现改动")).to_be_visible()
    sql = "UPDATE audit SET actor = 'nobody' WHERE seq = (SELECT max(seq) FROM audit)"
    served[1].change(lambda unit: unit.execute(sql) and None)
    page.get_by_role("button", name="现在核对").click()
    expect(page.locator("summary", has_text="发现被改动的记录")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("保留现在的数据库作为证据")


def test_who_visits_is_offered_no_office(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, "visitor-1")
    expect(desk.page.get_by_role("link", name="计划", exact=True)).to_be_visible()
    expect(desk.page.get_by_role("link", name="管理", exact=True)).to_have_count(0)


@pytest.mark.parametrize("viewport", [None, TABLET, PHONE], ids=["desk", "tablet", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_page_violates_aa_or_is_wider_than_the_screen(
    open_desk: OpenDesk, axe: str, dark: bool, viewport: object
) -> None:
    desk = signed_in(open_desk, dark=dark, viewport=viewport)
    page, found = desk.page, []

    def look(what: str) -> None:
        found.extend(f"{what} {one}" for one in violations(desk, axe, {"runOnly": list(LEVELS)}))
        if page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        ):
            found.append(f"{what} is too wide")

    page.goto(f"{desk.url}/regions")
    page.get_by_role("button", name="龙头村", exact=True).click()
    look("region")
    page.get_by_role("button", name="增加组").click()
    page.locator("dialog form button[type=submit]").click()
    expect(page.locator("dialog form").get_by_role("alert")).to_be_visible()
    look("region form")
    page.goto(f"{desk.url}/audit")
    page.get_by_text("记录有没有被人改过").click()
    page.get_by_text("哪些会记").click()
    expect(page.get_by_role("region", name="今天")).to_be_visible()
    look("audit")
    assert not found, "\n".join(found)
