"""The office with a real hub behind: regions, files for departments, accounts, the trail."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import Bench
from tests.adapters.real_hub import serving_hub
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.browser.page_checks import open_faults
from tests.browser.test_accessibility import axe
from tests.dashboard.county import ROSTER

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
    desk.at_every_size(tree.get_by_role("button", name="龙头村", exact=True))
    page.get_by_label("地区名称或代码").fill("没有这村")
    expect(tree).to_contain_text("没有名称或代码含“没有这村”的地区")


def test_the_trail_says_who_did_what_to_whose_file(open_desk: OpenDesk) -> None:
    manager = signed_in(open_desk, "manager-1")
    manager.page.goto(f"{manager.url}/persons/person-0001")
    # Of a town only: its accounts are not offered the trail of the county.
    expect(manager.page.get_by_role("link", name="谁看过、改过档案")).to_have_count(0)
    said = "() => fetch('/api/v1/service-users/person-0001', {method: 'PATCH', headers: "
    said += "{'X-Requested-With': 'hearthwatch', 'Content-Type': 'application/json'}, "
    manager.page.evaluate(said + "body: JSON.stringify({phone: '13900009999'})})")
    desk = signed_in(open_desk)
    page = desk.page
    page.goto(f"{desk.url}/persons/person-0001")
    page.get_by_role("link", name="谁看过、改过档案").click()
    expect(page.get_by_role("heading", name="操作记录", exact=True)).to_be_visible()
    day = page.get_by_role("region", name="今天")
    changed = day.locator("li", has_text="manager-1").filter(has_text="修改")
    expect(changed).to_contain_text("老人档案：张桂英")
    expect(changed).to_contain_text("登录自 127.0.0.1")
    changed.get_by_role("button", name="改了什么").click()
    expect(changed.locator(".changes")).to_contain_text("138****0001 → 139****9999")
    kinds = page.get_by_role("group", name="哪一类")
    desk.at_every_size(
        kinds.get_by_role("button", name="查看"), shown=[changed.locator(".changes")]
    )
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
    page.get_by_role("button", name="立即核对").click()
    expect(page.locator("summary", has_text="没有发现改动")).to_be_visible()
    sql = "UPDATE audit SET actor = 'nobody' WHERE seq = (SELECT max(seq) FROM audit)"
    served[1].change(lambda unit: unit.execute(sql) and None)
    page.get_by_role("button", name="立即核对").click()
    expect(page.locator("summary", has_text="发现被改动的记录")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("保留现在的数据库作为证据")


def order_form(page: Page) -> Locator:
    page.get_by_role("button", name="新增部门文件").click()
    return page.get_by_role("form", name="新增部门文件")


def test_a_department_gets_a_file_that_is_changed_and_stopped(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk)
    page = desk.page
    page.goto(f"{desk.url}/departments")
    form = order_form(page)
    form.get_by_role("button", name="保存").click()
    for fault in ("请填部门名称", "至少选一列", "请写明原因"):
        expect(form.get_by_role("alert")).to_contain_text(fault)
    form.get_by_label("部门名称").fill("平利县残联")
    # Of outside its own region nothing is offered.
    expect(form.locator("[name=region] option")).to_have_text(["城关镇", "龙头村"])
    form.get_by_text("老年人名册").first.click()
    form.get_by_label("姓名", exact=True).check()
    form.get_by_label("联系电话", exact=True).check()
    form.get_by_text("不遮盖的列").first.click()
    form.get_by_label("老年人名册：姓名", exact=True).check()
    form.get_by_label(re.compile("依据")).fill("联席会议纪要")
    form.get_by_role("button", name="保存").click()
    order = page.locator("[data-order]")
    expect(order).to_contain_text("姓名（不遮盖）")
    expect(order).to_contain_text("还没有文件")
    order.get_by_role("button", name=re.compile("立即生成")).click()
    form = order.get_by_role("form", name="立即生成")
    form.get_by_label(re.compile("为什么")).fill("联席会议急用")
    form.get_by_role("button", name="立即生成").click()
    expect(order.locator("[data-file]")).to_contain_text("1 行")
    with page.expect_download() as download:
        order.get_by_role("button", name=re.compile("下载")).click()
    assert download.value.suggested_filename.endswith(".xlsx")
    # Changed: another takes its place, the former one is stopped and stays on record.
    order.get_by_role("button", name=re.compile("修改")).click()
    form = order.get_by_role("form", name="修改")
    form.get_by_label("频次").select_option("week")
    form.get_by_label(re.compile("依据")).fill("改为每周")
    form.get_by_role("button", name="保存").click()
    expect(order).to_contain_text("每周")
    expect(order).to_have_count(1)
    page.get_by_label(re.compile("显示已停的")).check()
    expect(order).to_have_count(2)
    theirs = signed_in(open_desk, "department-1", viewport=PHONE).page
    expect(theirs.get_by_role("heading", name="给您部门的文件")).to_be_visible()
    with theirs.expect_download():
        theirs.get_by_role("button", name=re.compile("下载")).click()


def test_a_file_that_failed_says_why(open_desk: OpenDesk, served: tuple[str, Bench]) -> None:
    desk = signed_in(open_desk)
    page = desk.page
    page.goto(f"{desk.url}/departments")
    form = order_form(page)
    form.get_by_label("部门名称").fill("平利县残联")
    form.get_by_text("老年人名册").first.click()
    form.get_by_role("button", name="全选").click()
    form.get_by_label(re.compile("依据")).fill("联席会议纪要")
    form.get_by_role("button", name="保存").click()
    order = page.locator("[data-order]")
    expect(order).to_be_visible()
    served[1].hub.offices.exports.folder.write_text("in the way")
    order.get_by_role("button", name=re.compile("立即生成")).click()
    form = order.get_by_role("form", name="立即生成")
    form.get_by_label(re.compile("为什么")).fill("联席会议急用")
    form.get_by_role("button", name="立即生成").click()
    expect(order.locator("[data-file]")).to_contain_text("存放文件的位置被占用")
    expect(order.locator("[data-file]")).to_contain_text("试了 1 次")
    page.reload()
    expect(page.get_by_role("link", name=re.compile("1 个部门文件没有生成"))).to_be_visible()


def test_what_was_refused_to_a_platform_is_told(open_desk: OpenDesk) -> None:
    theirs = signed_in(open_desk, "exchange-1").page
    put = "() => fetch('/api/v1/exchange/persons/SX-1', {method: 'PUT', headers: "
    put += "{'X-Requested-With': 'hearthwatch', 'Content-Type': 'application/json'}, body: "
    put += "JSON.stringify({version: 1, fields: {'姓名': '李某', '村（社区）': '没有这村'}})})"
    theirs.evaluate(put)
    desk = signed_in(open_desk)
    page = desk.page
    page.goto(f"{desk.url}/departments")
    panel = page.locator("section[aria-labelledby=platforms]")
    expect(panel).to_contain_text("1 条被退回，还没改好")
    panel.get_by_text("被退回的 1 条").click()
    desk.at_every_size(shown=[panel])
    expect(panel).to_contain_text("村（社区）：没有这个地方")
    # And in another office's own language.
    page.get_by_role("button", name="English").click()
    expect(panel).to_contain_text("no such place")


def test_an_account_is_made_locked_and_gets_a_password(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk)
    page = desk.page
    page.goto(f"{desk.url}/users")
    page.get_by_role("button", name="新建账号").click()
    form = page.get_by_role("form", name="新建账号")
    form.get_by_role("button", name="保存").click()
    for fault in ("请填姓名", "用户名只能用", "请选择负责范围", "密码至少 12"):
        expect(form.get_by_role("alert")).to_contain_text(fault)
    form.get_by_label("姓名").fill("陈芳")
    form.get_by_label(re.compile("用户名")).fill("admin-1")
    form.get_by_label("负责范围").select_option(label="城关镇")
    form.get_by_role("button", name="随机生成").click()
    form.get_by_role("button", name="保存").click()
    expect(form.get_by_role("alert")).to_have_text("这个用户名已有人用")
    form.get_by_label(re.compile("用户名")).fill("chenfang")
    desk.at_every_size(form.get_by_role("button", name="保存"), form.get_by_label("负责范围"))
    first = form.get_by_label("新密码").input_value()
    form.get_by_role("button", name="保存").click()
    row = page.locator("[data-account=chenfang]")
    expect(row).to_contain_text("从未登录")
    hers = open_desk()
    hers.page.goto(hers.url)
    hers.page.fill("[name=username]", "chenfang")
    hers.page.fill("[name=password]", first)
    hers.page.click("button[type=submit]")
    expect(hers.page.get_by_role("link", name="陈芳")).to_be_visible()
    row.get_by_role("button", name="重设密码").click()
    form = row.get_by_role("form", name="重设密码")
    form.get_by_role("button", name="随机生成").click()
    fresh = form.get_by_label("新密码").input_value()
    assert fresh != first
    form.get_by_role("button", name="保存").click()
    expect(row.get_by_role("status")).to_contain_text(fresh)
    # The old one is over at once, with the session that it began; the new one opens.
    hers.page.reload()
    hers.page.fill("[name=username]", "chenfang")
    hers.page.fill("[name=password]", first)
    hers.page.click("button[type=submit]")
    expect(hers.page.get_by_role("alert")).to_have_text("用户名或密码不正确。")
    hers.page.fill("[name=password]", fresh)
    hers.page.click("button[type=submit]")
    expect(hers.page.get_by_role("link", name="陈芳")).to_be_visible()
    row.get_by_role("button", name="已告诉本人").click()
    expect(row).not_to_contain_text(fresh)
    row.get_by_role("button", name="锁定：陈芳").click()
    row.get_by_role("form", name="锁定").get_by_role("button", name="锁定").click()
    expect(row).to_have_count(0)
    page.get_by_label(re.compile("显示已锁定的")).check()
    expect(row).to_contain_text("已锁定")
    # Nobody locks the door behind oneself.
    expect(
        page.locator("[data-account=admin-1]").get_by_role("button", name=re.compile("锁定"))
    ).to_have_count(0)
    reader = signed_in(open_desk, "manager-1")
    reader.page.goto(f"{reader.url}/users")
    expect(reader.page.get_by_text("您可以查看账号")).to_be_visible()
    expect(reader.page.get_by_role("button", name="修改")).to_have_count(0)


def test_ones_own_password_is_changed_by_who_knows_the_old_one(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, "visitor-1")
    page = desk.page
    page.get_by_role("link", name="visitor-1").click()
    page.get_by_role("link", name=re.compile("登录与安全")).click()
    page.get_by_text("改我的密码").first.click()
    form = page.get_by_role("form", name="改我的密码")
    form.get_by_label("现在的密码").fill("wrong wrong wrong")
    form.get_by_label("新密码", exact=True).fill("another good secret")
    form.get_by_label("新密码再输一次").fill("another good secre")
    form.get_by_role("button", name="保存").click()
    expect(form.get_by_role("alert")).to_have_text("两次输入的新密码不一样")
    form.get_by_label("新密码再输一次").fill("another good secret")
    form.get_by_role("button", name="保存").click()
    expect(form.get_by_role("alert")).to_have_text("现在的密码不对")
    form.get_by_label("现在的密码").fill(PASSWORD)
    form.get_by_role("button", name="保存").click()
    expect(page.locator(".toasts")).to_contain_text("密码已改")


def test_who_visits_is_offered_no_office(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, "visitor-1")
    expect(desk.page.get_by_role("link", name="计划", exact=True)).to_be_visible()
    expect(desk.page.get_by_role("link", name="管理", exact=True)).to_have_count(0)


def test_no_page_violates_aa_or_is_wider_than_the_screen(open_desk: OpenDesk, axe: str) -> None:
    desk = signed_in(open_desk)
    page, found = desk.page, []

    def look(what: str) -> None:
        found.extend(open_faults(desk, axe, what))

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
    page.goto(f"{desk.url}/departments")
    order_form(page).get_by_role("button", name="保存").click()
    for summary in page.locator("form summary").all():
        summary.click()
    look("departments")
    page.goto(f"{desk.url}/users")
    page.get_by_role("button", name="新建账号").click()
    page.get_by_role("button", name="重设密码").first.click()
    expect(page.locator("[data-account]").first).to_be_visible()
    look("users")
    page.goto(f"{desk.url}/security")
    page.get_by_text("改我的密码").first.click()
    look("security")
    assert not found, "\n".join(found)


def test_an_office_above_towns_says_why_it_rings_somebody_up(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk)
    page = desk.page
    page.goto(f"{desk.url}/persons/person-0001")
    expect(page.get_by_text("138****0001").first).to_be_visible()
    expect(page.locator("a[href^='tel:']")).to_have_count(0)
    page.get_by_role("button", name="显示完整电话").click()
    form = page.get_by_role("form", name="显示完整电话")
    form.get_by_label("查看原因（将记入日志）").fill("家属来访，要联系儿子")
    form.get_by_role("button", name="显示完整电话").click()
    expect(page.locator("a[href='tel:13800000001']")).to_be_visible()
    expect(page.locator("a[href='tel:13900000001']")).to_be_visible()
    expect(page.get_by_text("钥匙在邻居李婶家")).to_be_visible()
