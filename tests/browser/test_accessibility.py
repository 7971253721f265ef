"""axe-core on every page, in light and dark: no violation of WCAG 2.2 A and AA."""

import json
import subprocess
import sys
from typing import Any, Final

import pytest
from playwright.sync_api import expect

import hatch_build
from tests.adapters.fake_api import FakeHub
from tests.browser.conftest import DEADLINE_MS, PHONE, ROOT, Desk, OpenDesk
from tests.browser.test_pages import alarm_of, places

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

AXE: Final = hatch_build.WEB / "node_modules" / "axe-core" / "axe.min.js"
LEVELS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@pytest.fixture(scope="module")
def axe(built_page: None) -> str:
    """A page that was up to date needed no packages; its own check installs them."""
    if not AXE.is_file():
        subprocess.run([sys.executable, ROOT / "hatch_build.py", "check"], check=True)
    return AXE.read_text(encoding="utf-8")


def violations(desk: Desk, axe: str, options: dict[str, Any]) -> list[str]:
    desk.page.evaluate(f"() => {{ if (!window.axe) {{ {axe} }} }}")
    asked = f"async () => (await axe.run(document, {json.dumps(options)})).violations"
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in desk.page.evaluate(asked)
        for node in found["nodes"]
    ]


def all_places(hub: FakeHub) -> list[tuple[str, str]]:
    alarm = alarm_of(hub, "sos")
    task = hub.cases.alarms[alarm]["task"]
    return [
        *places(hub),
        (f"/alarms/{alarm}/sheet", "main h1"),
        (f"/tasks/{task}", "main h1"),
        ("/response", "main table"),
        ("/rules", "main li"),
        ("/rules/blood_pressure", ".limits"),
        ("/tries", "main form"),
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
