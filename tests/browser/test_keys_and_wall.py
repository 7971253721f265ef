"""The board by keys alone, what can't be overlooked, and the board on a wall."""

import re

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.browser.conftest import DEADLINE_MS, Desk, OpenDesk
from tests.browser.test_pages import said

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

QUEUE = ".queue li[data-alarm]"


def test_j_and_k_move_enter_opens(desk: Desk) -> None:
    page = desk.page
    ids = page.locator(QUEUE).evaluate_all("cards => cards.map(card => card.dataset.alarm)")
    selected = page.locator(f"{QUEUE}.selected")
    expect(selected).to_have_attribute("data-alarm", ids[0])
    for key, wanted in (("j", 1), ("j", 2), ("k", 1), ("K", 0), ("J", 1)):
        page.keyboard.press(key)
        expect(selected).to_have_attribute("data-alarm", ids[wanted])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/alarms/{ids[1]}$"))


def test_the_help_shows_every_key_and_keeps_them_from_the_board(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    expect(page.locator(QUEUE)).to_have_count(4)
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="键盘操作")
    for key in ("J", "K", "Enter", "A", "Esc", "W", "?"):
        expect(help_.locator("kbd", has_text=re.compile(rf"^{re.escape(key)}$"))).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    expect(help_).to_have_count(0)
    assert hub.cases.count_alarms()["open"] == 4
    expect(page.locator(QUEUE)).to_have_count(4)
    # The keys are the board's again.
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator(QUEUE)).to_have_count(3)


def test_letters_typed_into_a_field_are_letters(desk: Desk) -> None:
    page = desk.page
    desk.go("/homes")
    page.locator("main input").first.focus()
    page.keyboard.type("jw?a")
    expect(page.locator("main input").first).to_have_value("jw?a")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(re.compile("/homes"))


def test_sound_that_is_off_stays_said_and_grows_loud(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in_by_hand()
    page = desk.page
    bar, status = page.locator(".frame > header"), page.get_by_role("status")
    expect(status).to_contain_text("实时连接正常")
    page.get_by_role("button", name="关闭声音").click()
    expect(status).to_contain_text("声音未开启，3 条紧急待接警")
    desk.at_every_size(
        bar.locator(".status").get_by_role("button", name="开启声音"),
        shown=[page.locator("time").first],
    )
    expect(bar).to_have_class(re.compile("loud"))
    # On another page and after a reload too.
    desk.go("/homes")
    expect(status).to_contain_text("声音未开启")
    page.reload()
    page.keyboard.press("Tab")
    expect(status).to_contain_text("声音未开启")
    for alarm in [a for a in hub.cases.alarms.values() if a["state"] == "open"]:
        with hub.lock:
            hub.cases.move_alarm(alarm["id"], "acknowledge", "duty-2", {})
    expect(status).to_contain_text("声音未开启，警情不会响铃")
    expect(bar).not_to_have_class(re.compile("loud"))
    page.locator("header .status").get_by_role("button", name="开启声音").click()
    expect(status).to_contain_text("实时连接正常")


def test_who_manages_is_told_of_the_sound_without_red(open_desk: OpenDesk) -> None:
    """Calls are for who sits at the desk and who goes."""
    desk = open_desk()
    desk.sign_in("manager-1")
    bar = desk.page.locator(".frame > header")
    expect(desk.page.get_by_role("status")).to_contain_text("声音未开启，警情不会响铃")
    expect(bar).not_to_have_class(re.compile("loud"))


def test_the_tab_counts_urgent_alarms_that_nobody_took(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    icon = page.locator('link[rel="icon"]')
    expect(page).to_have_title("(3) 紧急待接警 · 值班台 · 守望")
    expect(page.locator("nav .count")).to_have_text("3")
    expect(icon).to_have_attribute("href", re.compile("^data:image/png"))
    three = icon.get_attribute("href")
    alarm = hub.raise_alarm("sos", "home-0008")
    expect(page).to_have_title("(4) 紧急待接警 · 值班台 · 守望")
    expect(page.locator("nav .count")).to_have_text("4")
    assert icon.get_attribute("href") != three
    for one in [a for a in hub.cases.alarms.values() if a["severity"] == "urgent"]:
        if one["state"] == "open":
            with hub.lock:
                hub.cases.move_alarm(one["id"], "acknowledge", "duty-2", {})
    # The dead gateway waits on, and is not urgent.
    expect(page).to_have_title("(1) 待接警 · 值班台 · 守望")
    expect(icon).to_have_attribute("href", "/icon.svg")
    assert alarm["id"] in hub.cases.alarms


def test_the_wall_names_nobody(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    expect(page.locator(QUEUE)).to_have_count(4)
    page.keyboard.press("w")
    expect(page).to_have_url(re.compile("/wall$"))
    rows = page.locator("main li")
    expect(rows.first).to_contain_text("按下呼叫按钮")
    expect(page.locator("nav")).to_have_count(0)
    desk.wait_for("document.fullscreenElement !== null")
    hub.raise_alarm("fall", "home-0008")
    expect(page.locator("main")).to_contain_text("跌倒")
    text = said(page) + page.content()
    people = [person for those in hub.county.persons.values() for person in those]
    secrets = {home["address"] for home in hub.county.homes.values()}
    secrets |= {person["name"] for person in people} | {person["phone"] for person in people}
    secrets |= {contact["phone"] for person in people for contact in person["contacts"]}
    assert not {secret for secret in secrets if secret in text}
    assert "三里垭村" in text or "龙头村" in text
    leave = page.get_by_role("button", name="退出大屏")
    desk.at_every_size(leave, shown=[rows.first, page.locator("main dl")])
    page.get_by_role("button", name="退出大屏").click()
    expect(page.locator(QUEUE).first).to_be_visible()
    desk.wait_for("document.fullscreenElement === null")
    # What came meanwhile stands there, and is not read out as new; what comes now is.
    spoken = page.locator("[aria-live=assertive]")
    expect(spoken).to_have_text("")
    hub.raise_alarm("sos", "home-0009")
    expect(spoken).to_contain_text(re.compile("^新警情"))


def test_the_wall_is_left_once(desk: Desk) -> None:
    """The end of full screen comes before the way back is gone: it must not go back again."""
    page = desk.page
    expect(page.locator(QUEUE)).to_have_count(4)
    page.keyboard.press("w")
    desk.wait_for("document.fullscreenElement !== null")
    page.evaluate("() => { window.backs = 0; history.back = () => { window.backs += 1 } }")
    page.get_by_role("button", name="退出大屏").click()
    desk.wait_for("document.fullscreenElement === null && window.backs > 0")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("window.backs") == 1


def test_the_wall_says_when_its_line_is_dead(open_desk: OpenDesk, hub: FakeHub) -> None:
    hub.cases.alarms.clear()
    desk = open_desk()
    desk.sign_in()
    desk.go("/wall")
    expect(desk.page.locator("main .well")).to_be_visible()
    hub.stop_answering()
    expect(desk.page.get_by_role("status")).to_contain_text("与系统的连接已断开")
    expect(desk.page.locator("main .doubtful")).to_be_visible()
