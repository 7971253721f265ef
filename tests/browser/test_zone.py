"""A duty day seen from another time zone: the page shows, and is told, the county's times."""

import re

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.browser.conftest import DEADLINE_MS, Desk, OpenDesk

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

# Thirteen hours behind the county: there it is still the afternoon of the day before.
ELSEWHERE = "America/New_York"


@pytest.fixture
def abroad(open_desk: OpenDesk) -> Desk:
    desk = open_desk(timezone=ELSEWHERE)
    desk.sign_in("admin")
    return desk


def test_the_bar_and_the_board_show_the_countys_night(abroad: Desk, hub: FakeHub) -> None:
    page = abroad.page
    expect(page.locator("header time")).to_have_text(re.compile(r"^03:0\d:\d\d$"))
    expect(page.locator("header .date")).to_have_text(re.compile(r"11月24日\s*周二"))
    alarm = hub.raise_alarm("sos", "home-0008")
    card = page.locator(f'[data-alarm="{alarm["id"]}"]')
    expect(card).to_contain_text("自 03:0")
    card.get_by_role("button", name="接警").press("Enter")
    abroad.go(f"/alarms/{alarm['id']}")
    taken = page.locator("main ol li.acknowledged time")
    expect(taken).to_have_text(re.compile(r"^03:0\d:\d\d$"))


def test_a_stay_ends_with_the_countys_day(abroad: Desk, hub: FakeHub) -> None:
    page = abroad.page
    abroad.go("/homes/home-0002")
    page.get_by_role("button", name="登记", exact=True).click()
    # A form beside it, of how often somebody is visited, has a last day as well.
    until = page.get_by_label("到哪天为止")
    expect(until).to_have_attribute("min", "2026-11-24")
    until.fill("2026-11-25")
    page.locator("form").filter(has=until).get_by_role("button", name="保存").click()
    expect(page.locator(".stays li").first).to_contain_text("11月25日 23:59")
    assert hub.stays.of("home-0002")[0]["until"] == "2026-11-25T15:59:00.000Z"


def test_a_leave_and_the_rota_are_in_county_days(abroad: Desk) -> None:
    page = abroad.page
    abroad.go("/rota")
    expect(page.locator(".today").first).to_contain_text("24")
    page.get_by_role("button", name="月", exact=True).click()
    expect(page.locator(".grid .today")).to_have_text("24")
    page.get_by_role("button", name="登记请假").click()
    page.locator("form [name=from]").fill("2026-11-26")
    page.locator("form [name=until]").fill("2026-11-26")
    page.locator("form").get_by_label("原因").fill("体检")
    with page.expect_request(lambda asked: asked.url.endswith("/rota/leaves")) as asked:
        page.locator("form").get_by_role("button", name="保存").click()
    said = asked.value.post_data_json
    assert said["from"] == "2026-11-25T16:00:00.000Z"
    assert said["until"] == "2026-11-26T16:00:00.000Z"


def test_a_try_is_of_county_days(abroad: Desk, hub: FakeHub) -> None:
    page = abroad.page
    abroad.go("/tries?rule=blood_pressure")
    page.get_by_role("button", name="自选").click()
    page.locator("[name=from]").fill("2026-11-01")
    page.locator("[name=to]").fill("2026-11-02")
    page.fill("[name=urgent_systolic_mmhg]", "150")
    page.get_by_role("button", name="开始").click()
    abroad.wait_for("location.pathname.startsWith('/tries/')")
    (one,) = hub.rules.tries.values()
    assert (one["from"], one["to"]) == ("2026-10-31T16:00:00.000Z", "2026-11-02T16:00:00.000Z")
    expect(page.locator("main")).to_contain_text("11月1日")


@pytest.mark.parametrize("span", ["一天", "一周", "一月"])
def test_a_reading_stands_at_its_own_minute(abroad: Desk, span: str) -> None:
    """Cuffs measure once in the evening, at 19:02; no span of the chart says anything else."""
    page = abroad.page
    abroad.go("/homes/home-0005")
    page.get_by_role("button", name="血压计").click()
    page.get_by_role("button", name=span).click()
    plot = page.locator(".chart .u-over").first
    legend = page.locator(".chart .u-legend").first
    expect(legend).to_contain_text("舒张压")
    expect(legend).not_to_contain_text("Value")
    # Untouched it tells the newest; pointed at, the reading nearest to the pointer.
    expect(legend).to_contain_text("11月23日 19:02")
    # What has just been drawn, also anew, has no width yet: what is awaited is what is used.
    abroad.wait_for(
        "(window.plotWidth = document.querySelector('.chart .u-over').clientWidth) > 100"
    )
    for x in (2, page.evaluate("window.plotWidth") - 2):
        plot.hover(position={"x": x, "y": 20})
        expect(legend).to_contain_text(re.compile(r"1[01]月\d+日 19:02"))


def test_another_county_has_another_clock(open_desk: OpenDesk, hub: FakeHub) -> None:
    hub.timezone = "Europe/Lisbon"
    desk = open_desk(timezone=ELSEWHERE)
    desk.sign_in()
    expect(desk.page.locator("header time")).to_have_text(re.compile(r"^19:0\d:\d\d$"))
    expect(desk.page.locator("header .date")).to_contain_text("11月23日")
