"""Not yet seen today and can't be reached, with a real hub behind: calls, taking back, sending."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ledger.unit_of_work import UnitOfWork
from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import Bench
from tests.adapters.real_hub import serving_hub
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.browser.page_checks import open_faults
from tests.browser.test_accessibility import axe
from tests.dashboard.county import ROSTER

__all__ = ["axe"]

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

ACCOUNTS = {
    "duty-1": ("duty", "610926101"),
    "visitor-1": ("visitor", "610926101"),
    "auditor-1": ("auditor", "610926101"),
    "installer-1": ("installer", "610926101"),
}
DAY_MS = 86_400_000
PAGES = ("/unseen", "/unreachable")
TABLET = {"width": 1024, "height": 768}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Bench]]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as both:
        yield both


@pytest.fixture
def url(served: tuple[str, Bench]) -> str:
    return served[0]


@pytest.fixture
def knocked(served: tuple[str, Bench]) -> None:
    """Somebody knocked twice in vain."""

    def write(unit: UnitOfWork) -> None:
        for days in (1, 2):
            unit.execute(
                "INSERT INTO visit (id, service_user, home, kind, way, visitor, visited_at_ms,"
                " recorded_at_ms, record, met) VALUES (?, 'person-0001', 'home-0001', 'routine',"
                " 'home_visit', 'visitor-1', ?, ?, '{}', 0)",
                (f"v-{days}", unit.now_ms - days * DAY_MS, unit.now_ms),
            )

    served[1].change(write)


def signed_in(open_desk: OpenDesk, username: str = "duty-1", **more: object) -> Desk:
    desk = open_desk(**more)
    desk.sign_in_by_hand(username)
    return desk


def test_a_call_is_asked_about_recorded_and_taken_back(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk)
    page = desk.page
    menu = page.get_by_role("link", name="未见动静")
    expect(menu).to_be_visible()
    menu.click()
    row = page.locator("[data-person=person-0001]")
    expect(row).to_contain_text("没有任何动静记录")
    expect(row).to_contain_text("不会报警")
    row.get_by_role("button", name="已打电话").click()
    # Asked once, and nothing has happened yet.
    row.get_by_role("button", name="取消").click()
    row.get_by_role("button", name="已打电话").click()
    well = row.get_by_role("button", name="接了，本人平安")
    desk.at_every_size(well, row.get_by_role("button", name="取消"), shown=[row])
    well.click()
    expect(page.locator("main")).to_contain_text("今天都有动静")
    page.get_by_role("button", name="全部", exact=True).click()
    expect(row).to_contain_text("duty-1 已电话确认平安")
    row.get_by_role("button", name="撤销").click()
    expect(row).to_contain_text("没有任何动静记录")
    expect(row.get_by_role("button", name="撤销")).to_have_count(0)
    row.get_by_role("link").first.click()
    expect(page.locator("h1")).to_contain_text("张桂英")


def test_with_the_keyboard_alone(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk)
    desk.go("/unseen")
    row = desk.page.locator("[data-person=person-0001]")
    row.get_by_role("button", name="已打电话").focus()
    desk.page.keyboard.press("Enter")
    expect(row.get_by_role("group")).to_be_visible()
    desk.page.keyboard.press("Tab")
    expect(row.get_by_role("button", name="接了，本人平安")).to_be_focused()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("main")).to_contain_text("今天都有动静")


def test_who_may_only_read_is_offered_no_call(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, "auditor-1")
    desk.go("/unseen")
    row = desk.page.locator("[data-person=person-0001]")
    expect(row).to_contain_text("张**")
    expect(row.get_by_role("button")).to_have_count(0)
    other = signed_in(open_desk, "installer-1")
    expect(other.page.get_by_role("link", name="设备")).to_be_visible()
    expect(other.page.get_by_role("link", name="未见动静")).to_have_count(0)


def test_whom_nobody_finds_is_looked_for_again(open_desk: OpenDesk, knocked: None) -> None:
    desk = signed_in(open_desk)
    page = desk.page
    desk.go("/unseen")
    page.get_by_role("link", name="联系不上").click()
    row = page.locator("[data-person=person-0001]")
    expect(row).to_contain_text("连续 2 次没找到人")
    expect(row).to_contain_text("上门见到".removesuffix("见到"))
    expect(row).to_contain_text("半年内没见到过")
    again = row.get_by_role("button", name="派人再去看")
    desk.at_every_size(again, shown=[row])
    again.click()
    expect(row.get_by_role("link", name="回访")).to_be_visible()
    page.get_by_role("button", name="没有任何电话").click()
    expect(page.locator("main")).to_contain_text("没有联系不上的老人")


def test_a_visitor_begins_with_her_own_people(open_desk: OpenDesk, knocked: None) -> None:
    desk = signed_in(open_desk, "visitor-1", viewport=PHONE)
    desk.go("/me")
    desk.page.get_by_role("link", name="未见动静").click()
    row = desk.page.locator("[data-person=person-0001]")
    row.get_by_role("button", name="已打电话").click()
    row.get_by_role("button", name="没人接").click()
    expect(row).to_contain_text("没找到人")
    desk.page.get_by_role("link", name="联系不上").click()
    expect(row).to_contain_text("连续 3 次没找到人")
    # A telephone call that nobody answered sends somebody, as a closed door does.
    expect(row.get_by_role("link", name="回访")).to_be_visible()


def test_the_pages_speak_english(open_desk: OpenDesk, knocked: None) -> None:
    desk = signed_in(open_desk, language="en")
    desk.go("/unseen")
    expect(desk.page.locator("h1")).to_have_text("Not seen yet today")
    expect(desk.page.locator("main")).to_contain_text("no alarm will come")
    desk.go("/unreachable")
    expect(desk.page.locator("main")).to_contain_text("Not found 2 times in a row")


def test_no_page_violates_aa_or_is_wider_than_the_screen(
    open_desk: OpenDesk, knocked: None, axe: str
) -> None:
    desk = signed_in(open_desk)
    found = []
    for path in PAGES:
        desk.go(path)
        row = desk.page.locator("[data-person=person-0001]")
        expect(row).to_be_visible()
        if path == "/unseen":
            row.get_by_role("button", name="已打电话").click()
        found += open_faults(desk, axe, path)
    assert not found, "\n".join(found)
