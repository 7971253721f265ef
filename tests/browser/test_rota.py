"""The rota on the page: on duty now, a week and a month, a hole filled, a swap, a signed sheet."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from alarms.rota.days import day_number
from tests.adapters.fake_api import FakeHub
from tests.browser.axe import LEVELS, read_axe, too_wide, violations
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk

pytestmark = pytest.mark.browser

AA: dict[str, Any] = {"runOnly": {"type": "tag", "values": list(LEVELS)}}
# In the very turn in which a note's line appears.
PRESS_AS_A_LINE_COMES = """(button) => {
  const list = [...document.querySelectorAll("ol.lines")].at(-1);
  new MutationObserver(() => {
    window.pressedAt = performance.now();
    document.querySelector(button).click();
  }).observe(list, { childList: true });
}"""
TOGETHER = "ol.lines + .button"
ALONE = ".sign .button.primary"
expect.set_options(timeout=DEADLINE_MS)


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub(empty=True)


def test_the_board_says_who_is_on_duty_and_what_is_missing(desk: Desk, hub: FakeHub) -> None:
    bar = desk.page.get_by_label("现在谁在值班")
    expect(bar).to_contain_text("县值班室")
    expect(bar).to_contain_text("换班")
    expect(bar).not_to_contain_text("没有人值班")
    with hub.lock:
        hub.rota.warn()
    expect(bar).to_contain_text("没有人值班")
    desk.at_every_size(bar.get_by_role("link", name="2 项未签收"), shown=[bar])
    bar.get_by_role("link", name="2 项未签收").click()
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text("县值班室")


def test_a_hole_is_seen_in_week_and_month_and_filled(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in("admin")
    page = desk.page
    with hub.lock:
        hub.rota.warn()
    desk.go("/rota")
    page.get_by_role("button", name="月", exact=True).click()
    hole = page.locator(".grid li button.empty")
    expect(hole).to_have_count(1)
    hole.click()
    panel = page.get_by_role("region", name=re.compile("县值班室 · 白班"))
    panel.get_by_label("第一值班人").select_option(index=1)
    save = panel.get_by_role("button", name="保存")
    expect(save).to_be_disabled()
    panel.get_by_label("原因").fill("补班")
    desk.at_every_size(save, panel.get_by_label("第一值班人"))
    save.click()
    expect(hole).to_have_count(0)
    expect(page.get_by_label("值班缺口")).to_have_count(0)
    page.get_by_role("button", name="周", exact=True).click()
    expect(page.locator("table")).to_be_visible()


def test_a_swap_is_asked_and_approved(open_desk: OpenDesk, hub: FakeHub) -> None:
    asker, other = hub.rota.staff[0], hub.rota.staff[-1]
    desk = open_desk()
    desk.sign_in(asker)
    page = desk.page
    desk.go("/rota")
    days = page.locator("table thead")
    shown = days.text_content() or ""
    page.get_by_role("button", name="往后").click()
    # This week's shifts may be over: nobody swaps those.
    expect(days).not_to_have_text(shown)
    mine = page.locator("table button.mine")
    had = mine.count()
    mine.first.click()
    form = page.locator("form", has_text="请人换班")
    form.get_by_label("换班对象").select_option(value=other)
    form.get_by_role("button", name="发出申请").click()
    swaps = page.get_by_role("region", name=re.compile("换班申请"))
    expect(swaps).to_contain_text("等对方答复")
    desk.at_every_size(shown=[swaps])
    [swap] = hub.rota.swaps.values()
    assert swap.other == other

    # The other one sees it without asking, and it is nobody's yet.
    second = open_desk(language="en")
    second.sign_in(other)
    second.go("/rota")
    theirs = second.page.get_by_role("region", name=re.compile("^Swaps"))
    agree = theirs.get_by_role("button", name="Agree")
    second.at_every_size(agree, theirs.get_by_role("button", name="Decline"))
    agree.click()
    expect(swaps).to_contain_text("等批准")
    # Neither of the two approves.
    expect(theirs.get_by_role("button", name="Approve")).to_have_count(0)
    third = open_desk()
    third.sign_in("admin")
    third.go("/rota")
    third.page.get_by_role("button", name="批准", exact=True).click()
    # The rota of the one who gave it away has changed by itself.
    expect(mine).to_have_count(had - 1)
    expect(page.get_by_role("region", name=re.compile("换班申请"))).to_contain_text("没有")
    assert other in (hub.rota.plan.find(swap.given) or pytest.fail("gone")).people

    second.page.get_by_role("button", name="Changes", exact=True).click()
    changes = second.page.get_by_role("region", name=re.compile("^Changes"))
    expect(changes.locator("li").nth(0)).to_contain_text("Swap (approved)")
    expect(changes.locator("li").nth(1)).to_contain_text("by a swap")
    expect(changes.locator("li").last).to_contain_text("as in the pattern → nobody")
    expect(changes.locator("li").last).to_contain_text("王芳培训")
    second.at_every_size(
        changes.get_by_role("button", name="Close"), shown=[changes.locator("li").last]
    )
    assert violations(second, read_axe(), AA) == []


def test_a_years_holidays_are_entered_as_the_notice_has_them(
    open_desk: OpenDesk, hub: FakeHub
) -> None:
    desk = open_desk()
    desk.sign_in("admin")
    page = desk.page
    desk.go("/rota")
    page.get_by_role("button", name="节假日与调休").click()
    panel = page.get_by_role("region", name="节假日与调休")
    days = panel.locator("ul").first.locator("li")
    expect(panel.get_by_role("heading", name="2026")).to_be_visible()
    expect(days.filter(has_text="国庆节 · 放假")).to_contain_text(["7 天"])
    panel.get_by_role("button", name="下一年").click()
    expect(panel).to_contain_text("放假通知尚未公布或未录入")

    first, last = panel.get_by_label("第一天"), panel.get_by_label(re.compile("^最后一天"))
    add = panel.get_by_role("button", name="加入")
    for day, until, kind, name in (
        ("2027-02-05", "2027-02-12", "rest", "春节"),
        ("2027-02-13", "", "work", "春节"),
    ):
        first.fill(day)
        last.fill(until)
        panel.get_by_label("怎么算").select_option(kind)
        panel.get_by_label("节日", exact=True).fill(name)
        add.click()
    save = panel.get_by_role("button", name="保存 9 天")
    expect(save).to_be_disabled()
    panel.get_by_label("原因").fill("国办发明电〔2026〕9号")
    desk.at_every_size(save, shown=[first, last, days.first])
    assert violations(desk, read_axe(), AA) == []
    save.click()
    expect(panel).not_to_contain_text("放假通知尚未公布或未录入")
    spring = days.filter(has_text="录入")
    # What it would be otherwise differs inside the holiday: of that the page makes two lines.
    expect(spring).to_have_count(3)
    expect(spring.last).to_contain_text("调休上班")
    expect(spring.last).to_contain_text("国办发明电〔2026〕9号")
    history = panel.locator("ul").last.locator("li")
    expect(history).to_have_count(1)
    expect(history).to_contain_text("2027 2月5日周五 – 2月12日周五 春节 · 放假")
    desk.at_every_size(shown=[history, spring.last])
    assert hub.rota.plan.calendar.kind(day_number("2027-02-13")).working


def test_a_sheet_is_signed_line_by_line(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in(hub.rota.staff[0])
    page = desk.page
    desk.go("/handovers")
    page.get_by_role("link", name=re.compile("县值班室")).click()
    lines = page.locator("ol.lines > li")
    expect(lines).to_have_count(2)
    expect(lines.nth(1)).to_contain_text("上一班未签收")
    desk.at_every_size(lines.nth(0).get_by_role("button", name="签收"), shown=[lines.nth(1)])
    # Where the finger was, another line may stand by now.
    page.evaluate(PRESS_AS_A_LINE_COMES, ALONE)
    with hub.lock:
        hub.rota.write_sheet(hub.rota.staff[-1], ["sheet-1", "notes"], {"text": "五组停电"})
    expect(page.get_by_text("刚刚多了一项，请先看过再签收。")).to_be_visible()
    expect(page.locator("main")).to_contain_text("0 / 3")
    desk.wait_for("performance.now() > window.pressedAt + 400")
    lines.nth(0).get_by_role("button", name="签收").click()
    expect(lines.nth(0)).to_contain_text("已签收")
    expect(page.locator("main")).to_contain_text("1 / 3")


def test_what_was_read_is_signed_by_groups_and_urgent_lines_alone(
    open_desk: OpenDesk, hub: FakeHub
) -> None:
    desk = open_desk(language="en")
    desk.sign_in(hub.rota.staff[0])
    page = desk.page
    desk.go("/handovers/sheet-1")
    lines = page.locator("ol.lines > li")
    together = page.get_by_role("button", name=re.compile("I have read them: sign the"))
    expect(lines).to_have_count(2)
    # One line is signed by its own button, and no group holds what is urgent.
    expect(together).to_have_count(0)
    for text in ("三组停水", "四组修路"):
        page.get_by_label("What the next shift should know").fill(text)
        page.get_by_role("button", name="Add an item").click()
        expect(lines.last).to_contain_text(text)
    notes = page.get_by_role("region", name=re.compile("^Note"))
    expect(notes.locator("li")).to_have_count(3)
    expect(together).to_have_text("I have read them: sign the 3 above that are not urgent")
    desk.at_every_size(together, shown=[lines.nth(0), lines.last])
    assert violations(desk, read_axe(), AA) == []
    # Somebody writes a line while the finger comes down: nothing is signed unread.
    page.evaluate(PRESS_AS_A_LINE_COMES, TOGETHER)
    with hub.lock:
        hub.rota.write_sheet(hub.rota.staff[-1], ["sheet-1", "notes"], {"text": "五组停电"})
    expect(page.get_by_text("An item has just been added: read it first.")).to_be_visible()
    expect(together).to_have_text("I have read them: sign the 4 above that are not urgent")
    desk.wait_for("performance.now() > window.pressedAt + 400")
    together.click()
    expect(notes.get_by_text("signed by")).to_have_count(4)
    expect(together).to_have_count(0)
    expect(page.locator("main")).to_contain_text("4 / 5")
    with hub.lock:
        signed = [line["signed"] is not None for line in hub.rota.sheet["items"]]
    assert signed == [False, True, True, True, True]


def test_who_leaves_is_not_offered_to_sign(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in(hub.rota.staff[-1])
    desk.go("/handovers/sheet-1")
    expect(desk.page.locator("ol.lines > li")).to_have_count(2)
    expect(desk.page.get_by_role("button", name="签收", exact=True)).to_have_count(0)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_nothing_reaches_over_the_edge_of_a_telephone(open_desk: OpenDesk, language: str) -> None:
    desk = open_desk(viewport=PHONE, language=language)
    desk.sign_in("admin")
    for path, complete in (
        ("/rota", ".days .cells button"),
        ("/handovers", "main li a"),
        ("/handovers/sheet-1", "ol.lines li"),
    ):
        desk.go(path)
        expect(desk.page.locator(complete).first).to_be_visible()
        assert not too_wide(desk), path
    desk.go("/rota")
    month = "月" if language == "zh-CN" else "Month"
    desk.page.get_by_role("button", name=month, exact=True).click()
    expect(desk.page.locator(".grid .day").first).to_be_visible()
    assert not too_wide(desk)
