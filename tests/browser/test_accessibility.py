"""What opens on a page, what is told to who can't see it, and what is done without a mouse. Every
page as it stands is `test_every_page`'s."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.adapters.fake_api import FakeHub
from tests.adapters.fake_rounds import tell
from tests.browser.axe import LEVELS, read_axe, violations
from tests.browser.conftest import DEADLINE_MS, Desk, OpenDesk
from tests.browser.page_checks import open_faults
from tests.browser.test_pages import alarm_of

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

# What is read out, in the order in which it was put there.
LISTEN = """
window.readOut = [];
new MutationObserver((changes) => {
  for (const { type, target, addedNodes } of changes) {
    const place = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
    const live = place?.closest("[aria-live], [role=status], [role=alert]");
    const added = [...addedNodes].map((node) => node.textContent).join(" ");
    const text = (type === "characterData" ? target.data : added).trim();
    if (live && text !== "") window.readOut.push(text);
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


@pytest.fixture(scope="module")
def axe(built_page: None) -> str:
    return read_axe()


def test_what_opens_violates_nothing(open_desk: OpenDesk, hub: FakeHub, axe: str) -> None:
    """Forms, folds, the list of keys, a dead line."""
    alarm = alarm_of(hub, "sos")
    with hub.lock:
        first = {"duty-1": ("wecom_app",), "visitor-1": ("wecom_app",), "manager-1": ()}
        tell(hub.cases, alarm, (1, 1), first, {"duty-1": "refused", "visitor-1": "delivered"})
    desk = open_desk()
    desk.sign_in("admin")
    page, found = desk.page, []
    desk.go(f"/alarms/{alarm}")
    page.locator(".fold").first.click()
    for form in ("派人", "结案"):
        page.get_by_role("button", name=form, exact=True).click()
        found += open_faults(desk, axe, form)
    desk.go("/homes/home-0002")
    page.get_by_role("button", name="登记", exact=True).click()
    found += open_faults(desk, axe, "stay")
    desk.go("/rota")
    page.get_by_role("button", name="登记请假").click()
    page.get_by_role("button", name="月", exact=True).click()
    found += open_faults(desk, axe, "leave")
    desk.go("/rules/blood_pressure")
    page.get_by_role("button", name="更改", exact=True).click()
    found += open_faults(desk, axe, "limits")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    found += open_faults(desk, axe, "keys")
    page.keyboard.press("Escape")
    hub.stop_answering()
    expect(page.get_by_role("status")).to_contain_text("断开")
    found += open_faults(desk, axe, "lost")
    assert not found, "\n".join(found)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('href') ?? ''"))


def test_without_a_mouse_from_the_board_to_an_alarm_and_back(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    expect(page.locator(".queue li")).to_have_count(4)
    # The first Tab leads past the menu, and the next into the page.
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="跳到正文")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    link = page.locator(".queue h3 a").first
    while focused(page) != link.get_attribute("href"):
        page.keyboard.press("Tab")
    way = focused(page)
    page.keyboard.press("Enter")
    expect(page.locator("header.head")).to_be_visible()
    expect(page.locator("main")).to_be_focused()
    expect(page).to_have_title(re.compile("警情 · 守望$"))
    page.keyboard.press("Escape")
    expect(page.locator(f'.queue a[href="{way}"]')).to_be_focused()


def test_letters_do_nothing_once_they_are_turned_off(desk: Desk) -> None:
    """Who speaks to the computer says letters all the time (WCAG 2.1.4)."""
    page = desk.page
    expect(page.locator(".queue li")).to_have_count(4)
    desk.go("/me")
    page.get_by_label("用字母键操作").uncheck()
    page.reload()
    desk.go("/")
    expect(page.locator(".queue li")).to_have_count(4)
    for key in ("?", "w", "a", "j"):
        page.keyboard.press(key)
    # A key that still does something: all that came before it were handled.
    page.keyboard.press("ArrowDown")
    expect(page.locator(".queue li.selected")).to_have_count(1)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".queue li")).to_have_count(4)
    desk.go("/me")
    page.get_by_label("用字母键操作").check()
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_an_alarm_is_read_out_once_and_the_clock_never(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    page = desk.page
    page.clock.install()
    desk.sign_in_by_hand()
    expect(page.locator(".queue li")).to_have_count(4)
    expect(page.get_by_role("status")).to_contain_text("实时连接正常")
    page.evaluate(LISTEN)
    page.clock.run_for(20_000)
    assert page.evaluate("window.readOut") == []
    hub.raise_alarm("fall", "home-0008")
    expect(page.locator(".queue li")).to_have_count(5)
    page.clock.run_for(20_000)
    said = [one for one in page.evaluate("window.readOut") if "新警情" in one]
    assert len(said) == 1, said
    # The same button again is the same words, and is read out all the same.
    hub.raise_alarm("fall", "home-0008")
    desk.wait_for("window.readOut.filter((one) => one.includes('新警情')).length === 2")


def test_a_line_says_in_forced_colours_what_a_background_said(desk: Desk) -> None:
    page = desk.page
    expect(page.locator(".queue li").first).to_be_visible()
    page.emulate_media(forced_colors="active")
    style = "e => [getComputedStyle(e).outlineStyle, parseFloat(getComputedStyle(e).outlineWidth)]"
    for marked in (".queue li.selected", "nav [aria-current]"):
        assert page.locator(marked).first.evaluate(style) == ["solid", 3], marked
    border = "e => parseFloat(getComputedStyle(e).borderTopWidth)"
    assert page.locator(".queue .badge.urgent").first.evaluate(border) >= 1


def test_a_pale_word_would_be_found(desk: Desk, axe: str) -> None:
    """The check is able to fail."""
    expect(desk.page.locator(".queue li").first).to_be_visible()
    desk.page.evaluate(
        "document.querySelector('.queue li h3 a').style.setProperty('color', '#cccccc')"
    )
    found = violations(desk, axe, {"runOnly": list(LEVELS)})
    assert any(one.startswith("color-contrast") for one in found)
