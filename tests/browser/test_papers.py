"""Forms and tables from the page: saved under the hub's name, refusals in words."""

from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Route, expect

from dashboard.downloads import download
from dashboard.problems import Problem, problem_response
from tests.adapters.fake_api import FakeHub
from tests.browser.conftest import DEADLINE_MS, Desk, OpenDesk

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

PDF = b"%PDF-1.7 not really"


def answered(desk: Desk, path: str, answer) -> list[str]:
    """What the hub would answer to this path; the addresses that were asked."""
    asked: list[str] = []

    def fulfil(route: Route) -> None:
        asked.append(route.request.url.removeprefix(desk.url))
        headers = {
            name: value for name, value in answer.headers.items() if name != "content-length"
        }
        route.fulfill(status=answer.status_code, headers=headers, body=bytes(answer.body))

    desk.page.route(f"**/api/v1/{path}", fulfil)
    return asked


def home_of(hub: FakeHub) -> str:
    return str(sorted(hub.county.homes)[0])


def test_a_form_is_saved_under_its_chinese_name(desk: Desk, hub: FakeHub) -> None:
    asked = answered(desk, "**/annex3.pdf*", download(PDF, "附件3信息记录表-张桂英", "pdf"))
    desk.go(f"/homes/{home_of(hub)}")
    panel = desk.page.locator("section", has_text="表格与档案")
    panel.get_by_role("checkbox").first.check()
    with desk.page.expect_download() as saved:
        panel.get_by_role("button", name="PDF 文件").first.click()
    assert saved.value.suggested_filename == "附件3信息记录表-张桂英.pdf"
    assert Path(saved.value.path()).read_bytes() == PDF
    assert asked[0].endswith("/annex3.pdf?copies=true")


def test_identity_numbers_are_printed_for_a_reason_alone(desk: Desk, hub: FakeHub) -> None:
    asked = answered(desk, "**/annex3.pdf*", download(PDF, "附件3信息记录表-张桂英", "pdf"))
    desk.go(f"/homes/{home_of(hub)}")
    panel = desk.page.locator("section", has_text="表格与档案")
    panel.locator("[name=numbers]").check()
    button = panel.get_by_role("button", name="PDF 文件").first
    expect(button).to_be_disabled()
    panel.locator("[name=reason]").fill("存档")
    expect(button).to_be_disabled()
    panel.locator("[name=reason]").fill("报县民政局存档")
    desk.at_every_size(button, panel.locator("[name=reason]"))
    with desk.page.expect_download():
        button.click()
    assert unquote(asked[0]).endswith("/annex3.pdf?numbers=true&reason=报县民政局存档")


def test_a_hub_without_the_extra_says_so_in_words(desk: Desk, hub: FakeHub) -> None:
    answered(desk, "**/file.pdf", problem_response(Problem(501, "not_installed", "no typst")))
    desk.go(f"/homes/{home_of(hub)}")
    desk.page.get_by_role("button", name="完整档案").first.click()
    expect(desk.page.locator("body")).to_contain_text("本机未安装文档组件")


def test_a_manager_takes_tables_of_a_village(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.sign_in("manager-1")
    items = b'{"items": [{"subject": "persons", "span": false}]}'
    listing = download(items, "x", "json")
    answered(desk, "exports", listing)
    asked = answered(desk, "exports/persons.xlsx*", download(b"PK", "老年人名册-20261123", "xlsx"))
    desk.go("/homes")
    desk.page.get_by_text("导出台账").click()
    chosen = desk.page.locator("select").first
    village = chosen.locator("option").nth(1).get_attribute("value")
    chosen.select_option(village)
    desk.at_every_size(desk.page.get_by_role("button", name="Excel 表格"), chosen)
    with desk.page.expect_download() as saved:
        desk.page.get_by_role("button", name="Excel 表格").click()
    assert saved.value.suggested_filename == "老年人名册-20261123.xlsx"
    assert asked[0].endswith(f"/exports/persons.xlsx?region={village}")


def test_who_may_not_export_has_no_button(desk: Desk) -> None:
    desk.go("/homes")
    expect(desk.page.locator("h1")).to_be_visible()
    expect(desk.page.get_by_text("导出台账")).to_have_count(0)
