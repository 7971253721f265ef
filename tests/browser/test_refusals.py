"""Forms that are refused, by the page or by the hub: the field says that it is wrong and why, to
who can't see it too, and has the focus, however far above the button it is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.adapters.fake_api import PASSWORD
from tests.adapters.real_hub import serving_hub
from tests.browser.conftest import DEADLINE_MS, PHONE, OpenDesk
from tests.browser.page_checks import SCRIPT
from tests.dashboard.county import ROSTER

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

ACCOUNTS = {"admin-1": ("admin", ""), "department-1": ("department", "610926101")}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as (address, _bench):
        yield address


def press(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("button", name=name, exact=True).first.click()


def section(page: Page, name: str, fields: dict[str, str]) -> None:
    """Of a person's file, opened for writing, with what the hub will not take."""
    page.locator(f"#{name}").get_by_role("button", name="编辑").click()
    for field, text in fields.items():
        page.locator(f"#{name} [name={field}]").first.fill(text)


def consent(page: Page) -> None:
    page.get_by_role("region", name="知情同意").get_by_role("button", name="登记同意").first.click()
    page.fill("[name=given_by]", "张桂英")
    page.fill("[name=given_on]", "2027-12-31")


def money(page: Page) -> None:
    press(page, "记一笔经费")
    page.fill("[name=yuan]", "abc")


def region(page: Page) -> None:
    page.get_by_role("button", name="平利县", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="改名", exact=True).click()


def own_password(page: Page) -> None:
    page.get_by_text("改我的密码").click()
    page.fill("[name=old]", PASSWORD)
    page.fill("[name=new]", "short")


PERSON: Final = "/persons/person-0001"
MEMBER: Final = {"member-name": "李明", "member-number": "1"}
# Where it is, what opens it, the field that is wrong first. Views of care stand apart: the page
# reads its address when it begins.
FORMS: Final[tuple[tuple[str, Callable[[Page], None], str], ...]] = (
    ("/care", lambda page: press(page, "登记需求"), "person"),
    ("/users", lambda page: press(page, "新建账号"), "name"),
    ("/users", lambda page: press(page, "重设密码：admin-1"), "password"),
    ("/care?view=lines", lambda page: press(page, "记一次服务"), "person"),
    ("/security", own_password, "new"),
    ("/care?view=providers", lambda page: press(page, "登记机构"), "name"),
    ("/regions", region, "name"),
    ("/care?view=money", money, "yuan"),
    ("/departments", lambda page: press(page, "新增部门文件"), "name"),
    (PERSON, lambda page: section(page, "identity", {"name": ""}), "name"),
    (PERSON, lambda page: section(page, "identity", {"id_number": "1"}), "id_number"),
    (PERSON, lambda page: section(page, "household", MEMBER), "member-number"),
    (PERSON, consent, "given_on"),
)


def refused(page: Page, form: Locator, field: str) -> list[str]:
    form.locator("button[type=submit]").click()
    expect(form.locator("[aria-invalid=true]").first).to_have_attribute("name", field)
    found: list[str] = form.evaluate("form => looks.refused(form)")
    cancel = form.get_by_role("button", name="取消", exact=True)
    if cancel.count() > 0:
        cancel.click()
    return found


def test_every_form_says_at_the_field_what_was_refused(open_desk: OpenDesk) -> None:
    desk = open_desk(viewport=PHONE)
    page, found = desk.page, []
    page.context.add_init_script(path=SCRIPT)
    page.goto(desk.url)
    page.fill("[name=username]", "admin-1")
    page.fill("[name=password]", "not this one")
    found += refused(page, page.locator("form"), "password")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("main#main")
    for path, opened, field in FORMS:
        desk.go(path)
        opened(page)
        form = page.locator("form").filter(has=page.locator(f"[name={field}]")).first
        found += [f"{path} {field}: {fault}" for fault in refused(page, form, field)]
    assert not found, "\n".join(found)
