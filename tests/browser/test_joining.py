"""Joining, leaving, death and return on a person's page, with a real hub behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.adapters.fake_api import PASSWORD
from tests.adapters.real_hub import serving_hub
from tests.browser.axe import too_wide
from tests.browser.conftest import DEADLINE_MS, DESKTOP, PHONE, Desk, OpenDesk
from tests.browser.test_persons import ACCOUNTS
from tests.dashboard.county import ROSTER

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as (address, _bench):
        yield address


def opened(open_desk: OpenDesk, size: dict[str, int], username: str = "manager-1") -> Desk:
    desk = open_desk(viewport=size)
    desk.sign_in_by_hand(username)
    desk.go("/persons/person-0001")
    return desk


def panel_of(desk: Desk) -> Locator:
    return desk.page.get_by_role("region", name="加入与退出")


def leave(panel: Locator, day: str, why: str) -> None:
    panel.get_by_role("button", name="登记日期或退出").click()
    panel.get_by_label("退出日期").fill(day)
    panel.get_by_label("退出原因").select_option(label=why)
    panel.get_by_role("button", name="保存").click()


def test_somebody_joins_moves_away_and_comes_back(open_desk: OpenDesk) -> None:
    desk = opened(open_desk, DESKTOP)
    panel = panel_of(desk)
    expect(panel).to_contain_text("加入日期未登记")
    panel.get_by_role("button", name="登记日期或退出").click()
    panel.get_by_label("加入日期").fill("2026-01-05")
    panel.get_by_label("变更说明").fill("补录")
    panel.get_by_role("button", name="保存").click()
    expect(panel).to_contain_text("2026-01-05 加入")

    panel.get_by_role("button", name="登记日期或退出").click()
    panel.get_by_label("退出日期").fill("2026-11-10")
    panel.get_by_role("button", name="保存").click()
    # Both or none: what was typed stays.
    expect(panel.get_by_role("alert")).to_be_visible()
    expect(panel.get_by_label("退出日期")).to_have_value("2026-11-10")
    save = panel.get_by_role("button", name="保存")
    desk.at_every_size(save, panel.get_by_label("退出日期"), shown=[panel.get_by_role("alert")])
    panel.get_by_label("退出原因").select_option(label="迁出")
    panel.get_by_label("去向说明").fill("随女儿住安康")
    panel.get_by_role("button", name="保存").click()
    expect(panel).to_contain_text("2026-11-10 退出服务")
    expect(panel.locator(".badge.watch")).to_have_text("迁出")
    expect(panel).to_contain_text("随女儿住安康")
    desk.at_every_size(panel.get_by_role("link", name="2 台设备待回收"))

    panel.get_by_role("button", name="重新加入").click()
    panel.get_by_label("重新加入日期").fill("2026-11-15")
    panel.get_by_role("button", name="保存").click()
    expect(panel).to_contain_text("2026-11-10 退出（迁出），2026-11-15 重新加入")
    expect(panel.locator(".badge.watch")).to_have_count(0)
    history = desk.page.get_by_role("region", name="变更记录")
    expect(history).to_contain_text("补录")
    expect(history).to_contain_text("迁出")
    desk.at_every_size(shown=[history])


def test_the_dead_do_not_come_back_and_a_mistake_is_corrected(open_desk: OpenDesk) -> None:
    desk = opened(open_desk, PHONE)
    panel = panel_of(desk)
    leave(panel, "2026-11-12", "去世")
    expect(panel.locator(".badge.watch")).to_have_text("去世")
    expect(panel.get_by_role("button", name="重新加入")).to_have_count(0)
    # Who is gone has no plan of visits any more.
    expect(desk.page.get_by_role("heading", name="探访频次")).to_have_count(0)
    panel.get_by_role("button", name="更正").click()
    panel.get_by_label("退出日期").fill("")
    panel.get_by_label("退出原因").select_option(value="")
    panel.get_by_label("变更说明").fill("误登记")
    panel.get_by_role("button", name="保存").click()
    expect(panel.locator(".badge.watch")).to_have_count(0)
    expect(desk.page.get_by_role("heading", name="探访频次")).to_have_count(1)
    expect(desk.page.get_by_role("region", name="变更记录")).to_contain_text("误登记")


def test_nobody_leaves_ahead_of_time(open_desk: OpenDesk) -> None:
    desk = opened(open_desk, PHONE)
    panel = panel_of(desk)
    leave(panel, "2027-01-01", "入住养老机构")
    expect(panel.get_by_role("alert")).to_be_visible()
    panel.get_by_role("button", name="取消").click()
    expect(panel.locator(".badge.watch")).to_have_count(0)
    assert not too_wide(desk)


def test_who_may_not_write_files_reads_and_changes_nothing(open_desk: OpenDesk) -> None:
    desk = opened(open_desk, PHONE, "visitor-1")
    panel = panel_of(desk)
    expect(panel).to_contain_text("加入日期未登记")
    expect(panel.get_by_role("button")).to_have_count(0)
