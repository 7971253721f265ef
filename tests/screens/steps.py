"""What is done on a page before its picture is taken. Nothing here sends anything to the hub that
changes it.
"""

from typing import Any, Final

from playwright.sync_api import Route, expect

from dashboard.label import address_code
from tests.screens.stage import DEADLINE_MS, Stage

# A list of persons as somebody would bring it: one new, one without a year, one that is no row.
_LIST: Final = (
    "姓名,性别,出生日期,电话,镇,村,组,住址,类别\n"
    "王秀英,女,1941-03-02,0915-8000011,城关镇,龙头村,一组,一组 21 号,独居\n"
    "赵有福,男,1940-05-06,0915-8000012,城关镇,龙头村,二组,二组 22 号,空巢\n"
    "钱大山,男,1939-13-40,,城关镇,没有的村,三组,三组 23 号,不知道\n"
)
_REPLY: Final = {
    "number": 12,
    "severity": "urgent",
    "word": "call",
    "place": "龙头村",
    "state": "open",
    "raised_at": "2026-11-23T16:00:00.000Z",
    "yours": False,
    "answer": None,
    "contact": False,
    "expires_at": "2026-11-24T16:00:00.000Z",
    "timezone": "Asia/Shanghai",
}


def sign_in_wrongly(stage: Stage) -> None:
    stage.page.fill("[name=username]", "duty1")
    stage.page.fill("[name=password]", "not this one")
    stage.click("button[type=submit]")


def no_hub(stage: Stage) -> None:
    stage.page.route("**/api/v1/**", lambda route: route.fulfill(status=503, body=""))


def a_screen_that_asks(stage: Stage) -> None:
    """Its code is another one each time, and a hub gives few to one address."""
    stage.page.route(
        "**/api/v1/screen/code", lambda route: route.fulfill(json={"code": "28461937"})
    )
    waiting = {"state": "asked", "code": "28461937", "lasts_s": 600}
    stage.page.route("**/api/v1/screen", lambda route: route.fulfill(json=waiting))


def a_reply(stage: Stage) -> None:
    """The demonstration tells nobody by message, so no link of its own exists."""
    stage.data.add(str(_REPLY["place"]))
    stage.page.route("**/api/v1/replies/*", lambda route: route.fulfill(json=_REPLY))


_CERTIFICATES: Final = {
    "enrolment": True,
    "code_until": None,
    "items": [
        {
            "serial": "8b01",
            "how": "renewed",
            "issued_at": "2026-10-01T02:00:00Z",
            "not_after": "2026-12-30T02:00:00Z",
            "revoked_at": None,
            "revoked_by": None,
            "revoked_why": None,
        },
        {
            "serial": "7a01",
            "how": "enrolled",
            "issued_at": "2026-08-02T02:00:00Z",
            "not_after": "2026-10-31T02:00:00Z",
            "revoked_at": "2026-08-20T02:00:00Z",
            "revoked_by": "manager1",
            "revoked_why": "网关被盗",
        },
    ],
}


def certificates(stage: Stage) -> None:
    """The demonstration's gateways have passwords."""
    stage.data |= {"网关被盗", "manager1"}
    stage.page.route(
        "**/api/v1/gateways/*/certificates", lambda route: route.fulfill(json=_CERTIFICATES)
    )
    text = f"https://hub.example/enrol#gw-0001.{'t' * 43}.{'f' * 43}"
    made = {"code": text, "svg": address_code(text), "expires_at": "2026-12-01T02:00:00Z"}
    stage.data.add(text)
    stage.page.route(
        "**/api/v1/gateways/*/code", lambda route: route.fulfill(status=201, json=made)
    )


def a_code(stage: Stage) -> None:
    stage.page.get_by_role("button", name=stage.say("gateway.keys")).first.click()
    stage.page.get_by_role("button", name=stage.say("enrol.replace")).click()
    expect(stage.page.get_by_alt_text(stage.say("enrol.qr"))).to_be_visible()


def nothing_open(stage: Stage) -> None:
    def answer(route: Route) -> None:
        route.fulfill(json={"items": [], "next": None})

    def counted(route: Route) -> None:
        # A line that the hub has just closed is opened again.
        summary = route.fetch(max_retries=3).json()
        nobody = {"open": 0, "acknowledged": 0, "in_response": 0}
        route.fulfill(json={**summary, "alarms": {**summary["alarms"], **nobody}})

    stage.page.route("**/api/v1/alarms?*", answer)
    stage.page.route("**/api/v1/summary", counted)


def no_stream(stage: Stage) -> None:
    stage.page.route("**/api/v1/stream*", lambda route: route.fulfill(status=503, body=""))


def lost(stage: Stage) -> None:
    bar = stage.page.get_by_role("status").first
    expect(bar).to_contain_text(stage.say("status.lost"), timeout=DEADLINE_MS)


def keys(stage: Stage) -> None:
    stage.page.keyboard.press("?")
    expect(stage.page.get_by_role("dialog")).to_be_visible()


def edit_all(stage: Stage) -> None:
    """Every section of the file open for writing."""
    name = stage.say("file.edit")
    buttons = stage.page.get_by_role("button", name=name, exact=True)
    for _ in range(buttons.count()):
        buttons.first.click()
    stage.settle()


def bring_a_list(stage: Stage) -> None:
    """Read and judged; nothing is written before somebody confirms it."""
    file: Any = {"name": "list.csv", "mimeType": "text/csv", "buffer": _LIST.encode()}
    stage.data.add(_LIST)
    stage.page.set_input_files("input[type=file]", file)
    expect(stage.button("list.give_up")).to_be_visible(timeout=DEADLINE_MS)
    stage.settle()


def begin_record(stage: Stage) -> None:
    """A draft of this browser alone; what the picture before left half filled is thrown away."""
    left = stage.button("visit.go_on")
    if left.count() > 0:
        left.click()
        stage.page.wait_for_url("**/record/*")
        stage.page.once("dialog", lambda dialog: dialog.accept())
        stage.press("visit.throw_away")
        stage.page.wait_for_url("**/visits")
        stage.settle()
    stage.button("visit.begin").first.click()
    stage.page.wait_for_url("**/record/*")
    stage.settle()


def calm_record(stage: Stage) -> None:
    begin_record(stage)
    stage.press("visit.all_calm")


def vain_record(stage: Stage) -> None:
    begin_record(stage)
    stage.press("visit.nobody_met")


def ask_for_everything(stage: Stage) -> None:
    """What of the hub is large is asked for."""
    stage.click("details.exports summary")
    stage.press("export.all")
    stage.page.locator("details.exports [name=reason]").fill("年度统计上报")


def who_looked(stage: Stage) -> None:
    stage.click("details.looks summary")
