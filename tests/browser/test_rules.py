"""The pages about rules: looked at, changed for a person, tried on the past and put in force."""

import csv
import re

import pytest
from playwright.sync_api import Page, expect

from tests.adapters.fake_api import FakeHub
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)


@pytest.fixture
def hub() -> FakeHub:
    """A quiet night."""
    return FakeHub(empty=True)


@pytest.fixture
def admin(open_desk: OpenDesk) -> Desk:
    window = open_desk()
    window.sign_in("admin")
    return window


def row(page: Page, param: str):
    return page.locator(f'[data-param="{param}"]')


def test_the_list_says_what_each_sees_and_how_right_it_is(admin: Desk) -> None:
    page = admin.page
    page.get_by_role("link", name="规则").click()
    doubt = page.locator('[data-rule="no_sign_of_life"]')
    expect(doubt).to_contain_text("生活迹象")
    expect(doubt).to_contain_text("准确率 22%")
    expect(doubt).to_contain_text("属实 2 · 误报 7 · 其他 0 · 未结 1")
    expect(doubt).to_contain_text("先问老人 5 分钟")
    expect(page.locator('[data-rule="overload"]')).to_contain_text("已结案太少")
    expect(page.locator('[data-rule="blood_pressure"]')).to_contain_text("界限未经医生确认")
    expect(page.locator('[data-rule="fall"]')).to_contain_text("跌倒探测器报警")
    page.get_by_role("button", name=re.compile("常误报")).click()
    expect(page.locator("[data-rule]")).to_have_count(1)
    everything = page.get_by_role("button", name=re.compile("^全部"))
    admin.at_every_size(everything, shown=[doubt])
    everything.click()
    page.get_by_placeholder("搜索规则").fill("血氧")
    expect(page.locator("[data-rule]")).to_have_count(1)


def test_a_persons_limit_is_changed_with_its_reason(admin: Desk, hub: FakeHub) -> None:
    page, person = admin.page, hub.county.persons["home-0005"][0]
    admin.go("/rules/blood_pressure")
    expect(page.locator("main")).to_contain_text("中国高血压防治指南 2024")
    expect(row(page, "urgent_systolic_mmhg")).to_contain_text("180 mmHg")
    page.get_by_role("button", name="一位老人").click()
    page.get_by_placeholder("按姓名找老人").fill(person["name"])
    page.locator(".search li button").first.click()
    expect(page.locator(".limits")).to_contain_text("涉及 1 户")
    page.get_by_role("button", name="更改", exact=True).click()
    page.fill("[name=urgent_systolic_mmhg]", "300")
    expect(row(page, "urgent_systolic_mmhg")).to_contain_text("须在 120 到 260 之间")
    page.fill("[name=urgent_systolic_mmhg]", "150")
    page.fill("[name=low_systolic_mmhg]", "110")
    # The hub knows which limit stands in the way.
    expect(row(page, "low_systolic_mmhg")).to_contain_text("不能高于“关注低收缩压”")
    page.fill("[name=low_systolic_mmhg]", "90")
    preview = page.locator(".preview")
    expect(preview).to_contain_text("紧急收缩压：180 mmHg → 150 mmHg")
    expect(preview).to_contain_text("1 户的判断会变")
    save = page.get_by_role("button", name="保存并立即生效")
    expect(save).to_be_disabled()
    page.fill("[name=reason]", "张医生建议，平时血压偏低")
    admin.at_every_size(save, shown=[preview, row(page, "low_systolic_mmhg")])
    save.click()
    expect(row(page, "urgent_systolic_mmhg")).to_contain_text("本人")
    (said,) = hub.rules.history
    assert (said["scope"], said["params"]) == (
        f"person:{person['id']}",
        {"urgent_systolic_mmhg": 150},
    )
    settings = page.get_by_role("region", name="专门设置")
    expect(settings).to_contain_text(person["name"])
    expect(settings).to_contain_text("张医生建议，平时血压偏低")
    expect(settings).to_contain_text("管理员")
    expect(page.get_by_role("region", name="更改记录")).to_contain_text("紧急收缩压 150 mmHg")
    page.get_by_role("button", name="取消这里的全部专门设置").click()
    expect(preview).to_contain_text("150 mmHg → 180 mmHg")
    page.fill("[name=reason]", "恢复原值")
    save.click()
    expect(settings).to_contain_text("没有专门设置")
    assert hub.rules.history[-1]["params"] == {}


