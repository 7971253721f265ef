"""Signing in with a second step, set up and used in a browser at a real hub: an authenticator app,
paper, a passkey, and what is asked for again before somebody gives power."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from dashboard.signing_in.policy import OWN_FRESH_MS
from dashboard.signing_in.settings import SigningIn
from ledger.unit_of_work import UnitOfWork
from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import Bench
from tests.adapters.real_hub import serving_hub
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.dashboard.county import ROSTER

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

ACCOUNTS = {"admin-1": ("admin", ""), "duty-1": ("duty", "610926101")}
STEP_S = 30


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Bench]]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as (address, bench):
        # Browsers let pages without TLS have passkeys on localhost alone.
        yield address.replace("127.0.0.1", "localhost"), bench


@pytest.fixture
def url(served: tuple[str, Bench]) -> str:
    return served[0]


def signed_in(open_desk: OpenDesk, username: str, **more: object) -> Desk:
    desk = open_desk(**more)
    desk.sign_in_by_hand(username)
    return desk


def set_up_app(page: Page) -> tuple[pyotp.TOTP, list[str]]:
    """The app, and the codes on paper."""
    panel = page.get_by_role("region", name="验证器应用")
    panel.get_by_role("button", name="设置").click()
    expect(panel.get_by_role("img", name="设置验证器应用的二维码")).to_be_visible()
    app = pyotp.TOTP(panel.locator(".secret").inner_text().replace(" ", ""))
    panel.get_by_label("6 位数字").fill(app.now())
    panel.get_by_role("button", name="启用").click()
    codes = panel.locator(".codes li")
    expect(codes).to_have_count(10)
    found = codes.all_inner_texts()
    # Before it is pressed: where the second step was asked for, the page then goes on to the board.
    expect(panel.get_by_text("还有 10 个没有用过")).to_be_visible()
    panel.get_by_role("button", name="已经收好").click()
    return app, found


def next_code(app: pyotp.TOTP, bench: Bench) -> str:
    """The one after the last that was taken: it counts as well, and nobody waits for it."""
    [[step]] = rows(bench, "SELECT last_step FROM totp")
    return str(app.generate_otp(int(step) + 1))


def rows(bench: Bench, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = bench.change(lambda unit: unit.execute(sql).fetchall())
    return found


def fill_in(page: Page, username: str) -> None:
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


def leave(desk: Desk) -> None:
    desk.go("/me")
    desk.page.locator("main").get_by_role("button", name="退出").click()
    expect(desk.page.locator("[name=username]")).to_be_visible()


def test_the_app_then_paper(open_desk: OpenDesk, served: tuple[str, Bench]) -> None:
    bench = served[1]
    desk = signed_in(open_desk, "duty-1", viewport=PHONE)
    page = desk.page
    desk.go("/me")
    page.get_by_role("link", name="登录与安全").click()
    app, paper = set_up_app(page)
    leave(desk)
    fill_in(page, "duty-1")
    code = page.get_by_label("验证码", exact=True)
    code.fill("000000")
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_role("alert")).to_contain_text("验证码不对")
    code.fill(next_code(app, bench))
    page.get_by_role("button", name="继续").click()
    expect(page.locator(".queue, .calm, main h1").first).to_be_visible()
    # What was tried in vain is told to who comes in.
    expect(page.locator(".toasts")).to_contain_text("登录失败 1 次")
    leave(desk)
    fill_in(page, "duty-1")
    code.fill(paper[0].upper())
    page.get_by_role("button", name="继续").click()
    expect(page.locator("main#main")).to_be_visible()
    desk.go("/security")
    expect(page.get_by_text("还有 9 个没有用过")).to_be_visible()


def test_a_passkey_made_used_and_removed(open_desk: OpenDesk, served: tuple[str, Bench]) -> None:
    desk = signed_in(open_desk, "duty-1")
    page = desk.page
    authenticator = page.context.new_cdp_session(page)
    authenticator.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    authenticator.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    desk.go("/security")
    panel = page.get_by_role("region", name="通行密钥")
    panel.get_by_role("button", name="添加").click()
    panel.get_by_label("名称").fill("值班台")
    panel.get_by_role("form").get_by_role("button", name="添加").click()
    expect(panel.get_by_text("还没有用过")).to_be_visible()
    leave(desk)
    # The password alone is not enough any more.
    fill_in(page, "duty-1")
    expect(page.get_by_label("验证码", exact=True)).to_be_visible()
    page.get_by_role("button", name="用通行密钥登录").click()
    expect(page.locator("main#main")).to_be_visible()
    desk.go("/security")
    expect(page.get_by_text("通行密钥 · 上次使用")).to_be_visible()
    panel.get_by_role("button", name="删除").click()
    expect(panel.get_by_text("还没有通行密钥", exact=True)).to_be_visible()
    assert rows(served[1], "SELECT count(*) FROM passkey") == [(0,)]


def test_giving_power_asks_again_and_goes_on(
    open_desk: OpenDesk, served: tuple[str, Bench]
) -> None:
    bench = served[1]
    desk = signed_in(open_desk, "admin-1")
    page = desk.page
    desk.go("/security")
    app, _ = set_up_app(page)
    later = max(SigningIn().step_up_ms, OWN_FRESH_MS) + 1

    def as_if_long_ago(unit: UnitOfWork) -> None:
        unit.execute("UPDATE session SET factor_at_ms = factor_at_ms - ?", (later,))

    bench.change(as_if_long_ago)
    desk.go("/users")
    row = page.locator("[data-account=duty-1]")
    row.get_by_role("button", name="锁定").click()
    row.get_by_role("form").get_by_role("button", name="锁定").click()
    dialog = page.get_by_role("dialog", name="再验证一次身份")
    dialog.get_by_label("验证码或恢复码").fill(next_code(app, bench))
    dialog.get_by_role("button", name="确认").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".toasts")).to_contain_text("锁定")
    assert rows(bench, "SELECT disabled FROM account WHERE username = 'duty-1'") == [(1,)]


def test_where_it_is_asked_it_is_set_up_first(
    open_desk: OpenDesk, served: tuple[str, Bench]
) -> None:
    bench = served[1]
    settings = SigningIn(second_factor="staff", grace_days=0)
    object.__setattr__(bench.hub.app.state.deps, "signing_in", settings)
    desk = open_desk(viewport=PHONE)
    page = desk.page
    page.goto(desk.url)
    fill_in(page, "duty-1")
    expect(page.get_by_text("从现在起，登录要有第二步")).to_be_visible()
    app, _ = set_up_app(page)
    expect(page.get_by_role("heading", name="值班", exact=False).first).to_be_visible()
    assert app.secret not in page.content()


def test_a_token_is_made_shown_once_and_revoked(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, "admin-1")
    page = desk.page
    desk.go("/security")
    panel = page.get_by_role("region", name="程序令牌")
    panel.get_by_role("button", name="新令牌").click()
    panel.get_by_role("button", name="生成").click()
    expect(panel.get_by_role("alert")).to_contain_text("至少选一项")
    panel.get_by_label("给什么程序用").fill("夜间报表")
    panel.get_by_label("报表：查看").check()
    panel.get_by_role("button", name="生成").click()
    expect(panel.locator(".token")).to_contain_text("hwt_")
    panel.get_by_role("button", name="已经收好").click()
    expect(panel.locator(".token")).to_have_count(0)
    panel.get_by_role("button", name="停用令牌 夜间报表").click()
    expect(panel.get_by_text("已停用")).to_be_visible()


def test_a_second_step_that_was_set_up_elsewhere_is_asked_for(
    open_desk: OpenDesk, served: tuple[str, Bench]
) -> None:
    """On a board that stands open: it says why it shows nothing any more."""
    bench = served[1]
    desk = signed_in(open_desk, "duty-1")
    expect(desk.page.locator(".queue, .calm").first).to_be_visible()

    def elsewhere(unit: UnitOfWork) -> None:
        unit.execute("INSERT INTO totp VALUES ('duty-1', 'JBSWY3DPEHPK3PXP', 0, 1, 1)")

    bench.change(elsewhere)
    desk.go("/tasks")
    expect(desk.page.get_by_role("heading", name="再验证一次身份")).to_be_visible()
    expect(desk.page.get_by_label("验证码或恢复码")).to_be_visible()


def test_what_happened_at_the_door_is_told_and_stands_on_record(open_desk: OpenDesk) -> None:
    desk, other = signed_in(open_desk, "duty-1"), open_desk(viewport=PHONE)
    for word in ("wrong password", "wrong again"):
        other.page.goto(desk.url)
        other.page.fill("[name=username]", "duty-1")
        other.page.fill("[name=password]", word)
        other.page.get_by_role("button", name="登录", exact=True).click()
        expect(other.page.get_by_role("alert")).to_contain_text("密码")
    fill_in(other.page, "duty-1")
    expect(other.page.locator("main#main")).to_be_visible()
    leave(desk)
    fill_in(desk.page, "duty-1")
    told = desk.page.locator(".toasts")
    expect(told).to_contain_text("登录失败 2 次")
    expect(told).to_contain_text("没有用过的浏览器上登录了 1 次")
    # Once: a message that came back at every second lay over what is to be pressed.
    desk.page.wait_for_timeout(2_500)
    expect(told.get_by_role("button")).to_have_count(2)
    expect(told.get_by_role("button")).to_have_count(0)
    desk.go("/security")
    panel = desk.page.get_by_role("region", name="登录记录")
    expect(panel.get_by_text("未能登录")).to_have_count(2)
    expect(panel.get_by_text("新浏览器")).to_have_count(1)


def test_a_new_password_asks_which_programs_go_on(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, "admin-1")
    page = desk.page
    for name in ("夜间报表", "大屏数据"):
        made = page.request.post(
            f"{desk.url}/api/v1/me/tokens",
            data={"name": name, "scopes": ["alarm.read"]},
            headers={"X-Requested-With": "hearthwatch"},
        )
        assert made.ok, made.text()
    desk.go("/security")
    page.get_by_text("改我的密码").click()
    form = page.get_by_role("form", name="改我的密码")
    form.get_by_label("大屏数据").check()
    form.locator("[name=old]").fill(PASSWORD)
    for field in ("new", "again"):
        form.locator(f"[name={field}]").fill("zebra lamp moon 4")
    form.get_by_role("button", name="保存").click()
    expect(page.locator(".toasts")).to_contain_text("已停用的程序令牌：夜间报表")
    panel = page.get_by_role("region", name="程序令牌")
    expect(panel.get_by_role("button", name="停用令牌 大屏数据")).to_be_visible()
    expect(panel.get_by_role("button", name="停用令牌 夜间报表")).to_have_count(0)
