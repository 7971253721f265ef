"""A dark village and a stay on the page: held alarms are seen last and make no sound, the homes to
reach first are named, a stay is set, seen and ended."""

import datetime
import re

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.adapters.fake_county import SILENT_HOME
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

QUEUE = ".queue li[data-alarm]"
HOUR_MS = 3_600_000


@pytest.fixture
def hub() -> FakeHub:
    """A quiet night."""
    return FakeHub(empty=True)


def held(hub: FakeHub, reason: str, by: str = "stay-1") -> str:
    hold = {"held_for": reason, "held_by": by, "held_ms": 11 * HOUR_MS}
    return hub.raise_alarm("no_sign_of_life", SILENT_HOME, held=hold)["id"]


def test_a_held_alarm_is_last_and_silent_until_it_is_released(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    page.add_init_script(
        "window.tones = 0; const make = AudioContext.prototype.createOscillator;"
        "AudioContext.prototype.createOscillator = function () {"
        " window.tones += 1; return make.call(this) }"
    )
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("声音未开启")
    page.locator("header .status").get_by_role("button", name="开启声音").click()
    expect(page.get_by_role("status")).to_contain_text("实时连接正常")
    before = page.evaluate("window.tones")
    alarm = held(hub, "dark")
    card = page.locator(f'{QUEUE}[data-alarm="{alarm}"]')
    expect(card).to_contain_text("村里停电，暂缓")
    expect(card.locator(".clock")).to_have_text(re.compile(r"1[01]\s?小时"))
    assert page.evaluate("window.tones") == before
    broken = hub.raise_alarm("device_fault", "home-0003")["id"]
    expect(page.locator(QUEUE).first).to_have_attribute("data-alarm", broken)
    expect(page.locator(QUEUE).last).to_have_attribute("data-alarm", alarm)
    with hub.lock:
        hub.cases.release(alarm)
    desk.wait_for(f"window.tones > {before}")
    expect(page.locator(QUEUE).first).to_have_attribute("data-alarm", alarm)
    expect(card).not_to_contain_text("暂缓")


def test_what_was_cleared_meanwhile_is_not_spoken_of_as_new(desk: Desk, hub: FakeHub) -> None:
    alarm = held(hub, "away")
    card = desk.page.locator(f'{QUEUE}[data-alarm="{alarm}"]')
    expect(card).to_contain_text("外出，暂缓")
    with hub.lock:
        hub.cases.clear(alarm)
        hub.cases.release(alarm)
    expect(card).not_to_contain_text("暂缓")
    expect(card).to_contain_text("信号已恢复")
    expect(desk.page.locator("[aria-live=assertive]")).not_to_contain_text("新警情")


def test_the_village_says_whom_to_reach_first(desk: Desk, hub: FakeHub) -> None:
    dark = hub.raise_alarm("village_dark", None)["id"]
    card = desk.page.locator(f'{QUEUE}[data-alarm="{dark}"]')
    expect(card).to_contain_text("村里停电")
    expect(card).to_contain_text("龙头村")
    expect(card).to_contain_text("8 块电表中 7 块无应答")
    expect(card).to_contain_text("1 户依赖用电")
    alarm = held(hub, "dark", dark)
    desk.go(f"/homes/{SILENT_HOME}")
    listed = desk.page.locator(f'li[data-alarm="{alarm}"]')
    expect(listed).to_contain_text("村里停电，暂缓")
    desk.go(f"/alarms/{alarm}")
    head = desk.page.locator("header.head")
    expect(head).to_contain_text("没有派人，也不响铃")
    head.get_by_role("link", name="查看停电警情").click()
    homes = desk.page.get_by_role("region", name="先联系这些家庭").locator("li")
    expect(homes).to_have_count(7)
    expect(homes.first).to_contain_text("依赖用电，优先")
    expect(homes.first.get_by_role("link").first).to_have_attribute("href", "/homes/home-0003")
    expect(homes.first).to_contain_text("用电医疗设备")
    # The number is masked as in every list; one press opens it, and the alarm is the reason.
    show = homes.first.get_by_role("button", name="的电话")
    expect(show).to_contain_text("138****0003")
    desk.at_every_size(show, shown=[homes.first])
    show.click()
    call = homes.first.locator("a[href='tel:13800000003']")
    expect(call).to_be_focused()
    expect(homes.first.locator("a[href='tel:13900000003']")).to_be_visible()
    number = hub.cases.alarms[dark]["number"]
    assert hub.opened == [("duty-1", "person-0003", f"警情 {number} 号（村里停电），打电话问平安")]
    expect(desk.page.locator("a[href^='tel:138']")).to_have_count(1)
    desk.go("/tasks")
    task = desk.page.locator("main li.panel", has_text="村里停电")
    expect(task.locator(".who")).to_have_text("龙头村")


def test_a_stay_is_set_seen_and_ended(desk: Desk, hub: FakeHub) -> None:
    desk.go(f"/homes/{SILENT_HOME}")
    panel = desk.page.locator(".stays")
    expect(panel).to_contain_text("没有登记")
    panel.get_by_role("button", name="登记").click()
    panel.locator("[name=kind]").select_option("hospital")
    night = datetime.datetime.fromtimestamp(hub.now_ms() / 1000, tz=datetime.UTC)
    panel.locator("[name=until]").fill(f"{night + datetime.timedelta(days=6):%Y-%m-%d}")
    panel.locator("[name=note]").fill("县医院内科")
    desk.at_every_size(panel.get_by_role("button", name="保存"), panel.locator("[name=until]"))
    panel.get_by_role("button", name="保存").click()
    now = panel.locator(".now")
    expect(now).to_contain_text("住院")
    expect(now).to_contain_text("县医院内科")
    expect(desk.page.locator(".page-head")).to_contain_text("住院")
    [stay] = hub.stays.of(SILENT_HOME)
    assert stay["until"].startswith(f"{night + datetime.timedelta(days=6):%Y-%m-%d}T15:59")
    now.get_by_role("button", name="结束").click()
    expect(panel).to_contain_text("没有登记")
    expect(panel).to_contain_text("结束")
    expect(desk.page.locator(".page-head")).not_to_contain_text("住院")


def test_activity_says_back_early_or_somebody_else(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk(viewport=PHONE, language="en")
    desk.sign_in()
    later = "2026-11-30T15:59:00Z"
    asked = {"kind": "away", "until": later, "note": ""}
    stay = hub.stays.set(SILENT_HOME, {"username": "duty-1", "name": "赵敏"}, asked)
    desk.go(f"/homes/{SILENT_HOME}")
    panel = desk.page.locator(".stays")
    expect(panel.locator(".now")).to_contain_text("Away")
    hub.stays.end(SILENT_HOME, stay["id"], None, "activity")
    expect(panel).to_contain_text("Back early, or somebody else?")


def test_who_may_not_is_offered_nothing(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in("visitor-1")
    desk.go(f"/homes/{SILENT_HOME}")
    mine = hub.county.persons[SILENT_HOME][0]["visitor"] == "visitor-1"
    expect(desk.page.locator(".stays")).to_contain_text("没有登记")
    expect(desk.page.locator(".stays button")).to_have_count(1 if mine else 0)
