"""Erasing on the page, with a real hub behind it: read, typed, confirmed, and gone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import PASSWORD
from tests.adapters.real_hub import serving_hub
from tests.browser.axe import LEVELS, read_axe, too_wide, violations
from tests.browser.conftest import DEADLINE_MS, PHONE, OpenDesk
from tests.dashboard.county import ROSTER

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

ACCOUNTS = {"manager-1": ("manager", "610926"), "manager-2": ("manager", "610926101")}
OPTIONS = {"runOnly": {"type": "tag", "values": list(LEVELS)}}
# Longer ago than records are kept; nothing was written of her since.
LEFT = "UPDATE service_user SET left_on = '2020-05-01', left_why = 'died' WHERE id = 'person-0002'"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as (address, bench):
        bench.change(lambda unit: unit.execute(LEFT))
        yield address


def test_what_goes_is_read_the_name_is_typed_and_she_is_gone(open_desk: OpenDesk) -> None:
    desk = open_desk()
    page = desk.page
    desk.sign_in_by_hand("manager-1")
    desk.go("/persons/person-0001")
    page.get_by_role("region", name="删除个人信息").get_by_role("button", name="删除…").click()
    dialog = page.get_by_role("dialog", name="永久删除 张桂英 的个人信息")
    goes = dialog.get_by_role("region", name="将永久删除")
    expect(goes).to_contain_text("住址、位置、进门方式")
    expect(dialog.get_by_role("region", name="保留什么，为什么")).to_contain_text("往月统计")
    expect(dialog).to_contain_text("还在服务中")
    desk.at_every_size(dialog.get_by_label(re.compile("删除原因")), shown=[dialog])
    erase = dialog.get_by_role("button", name="永久删除")
    dialog.get_by_label(re.compile("删除原因")).fill("张桂英要求")
    confirm = dialog.get_by_label(re.compile("请输入姓名"))
    confirm.fill("张桂")
    expect(erase).to_be_disabled()
    confirm.fill("张桂英")
    erase.click()
    expect(dialog.get_by_role("alert")).to_contain_text("去掉姓名")
    dialog.get_by_label(re.compile("删除原因")).fill("本人书面要求")
    assert violations(desk, read_axe(), OPTIONS) == []
    erase.click()
    expect(page.get_by_role("heading", name="已删除的老人")).to_be_visible()
    expect(page.get_by_role("region", name="变更记录")).to_contain_text("本人书面要求")
    expect(page.get_by_text("张桂英")).to_have_count(0)
    desk.go("/persons?q=zgy")
    expect(page.get_by_text("没有符合条件的老人")).to_be_visible()


def test_who_is_due_is_listed_on_a_telephone_in_the_dark(open_desk: OpenDesk) -> None:
    desk = open_desk(viewport=PHONE, dark=True)
    page = desk.page
    desk.sign_in_by_hand("manager-1")
    desk.go("/erasures")
    listed = page.get_by_role("list", name="到期可删除")
    expect(listed).to_contain_text("王秀兰")
    expect(listed).to_contain_text("去世")
    assert violations(desk, read_axe(), OPTIONS) == []
    listed.get_by_role("button", name="删除…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="永久删除")).to_be_disabled()
    assert not too_wide(desk)
    assert violations(desk, read_axe(), OPTIONS) == []
    dialog.get_by_label(re.compile("删除原因")).fill("保存期满")
    dialog.get_by_label(re.compile("请输入姓名")).fill("王秀兰")
    dialog.get_by_role("button", name="永久删除").click()
    expect(listed).to_contain_text("目前没有到期的老人")


def test_it_is_offered_to_the_county_alone(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.sign_in_by_hand("manager-2")
    desk.go("/persons/person-0001")
    expect(desk.page.get_by_role("region", name="变更记录")).to_be_visible()
    expect(desk.page.get_by_role("region", name="删除个人信息")).to_have_count(0)
    desk.go("/erasures")
    expect(desk.page.get_by_text("您没有这项权限")).to_be_visible()
