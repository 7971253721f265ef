"""Who was sent sees nothing else until there is an answer: over the whole screen, with sound."""

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.browser.axe import read_axe
from tests.browser.conftest import COUNT_TONES, DEADLINE_MS, Desk, OpenDesk, every_size
from tests.browser.page_checks import open_faults
from tests.browser.test_pages import alarm_of

pytestmark = pytest.mark.browser
# A press that was on its way to something else when the call came over it.
PRESS_AT_ONCE = """
new MutationObserver((_, watch) => {
  const button = document.querySelector("[data-call] .accept");
  if (button === null) return;
  watch.disconnect();
  button.click();
}).observe(document.body, { subtree: true, childList: true });
"""
expect.set_options(timeout=DEADLINE_MS)

# The second of two quick presses, at what has just come to where the first one was.
PRESS_WHAT_COMES = """
(() => {
  let before = "";
  new MutationObserver(() => {
    const button = document.querySelector(".moves.thumb button");
    const now = button?.textContent ?? "";
    if (now !== before) button?.click();
    before = now;
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
})();
"""


def send(hub: FakeHub, alarm: str, assignee: str = "visitor-1") -> None:
    with hub.lock:
        hub.cases.move_alarm(alarm, "assign", "duty-1", {"assignee": assignee})


def nobody_else_waits(hub: FakeHub, alarm: str) -> None:
    """So that what rings rings for this one."""
    for other in [a for a in hub.cases.alarms.values() if a["state"] == "open"]:
        if other["id"] != alarm:
            with hub.lock:
                hub.cases.move_alarm(other["id"], "acknowledge", "duty-2", {})


@every_size
def test_from_the_call_to_what_was_found(
    open_desk: OpenDesk, hub: FakeHub, viewport: dict[str, int]
) -> None:
    alarm = alarm_of(hub, "sos")
    nobody_else_waits(hub, alarm)
    desk = open_desk(viewport=viewport)
    page = desk.page
    page.clock.install()
    page.add_init_script(COUNT_TONES)
    desk.sign_in_by_hand("visitor-1")
    desk.go("/visits")
    send(hub, alarm)
    call = page.get_by_role("dialog", name="按下呼叫按钮")
    expect(call).to_contain_text("王德福")
    expect(call.locator('a[href="tel:13800000002"]')).to_be_visible()
    box = call.bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (viewport["width"], viewport["height"])
    for button in call.get_by_role("button").all():
        measured = button.bounding_box()
        assert measured is not None
        assert measured["height"] >= 44
        expect(button).to_be_in_viewport(ratio=1)
        button.click(trial=True)
    tones = page.evaluate("window.tones")
    page.clock.run_for(9_000)
    desk.wait_for(f"window.tones >= {tones} + 12")
    page.evaluate(PRESS_WHAT_COMES)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{desk.url}/tasks/{hub.cases.alarms[alarm]['task']}")
    expect(call).to_have_count(0)
    tones = page.evaluate("window.tones")
    task = hub.cases.tasks[hub.cases.alarms[alarm]["task"]]
    for step, before in (("出发", "accepted"), ("到达", "departed")):
        button = page.locator(".moves.thumb button").first
        expect(button).to_have_text(step)
        expect(button).to_be_enabled()
        assert task["state"] == before
        button.click()
    page.get_by_label("现场情况").fill("摔倒，已扶起，无外伤")
    page.get_by_role("button", name="完成").click()
    expect(page.locator("header.panel")).to_contain_text("已完成")
    page.clock.run_for(9_000)
    assert page.evaluate("window.tones") == tones
    assert (task["state"], task["finding"]) == ("completed", "摔倒，已扶起，无外伤")


def test_who_can_not_go_looks_first_and_is_asked_no_more_once_another_was_sent(
    desk: Desk, open_desk: OpenDesk, hub: FakeHub
) -> None:
    alarm = alarm_of(hub, "sos")
    visitor = open_desk()
    visitor.sign_in("visitor-1")
    visitor.page.evaluate(PRESS_AT_ONCE)
    send(hub, alarm)
    call = visitor.page.locator("[data-call]")
    expect(call.get_by_role("alert")).to_contain_text("还没有接受")
    assert hub.cases.tasks[hub.cases.alarms[alarm]["task"]]["state"] == "open"
    assert open_faults(visitor, read_axe(), "call") == []
    # Whoever sends is not called out.
    expect(desk.page.locator("[data-call]")).to_have_count(0)
    visitor.page.keyboard.press("Escape")
    expect(visitor.page).to_have_url(f"{visitor.url}/alarms/{alarm}")
    expect(call).to_have_count(0)
    visitor.go("/visits")
    expect(call).to_be_visible()
    # An answer that comes too late is said where it is seen.
    with hub.lock:
        hub.cases.tasks[hub.cases.alarms[alarm]["task"]]["state"] = "cancelled"
    call.get_by_role("button", name="接受任务").click()
    expect(call.get_by_role("alert")).to_contain_text("情况已经变了")
    send(hub, alarm, "visitor-2")
    expect(call).to_have_count(0)
