"""An alarm that asks the elder first: seen at once, silent until nobody has answered."""

import re

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.adapters.fake_county import SILENT_HOME
from tests.browser.conftest import DEADLINE_MS, Desk

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

QUEUE = ".queue li[data-alarm]"
FIVE_MINUTES_MS = 300_000


@pytest.fixture
def hub() -> FakeHub:
    """A quiet night."""
    return FakeHub(empty=True)


def asked(hub: FakeHub) -> str:
    return hub.raise_alarm("no_sign_of_life", SILENT_HOME, asks_ms=FIVE_MINUTES_MS)["id"]


def answered(hub: FakeHub, alarm: str, answer: str) -> None:
    with hub.lock:
        hub.cases.answer(alarm, answer)


def test_it_waits_on_the_board_behind_those_who_need_somebody_now(desk: Desk, hub: FakeHub) -> None:
    alarm = asked(hub)
    card = desk.page.locator(f'{QUEUE}[data-alarm="{alarm}"]')
    expect(card).to_contain_text("正在询问老人")
    expect(card.locator(".clock")).to_have_text(re.compile(r"4:\d\d"))
    desk.at_every_size(card.locator("h3 a"), shown=[card, card.locator(".clock")])
    later = hub.raise_alarm("blood_pressure", "home-0003")["id"]
    expect(desk.page.locator(QUEUE).first).to_have_attribute("data-alarm", later)
    answered(hub, alarm, "none")
    expect(desk.page.locator(QUEUE).first).to_have_attribute("data-alarm", alarm)
    expect(card).not_to_contain_text("正在询问老人")


def test_it_is_silent_until_nobody_has_answered(desk: Desk, hub: FakeHub) -> None:
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
    alarm = asked(hub)
    expect(page.locator(f'{QUEUE}[data-alarm="{alarm}"]')).to_contain_text("正在询问老人")
    assert page.evaluate("window.tones") == before
    spoken = page.locator("[aria-live=assertive]")
    expect(spoken).not_to_contain_text("新警情")
    answered(hub, alarm, "none")
    desk.wait_for(f"window.tones > {before}")
    expect(spoken).to_contain_text("新警情：长时间没有生活迹象")


def test_the_page_of_it_says_what_happens_and_how_it_ended(desk: Desk, hub: FakeHub) -> None:
    alarm = asked(hub)
    desk.go(f"/alarms/{alarm}")
    head = desk.page.locator("header.head")
    expect(head).to_contain_text("正在询问老人")
    expect(head).to_contain_text("自动结案")
    expect(head.locator(".clock")).to_have_text(re.compile(r"4:\d\d"))
    answered(hub, alarm, "well")
    expect(desk.page.locator(".ended")).to_contain_text("老人回答平安")
    expect(desk.page.locator(".ended")).to_contain_text("系统")
    expect(head).not_to_contain_text("正在询问老人")
