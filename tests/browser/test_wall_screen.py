"""A screen on a wall at a real hub: let in by the code that it shows, it hears and sounds, names
nobody, leads nowhere else, and is dark when it is ended."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from ingest.urgent_lane import decode_message
from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import Bench
from tests.adapters.hub_bench import press as bench_press
from tests.adapters.real_hub import serving_hub
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.dashboard.county import ROSTER

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

ACCOUNTS = {"manager-1": ("manager", "610926101"), "duty-1": ("duty", "610926101")}
# It asks again after ten seconds, which nobody waits for here.
SOON = """const later = window.setTimeout;
window.setTimeout = (run, ms, ...more) => later(run, ms >= 10000 ? 20 : ms, ...more);"""
TIMES_AWAY = 3
NAMED = ("张桂英", "13800000001", "12 号", "张伟", "李婶", "床头呼叫按钮")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Bench]]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as found:
        yield found


@pytest.fixture
def url(served: tuple[str, Bench]) -> str:
    return served[0]


def press(bench: Bench) -> None:
    payload = bench_press(1, "button-0001").replace(b'"gw-1"', b'"gw-0001"')
    message = decode_message(b"hw/v1/gw-0001/activation", payload)
    bench.change(lambda unit: bench.hub.urgent._take_all(unit, [message]))


def let_in(manager: Desk, screen: Page) -> None:
    """As two people do it, one of them at her own desk."""
    code = screen.locator(".code")
    expect(code).to_have_text(re.compile(r"^\d{8}$"))
    manager.go("/security")
    panel = manager.page.get_by_role("region", name="墙上的大屏")
    panel.get_by_role("button", name="接入大屏").click()
    digits = code.inner_text().replace("\n", "")
    panel.get_by_label("大屏上的 8 位数字").fill(f"{digits[:4]} {digits[4:]}")
    panel.get_by_role("button", name="下一步").click()
    # She sees which browser it is before she lets it in.
    expect(panel.get_by_role("status")).to_contain_text("127.0.0.1")
    panel.get_by_label("名称").fill("值班室大屏")
    panel.get_by_role("button", name="接入", exact=True).click()
    expect(panel.get_by_text("值班室大屏")).to_be_visible()
    expect(screen.get_by_role("heading", name="值班室大屏")).to_be_visible()


def test_let_in_it_shows_and_sounds_and_names_nobody(
    open_desk: OpenDesk, served: tuple[str, Bench]
) -> None:
    bench = served[1]
    manager, wall = open_desk(viewport=PHONE), open_desk()
    manager.sign_in_by_hand("manager-1")
    screen = wall.page
    screen.goto(wall.url)
    screen.get_by_role("link", name="这是墙上的大屏").click()
    let_in(manager, screen)
    expect(screen.locator("main .well")).to_be_visible()
    # A click, as somebody hangs it up.
    screen.get_by_role("heading").first.click()
    expect(screen.get_by_role("status")).to_contain_text("实时连接正常")
    press(bench)
    row = screen.locator("main li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("龙头村")
    expect(screen.locator("dl .urgent dd")).to_have_text("1")
    said = screen.locator("html").inner_text() + screen.content()
    assert not [mark for mark in NAMED if mark in said]
    # Sound that is off is said in red while somebody calls.
    screen.get_by_role("button", name="关闭声音").click()
    expect(screen.get_by_role("status")).to_contain_text("声音未开启，1 条紧急待接警")
    # It has no menu, and its secret opens no other page.
    expect(screen.locator("nav")).to_have_count(0)
    for path in ("alarms", "service-users", "stream", "me", "screens"):
        assert screen.request.get(f"{wall.url}/api/v1/{path}").status == 401, path
    screen.goto(f"{wall.url}/persons")
    expect(screen.locator("[name=username]")).to_be_visible()
    # Back on the wall it is as before, without anybody's help.
    screen.goto(f"{wall.url}/screen")
    expect(row).to_have_count(1)


def test_ended_it_is_dark_and_asks_again(open_desk: OpenDesk, served: tuple[str, Bench]) -> None:
    manager, wall = open_desk(), open_desk()
    manager.sign_in_by_hand("manager-1")
    wall.page.goto(f"{wall.url}/screen")
    let_in(manager, wall.page)
    press(served[1])
    expect(wall.page.locator("main li")).to_have_count(1)
    panel = manager.page.get_by_role("region", name="墙上的大屏")
    panel.get_by_role("button", name="停用大屏 值班室大屏").click()
    panel.get_by_role("button", name="停用，大屏变黑").click()
    expect(panel.get_by_text("已停用")).to_be_visible()
    # Found out when it asks next; a page that is loaded anew finds it at once.
    wall.page.reload()
    expect(wall.page.locator(".code")).to_have_text(re.compile(r"^\d{8}$"))
    expect(wall.page.locator("main li[class]")).to_have_count(0)


def test_a_hub_that_is_away_for_long_is_found_again_by_itself(open_desk: OpenDesk) -> None:
    """After a power cut at night the screen is there before the hub, and nobody clicks."""
    wall = open_desk()
    page = wall.page
    page.add_init_script(SOON)
    asked: list[str] = []

    def away(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > TIMES_AWAY:
            return route.fallback()
        return route.fulfill(status=503, json={"type": "starting", "title": "", "status": 503})

    page.route("**/api/v1/screen/board", away)
    page.goto(f"{wall.url}/screen")
    expect(page.locator(".code")).to_have_text(re.compile(r"^\d{8}$"))
    assert len(asked) > TIMES_AWAY


def test_who_is_at_the_desk_alone_lets_nothing_in(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.sign_in_by_hand("duty-1")
    desk.go("/security")
    expect(desk.page.get_by_role("region", name="登录记录")).to_be_visible()
    expect(desk.page.get_by_role("region", name="墙上的大屏")).to_have_count(0)