def test_what_somebody_else_says_is_seen(admin: Desk, hub: FakeHub) -> None:
    admin.go("/rules/overload")
    expect(row(admin.page, "limit_w")).to_contain_text("5500 W")
    asked = {"scope": "county", "params": {"limit_w": 4400.0}, "reason": "老旧线路"}
    with hub.lock:
        hub.rules.answer("admin", "PATCH", ["overload"], asked)
    expect(row(admin.page, "limit_w")).to_contain_text("4400 W")
    expect(row(admin.page, "limit_w")).to_contain_text("全县设置")


def test_limits_are_signed_by_a_clinician(admin: Desk, hub: FakeHub) -> None:
    page = admin.page
    admin.go("/rules/oximetry")
    panel = page.get_by_role("region", name="医生确认")
    expect(panel).to_contain_text("还没有医生确认")
    panel.get_by_role("button", name="登记确认").click()
    panel.locator("[name=by]").fill("王医生")
    panel.locator("[name=on]").fill("2026-11-20")
    panel.locator("[name=why]").fill("县医院呼吸科审核")
    panel.get_by_role("button", name="保存确认").click()
    expect(panel).to_contain_text("王医生于 2026-11-20 确认")
    assert hub.rules.history[-1]["params"] is None


def test_a_rule_runs_in_shadow_and_tells_what_it_found(admin: Desk, hub: FakeHub) -> None:
    page = admin.page
    admin.go("/rules/not_up_yet")
    panel = page.get_by_role("region", name="试运行")
    panel.get_by_role("button", name="转为试运行").click()
    panel.locator("[name=shadow-reason]").fill("先观察一个月")
    hub.rules.find_in_shadow("not_up_yet", "home-0003", "not_up_yet")
    panel.get_by_role("button", name="转为试运行").click()
    expect(panel).to_contain_text("只记录，不报警、不派人")
    expect(panel).to_contain_text("本会报警 1 次")
    expect(panel.get_by_role("link")).to_have_attribute("href", "/homes/home-0003")
    expect(panel.get_by_role("button", name="转为正式运行")).to_be_visible()
    admin.go("/rules/sos")
    expect(page.get_by_role("region", name="试运行")).to_contain_text("不能试运行")


def test_a_try_is_run_read_taken_along_and_put_in_force(admin: Desk, hub: FakeHub) -> None:
    page = admin.page
    admin.go("/rules/overload")
    page.get_by_role("link", name="用过去的数据试算").click()
    start = page.get_by_role("button", name="开始试算")
    expect(row(page, "limit_w")).to_be_visible()
    expect(start).to_be_disabled()
    page.fill("[name=limit_w]", "4000")
    start.click()
    expect(page.get_by_text("已完成 40%")).to_be_visible()
    said = page.locator("p.said")
    expect(said).to_have_text("按试算的界限，30 天里会报警 41 次；按现在的界限会报警 12 次。")
    words = page.locator(".words")
    expect(words).to_contain_text("3 次当时结案为属实，9 次为误报")
    expect(words).to_contain_text("有 1 次试算的界限不会报")
    (asked,) = hub.rules.tries.values()
    assert asked["changes"] == [
        {"rule": "overload", "scope": "county", "params": {"limit_w": 4000}}
    ]
    homes = page.get_by_role("region", name="判断不同的住户")
    expect(homes.get_by_role("link").first).to_have_attribute("href", "/homes/home-0003")
    expect(homes).to_contain_text("多报 15 次")
    take = [page.get_by_role(*one) for one in (("button",), ("link",))]
    admin.at_every_size(
        take[0].and_(page.get_by_text("下载 CSV")),
        take[1].and_(page.get_by_text("用这些界限")),
        shown=[said, homes],
    )
    with page.expect_download() as saved:
        page.get_by_role("button", name="下载 CSV").click()
    text = saved.value.path().read_text(encoding="utf-8-sig")
    assert [line["home"] for line in csv.DictReader(text.splitlines())] == [
        "home-0003",
        "home-0007",
    ]
    page.get_by_role("link", name="用这些界限").click()
    expect(page.locator("[name=limit_w]")).to_have_value("4000")
    expect(page.locator(".preview")).to_contain_text("5500 W → 4000 W")
    page.fill("[name=reason]", "按试算结果调低")
    page.get_by_role("button", name="保存并立即生效").click()
    expect(row(page, "limit_w")).to_contain_text("4000 W")
    assert hub.rules.history[-1]["params"] == {"limit_w": 4000}


