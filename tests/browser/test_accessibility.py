"""axe-core on every page, in light and dark: no violation of WCAG 2.2 A and AA."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.adapters.fake_rounds import tell
from tests.browser.axe import LEVELS, read_axe, violations
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.browser.test_pages import alarm_of, places

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)


@pytest.fixture(scope="module")
def axe(built_page: None) -> str:
    return read_axe()


def all_places(hub: FakeHub) -> list[tuple[str, str]]:
    alarm = alarm_of(hub, "sos")
    task = hub.cases.alarms[alarm]["task"]
    return [
        *places(hub),
        (f"/alarms/{alarm}/sheet", "main h1"),
        (f"/tasks/{task}", "main h1"),
        ("/persons", "main h1"),
        ("/plan", "main h1"),
        ("/visits", "main h1"),
        ("/undelivered", "main h1"),
        ("/wall", "main li"),
        ("/nowhere", "main p"),
    ]


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_page_violates_aa(
    open_desk: OpenDesk, hub: FakeHub, axe: str, dark: bool, viewport: Any
) -> None:
    desk = open_desk(dark=dark, viewport=viewport)
    desk.page.goto(desk.url)
    expect(desk.page.locator("form")).to_be_visible()
    options = {"runOnly": list(LEVELS)}
    found = [f"login {one}" for one in violations(desk, axe, options)]
    desk.sign_in("admin")
    for path, complete in all_places(hub):
        desk.go(path)
        expect(desk.page.locator(complete).first).to_be_visible()
        found += [f"{path} {one}" for one in violations(desk, axe, options)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_what_opens_violates_nothing_either(
    open_desk: OpenDesk, hub: FakeHub, axe: str, dark: bool
) -> None:
    """Forms, folds, the list of keys, a dead line."""
    alarm = alarm_of(hub, "sos")
    with hub.lock:
        first = {"duty-1": ("wecom_app",), "visitor-1": ("wecom_app",), "manager-1": ()}
        tell(hub.cases, alarm, (1, 1), first, {"duty-1": "refused", "visitor-1": "delivered"})
    desk = open_desk(dark=dark)
    desk.sign_in("admin")
    page, options = desk.page, {"runOnly": list(LEVELS)}
    found = []

    def look(what: str) -> None:
        found.extend(f"{what} {one}" for one in violations(desk, axe, options))

    desk.go(f"/alarms/{alarm}")
    page.locator(".fold").first.click()
    for form in ("派人", "结案"):
        page.get_by_role("button", name=form, exact=True).click()
        look(form)
    desk.go("/homes/home-0002")
    page.get_by_role("button", name="登记", exact=True).click()
    look("stay")
    desk.go("/rota")
    page.get_by_role("button", name="登记请假").click()
    page.get_by_role("button", name="月", exact=True).click()
    look("leave")
    desk.go("/rules/blood_pressure")
    page.get_by_role("button", name="更改", exact=True).click()
    look("limits")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    look("keys")
    page.keyboard.press("Escape")
    hub.stop_answering()
    expect(page.get_by_role("status")).to_contain_text("断开")
    look("lost")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_who_asks_for_more_contrast_gets_aaa(
    open_desk: OpenDesk, hub: FakeHub, axe: str, dark: bool
) -> None:
    desk = open_desk(dark=dark)
    desk.page.emulate_media(contrast="more")
    desk.sign_in("admin")
    options = {"runOnly": {"type": "rule", "values": ["color-contrast-enhanced"]}}
    options["rules"] = {"color-contrast-enhanced": {"enabled": True}}
    found = []
    for path, complete in all_places(hub):
        desk.go(path)
        expect(desk.page.locator(complete).first).to_be_visible()
        found += [f"{path} {one}" for one in violations(desk, axe, options)]
    assert not found, "\n".join(found)


def test_a_pale_word_would_be_found(desk: Desk, axe: str) -> None:
    """The check is able to fail."""
    expect(desk.page.locator(".queue li").first).to_be_visible()
    desk.page.evaluate(
        "document.querySelector('.queue li h3 a').style.setProperty('color', '#cccccc')"
    )
    found = violations(desk, axe, {"runOnly": list(LEVELS)})
    assert any(one.startswith("color-contrast") for one in found)
