"""A telephone whose browser is closed and opened again, without network in between."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Playwright, expect

from contract.moment import to_iso
from tests.adapters.chromium import FLAGS
from tests.adapters.fake_api import FakeHub
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, prepare
from tests.browser.test_visits import VISITOR, begin, kept_shell, network, sign

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)


@contextmanager
def telephone(
    driver: Playwright, chromium_path: str, folder: Path, hub: FakeHub, url: str
) -> Iterator:
    """One browser with one folder, until it is closed."""
    context = driver.chromium.launch_persistent_context(
        folder,
        executable_path=chromium_path,
        args=list(FLAGS),
        viewport=PHONE,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    try:
        prepare(context)
        desk = Desk(context.pages[0], hub, url)
        yield desk
        desk.check()
    finally:
        context.close()


def photo() -> Any:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "gray").save(out, "JPEG")
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def installable(desk: Desk) -> tuple[list[str], str]:
    """What Chromium has against an installation, and what it would be called."""
    talk = desk.page.context.new_cdp_session(desk.page)
    errors = talk.send("Page.getInstallabilityErrors")["installabilityErrors"]
    manifest = talk.send("Page.getAppManifest")
    faults = [str(error["message"]) for error in manifest["errors"]]
    return [*(str(one["errorId"]) for one in errors), *faults], str(manifest["data"])


def test_what_was_written_outlives_the_browser(
    driver: Playwright, chromium_path: str, tmp_path: Path, hub: FakeHub, url: str
) -> None:
    folder = tmp_path / "telephone"
    with telephone(driver, chromium_path, folder, hub, url) as desk:
        page = desk.page
        desk.sign_in(VISITOR)
        faults, manifest = installable(desk)
        assert not faults
        assert "守望" in manifest
        page.goto(f"{url}/visits")
        expect(page.get_by_role("button", name="开始探访").first).to_be_visible()
        kept_shell(desk)
        network(page.context, hub, there=False)
        # One is written to its end, with a photo and a signature; of another a half.
        begin(page)
        page.get_by_role("button", name="全部无变化 / 安全").click()
        page.fill("[name=needs]", "降压药")
        page.set_input_files("[name=photos]", [photo()])
        expect(page.locator(".photos img")).to_have_count(1)
        sign(page, "person")
        page.get_by_role("button", name="提交", exact=True).click()
        expect(page.locator(".unsent h2")).to_have_text("未发送 1 条")
        page.get_by_role("button", name="开始探访").nth(1).click()
        page.fill("[name=needs]", "老花镜")
        kept = page.locator("form [role=status]")
        expect(kept).to_have_text("已保存在本机")
        expect(kept).to_have_attribute("data-writing", "0")
    assert hub.visits.visits == {}

    with telephone(driver, chromium_path, folder, hub, url) as desk:
        page = desk.page
        page.context.set_offline(True)
        page.goto(f"{url}/visits")
        expect(page.locator(".unsent h2")).to_have_text("未发送 1 条")
        expect(page.locator(".unsent li")).to_have_count(2)
        page.get_by_role("button", name="继续填写").click()
        expect(page.locator("[name=needs]")).to_have_value("老花镜")
    # Meanwhile somebody else has recorded a visit to the first of them.
    person, home = _visited(hub)
    with hub.lock:
        hub.visits.record("visitor-2", _same_visit(hub, person, home))
    hub.cut_network(False)

    with telephone(driver, chromium_path, folder, hub, url) as desk:
        page = desk.page
        # Its session was over with the browser: what waits is sent after the next sign-in.
        desk.sign_in(VISITOR)
        desk.go("/visits")
        expect(page.locator(".unsent h2")).to_have_text("没填完的记录")
        expect(page.locator("main")).to_contain_text("可能重复的记录（2）")
    mine = [v for v in hub.visits.visits.values() if v["visitor"]["username"] == VISITOR]
    assert [v["record"]["needs"] for v in mine] == ["降压药"]
    kinds = [kind for kind, _content in hub.visits.files[mine[0]["id"]]]
    assert sorted(kinds) == ["photo", "signature_person"]

    with telephone(driver, chromium_path, folder, hub, url) as desk:
        desk.sign_in(VISITOR)
        desk.go("/visits")
        expect(desk.page.locator(".unsent li")).to_have_count(1)
        expect(desk.page.locator("main")).to_contain_text("可能重复的记录（2）")
    assert len([one for one in hub.visits.posts if one["_key"] != "theirs"]) == 1


def _visited(hub: FakeHub) -> tuple[str, str]:
    people = hub.visits.answer(VISITOR, "GET", ["visits", "people"], {})
    assert people is not None
    return people["items"][0]["id"], people["items"][0]["home"]


def _same_visit(hub: FakeHub, person: str, home: str) -> dict[str, Any]:
    return {
        **{"home": home, "service_user": person, "way": "home_visit", "record": {"needs": ""}},
        **{"visited_at": to_iso(hub.now_ms()), "_key": "theirs"},
    }
