"""Persons on the page, with a real hub behind it: found, edited, consents, a list brought in."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import PASSWORD
from tests.adapters.real_hub import serving_hub
from tests.browser.axe import too_wide
from tests.browser.conftest import DEADLINE_MS, DESKTOP, PHONE, Desk, OpenDesk
from tests.dashboard.county import ROSTER
from tests.dashboard.test_person_imports import number, workbook
from tests.dashboard.test_visit_attachments import from_a_telephone

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

ACCOUNTS = {"manager-1": ("manager", "610926101"), "visitor-1": ("visitor", "610926101")}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as (address, _bench):
        yield address


@pytest.fixture
def manager(open_desk: OpenDesk) -> Desk:
    desk = open_desk()
    desk.sign_in_by_hand("manager-1")
    return desk


def test_somebody_is_found_and_a_section_is_mended_with_errors_at_the_field(
    manager: Desk,
) -> None:
    page = manager.page
    page.get_by_role("link", name="老人名册").click()
    page.get_by_placeholder("姓名、拼音").fill("zgy")
    found = page.get_by_role("link", name=re.compile("张桂英"))
    manager.at_every_size(found, page.get_by_placeholder("姓名、拼音"))
    found.click()
    identity = page.get_by_role("region", name=re.compile("基本信息"))
    identity.get_by_role("button", name="编辑").click()
    identity.get_by_label("公民身份号码").fill(number(2)[:-1])
    identity.get_by_label("民族").fill("汉族")
    identity.get_by_role("button", name="保存").click()
    expect(identity.locator(".fault")).to_contain_text("应为 18 位")
    manager.at_every_size(
        identity.get_by_role("button", name="保存"), shown=[identity.locator(".fault").first]
    )
    # What was typed is still there.
    expect(identity.get_by_label("民族")).to_have_value("汉族")
    identity.get_by_label("公民身份号码").fill(number(2))
    identity.get_by_role("button", name="保存").click()
    expect(identity).to_contain_text("6109**************")
    expect(identity).to_contain_text("汉族")
    identity.get_by_role("button", name="查看号码").click()
    identity.get_by_label("查看原因").fill("核对身份证")
    identity.get_by_role("button", name="查看号码").click()
    expect(identity).to_contain_text(number(2))
    history = page.get_by_role("region", name="变更记录")
    expect(history).to_contain_text("汉族")
    expect(history).not_to_contain_text(number(2)[4:])


def test_contacts_are_put_in_order_and_a_consent_is_given_and_withdrawn(manager: Desk) -> None:
    page = manager.page
    manager.go("/persons/person-0001")
    contacts = page.get_by_role("region", name="紧急联系人")
    contacts.get_by_role("button", name="编辑").click()
    contacts.get_by_role("button", name="增加联系人").click()
    contacts.locator("[name=contact-name]").nth(1).fill("李婶")
    contacts.locator("[name=contact-phone]").nth(1).fill("13700000001")
    manager.at_every_size(contacts.get_by_role("button", name="上移 李婶"))
    contacts.get_by_role("button", name="上移 李婶").click()
    contacts.get_by_role("button", name="保存").click()
    expect(contacts.locator("ol li").first).to_contain_text("李婶")
    consents = page.get_by_role("region", name="知情同意")
    consents.get_by_role("button", name="登记同意").or_(
        consents.get_by_role("button", name="登记")
    ).first.click()
    manager.at_every_size(consents.get_by_label("同意方式"))
    consents.get_by_label("同意方式").select_option("fingerprint")
    consents.locator("form").get_by_role("button", name="登记").click()
    expect(consents.locator(".badge.good").first).to_have_text("有效")
    consents.locator("summary").click()
    consents.get_by_role("button", name="撤回").click()
    consents.locator("form").get_by_role("button", name="撤回").click()
    expect(consents).to_contain_text("已撤回")


def test_a_list_is_brought_in_looked_at_decided_about_and_written(
    manager: Desk, tmp_path: Path
) -> None:
    head = ("姓名", "公民身份号码", "出生日期", "村（社区）", "住址")
    rows = [
        ("李桂英", number(2), "", "龙头村", "二组 5 号"),
        ("张桂英", "", "1941-03-02", "龙头村", "一组 12 号"),
        ("王五", "123", "", "龙投村", "三组"),
    ]
    file = tmp_path / "名册.xlsx"
    file.write_bytes(workbook(rows, head))
    page = manager.page
    manager.go("/person-import")
    page.locator("[name=file]").set_input_files(file)
    expect(page.get_by_text("请确认")).to_be_visible()
    confirm = page.get_by_role("button", name="确认导入")
    expect(confirm).to_be_disabled()
    page.get_by_role("button", name="不能导入").click()
    expect(page.get_by_text("是不是“龙头村”")).to_be_visible()
    page.get_by_role("button", name="已在名册").click()
    skip = page.get_by_role("group", name="怎样处理").get_by_role("button", name="跳过")
    manager.at_every_size(skip, shown=[confirm])
    skip.click()
    confirm.click()
    result = page.get_by_role("region", name="名册.xlsx")
    expect(result).to_contain_text("新增 1")
    expect(result).to_contain_text("跳过 1")
    expect(result).to_contain_text("未导入 1")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("下载未导入")).click()
    assert download.value.suggested_filename == "未导入的行.xlsx"
    manager.go("/persons?q=liguiying")
    expect(page.get_by_role("list", name="老人名册")).to_contain_text("李桂英")


def test_on_a_telephone_nothing_is_wider_than_it(open_desk: OpenDesk) -> None:
    desk = open_desk(viewport=PHONE)
    desk.sign_in_by_hand("visitor-1")
    for path in ("/persons", "/persons/person-0001"):
        desk.go(path)
        expect(desk.page.get_by_text("张桂英").first).to_be_visible()
        assert not too_wide(desk), path
    # Who may not change a file is not offered to.
    expect(desk.page.get_by_role("button", name="编辑")).to_have_count(0)


def test_in_english_the_form_is_english(open_desk: OpenDesk) -> None:
    desk = open_desk(language="en")
    desk.sign_in_by_hand("manager-1")
    desk.go("/persons/person-0001")
    expect(desk.page.get_by_role("region", name=re.compile("Living conditions"))).to_contain_text(
        "Drinking water safe"
    )


def test_a_certificates_number_is_masked_and_shown_on_record(manager: Desk) -> None:
    page = manager.page
    manager.go("/persons/person-0001")
    care = page.get_by_role("region", name=re.compile("类别依据"))
    care.get_by_role("button", name="编辑").click()
    care.get_by_label("残疾人证号").fill(f"{number(2)}42")
    care.get_by_role("button", name="保存").click()
    expect(care).to_contain_text("6109**************")
    expect(care).not_to_contain_text(number(2)[4:])
    # Edited again it is empty, and left so it stays.
    care.get_by_role("button", name="编辑").click()
    expect(care.get_by_label("残疾人证号")).to_have_value("")
    expect(care).to_contain_text("留空则保持不变")
    care.get_by_role("button", name="取消").click()
    care.get_by_role("button", name="查看号码").click()
    care.get_by_label("查看原因").fill("核对残疾人证")
    care.get_by_role("button", name="查看号码").click()
    expect(care).to_contain_text(f"{number(2)}42")


def test_what_a_no_stops_is_said_before_it_is_pressed(manager: Desk) -> None:
    page = manager.page
    manager.go("/persons/person-0001")
    fhir = page.get_by_role("button", name="健康数据（FHIR）")
    expect(fhir).to_be_enabled()
    consents = page.get_by_role("region", name="知情同意")
    row = consents.locator("li").filter(has_text="与部门共享信息").first
    row.get_by_role("button", name="登记同意").click()
    consents.get_by_label("答复").select_option(label="不同意")
    consents.locator("form").get_by_role("button", name="登记").click()
    expect(fhir).to_be_disabled()
    about = fhir.get_attribute("aria-describedby")
    expect(page.locator(f"[id='{about}']")).to_contain_text("老人不同意与部门共享信息")
    manager.go("/homes/home-0001")
    expect(fhir).to_be_disabled()


def agree(page: Any, purpose: str) -> None:
    consents = page.get_by_role("region", name="知情同意")
    row = consents.locator("li").filter(has_text=purpose).first
    row.get_by_role("button", name="登记同意").click()
    consents.locator("form").get_by_role("button", name="登记").click()
    # A form that stays has not been sent, or says why not: it is in the failure then.
    expect(consents).not_to_contain_text("答复")
    expect(row).to_contain_text("有效")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_photo_is_brought_with_consent_made_large_and_taken_away(
    open_desk: OpenDesk, size: dict[str, int]
) -> None:
    desk = open_desk(viewport=size)
    desk.sign_in_by_hand("manager-1")
    desk.go("/persons/person-0001")
    page = desk.page
    # Why not is said where the button would be.
    expect(page.get_by_role("link", name="先登记“拍照”同意，才能添加照片")).to_be_visible()
    assert page.locator("input[type=file]").count() == 0
    agree(page, "拍照")
    photo = page.get_by_role("button", name="放大张桂英的照片")
    expect(photo).to_have_count(0)
    file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": from_a_telephone()}
    page.locator("input[type=file]").set_input_files(file)
    expect(photo).to_be_visible()
    shown = photo.locator("img")
    desk.wait_for("document.querySelector('h1').closest('.who').querySelector('img').complete")
    # Turned upright: higher than wide.
    assert shown.evaluate("one => one.naturalHeight > one.naturalWidth")
    photo.click()
    expect(page.get_by_role("button", name="缩小张桂英的照片")).to_be_visible()
    assert not too_wide(desk)
    page.get_by_role("button", name="缩小张桂英的照片").click()
    history = page.get_by_role("region", name="变更记录")
    expect(history).to_contain_text("添加照片")
    wrong = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    page.locator("input[type=file]").set_input_files(wrong)
    expect(page.get_by_role("alert")).to_have_text("这个文件不是可用的照片")
    desk.go("/homes/home-0001")
    expect(page.get_by_role("button", name="放大张桂英的照片")).to_be_visible()
    desk.go("/persons/person-0001")
    page.get_by_role("button", name="删除照片").click()
    expect(page.get_by_text("删除后不能恢复")).to_be_visible()
    page.get_by_role("button", name="删除照片").click()
    expect(photo).to_have_count(0)
    desk.check()


def test_the_photo_goes_with_its_consent_while_the_page_is_open(manager: Desk) -> None:
    page = manager.page
    manager.go("/persons/person-0001")
    agree(page, "拍照")
    file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": from_a_telephone()}
    page.locator("input[type=file]").set_input_files(file)
    photo = page.get_by_role("button", name="放大张桂英的照片")
    expect(photo).to_be_visible()
    consents = page.get_by_role("region", name="知情同意")
    consents.locator("summary").click()
    consents.get_by_role("button", name="撤回").click()
    consents.locator("form").get_by_role("button", name="撤回").click()
    expect(photo).to_have_count(0)
    history = page.get_by_role("region", name="变更记录")
    expect(history).to_contain_text("“拍照”同意已不再有效")
    manager.check()
