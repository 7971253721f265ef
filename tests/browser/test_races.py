"""Answers that are slow on their way never cover what is newer, and never reach another account."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.adapters.fake_api import PASSWORD, FakeHub
from tests.browser.conftest import DEADLINE_MS, PHONE, POLL_MS, Desk, OpenDesk
from tests.browser.test_pages import alarm_of
from tests.browser.test_visits import VISITOR, begin, visitor_on_a_phone

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

QUEUE = ".queue li[data-alarm]"


class Slow:
    """Requests of one kind, answered by the hub at once and let through only when told to."""

    def __init__(self, page: Page, address: str | re.Pattern[str]) -> None:
        self._page = page
        self._holds = True
        self.waiting: list[tuple[Route, Any]] = []
        page.route(address, self._hold)

    def _hold(self, route: Route) -> None:
        if self._holds:
            self.waiting.append((route, route.fetch()))
        else:
            route.continue_()

    def until(self, count: int = 1) -> None:
        until(self._page, lambda: len(self.waiting) >= count)

    def let_go(self) -> None:
        """All of them, and those to come are not held any more."""
        self._holds = False
        for route, answer in self.waiting:
            route.fulfill(response=answer)
        self.waiting.clear()


def until(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(DEADLINE_MS // POLL_MS):
        if condition():
            return
        page.wait_for_timeout(POLL_MS)
    raise AssertionError("never so")


def settled(page: Page) -> None:
    """What was let through has been worked on and drawn."""
    page.evaluate(
        "async () => { for (let turn = 0; turn < 3; turn += 1)"
        " await new Promise((go) => requestAnimationFrame(() => setTimeout(go))); }"
    )


def sign_out(desk: Desk) -> None:
    desk.go("/me")
    desk.page.get_by_role("main").get_by_role("button", name="退出登录").click()
    expect(desk.page.locator("[name=username]")).to_be_visible()


def sign_in_here(page: Page, username: str) -> None:
    """Without loading the page again: what is on its way still comes."""
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("main#main")


def test_two_officers_press_in_the_same_moment(
    desk: Desk, open_desk: OpenDesk, hub: FakeHub
) -> None:
    other = open_desk()
    other.sign_in("duty-2")
    alarm = desk.page.locator(QUEUE).first.get_attribute("data-alarm")
    pressed: list[Route] = []

    def hold(route: Route) -> None:
        pressed.append(route)

    for one in (desk, other):
        expect(one.page.locator(QUEUE)).to_have_count(4)
        one.page.route("**/acknowledge", hold)
        card = one.page.locator(f'{QUEUE}[data-alarm="{alarm}"]')
        # By key: a thumb's press does nothing while lines still come to their places.
        card.get_by_role("button", name="接警").press("Enter")
    until(desk.page, lambda: len(pressed) == 2)
    # Neither has been told anything: both requests are on their way, and theirs comes first.
    theirs, ours = sorted(pressed, key=lambda route: route.request.frame.page is desk.page)
    theirs.continue_()
    until(desk.page, lambda: hub.cases.alarms[str(alarm)]["state"] == "acknowledged")
    ours.continue_()
    for one in (desk, other):
        expect(one.page.locator(QUEUE)).to_have_count(3)
        expect(one.page.locator(f'.side [data-alarm="{alarm}"]')).to_contain_text("钱立")
    expect(desk.page.locator(".toasts")).to_contain_text("已经被别人接手了")
    found = hub.cases.alarm_detail(str(alarm))
    assert found["acknowledged_by"]["username"] == "duty-2"
    assert [e["actor"] for e in found["timeline"] if e["fact"] == "acknowledged"] == ["duty-2"]


def test_an_attempt_that_hangs_gives_way_to_the_next(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in_by_hand()
    page = desk.page
    expect(page.get_by_role("status")).to_contain_text("实时连接正常")
    hanging: list[Route] = []

    def hang_once(route: Route) -> None:
        if hanging:
            route.continue_()
        else:
            hanging.append(route)

    page.route("**/api/v1/stream", hang_once)
    hub.drop_streams()
    until(page, lambda: len(hanging) > 0)
    expect(page.get_by_role("status")).to_contain_text("与系统的连接已断开")
    page.get_by_role("button", name="重试").click()
    expect(page.get_by_role("status")).to_contain_text("实时连接正常")


def test_lists_that_failed_once_are_asked_for_again_soon(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in_by_hand()
    page = desk.page
    expect(page.get_by_role("status")).to_contain_text("实时连接正常")
    refused: list[Route] = []

    def refuse(route: Route) -> None:
        refused.append(route)
        route.fulfill(status=503, json={"type": "busy", "title": "", "status": 503, "detail": ""})

    page.route("**/api/v1/alarms?*", refuse)
    with hub.lock:
        hub._publish("reset", "", "reset", {})
    expect(page.get_by_role("status")).to_contain_text("与系统的连接已断开")
    page.unroute("**/api/v1/alarms?*")
    expect(page.get_by_role("status")).to_contain_text("实时连接正常")


def test_what_the_stream_said_outlives_a_slow_list(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    expect(page.locator(QUEUE)).to_have_count(4)
    # Tasks: one that came, and one that was taken, while the list was on its way.
    held = Slow(page, re.compile("/api/v1/tasks\\?"))
    desk.go("/tasks")
    held.until()
    taken = hub.cases.alarms[alarm_of(hub, "sos")]["task"]
    came = hub.raise_alarm("sos", "home-0003")
    with hub.lock:
        hub.cases.move_task(taken, "accept", "visitor-1", "")
        hub.cases.move_task(came["task"], "accept", "visitor-2", "")
    expect(page.locator("main li", has_text="李秀兰")).to_be_visible()
    held.let_go()
    settled(page)
    expect(page.locator("main li", has_text="李秀兰")).to_be_visible()
    expect(page.locator("main li", has_text="王德福")).to_contain_text("冯建国")
    # The board: closed by somebody while all lists were on their way.
    desk.go("/")
    held = Slow(page, re.compile("/api/v1/alarms\\?"))
    with hub.lock:
        hub._publish("reset", "", "reset", {})
    held.until(4)
    closing = alarm_of(hub, "blood_pressure")
    with hub.lock:
        said = {"outcome": "social", "note": ""}
        hub.cases.move_alarm(closing, "close", "duty-2", said)
    expect(page.locator(f'{QUEUE}[data-alarm="{closing}"]')).to_have_count(0)
    held.let_go()
    settled(page)
    expect(page.locator(f'{QUEUE}[data-alarm="{closing}"]')).to_have_count(0)


def test_a_filter_that_was_left_fills_no_list(desk: Desk) -> None:
    page = desk.page
    desk.go("/tasks")
    expect(page.locator("main li.panel h2").first).to_be_visible()
    shown = page.locator("main li.panel h2").count()
    held = Slow(page, re.compile("/api/v1/tasks\\?.*completed"))
    page.get_by_role("button", name="已结束").click()
    held.until()
    page.get_by_role("button", name="进行中").click()
    expect(page.locator("main li.panel h2")).to_have_count(shown)
    held.let_go()
    settled(page)
    expect(page.locator("main li.panel h2")).to_have_count(shown)


def test_nothing_of_one_account_reaches_the_next(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk(viewport=PHONE)
    page = desk.page
    page.goto(desk.url)
    held = Slow(page, re.compile("/api/v1/(alarms\\?|clock)"))
    sign_in_here(page, "duty-1")
    held.until(4)
    first = held.waiting[:]
    held.waiting.clear()
    sign_out(desk)
    with hub.lock:
        hub.cases.alarms.clear()
    sign_in_here(page, "duty-2")
    held.until(4)
    held.let_go()
    desk.go("/")
    expect(page.locator(".empty")).to_be_visible()
    for route, answer in first:
        route.fulfill(response=answer)
    settled(page)
    expect(page.locator(".empty")).to_be_visible()
    # A refusal that was meant for whoever has left signs nobody out.
    late = Slow(page, re.compile("/api/v1/homes"))
    desk.go("/homes")
    late.until()
    sign_out(desk)
    sign_in_here(page, "duty-1")
    for route, _answer in late.waiting:
        route.fulfill(status=401, json={"type": "signed_out", "status": 401})
    late.waiting.clear()
    settled(page)
    expect(page.locator("main#main")).to_be_visible()
    # Signed out where the hub can't be told: the door stays shut when it can be again.
    page.route("**/api/v1/logout", lambda route: route.abort())
    sign_out(desk)
    page.unroute("**/api/v1/logout")
    page.reload()
    expect(page.locator("[name=username]")).to_be_visible()
    assert page.context.cookies() == []


def test_a_visit_is_never_sent_in_somebody_elses_name(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = visitor_on_a_phone(open_desk)
    page = desk.page
    for needs in ("降压药", "老花镜"):
        page.context.set_offline(True)
        begin(page)
        page.fill("[name=needs]", needs)
        page.get_by_role("button", name="提交", exact=True).click()
        expect(page.locator(".unsent h2")).to_be_visible()
    expect(page.locator(".unsent h2")).to_have_text("未发送 2 条")
    held = Slow(page, "**/api/v1/visits")
    page.context.set_offline(False)
    held.until()
    # The first is on its way when the telephone is handed to somebody else.
    sign_out(desk)
    sign_in_here(page, "visitor-2")
    held.let_go()
    settled(page)
    desk.go("/visits")
    expect(page.locator(".unsent")).to_have_count(0)
    assert {v["visitor"]["username"] for v in hub.visits.visits.values()} == {VISITOR}
    assert len(hub.visits.visits) == 1
    # Who wrote it has it still, and sends it.
    sign_out(desk)
    sign_in_here(page, VISITOR)
    desk.go("/visits")
    until(page, lambda: len(hub.visits.visits) == 2)
    assert {v["visitor"]["username"] for v in hub.visits.visits.values()} == {VISITOR}


def test_a_record_that_arrives_late_leads_nobody_away(open_desk: OpenDesk, hub: FakeHub) -> None:
    page = visitor_on_a_phone(open_desk).page
    begin(page)
    page.get_by_role("button", name="全部无变化 / 安全").click()
    held = Slow(page, "**/api/v1/visits")
    page.get_by_role("button", name="提交", exact=True).click()
    held.until()
    alarm = alarm_of(hub, "sos")
    with hub.lock:
        hub.cases.move_alarm(alarm, "assign", "duty-1", {"assignee": VISITOR})
    page.get_by_role("dialog").get_by_role("button", name="接受任务").click()
    card = f"/tasks/{hub.cases.alarms[alarm]['task']}"
    expect(page).to_have_url(re.compile(f"{card}$"))
    held.let_go()
    expect(page.get_by_text("已提交", exact=False).first).to_be_visible()
    settled(page)
    expect(page).to_have_url(re.compile(f"{card}$"))
