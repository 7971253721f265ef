"""A gateway's certificate card and the page that its code opens, at a real hub with an authority:
made, used, over, revoked, another Pi in its place; in both languages and every size."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Locator, expect

from contract.enrolment import parse_code
from dashboard.label import address_code
from hearthwatch.clock import wall_ms
from tests.adapters.enrolment import LocalAuthority, Pi, local_enrolment
from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import Bench
from tests.adapters.real_hub import serving_hub
from tests.browser.conftest import DEADLINE_MS, DESKTOP, PHONE, Desk, OpenDesk
from tests.dashboard.county import ROSTER

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

ACCOUNTS = {"installer-1": ("installer", "610926"), "duty-1": ("duty", "610926101")}
CODE = f"gw-0001.{'t' * 43}.{'f' * 43}"
# What the pages say, by the language: the words of the catalogues, as people read them.
SAYS = {
    "zh-CN": {
        "keys": "证书与登记",
        "make": "生成登记码",
        "replace": "更换网关主机：生成登记码",
        "qr": "登记二维码",
        "hide": "收起",
        "waiting": "有一个登记码尚未使用",
        "none": "还没有登记过",
        "valid": "有效",
        "expired": "已到期",
        "revoked": "已吊销",
        "revoke": "吊销（丢失、被盗）",
        "reason": "原因（留存备查，不写姓名）",
        "now": "立即吊销",
        "copy": "复制登记码",
        "command": "复制命令",
        "for": "把这台主机登记为网关 gw-0001。",
        "cut": "这个地址不完整",
        "replaced": "换上新主机后自动吊销",
    },
    "en": {
        "keys": "Certificate",
        "make": "Make a code",
        "replace": "Replace machine: make a code",
        "qr": "QR code for the enrolment",
        "hide": "Hide",
        "waiting": "An unused code is valid until",
        "none": "Nothing is enrolled yet",
        "valid": "valid",
        "expired": "expired",
        "revoked": "revoked",
        "revoke": "Revoke (lost, stolen)",
        "reason": "Reason (kept on record; name nobody)",
        "now": "Revoke now",
        "copy": "Copy the code",
        "command": "Copy the command",
        "for": "The gateway computer you are setting up becomes gw-0001.",
        "cut": "This link is incomplete",
        "replaced": "when another machine took its place",
    },
}
LANGUAGES = pytest.mark.parametrize("language", SAYS)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Bench]]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as (address, bench):
        authority = LocalAuthority(wall_ms)
        state = bench.hub.app.state
        enrolment = local_enrolment(tmp_path, authority, state.deps.engine, bench.hub.side.register)
        state.deps = dataclasses.replace(state.deps, enrolment=enrolment)
        yield address, bench


@pytest.fixture
def url(served: tuple[str, Bench]) -> str:
    return served[0]


def enrol(url: str, code: str) -> int:
    """What the Pi does with the code; the status."""
    body = {"token": parse_code(code).token, "request": Pi().request}
    return httpx2.post(f"{url}/api/v1/enrolment", json=body, timeout=30).status_code


class Card:
    """The certificates of the first gateway, opened on the page of equipment."""

    def __init__(self, desk: Desk, says: dict[str, str]) -> None:
        self.desk, self.says = desk, says
        self.open()

    def open(self) -> None:
        self.desk.page.goto(f"{self.desk.url}/equipment")
        self.root = self.desk.page.locator("li.panel", has_text="gw-0001").first
        self.button("keys").click()
        expect(self.root.locator(".keys .rows")).to_be_visible()

    def button(self, word: str) -> Locator:
        return self.root.get_by_role("button", name=self.says[word], exact=True)

    def code(self, word: str) -> str:
        self.button(word).click()
        picture = self.root.get_by_alt_text(self.says["qr"])
        expect(picture).to_be_visible()
        text = self.root.locator(".code").inner_text()
        # The picture is of this very text, and it is drawn.
        assert picture.get_attribute("src") is not None
        self.desk.wait_for("document.querySelector('.made img').naturalWidth > 0")
        drawn = self.desk.page.evaluate(
            "decodeURIComponent(document.querySelector('.made img').src.split(',')[1])"
        )
        assert drawn == address_code(text)
        return text

    def states(self) -> list[str]:
        return self.root.locator(".keys .rows .badge").all_inner_texts()


@LANGUAGES
def test_a_card_from_the_first_code_to_a_stolen_machine(
    open_desk: OpenDesk, served: tuple[str, Bench], language: str
) -> None:
    url, bench = served
    says = SAYS[language]
    desk = open_desk(language=language)
    desk.sign_in_by_hand("installer-1")
    card = Card(desk, says)
    expect(card.root).to_contain_text(says["none"])
    first = card.code("make")
    desk.at_every_size(card.button("copy"), card.button("hide"), shown=[card.root.locator("img")])
    # It is shown this once; that one waits is said.
    card.open()
    expect(card.root.locator(".made")).to_have_count(0)
    expect(card.root).to_contain_text(says["waiting"])
    assert first.split("#")[1].split(".")[1] not in desk.page.content()
    assert enrol(url, first) == 201
    card.open()
    assert card.states() == [says["valid"]]
    expect(card.root).not_to_contain_text(says["waiting"])
    assert enrol(url, first) == 409, "a code that was used"
    # One that is over is nobody's, and the card says nothing of it.
    over = card.code("replace")
    bench.change(lambda unit: unit.execute("UPDATE gateway_code SET expires_at_ms = 1"))
    assert enrol(url, over) == 410
    card.open()
    expect(card.root).not_to_contain_text(says["waiting"])
    # Another Pi takes the place of the broken one.
    assert enrol(url, card.code("replace")) == 201
    card.open()
    assert card.states() == [says["valid"], says["revoked"]]
    expect(card.root).to_contain_text(says["replaced"])
    bench.change(
        lambda unit: unit.execute(
            "UPDATE gateway_certificate SET not_after_ms = 1000 WHERE revoked_at_ms IS NULL"
        )
    )
    card.open()
    assert card.states() == [says["expired"], says["revoked"]]
    # And is stolen.
    card.button("revoke").click()
    card.root.get_by_label(says["reason"]).fill("x")
    expect(card.button("now")).to_be_disabled()
    card.root.get_by_label(says["reason"]).fill("网关被盗")
    desk.at_every_size(card.button("now"))
    card.button("now").click()
    expect(card.root).to_contain_text("网关被盗")
    assert card.states() == [says["revoked"], says["revoked"]]
    rows = bench.change(
        lambda unit: unit.execute("SELECT actor FROM audit WHERE action = 'revoked'").fetchall()
    )
    assert [row[0] for row in rows] == ["installer-1"]


def test_who_may_not_change_it_sees_it_and_has_no_button(
    open_desk: OpenDesk, served: tuple[str, Bench]
) -> None:
    desk = open_desk()
    desk.sign_in_by_hand("duty-1")
    card = Card(desk, SAYS["zh-CN"])
    expect(card.root).to_contain_text("还没有登记过")
    expect(card.button("make")).to_have_count(0)


@LANGUAGES
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_what_the_code_opens_on_an_installers_telephone(
    open_desk: OpenDesk, url: str, language: str, viewport: dict[str, int]
) -> None:
    """Without a login; and nothing of the code is sent to anybody."""
    says = SAYS[language]
    desk = open_desk(viewport=viewport, language=language)
    desk.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    sent: list[str] = []
    desk.page.on("request", lambda request: sent.append(request.url + (request.post_data or "")))
    desk.page.goto(f"{url}/enrol#{CODE}")
    page = desk.page
    expect(page.get_by_text(says["for"])).to_be_visible()
    expect(page.get_by_text("sudo hearthwatch gateway enrol --code -")).to_be_visible()
    # The second is for the restart of the service.
    command = page.get_by_role("button", name=says["command"], exact=True).first
    copy = page.get_by_role("button", name=says["copy"], exact=True)
    desk.at_every_size(command, copy)
    command.click()
    desk.wait_for("navigator.clipboard.readText().then((t) => t.startsWith('sudo '))")
    copy.click()
    desk.wait_for(f"navigator.clipboard.readText().then((t) => t.endsWith('#{CODE}'))")
    assert not [one for one in sent if "t" * 43 in one.partition("#")[0]]
    page.goto(f"{url}/enrol#{CODE[:-1]}")
    # Another # alone loads nothing anew.
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text(says["cut"])
    expect(copy).to_have_count(0)
