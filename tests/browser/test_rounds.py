"""The timeline of an alarm: rounds folded, people by name, and told only who can be told."""

import re

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.adapters.fake_rounds import tell
from tests.browser.conftest import DEADLINE_MS, Desk

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

BY_APP = ("wecom_app",)


@pytest.fixture
def alarm(hub: FakeHub) -> str:
    return str(hub.raise_alarm("sos", "home-0008")["id"])


def test_a_round_is_one_line_that_opens(desk: Desk, hub: FakeHub, alarm: str) -> None:
    with hub.lock:
        tell(hub.cases, alarm, (1, 1), {"duty-1": BY_APP}, {"duty-1": "refused"})
        first = {"duty-1": BY_APP, "visitor-1": BY_APP}
        tell(hub.cases, alarm, (2, 1), first, {"duty-1": "refused", "visitor-1": "delivered"})
        later = {"manager-1": ("aliyun_sms",), "visitor-2": ()}
        tell(hub.cases, alarm, (2, 2), later, {"manager-1": "delivered"})
    desk.go(f"/alarms/{alarm}")
    page = desk.page
    rounds = page.locator("main ol li.told")
    expect(rounds).to_have_count(2)
    newest = rounds.first
    expect(newest).to_contain_text(re.compile(r"已通知\s*第 2 轮：4 人，2 送达，1 失败"))
    expect(newest).to_contain_text("没有为 蒋小红 配置通知渠道")
    expect(newest).not_to_contain_text("短信")
    desk.at_every_size(newest.get_by_role("button"), shown=[newest])
    newest.get_by_role("button").click()
    expect(newest).to_contain_text(re.compile(r"周丽\s*·\s*短信（阿里云）\s*已送达"))
    expect(newest).to_contain_text(re.compile(r"赵敏\s*·\s*企业微信\s*未送达"))
    expect(newest).to_contain_text("无人接警")
    text = page.locator("main").inner_text()
    assert not re.search(r"duty-\d|visitor-\d|manager-\d|contact:", text)
    newest.get_by_role("button").click()
    expect(newest).not_to_contain_text("短信")


def test_who_has_no_channel_was_not_told(desk: Desk, hub: FakeHub, alarm: str) -> None:
    with hub.lock:
        tell(hub.cases, alarm, (1, 1), {"duty-1": (), "visitor-1": ()})
    desk.go(f"/alarms/{alarm}")
    line = desk.page.locator("main ol li.told")
    expect(line).to_contain_text("未能通知")
    expect(line).to_contain_text("没有为 赵敏、冯建国 配置通知渠道，只在值班台显示")
    expect(line).not_to_contain_text("已通知")


def test_many_rounds_in_vain_leave_the_newest(desk: Desk, hub: FakeHub, alarm: str) -> None:
    with hub.lock:
        for number in range(1, 13):
            tell(hub.cases, alarm, (number, 1), {"duty-1": BY_APP}, {"duty-1": "dead"})
    desk.go(f"/alarms/{alarm}")
    page = desk.page
    rounds = page.locator("main ol li.told")
    expect(rounds).to_have_count(3)
    expect(rounds.first).to_contain_text("第 12 轮")
    older = page.get_by_role("button", name="更早的 10 轮（第 1–10 轮）")
    older.click()
    expect(rounds).to_have_count(13)
    expect(rounds.last).to_contain_text("第 1 轮")
    older.click()
    expect(rounds).to_have_count(3)
