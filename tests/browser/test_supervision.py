"""An evening with many devices in trouble: equipment, tasks, a home, and a calm board."""

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.browser.test_board import QUEUE
from tests.browser.test_pages import CHINESE, data_of, said

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

GROUP = ".queue li.group"


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub(worn=True)


def alarms_of(hub: FakeHub, kind: str) -> list[str]:
    return [a["id"] for a in hub.cases.alarms.values() if a["kind"] == kind]


def test_trouble_comes_first_with_since_until_and_who(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.sign_in("admin")
    desk.go("/equipment")
    rows = desk.page.locator("li.device")
    expect(rows).to_have_count(13)
    # A life hangs on it and it is late: first, and red.
    late = rows.nth(0)
    expect(late).to_contain_text("床头呼叫按钮")
    expect(late).to_contain_text("救命设备")
    expect(late.locator(".troubles .badge.urgent")).to_contain_text("没有信号")
    expect(late).to_contain_text("已持续 3 小时")
    expect(late).to_contain_text("须在 02:02 前完成 · 超时 1 小时")
    expect(late).to_contain_text("还没有人接手")
    expect(late).to_contain_text("1 天 3 小时前有信号")
    expect(late).to_contain_text("应至少每 1 天一次")
    desk.at_every_size(late.get_by_role("button", name="设置"), shown=[late])
    meter = desk.page.locator("li.device", has_text="没有应答")
    expect(meter).to_contain_text("冯建国")
    expect(meter).to_contain_text("停电")


def test_filters_count_and_find(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.sign_in("admin")
    desk.go("/equipment")
    rows = desk.page.locator("li.device")
    for name, count in (
        ("失联", 27),
        ("电池低", 12),
        ("该测试", 3),
        ("全部", 76),
        ("有问题", 13),
    ):
        choice = desk.page.get_by_role("button", name=f"{name} {count}")
        choice.click()
        expect(choice).to_have_attribute("aria-pressed", "true")
        expect(rows).to_have_count(count)
    # The board counts the same, and leads to them.
    desk.go("/")
    silent = desk.page.locator("dl a[href='/equipment?show=silent']")
    expect(silent).to_have_text("27")
    silent.click()
    expect(desk.page.get_by_role("button", name="失联 27")).to_have_attribute(
        "aria-pressed", "true"
    )
    desk.page.get_by_role("button", name="全部 76").click()
    # Behind a dead gateway nobody can say how a device is.
    expect(desk.page.locator("li.device", has_text="gw-0003/button-0017")).to_contain_text(
        "网关离线，现在看不到它"
    )
    weak = desk.page.locator("li.device", has_text="gw-0001/motion-0004")
    expect(weak).to_contain_text("信号弱")
    expect(weak).to_contain_text("2 天前被拆动")
    button = desk.page.locator("li.device", has_text="gw-0001/button-0001")
    expect(button).to_contain_text("用到时才有信号")
    expect(button).to_contain_text("3 天前测试过")


def test_settings_send_what_was_changed_and_no_more(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in("admin")
    desk.go("/equipment?device=gw-0001/button-0001")
    page = desk.page
    page.get_by_role("button", name="设置：床头呼叫按钮").click()
    form = page.locator("li.device form")
    save = form.get_by_role("button", name="保存")
    expect(save).to_be_disabled()
    expect(form.get_by_label("多久应有信号")).to_contain_text("不改（现在：不检查）")
    form.get_by_label("多久应有信号").select_option(label="每 1\u00a0天")
    form.get_by_label("多久测试一次").select_option(label="不检查")
    form.get_by_label("救命设备").select_option(label="按设备类型")
    with page.expect_request(lambda request: request.method == "PATCH") as sent:
        save.click()
    assert sent.value.post_data_json == {
        "expected_interval_s": 86_400,
        "test_interval_s": 0,
        "life_critical": None,
    }
    expect(form).to_have_count(0)
    expect(page.locator("li.device")).to_contain_text("应至少每 1 天一次")


def test_who_may_not_change_devices_gets_no_settings(desk: Desk) -> None:
    desk.go("/equipment")
    expect(desk.page.locator("li.device").first).to_be_visible()
    expect(desk.page.get_by_role("button", name="设置：")).to_have_count(0)


def test_a_device_that_comes_back_leaves_the_list(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in("admin")
    desk.go("/equipment")
    expect(desk.page.locator("li.device")).to_have_count(13)
    with hub.lock:
        for alarm in alarms_of(hub, "low_battery"):
            hub.cases.recover(alarm)
    # One cuff still tells its fault by itself.
    expect(desk.page.locator("li.device")).to_have_count(6)


def test_all_devices_well_is_said(open_desk: OpenDesk, hub: FakeHub) -> None:
    with hub.lock:
        for kind in ("device_silent", "low_battery", "device_fault", "test_due"):
            for alarm in alarms_of(hub, kind):
                hub.cases.recover(alarm)
        for device in hub.county.devices.values():
            device["fault"] = None
    desk = open_desk()
    desk.sign_in("admin")
    desk.go("/equipment")
    expect(desk.page.locator("main")).to_contain_text("没有需要处理的设备")


def test_while_you_are_there_under_every_task(open_desk: OpenDesk) -> None:
    desk = open_desk(viewport=PHONE)
    desk.sign_in("visitor-1")
    desk.go("/tasks")
    page = desk.page
    page.get_by_role("button", name="进行中").click()
    called = page.locator("main li.panel", has_text="按下呼叫按钮")
    while_there = called.get_by_role("region", name="顺便检查")
    expect(while_there.locator("li")).to_have_count(2)
    expect(while_there.locator("li").nth(0)).to_contain_text("没有信号")
    expect(while_there.locator("li").nth(1)).to_contain_text("请老人按一次，确认收到")
    # Emergencies first, then what presses, though the meter is late for longer.
    kinds = page.locator("main li.panel h2").all_inner_texts()
    assert [text.split()[0] for text in kinds[:5]] == ["紧急上门"] * 4 + ["维修"]
    assert "设备失联" in kinds[4]


def test_repairs_with_their_deadline(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk(viewport=PHONE)
    desk.sign_in("visitor-1")
    desk.page.locator("dl a[href='/tasks?show=repair']").click()
    expect(desk.page).to_have_url(f"{desk.url}/tasks?show=repair")
    repairs = desk.page.locator("main li.panel")
    expect(repairs).to_have_count(14)
    first = repairs.first
    expect(first.locator(".badge.urgent").first).to_have_text("超时 1 小时")
    expect(first).to_contain_text("须在 02:02 前完成")
    expect(first).to_contain_text("看它在不在、有没有电，按一下试试")
    # Its own trouble is what it is for, no check by the way.
    expect(first.get_by_role("region", name="顺便检查")).to_have_count(0)
    with hub.lock:
        hub.cases.recover(alarms_of(hub, "device_silent")[1])
    expect(repairs).to_have_count(13)


def test_checks_change_without_a_word_about_the_task(desk: Desk, hub: FakeHub) -> None:
    desk.go("/tasks")
    called = desk.page.locator("main li.panel", has_text="按下呼叫按钮")
    while_there = called.get_by_role("region", name="顺便检查")
    expect(while_there.locator("li")).to_have_count(2)
    with hub.lock:
        hub.cases.recover(alarms_of(hub, "test_due")[0])
    expect(while_there.locator("li")).to_have_count(1)


def test_a_home_says_what_is_to_be_looked_at(desk: Desk) -> None:
    desk.go("/homes/home-0002")
    checks = desk.page.get_by_role("region", name="需要检查")
    expect(checks.locator("li")).to_have_count(2)
    expect(checks).to_contain_text("该做每周测试")
    desk.go("/homes/home-0014")
    expect(desk.page.locator("h1")).to_contain_text("高世成")
    expect(checks).to_have_count(0)


def test_many_devices_are_one_line_each_kind(desk: Desk) -> None:
    page = desk.page
    expect(page.locator(GROUP)).to_have_count(2)
    battery = page.locator(GROUP).first
    expect(battery).to_contain_text("电池快没电了")
    expect(battery).to_contain_text("8 条")
    expect(battery).to_contain_text("龙头村 4 · 三里垭村 4")
    # Four of the night, and two silent buttons: two of a kind are no group.
    expect(page.locator(QUEUE)).to_have_count(6)
    assert page.title().startswith("(3) 紧急")
    turn = battery.get_by_role("button")
    expect(turn).to_have_attribute("aria-expanded", "false")
    turn.focus()
    page.keyboard.press("Enter")
    expect(turn).to_have_attribute("aria-expanded", "true")
    expect(page.locator(QUEUE)).to_have_count(14)
    page.keyboard.press("Enter")
    expect(page.locator(QUEUE)).to_have_count(6)


def test_repairs_are_counted_with_those_that_are_late(desk: Desk, hub: FakeHub) -> None:
    counter = desk.page.locator("dl > div", has_text="待维修")
    expect(counter).to_contain_text("14")
    expect(counter).to_contain_text("2 项超期")
    with hub.lock:
        hub.cases.recover(alarms_of(hub, "device_fault")[0])
    expect(counter).to_contain_text("13")
    expect(counter).to_contain_text("1 项超期")


def test_a_storm_of_broken_devices_hides_nobody(open_desk: OpenDesk, hub: FakeHub) -> None:
    with hub.lock:
        for _ in range(600):
            hub.raise_alarm("device_fault", "home-0008")
    desk = open_desk()
    desk.sign_in()
    page = desk.page
    expect(page.locator(QUEUE)).to_have_count(6)
    expect(page.locator(QUEUE).first).to_contain_text("按下呼叫按钮")
    expect(page.locator(QUEUE).nth(1)).to_contain_text("长时间没有生活迹象")
    expect(page.locator(GROUP)).to_have_count(3)


def test_a_broken_device_is_not_called_out_a_person_is(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    expect(page.locator(GROUP).nth(1)).to_contain_text("3 条")
    hub.raise_alarm("test_due", "home-0008")
    expect(page.locator(GROUP).nth(1)).to_contain_text("4 条")
    expect(page.locator("[aria-live=assertive]")).to_have_text("")
    hub.raise_alarm("sos", "home-0003")
    expect(page.locator("[aria-live=assertive]")).to_contain_text("李秀兰")


def test_what_came_back_by_itself_is_not_listed_as_closed(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    page.locator("details summary").click()
    expect(page.locator("details li")).to_have_count(1)
    expect(page.locator(GROUP).first).to_contain_text("8 条")
    with hub.lock:
        hub.cases.recover(alarms_of(hub, "low_battery")[0])
    expect(page.locator(GROUP).first).to_contain_text("7 条")
    expect(page.locator("details li")).to_have_count(1)


PLACES = (
    ("/", GROUP),
    ("/tasks", "main li.panel section"),
    ("/tasks?show=repair", "main li.panel"),
    ("/homes/home-0002", "main section li"),
    ("/equipment", "li.device"),
    ("/equipment?device=gw-0001/button-0002", "li.device"),
)


def test_english_is_english(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk(language="en")
    desk.sign_in("admin")
    data = data_of(hub)
    fault = alarms_of(hub, "device_fault")[0]
    for path, complete in (*PLACES, (f"/alarms/{fault}", "main ol li")):
        desk.go("/me")
        desk.go(path)
        expect(desk.page.locator(complete).first).to_be_visible()
        for settings in desk.page.locator("li.device button").all()[:1]:
            settings.click()
        text = said(desk.page)
        for known in data:
            text = text.replace(known, "")
        assert set(CHINESE.findall(text)) <= {"中文"}, path


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_telephone_has_no_sideways_scroll(open_desk: OpenDesk, language: str) -> None:
    desk = open_desk(viewport=PHONE, language=language)
    desk.sign_in("admin")
    for path, complete in PLACES:
        desk.go("/me")
        desk.go(path)
        expect(desk.page.locator(complete).first).to_be_visible()
        for settings in desk.page.locator("li.device button").all()[:1]:
            settings.click()
        widths = desk.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths == [390, 390], path
