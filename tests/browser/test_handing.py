"""An alarm is passed on, given up, merged and opened again on its page, in both languages."""

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.browser.conftest import DEADLINE_MS, Desk

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)


@pytest.fixture
def hub() -> FakeHub:
    """A quiet night."""
    return FakeHub(empty=True)


def test_taken_offered_and_given_up(desk: Desk, hub: FakeHub) -> None:
    alarm = hub.raise_alarm("sos", "home-0003")["id"]
    desk.go(f"/alarms/{alarm}")
    page = desk.page
    head = page.locator("header.head")
    page.get_by_role("button", name="接警").click()
    expect(head).to_contain_text("前须有人出发")
    more = page.get_by_role("button", name="需要更多时间")
    desk.at_every_size(more, page.get_by_role("button", name="派人"), shown=[head])
    page.get_by_role("button", name="需要更多时间").click()
    page.get_by_role("button", name="移交", exact=True).first.click()
    page.get_by_label("移交给谁").select_option("duty-2")
    page.locator("form").get_by_role("button", name="移交", exact=True).click()
    expect(head).to_contain_text("正在移交给")
    page.get_by_role("button", name="放弃处置").first.click()
    page.get_by_label("为什么放弃").select_option("shift_ends")
    page.locator("form").get_by_role("button", name="放弃处置").click()
    expect(head).to_contain_text("无人接手")
    expect(page.locator("main")).to_contain_text("放弃处置")


def test_one_event_and_opened_again(desk: Desk, hub: FakeHub) -> None:
    call = hub.raise_alarm("sos", "home-0003")
    fall = hub.raise_alarm("fall", "home-0003")["id"]
    desk.go(f"/alarms/{fall}")
    page = desk.page
    page.get_by_role("button", name="合并警情").click()
    page.get_by_label("与哪条警情").select_option(call["id"])
    page.locator("form").get_by_role("button", name="合并警情").click()
    expect(page.locator(".ended")).to_contain_text("并入另一条警情")
    page.get_by_role("button", name="重新打开").click()
    page.get_by_label("为什么重新打开").select_option("wrong_merge")
    page.locator("form").get_by_role("button", name="重新打开").click()
    expect(page.locator("header.head")).to_contain_text("无人接手")


def test_who_can_not_come_says_so(desk: Desk, hub: FakeHub) -> None:
    alarm = hub.raise_alarm("sos", "home-0003")["id"]
    desk.go(f"/alarms/{alarm}")
    page = desk.page
    page.get_by_role("button", name="我无法处理").click()
    page.get_by_label("为什么无法处理").select_option("busy")
    page.locator("form").get_by_role("button", name="我无法处理").click()
    expect(page.locator("main")).to_contain_text("无法处理")