def test_several_rules_are_tried_together(admin: Desk, hub: FakeHub) -> None:
    page = admin.page
    admin.go("/tries?rule=overload")
    more = page.get_by_role("button", name="再加一条规则")
    expect(row(page, "limit_w")).to_be_visible()
    expect(more).to_be_disabled()
    for watts in ("4000", "4500"):
        page.locator("[name=rule]").select_option("overload")
        page.fill("[name=limit_w]", watts)
        more.click()
    # Said twice of one rule and scope: the later one.
    added = page.get_by_role("list", name="一起试算的改动").get_by_role("listitem")
    expect(added).to_have_count(1)
    expect(added).to_contain_text("4500 W")
    page.locator("[name=rule]").select_option("pulse")
    page.fill("[name=urgent_low_bpm]", "38")
    more.click()
    expect(added).to_have_count(2)
    page.locator("[name=rule]").select_option("blood_pressure")
    page.fill("[name=urgent_systolic_mmhg]", "170")
    more.click()
    added.filter(has_text="38 ").get_by_role("button", name="去掉").click()
    page.get_by_role("button", name="开始试算").click()
    admin.wait_for("location.pathname.startsWith('/tries/')")
    (asked,) = hub.rules.tries.values()
    assert asked["changes"] == [
        {"rule": "overload", "scope": "county", "params": {"limit_w": 4500}},
        {"rule": "blood_pressure", "scope": "county", "params": {"urgent_systolic_mmhg": 170}},
    ]
    each = page.get_by_role("link", name=re.compile("^用这些界限："))
    expect(each).to_have_count(2)
    expect(each.nth(1)).to_have_attribute("href", re.compile("^/rules/blood_pressure"))


def test_a_try_is_stopped(admin: Desk, hub: FakeHub) -> None:
    hub.rules.looks = 1_000_000
    page = admin.page
    admin.go("/tries")
    page.locator("[name=rule]").select_option("gateway_silent")
    expect(page.locator("form")).to_contain_text("不能试算")
    page.locator("[name=rule]").select_option("overload")
    page.fill("[name=limit_w]", "4000")
    page.get_by_role("button", name="开始试算").click()
    page.get_by_role("button", name="停止").click()
    expect(page.get_by_role("region", name="我的试算")).to_contain_text("还没有试算")
    assert not hub.rules.tries
    admin.go("/tries/try-1")
    expect(page.locator("main")).to_contain_text("没有这个试算")


def test_who_may_not_change_reads(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.sign_in("duty-1")
    desk.go("/rules/blood_pressure")
    page = desk.page
    expect(row(page, "urgent_systolic_mmhg")).to_contain_text("180 mmHg")
    expect(page.locator(".limits")).to_contain_text("您可以查看，不能更改")
    for name in ("更改", "登记确认", "转为试运行"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="用过去的数据试算")).to_have_count(0)
    desk.go("/tries")
    expect(page.locator("main")).to_contain_text("您没有这项权限")


def test_a_manager_of_a_village_changes_its_homes(open_desk: OpenDesk) -> None:
    desk = open_desk(viewport=PHONE)
    desk.sign_in("manager-1")
    page = desk.page
    page.get_by_role("link", name="我").click()
    page.get_by_role("link", name="规则").click()
    page.locator('[data-rule="overload"] a').click()
    expect(page.locator(".limits")).to_contain_text("不限区域的管理人员")
    page.get_by_role("button", name="一户").click()
    page.get_by_placeholder("按地址、编号或姓名找住户").fill("home-0003")
    page.locator(".search li button").first.click()
    expect(page.get_by_role("button", name="更改", exact=True)).to_be_enabled()


def test_english_has_words_for_all_of_it(open_desk: OpenDesk) -> None:
    desk = open_desk(language="en")
    desk.sign_in("admin")
    desk.go("/rules/blood_pressure")
    expect(row(desk.page, "confirm_min")).to_contain_text("Repeat within")
    expect(desk.page.locator("main")).to_contain_text("Chinese hypertension guideline 2024")
    desk.go("/rules")
    expect(desk.page.get_by_role("heading", name=re.compile("Rules"))).to_be_visible()
    desk.page.get_by_role("button", name="中文").click()
    expect(desk.page.get_by_role("heading", name=re.compile("规则"))).to_be_visible()


def test_a_home_tells_what_is_learned_and_what_only_watches(desk: Desk) -> None:
    desk.go("/homes/home-0003")
    rule = desk.page.locator('[data-rule="not_up_yet"]')
    expect(rule).to_contain_text("试运行")
    expect(rule).to_contain_text("已了解 9 / 14 天")
    expect(rule).to_contain_text("平常起床 06:40")
    expect(rule).to_contain_text("还在学习，界限放宽")
    rule.get_by_role("link").click()
    expect(desk.page.locator(".picker")).to_have_attribute("data-scope", "home:home-0003")
    expect(desk.page.locator(".limits")).to_contain_text("涉及 1 户")
