"""One's own ways of being told, the page behind a link, and what the service worker does."""

import json
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.adapters.fake_notices import CODE, TOKEN
from tests.browser.conftest import DEADLINE_MS, DESKTOP, PHONE, Desk, OpenDesk
from tests.browser.test_pages import alarm_of

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)
# Where pictures of these pages are left for a human to look at, if anywhere.
SHOTS = os.environ.get("HEARTHWATCH_SHOTS", "")


# Each language at another size; where it matters a test looks at the others as well.
by_language = pytest.mark.parametrize(
    ("viewport", "language"), [(PHONE, "zh-CN"), (DESKTOP, "en")], ids=["phone-zh", "desktop-en"]
)


def shot(desk: Desk, name: str) -> None:
    if SHOTS:
        desk.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@by_language
def test_a_way_is_added_proved_moved_and_removed(
    open_desk: OpenDesk, hub: FakeHub, viewport, language
) -> None:
    desk = open_desk(viewport=viewport, language=language)
    desk.sign_in()
    desk.go("/me")
    page, zh = desk.page, language == "zh-CN"
    panel = page.locator("section[aria-labelledby=contact-points]")
    expect(panel).to_contain_text("还没有任何方式" if zh else "No way set up yet")
    panel.get_by_role("button", name="添加" if zh else "Add").click()
    panel.locator("[name=address]").fill("13800000001")
    panel.locator("[name=label]").fill("手机")
    shot(desk, f"ways-form-{language}-{viewport['width']}")
    panel.locator("form.new button[type=submit]").click()
    expect(panel).to_contain_text("未确认" if zh else "not confirmed")
    panel.get_by_role("button", name="发送验证码" if zh else "Send code").click()
    panel.locator("[name=code]").fill("000000")
    panel.get_by_role("button", name="确认" if zh else "Confirm").click()
    expect(page.get_by_text("验证码不对" if zh else "Wrong code")).to_be_visible()
    panel.locator("[name=code]").fill(CODE)
    panel.get_by_role("button", name="确认" if zh else "Confirm").click()
    expect(panel.locator(".badge")).to_have_text("已确认" if zh else "confirmed")
    panel.get_by_role("button", name="添加" if zh else "Add").click()
    panel.locator("[name=channel]").select_option("wecom_bot")
    panel.locator("form.new button[type=submit]").click()
    expect(panel.locator("ol > li")).to_have_count(2)
    with hub.lock:
        hub.notices.points[0].update(dead_since="2026-11-23T08:00:00Z", dead_reason="空号")
    panel.get_by_role("button", name="提前" if zh else "Move up").click()
    expect(panel.locator("ol > li").first).to_contain_text("duty")
    expect(panel).to_contain_text("空号")
    shot(desk, f"ways-{language}-{viewport['width']}")
    desk.at_every_size(panel.get_by_role("button", name="提前" if zh else "Move up"))
    panel.locator("ol > li").first.get_by_role("button", name="删除" if zh else "Remove").click()
    expect(panel.locator("ol > li")).to_have_count(1)


@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_a_link_answers_without_a_login(open_desk: OpenDesk, hub: FakeHub, answer) -> None:
    desk = open_desk(viewport=PHONE)
    desk.page.goto(f"{desk.url}/r/{TOKEN}")
    expect(desk.page.get_by_role("heading")).to_have_text("紧急呼叫")
    assert hub.notices.replies == []
    shot(desk, f"reply-{answer}")
    name = "接单" if answer == "accept" else "不能去"
    button = desk.page.get_by_role("button", name=name)
    desk.at_every_size(button)
    assert button.bounding_box()["height"] >= 64
    button.click()
    said = "已接单" if answer == "accept" else "正在通知下一位"
    expect(desk.page.get_by_role("status")).to_contain_text(said)
    shot(desk, f"reply-{answer}-done")
    assert hub.notices.replies == [{"answer": answer, "way": "link"}]
    desk.page.reload()
    expect(desk.page.get_by_role("status")).to_contain_text(said)
    assert len(hub.notices.replies) == 1


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_contact_says_going_and_then_there(open_desk: OpenDesk, hub: FakeHub, language) -> None:
    zh = language == "zh-CN"
    hub.notices.reply.update(contact=True)
    desk = open_desk(viewport=PHONE, language=language)
    desk.page.goto(f"{desk.url}/r/{TOKEN}")
    main = desk.page.locator("main")
    expect(main.locator(".big")).to_have_count(3)
    expect(main).to_contain_text("120")
    shot(desk, f"reply-contact-{language}")
    desk.page.get_by_role("button", name="我这就去" if zh else "I'm going").click()
    going = "正赶去" if zh else "you are going"
    expect(desk.page.get_by_role("status")).to_contain_text(going)
    expect(main.locator(".big")).to_have_count(2)
    desk.page.get_by_role("button", name="我已在老人身边" if zh else "I'm with them").click()
    there = "会联系您" if zh else "will call you"
    expect(desk.page.get_by_role("status")).to_contain_text(there)
    expect(main.locator(".big")).to_have_count(0)
    expect(main.get_by_role("link")).to_have_count(0)
    assert [reply["answer"] for reply in hub.notices.replies] == ["going", "with_person"]


