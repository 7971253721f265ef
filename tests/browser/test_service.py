"""Dispatch card, proof of arrival, the sheet for 120, the response figures."""

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.adapters.fake_rounds import tell
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.browser.test_pages import CHINESE, alarm_of

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)


def on_the_way(hub: FakeHub) -> str:
    task = str(hub.cases.alarms[alarm_of(hub, "sos")]["task"])
    for move in ("accept", "depart"):
        hub.cases.move_task(task, move, "visitor-1", "")
    return task


def test_the_visitor_proves_the_arrival_by_the_button(open_desk: OpenDesk, hub: FakeHub) -> None:
    task = on_the_way(hub)
    desk = open_desk(viewport=PHONE)
    desk.sign_in("visitor-1")
    desk.go(f"/tasks/{task}")
    main = desk.page.locator("main")
    for said in ("青霉素", "硝苯地平", "右耳听不见", "邻居家", "过桥左转", "黄狗", "139 mmHg"):
        expect(main).to_contain_text(said)
    prove = desk.page.get_by_role("button", name="我在老人家，现在按呼叫按钮")
    desk.at_every_size(prove, desk.page.get_by_role("button", name="到达"))
    desk.page.get_by_role("button", name="我在老人家，现在按呼叫按钮").click()
    expect(desk.page.locator("main [role=status]")).to_contain_text("请现在按下家中的呼叫按钮")
    with hub.lock:
        # What the lane does with the press.
        hub.service.prove(task, "visitor-1", "button")
    expect(main).to_contain_text("按钮证明到场")
    expect(desk.page.locator("main [role=status]")).to_have_count(0)
    expect(desk.page.get_by_role("button", name="完成")).to_be_visible()


def test_a_scanned_label_leads_to_the_task_and_proves(open_desk: OpenDesk, hub: FakeHub) -> None:
    task = on_the_way(hub)
    home = hub.cases.tasks[task]["home"]["id"]
    desk = open_desk(viewport=PHONE)
    desk.sign_in("visitor-1")
    desk.page.goto(f"{desk.url}/tasks?arrive={home}:W2NT-45M3-6KV6-MXK4")
    code = desk.page.locator("[name=code]")
    expect(code).to_have_value(f"{home}:W2NT-45M3-6KV6-MXK4")
    desk.page.get_by_role("button", name="提交").click()
    expect(desk.page.locator("main")).to_contain_text("标签证明到场")
    assert hub.cases.tasks[task]["proof"] == "label"


def test_a_label_where_nobody_is_to_go_says_so(open_desk: OpenDesk) -> None:
    desk = open_desk(viewport=PHONE)
    desk.sign_in("visitor-1")
    desk.page.goto(f"{desk.url}/tasks?arrive=home-0024:0000-0000-0000-0000")
    expect(desk.page.locator("main")).to_contain_text("您没有前往这户的任务")


def test_the_sheet_has_what_120_asks(desk: Desk, hub: FakeHub) -> None:
    alarm = alarm_of(hub, "sos")
    with hub.lock:
        for place in (1, 2):
            tell(hub.cases, alarm, (place, 1), {"duty-1": ()}, {})
    desk.go(f"/alarms/{alarm}")
    desk.page.get_by_role("link", name="120/110 交接单").click()
    sheet = desk.page.locator("article")
    for said in ("按下呼叫按钮", "王德福", "青霉素", "过桥左转", "13900000002", "139 mmHg"):
        expect(sheet).to_contain_text(said)
    # Nobody could be told: a line, not one for each round.
    expect(sheet).to_contain_text("系统通知了 2 轮，但没有人配置通知渠道")
    expect(sheet.locator(".done")).not_to_contain_text("通知")
    desk.at_every_size(desk.page.get_by_role("button", name="打印"), shown=[sheet])
    desk.page.emulate_media(media="print")
    expect(desk.page.locator(".frame > nav")).to_be_hidden()
    expect(desk.page.get_by_role("button", name="打印")).to_be_hidden()
    expect(sheet).to_be_visible()
    desk.page.emulate_media(media="screen")


def test_the_figures_stand_beside_their_goals(desk: Desk, hub: FakeHub) -> None:
    desk.go("/response")
    answered = desk.page.locator(".figures section").first
    expect(answered).to_contain_text("75%")
    expect(answered).to_contain_text("目标 97.5%")
    expect(answered.locator("strong.bad").first).to_have_text("75%")
    expect(desk.page.locator("tbody tr")).to_contain_text("城关镇")
    desk.at_every_size(desk.page.get_by_role("button", name="按班次"), shown=[answered])
    desk.page.get_by_role("button", name="按班次").click()
    expect(desk.page.locator("tbody tr")).to_contain_text("夜间")
    csv = desk.page.get_by_role("link", name="导出 CSV")
    assert str(csv.get_attribute("href")).startswith("/api/v1/reports/response.csv")


def test_a_late_call_is_reviewed(desk: Desk, hub: FakeHub) -> None:
    desk.go("/response")
    calls = desk.page.locator(".rows > li")
    expect(calls.first).to_contain_text("待复盘")
    before = calls.count()
    calls.first.get_by_role("button", name="填写复盘").click()
    save = desk.page.get_by_role("button", name="保存复盘")
    expect(save).to_be_disabled()
    desk.at_every_size(desk.page.get_by_label("经过与改进"), shown=[save])
    desk.page.get_by_label("接警超时原因").select_option(label="没有听到")
    desk.page.get_by_label("经过与改进").fill("声音关了")
    save.click()
    expect(calls).to_have_count(before - 1)
    [(_alarm, cause, note)] = hub.service.reviews
    assert (cause, note) == ("not_heard", "声音关了")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_they_fit_a_telephone(open_desk: OpenDesk, hub: FakeHub, language: str) -> None:
    task = on_the_way(hub)
    alarm = hub.cases.tasks[task]["alarm"]
    desk = open_desk(viewport=PHONE, language=language)
    desk.sign_in("duty-1")
    for path, complete in (
        (f"/tasks/{task}", ".columns .panel"),
        (f"/alarms/{alarm}/sheet", "article"),
        ("/response", "tbody tr"),
    ):
        desk.go(path)
        expect(desk.page.locator(complete).first).to_be_visible()
        widths = desk.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths == [390, 390], path
        if language == "en" and path == "/response":
            said = desk.page.locator(".page-head").inner_text()
            assert not CHINESE.search(said)
