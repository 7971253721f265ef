"""Care with a real hub behind: a need becomes a service, the log, providers, a year's money."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.adapters.fake_api import PASSWORD
from tests.adapters.real_hub import serving_hub
from tests.browser.conftest import DEADLINE_MS, Desk, OpenDesk
from tests.browser.page_checks import open_faults
from tests.browser.test_accessibility import axe
from tests.dashboard.county import ROSTER

__all__ = ["axe"]

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

ACCOUNTS = {
    "manager-1": ("manager", "610926101"),
    "visitor-1": ("visitor", "610926101"),
    "auditor-1": ("auditor", "610926101"),
}
VIEWS = ("referrals", "lines", "providers", "money")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as (address, _bench):
        yield address


def signed_in(open_desk: OpenDesk, username: str = "manager-1", **more: object) -> Desk:
    desk = open_desk(**more)
    desk.sign_in_by_hand(username)
    return desk


def view(page: Page, name: str) -> None:
    page.get_by_role("group", name="看什么").get_by_role("button", name=name, exact=True).click()


def add_provider(page: Page, name: str = "康宁养老中心") -> None:
    view(page, "服务机构")
    page.get_by_role("button", name="登记机构").click()
    form = page.get_by_role("region", name="登记机构")
    form.get_by_role("button", name="保存").click()
    expect(form.get_by_role("alert")).to_have_text("请填机构名称")
    form.get_by_label("名称").fill(name)
    form.get_by_role("button", name="保存").click()
    expect(form.get_by_role("alert")).to_have_text("至少选一项服务")
    form.get_by_label("助餐").check()
    form.get_by_label("城关镇").check()
    form.get_by_label("许可证到期").fill("2020-01-31")
    form.get_by_role("button", name="保存").click()
    listed = page.get_by_role("list", name="服务机构")
    expect(listed).to_contain_text(name)
    expect(listed).to_contain_text("许可证 2020年1月31日 已到期")


def choose_person(page: Page, text: str = "zgy") -> None:
    page.locator("input[name=person]").fill(text)
    page.locator(".found").get_by_role("button", name=re.compile("张桂英")).click()


def test_a_need_is_passed_on_with_consent_and_ends(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk)
    page = desk.page
    page.get_by_role("link", name="照料", exact=True).click()
    add_provider(page)
    view(page, "转介")
    page.get_by_role("button", name="登记需求").click()
    form = page.get_by_role("region", name="登记需求")
    form.get_by_role("button", name="登记", exact=True).click()
    expect(form.get_by_role("alert")).to_have_text("请先选一位老人")
    choose_person(page)
    form.get_by_label("服务").select_option("meals")
    form.get_by_label("需要什么").fill("一个人做饭困难")
    form.get_by_role("button", name="登记", exact=True).click()
    row = page.locator("[data-referral='1']")
    expect(row).to_contain_text("待转介")
    row.get_by_role("button", name="转给机构").click()
    send = row.get_by_role("form", name="转给机构")
    submit = send.get_by_role("button", name="转给机构")
    submit.click()
    expect(send.get_by_role("alert")).to_have_text("请选择一家机构")
    desk.at_every_size(submit, send.get_by_label("谁同意的"))
    send.get_by_label("服务机构").select_option(label="康宁养老中心")
    send.get_by_label("谁同意的").select_option("family")
    submit.click()
    expect(send.get_by_role("alert")).to_have_text("请写明同意人的姓名和日期")
    # Nobody was told without it.
    expect(row).to_contain_text("待转介")
    send.get_by_label("同意人姓名").fill("张伟")
    submit.click()
    expect(row).to_contain_text("已转，等答复")
    expect(row).to_contain_text("家属张伟")
    # Who agreed is a consent like any other.
    row.get_by_role("link", name="张桂英").click()
    consents = page.get_by_role("region", name="知情同意")
    expect(consents.locator("li", has_text="转介").first).to_contain_text("有效")
    page.go_back()
    for move, state in (("机构接下了", "机构已接"), ("开始服务", "服务中")):
        row.get_by_role("button", name=move).click()
        row.get_by_role("form").get_by_role("button", name=move).click()
        expect(row).to_contain_text(state)
    row.get_by_role("button", name="结束", exact=False).click()
    end = row.get_by_role("form")
    end.get_by_role("button", name="结束").click()
    expect(end.get_by_role("alert")).to_have_text("请选择结果")
    end.get_by_label("结果").select_option("helped")
    end.get_by_role("button", name="结束").click()
    expect(page.get_by_role("list", name="转介")).to_contain_text("没有转介")
    page.get_by_role("group", name="筛选").get_by_role("button", name="已结束").click()
    expect(row).to_contain_text("问题解决了")


def test_the_log_adds_up_and_a_mistake_is_corrected_by_a_line(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, "visitor-1")
    page = desk.page
    page.goto(f"{desk.url}/care?view=lines")
    page.get_by_role("button", name="记一次服务").click()
    form = page.get_by_role("region", name="记一次服务")
    choose_person(page)
    form.locator("[name=service]").select_option("bathing")
    form.get_by_label("服务人员").fill("护理员 陈芳")
    form.get_by_label("分钟").fill("60")
    form.get_by_label("费用").fill("五十")
    form.get_by_role("button", name="记下").click()
    expect(form.get_by_role("alert")).to_contain_text("金额写成")
    form.get_by_label("费用").fill("500")
    form.get_by_role("button", name="1", exact=False).first.click()
    form.get_by_role("button", name="记下").click()
    lines = page.get_by_role("list", name="服务记录")
    expect(lines).to_contain_text("¥500")
    expect(page.get_by_role("region", name="本月按机构")).to_contain_text("¥500")
    expect(
        page.get_by_role("region", name=re.compile("16 项")).locator("li").first
    ).to_contain_text("1")
    lines.get_by_role("button", name="更正").click()
    mend = lines.locator("form")
    mend.get_by_label("费用").fill("50")
    mend.get_by_role("button", name="记下").click()
    expect(mend.get_by_role("alert")).to_have_text("更正要写明原因")
    mend.get_by_label("为什么更正").fill("多写了一个零")
    mend.get_by_role("button", name="记下").click()
    expect(page.get_by_role("region", name="本月按机构")).to_contain_text("¥50")
    expect(lines.locator("[data-line]")).to_have_count(2)
    desk.at_every_size(shown=[lines.locator("[data-line]").first])
    expect(lines).to_contain_text("已更正")
    # The same stands in her file, with what is left of the year.
    lines.get_by_role("link", name="张桂英").first.click()
    panel = page.get_by_role("region", name="转介与照料服务")
    expect(panel).to_contain_text("已用 ¥50，每年 ¥800")
    expect(panel).to_contain_text("还剩 ¥750")


def test_a_year_and_who_is_above_her_share(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk)
    page = desk.page
    page.goto(f"{desk.url}/care?view=money")
    page.get_by_role("button", name="记一笔经费").click()
    form = page.get_by_role("region", name="记一笔经费")
    form.get_by_label("金额").fill("")
    form.get_by_role("button", name="保存").click()
    expect(form.get_by_role("alert")).to_contain_text("金额写成")
    form.get_by_label("金额").fill("1000")
    form.get_by_label("用途或来源").fill("县财政拨付")
    form.get_by_label("镇村").select_option(label="龙头村")
    form.get_by_role("button", name="保存").click()
    expect(page.get_by_role("region", name="经费明细")).to_contain_text("县财政拨付")
    expect(page.locator(".figures")).to_contain_text("¥1,000")
    desk.go("/persons/person-0001")
    panel = page.get_by_role("region", name="转介与照料服务")
    panel.get_by_role("button", name="记一次服务").click()
    line = panel.locator("form")
    line.locator("[name=service]").select_option("home_adaptation")
    line.get_by_label("服务人员").fill("施工队")
    line.get_by_label("费用").fill("1,200.50")
    line.get_by_role("button", name="记下").click()
    expect(panel).to_contain_text("超 ¥400.50")
    desk.go("/care")
    view(page, "经费")
    expect(page.locator(".figures")).to_contain_text("超支")
    village = page.get_by_role("region", name="按镇村").get_by_role(
        "row", name=re.compile("龙头村")
    )
    expect(village).to_contain_text("超 ¥200.50")
    page.get_by_role("button", name="超过 800 元").click()
    people = page.get_by_role("region", name=re.compile("每位老人"))
    expect(people.get_by_role("link", name=re.compile("张桂英"))).to_be_visible()
    expect(people).to_contain_text("超 ¥400.50")


def test_who_may_only_read_is_offered_nothing_to_change(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, "auditor-1")
    page = desk.page
    page.get_by_role("link", name="照料", exact=True).click()
    for name, button in (
        ("转介", "登记需求"),
        ("服务日志", "记一次服务"),
        ("服务机构", "登记机构"),
        ("经费", "记一笔经费"),
    ):
        view(page, name)
        expect(page.locator("main .panel").first).to_be_visible()
        expect(page.get_by_role("button", name=button)).to_have_count(0)
    expect(page.get_by_role("region", name=re.compile("每位老人"))).to_contain_text("张**")


def test_the_pages_speak_english(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, language="en")
    for asked, text in zip(
        VIEWS,
        ("No referrals.", "No services logged.", "No providers.", "Needed: 1 people × 800 yuan"),
        strict=True,
    ):
        desk.page.goto(f"{desk.url}/care?view={asked}")
        expect(desk.page.locator("main")).to_contain_text(text)


def test_no_page_violates_aa_or_is_wider_than_the_screen(open_desk: OpenDesk, axe: str) -> None:
    desk = signed_in(open_desk)
    page, found = desk.page, []

    def look(what: str) -> None:
        found.extend(open_faults(desk, axe, what))

    for asked, button in zip(
        VIEWS, ("登记需求", "记一次服务", "登记机构", "记一笔经费"), strict=True
    ):
        page.goto(f"{desk.url}/care?view={asked}")
        page.get_by_role("button", name=button).click()
        expect(page.locator("main form")).to_be_visible()
        page.locator("main form button[type=submit]").click()
        expect(page.locator("main form").get_by_role("alert")).to_be_visible()
        look(asked)
    page.goto(f"{desk.url}/persons/person-0001")
    panel = page.get_by_role("region", name="转介与照料服务")
    expect(panel).to_contain_text("没有转介")
    look("person")
    assert not found, "\n".join(found)