def test_a_link_that_is_over_says_so(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk(viewport=PHONE, language="en")
    desk.page.goto(f"{desk.url}/r/another")
    expect(desk.page.get_by_role("status")).to_contain_text("This link no longer works")
    hub.notices.reply.update(state="closed")
    desk.page.goto(f"{desk.url}/r/{TOKEN}")
    expect(desk.page.get_by_role("status")).to_contain_text("This alarm has ended")
    shot(desk, "reply-over-en")


def test_the_service_worker_shows_a_push_message_and_sends_its_answer(
    open_desk: OpenDesk, hub: FakeHub
) -> None:
    desk = open_desk()
    desk.sign_in()
    page = desk.page
    page.context.grant_permissions(["notifications"], origin=desk.url)
    cdp = page.context.new_cdp_session(page)
    registrations: list[str] = []
    cdp.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(r["registrationId"] for r in event["registrations"]),
    )
    cdp.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.register('/sw.js')")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    said = {
        "title": "紧急：紧急呼叫",
        "body": "【紧急】12号 紧急呼叫 龙头村",
        "alarm": "alarm-1",
        "reply": TOKEN,
        "urgent": True,
        "language": "zh-CN",
    }
    desk.wait_for("true")
    assert registrations
    shown = {"origin": desk.url, "registrationId": registrations[-1]}
    cdp.send("ServiceWorker.deliverPushMessage", {**shown, "data": json.dumps(said)})
    desk.wait_for(
        "navigator.serviceWorker.ready.then(r => r.getNotifications()).then(n => n.length > 0)"
    )
    [seen] = page.evaluate(
        "navigator.serviceWorker.ready.then(r => r.getNotifications()).then(all => all.map("
        "n => ({title: n.title, body: n.body, tag: n.tag, actions: n.actions.map(a => a.title)})))"
    )
    assert seen == {
        "title": said["title"],
        "body": said["body"],
        "tag": "alarm-1",
        "actions": ["接单", "不能去"],
    }
    [worker] = page.context.service_workers
    worker.evaluate(
        "self.registration.getNotifications().then(([notification]) =>"
        " self.dispatchEvent(new NotificationEvent('notificationclick',"
        " {notification, action: 'accept'})))"
    )
    desk.wait_for(
        "navigator.serviceWorker.ready.then(r => r.getNotifications())"
        ".then(n => n.some(one => one.body.startsWith('已接单')))"
    )
    assert hub.notices.replies == [{"answer": "accept", "way": "push"}]


@by_language
def test_what_did_not_arrive_is_tried_again(
    open_desk: OpenDesk, hub: FakeHub, viewport, language
) -> None:
    zh = language == "zh-CN"
    with hub.lock:
        number = {"alarm": alarm_of(hub, "sos"), "number": 12}
        hub.notices.fail(
            "n-1", "aliyun_sms", "refused", "isv.MOBILE_NUMBER_ILLEGAL 号码不对", **number
        )
        hub.notices.fail("n-2", "aliyun_sms", "dead", "HTTP 500", **number)
        hub.notices.fail("n-3", "wecom_bot", "refused", "93000 invalid webhook url")
    desk = open_desk(viewport=viewport, language=language)
    desk.sign_in("manager-1")
    desk.go("/undelivered")
    page = desk.page
    channels = page.locator("section[aria-labelledby=channels]")
    messages = page.locator("section[aria-labelledby=messages]")
    expect(channels.locator("ul.rows > li")).to_have_count(2)
    expect(channels).to_contain_text("号码不对")
    expect(messages.locator("ul > li")).to_have_count(3)
    shot(desk, f"undelivered-{language}-{viewport['width']}")
    bot = channels.get_by_role("button", name="企业微信群机器人" if zh else "WeCom group bot")
    desk.at_every_size(bot, shown=[messages])
    bot.click()
    expect(messages.locator("ul > li")).to_have_count(1)
    messages.get_by_role("button", name="再试一次" if zh else "Try again").click()
    expect(messages.locator(".badge")).to_have_text("等待重发" if zh else "will be sent again")
    expect(channels.locator("ul.rows > li")).to_have_count(1)
    with hub.lock:
        assert [row["state"] for row in hub.notices.failed] == ["refused", "dead", "pending"]


def test_who_may_not_send_again_sees_what_did_not_arrive(open_desk: OpenDesk, hub: FakeHub) -> None:
    with hub.lock:
        hub.notices.fail("n-1", "aliyun_sms", "dead", "HTTP 500")
    desk = open_desk()
    desk.sign_in()
    desk.page.get_by_role("link", name="未送达").click()
    expect(desk.page.locator("section[aria-labelledby=messages]")).to_contain_text("HTTP 500")
    expect(desk.page.get_by_role("button", name="再试一次")).to_have_count(0)
