"""The plan of visits: a visitor's day on the telephone, a week, a month, the villages, a raise."""

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.browser.conftest import DEADLINE_MS, PHONE, OpenDesk

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)


def test_a_visitor_s_day_in_the_order_of_the_way(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk(viewport=PHONE)
    desk.sign_in("visitor-1")
    desk.page.get_by_role("link", name="计划").click()
    stops = desk.page.locator("ol > li")
    expect(stops).to_have_count(3)
    first = stops.first
    expect(first).to_contain_text("11月9日起超期")
    href = first.locator("a[href^='geo:']").get_attribute("href")
    assert href is not None
    assert href.startswith("geo:32.")
    assert first.locator("a[href^='tel:']").count() == 1
    expect(stops.nth(1)).to_contain_text("补访")
    expect(desk.page.locator("main")).to_contain_text("待访 3 · 已访 1")
    # Nothing wider than the telephone.
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    begin = first.get_by_role("button", name="出发")
    desk.at_every_size(begin, first.locator("a[href^='tel:']"), shown=[first])
    begin.click()
    desk.wait_for("location.pathname.startsWith('/tasks/')")
    assert hub.plan.said == [{"service_user": "person-0001"}]


def test_a_visit_is_moved_with_a_reason(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk(viewport=PHONE)
    desk.sign_in("visitor-1")
    desk.go("/plan")
    stop = desk.page.locator("[data-person='person-0002']")
    stop.get_by_role("button", name="改期").click()
    submit = stop.locator("form button[type=submit]")
    expect(submit).to_be_disabled()
    stop.locator("[name=reason]").fill("今天去镇上看病")
    stop.locator("[name=to]").fill("2026-11-26")
    desk.at_every_size(submit, stop.locator("[name=reason]"))
    submit.click()
    expect(desk.page.locator("ol > li")).to_have_count(2)
    assert hub.plan.said == [
        {
            "service_user": "person-0002",
            "date": "2026-11-24",
            "to": "2026-11-26",
            "reason": "今天去镇上看病",
        }
    ]


def test_week_and_month_of_a_visitor(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.sign_in("visitor-1")
    desk.page.goto(f"{desk.url}/plan?view=week")
    expect(desk.page.locator("section[data-date]")).to_have_count(5)
    desk.page.get_by_role("button", name="月", exact=True).click()
    expect(desk.page.get_by_role("heading", name="2026年11月")).to_be_visible()
    desk.at_every_size(desk.page.locator("button.today"))
    desk.page.locator("button.today").click()
    expect(desk.page.locator("ol > li")).to_have_count(3)
    desk.page.get_by_role("button", name="下个月").click()
    expect(desk.page.get_by_role("heading", name="2026年12月")).to_be_visible()


def test_a_manager_sees_whom_nobody_went_to_and_raises_a_tier(
    open_desk: OpenDesk, hub: FakeHub
) -> None:
    desk = open_desk()
    desk.sign_in("manager-1")
    desk.go("/plan")
    main = desk.page.locator("main")
    expect(main.locator("table")).to_contain_text("龙头村")
    expect(main.locator(".figures")).to_contain_text("75%")
    [first, *_others] = desk.page.locator("section[aria-labelledby=unvisited] li").all()
    expect(first).to_contain_text("从未上门")
    first.get_by_role("button", name="提高频次").click()
    expect(first).to_contain_text("身体健康、能够自理")
    expect(first).to_contain_text("是否重病")
    first.locator("[name=until]").fill("2026-12-31")
    first.locator("[name=reason]").fill("髋部骨折术后")
    desk.at_every_size(first.locator("form button[type=submit]"), shown=[main.locator(".figures")])
    first.locator("form button[type=submit]").click()
    expect(first).to_contain_text("每周一次上门")
    assert hub.plan.said == [
        {
            "service_user": "person-0001",
            "tier": "weekly",
            "until": "2026-12-31",
            "reason": "髋部骨折术后",
        }
    ]


def test_bad_weather_is_said_for_a_village(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in("manager-1")
    desk.go("/plan")
    desk.page.get_by_role("button", name="恶劣天气").click()
    form = desk.page.locator("form.panel")
    form.locator("select").select_option(label="三里垭村")
    form.locator("[name=reason]").fill("暴雨红色预警")
    desk.at_every_size(form.locator("button[type=submit]"), form.locator("select"))
    form.locator("button[type=submit]").click()
    expect(form).to_have_count(0)
    assert hub.plan.said == [
        {
            "region": "610926101002",
            "start": "2026-11-24",
            "end": "2026-11-24",
            "reason": "暴雨红色预警",
            "open": False,
        }
    ]


def test_the_pages_speak_english(open_desk: OpenDesk) -> None:
    desk = open_desk(language="en")
    desk.sign_in("manager-1")
    desk.go("/plan")
    expect(desk.page.locator("main h1")).to_have_text("Visit plan")
    expect(desk.page.locator("main")).to_contain_text("Who was not visited")
    expect(desk.page.locator("main")).to_contain_text("never visited at home")
