"""The other pages: an alarm's whole way, tasks, homes, devices; languages, telephone, outside."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.adapters.fake_api import FakeHub
from tests.adapters.fake_county import ACCOUNTS
from tests.adapters.fake_quarantine import QUARANTINE
from tests.adapters.fake_rota import WORDS
from tests.browser.axe import LEVELS, read_axe, violations
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

CHINESE = re.compile(r"[\u3400-\u9fff]+")


def alarm_of(hub: FakeHub, kind: str) -> str:
    found = [a for a in hub.cases.alarms.values() if a["kind"] == kind and a["state"] != "closed"]
    return str(found[-1]["id"])


def test_close_with_an_outcome(desk: Desk, hub: FakeHub) -> None:
    page, alarm = desk.page, alarm_of(hub, "sos")
    page.locator(f'[data-alarm="{alarm}"] h3 a').click()
    expect(page.locator("h1")).to_have_text("按下呼叫按钮")
    page.get_by_role("button", name="接警").click()
    expect(page.locator("header.head")).to_contain_text("已接警")
    page.get_by_role("button", name="结案", exact=True).click()
    submit = page.get_by_role("button", name="确认结案")
    expect(submit).to_be_disabled()
    note = page.get_by_label("说明")
    desk.at_every_size(page.get_by_label("误按"), note, shown=[submit, page.locator("h1")])
    page.get_by_label("误按").check()
    page.get_by_label("说明").fill("和老人通了话，没事")
    submit.click()
    expect(page.locator(".ended")).to_contain_text("误按")
    expect(page.locator(".ended")).to_contain_text("和老人通了话，没事")
    expect(page.locator("main ol li.closed")).to_contain_text("赵敏")
    case_ = hub.cases.alarms[alarm]
    assert (case_["state"], case_["outcome"]) == ("closed", "accidental")
    assert case_["found_out"] is None
    # Of a silence it asks how it was, and so does the record of whoever went there.
    silence = alarm_of(hub, "no_sign_of_life")
    desk.go(f"/alarms/{silence}")
    page.get_by_role("button", name=re.compile("探访记录")).first.click()
    how = page.get_by_role("group", name="报警时老人的情况")
    how.get_by_role("button", name="外出").click()
    page.get_by_role("button", name="全部无变化 / 安全").click()
    desk.at_every_size(how)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(how.get_by_role("button")).to_have_count(4)
    [visit] = [v for v in hub.visits.visits.values() if v["alarm"] == silence]
    assert visit["record"]["found_out"] == "was_out"
    desk.at_every_size(how, shown=[page.get_by_role("button", name="在家，平安")])
    for said in ("外出", "在家，平安"):
        how.get_by_role("button", name=said).click()
    expect(how.locator('[aria-pressed="true"]')).to_have_text("在家，平安")
    page.get_by_label("无应答").check()
    submit.click()
    expect(page.locator(".ended")).to_contain_text("当时的情况：在家，平安")
    expect(page.locator("main ol li.closed")).to_contain_text("在家，平安")
    assert hub.cases.alarms[silence]["found_out"] == "was_in_and_well"


def test_a_scanned_label_shows_its_device(desk: Desk, hub: FakeHub) -> None:
    name = next(n for n, d in hub.county.devices.items() if d["home"] is not None)
    desk.go(f"/equipment?device={name}")
    page = desk.page
    expect(page.locator("li.device")).to_have_count(1)
    expect(page.locator("li.device")).to_contain_text(name)
    label = page.locator("li.device a", has_text="二维码标签")
    expect(label).to_have_attribute("href", f"/api/v1/devices/{name}/label.svg")
    page.get_by_role("button", name="显示全部").click()
    expect(page.locator("li.device").nth(1)).to_be_visible()


def test_send_somebody_and_the_visitors_way(desk: Desk, open_desk: OpenDesk, hub: FakeHub) -> None:
    alarm = alarm_of(hub, "sos")
    desk.go(f"/alarms/{alarm}")
    desk.page.get_by_role("button", name="派人").click()
    # The person's own visitor stands first.
    first = desk.page.locator("main li button.button").first
    expect(first).to_contain_text("探访责任人")
    desk.at_every_size(first, desk.page.get_by_role("button", name="取消"))
    first.click()
    head, actions = desk.page.locator(".panel.head"), desk.page.locator(".actions")
    expect(head.locator(".holder")).to_have_text("冯建国")
    # How far he is and how to call him; nothing to press but to wait.
    expect(head).to_contain_text("已派给 冯建国，还没有接受")
    expect(head.locator(".sent a[href^='tel:']")).to_be_visible()
    expect(actions.locator(".primary, .urgent")).to_have_count(0)
    # What can be said for him at the desk names him: it is not the officer who goes.
    expect(desk.page.get_by_role("button", name="冯建国 接受")).to_be_visible()
    expect(desk.page.get_by_role("button", name="接受任务")).to_have_count(0)

    visitor = open_desk(viewport=PHONE)
    visitor.sign_in("visitor-1")
    # It lies over everything until there is an answer; then the way goes on under the thumb.
    visitor.page.locator("[data-call]").get_by_role("button", name="接受任务").click()
    expect(visitor.page.locator("[data-call]")).to_have_count(0)
    # The stream may take it away before the answer comes, which leads to the card.
    visitor.wait_for("location.pathname.startsWith('/tasks/')")
    visitor.go(f"/alarms/{alarm}")
    thumb = visitor.page.locator(".actions")
    for step in ("出发", "到达"):
        button = thumb.get_by_role("button", name=step, exact=True)
        expect(thumb.locator(".primary, .urgent")).to_have_text([step])
        button.click()
    # What was just said covers nothing that is to be pressed. It is gone after some seconds.
    visitor.wait_for(
        "(() => {"
        " const toasts = [...document.querySelectorAll('.toasts button')];"
        " const said = toasts.filter((one) => one.checkVisibility());"
        " const pressed = document.querySelector('.actions').getBoundingClientRect();"
        " return said.length === 1 && said[0].getBoundingClientRect().bottom < pressed.top; })()"
    )
    expect(head).to_contain_text("冯建国 已到达")
    thumb.get_by_role("link", name="填写现场情况").click()
    task = visitor.page.locator("main header.panel")
    expect(task.locator("a[href='tel:120']")).to_be_visible()
    expect(task.get_by_role("button", name="完成")).to_be_disabled()
    task.get_by_label("现场情况").fill("摔倒，已扶起，无外伤")
    task.get_by_role("button", name="完成").click()
    visitor.go("/tasks")
    expect(visitor.page.locator("main")).to_contain_text("现在没有派给您的任务")
    expect(desk.page.locator(".side")).to_contain_text("摔倒，已扶起，无外伤")
    expect(head).to_contain_text("冯建国 已完成上门，可以结案")
    expect(actions.locator(".primary, .urgent")).to_have_text(["结案"])
    assert hub.cases.alarms[alarm]["state"] == "in_response"


CALLS = ((".head", "13800000002"), (".side", "13900000002"))


def test_contacts_can_be_called(desk: Desk, hub: FakeHub) -> None:
    desk.go(f"/alarms/{alarm_of(hub, 'sos')}")
    expect(desk.page.locator('.side a[href="tel:13900000002"]')).to_be_visible()
    expect(desk.page.locator('.head a[href="tel:13800000002"]')).to_be_visible()
    access = desk.page.locator(".side dt", has_text="进门方法")
    expect(access).to_be_visible()
    calls = [desk.page.locator(f'{part} a[href="tel:{number}"]') for part, number in CALLS]
    desk.at_every_size(*calls, shown=[access])


def is_drawn_anew(desk: Desk) -> bool:
    """Whether the chart is another one after the hub's clock went on by two seconds."""
    desk.page.evaluate("window.chart = document.querySelector('.chart canvas')")
    clock = desk.page.locator(".tools time.number")
    for _ in range(2):
        before = clock.inner_text()
        expect(clock).not_to_have_text(before)
    return bool(desk.page.evaluate("window.chart !== document.querySelector('.chart canvas')"))


@pytest.mark.parametrize(
    ("kind", "usual"),
    [
        (
            "blood_pressure",
            re.compile(r"28 天里十次有八次.*收缩压\s*1[23]\d.*–1[34]\d.* mmHg", re.S),
        ),
        ("no_sign_of_life", re.compile("此前 28 天同一时刻")),
    ],
)
def test_the_evidence_is_drawn_over_what_was_usual(
    desk: Desk, hub: FakeHub, kind: str, usual: re.Pattern[str]
) -> None:
    desk.go(f"/alarms/{alarm_of(hub, kind)}")
    expect(desk.page.locator(".panel:has(.chart)")).to_contain_text(usual)
    expect(desk.page.locator(".chart canvas")).to_be_visible()
    drawn = desk.page.locator(".chart canvas").evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0)"
    )
    assert drawn
    # The clocks of the page go on; the chart is not made anew with every second of theirs. A minute
    # may end once meanwhile.
    assert not (is_drawn_anew(desk) and is_drawn_anew(desk))
    expect(desk.page.get_by_role("heading", name="为什么报警")).to_be_visible()
    desk.at_every_size(
        shown=[desk.page.locator(".chart canvas"), desk.page.locator("main ol li").first]
    )


def test_homes_are_found_by_village_and_name(desk: Desk) -> None:
    desk.go("/homes")
    homes = desk.page.locator("main li.panel")
    expect(homes).to_have_count(24)
    desk.page.locator("select").select_option(label="三里垭村")
    expect(homes).to_have_count(8)
    desk.page.get_by_placeholder("姓名").fill("孙春")
    expect(homes).to_have_count(1)
    expect(homes.first).to_contain_text("无生活迹象")
    homes.first.locator("a").click()
    expect(desk.page.locator("h1")).to_contain_text("孙春梅")
    expect(desk.page.locator("main")).to_contain_text("只剩自动电器的底量用电")
    desk.at_every_size(desk.page.get_by_role("button", name="一月"))
    desk.page.get_by_role("button", name="一月").click()
    expect(desk.page.locator(".chart canvas")).to_be_visible()


def test_bind_a_device(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in("admin")
    desk.go("/equipment")
    section = desk.page.locator(".unbound")
    expect(section).to_contain_text("2 台设备等待绑定")
    form = section.locator("li", has_text="rf-5A3F1").locator("form")
    form.locator("select[name=home]").select_option("home-0006")
    form.locator("select[name=kind]").select_option("sos")
    form.locator("[name=label]").fill("床头按钮")
    desk.at_every_size(form.get_by_role("button", name="绑定"), form.locator("select[name=home]"))
    form.get_by_role("button", name="绑定").click()
    expect(section).to_contain_text("1 台设备等待绑定")
    bound = hub.county.devices["gw-0001/rf-5A3F1"]
    assert (bound["home"], bound["kind"], bound["label"]) == ("home-0006", "sos", "床头按钮")


def test_a_button_is_exchanged_at_a_home(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk(language="en")
    desk.sign_in("admin")
    page = desk.page
    old = hub.county.devices["gw-0001/button-0001"]
    home = old["home"]
    desk.go("/equipment")
    unbound = page.locator(".unbound")
    fresh = unbound.locator("li", has_text="rf-5A3F1").locator("form")
    # Who has no home can't be taken out of one.
    expect(fresh.get_by_role("option", name="Take it out of this home")).to_have_count(0)
    fresh.locator("select[name=home]").select_option(home)
    fresh.locator("select[name=kind]").select_option("sos")
    fresh.get_by_role("button", name="Bind").click()
    expect(unbound.locator("li", has_text="rf-5A3F1")).to_have_count(0)
    page.get_by_role("button", name=re.compile("^All")).click()
    page.get_by_role("button", name="Settings: 床头呼叫按钮").first.click()
    form = page.locator("li.device form")
    form.locator("select[name=home]").select_option(label="Take it out of this home")
    expect(form.get_by_role("status")).to_contain_text("counts for no home")
    save = form.get_by_role("button", name="Save")
    desk.at_every_size(save, shown=[form.get_by_role("status")])
    assert violations(desk, read_axe(), {"runOnly": list(LEVELS)}) == []
    with page.expect_request(lambda request: request.method == "PATCH") as sent:
        save.click()
    assert sent.value.post_data_json == {"home": None}
    expect(unbound).to_contain_text("button-0001")
    now = {
        name: hub.county.devices[f"gw-0001/{name}"]["home"] for name in ("button-0001", "rf-5A3F1")
    }
    assert now == {"button-0001": None, "rf-5A3F1": home}


def test_dead_gateways_and_quarantine_are_shown(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.sign_in("admin")
    desk.go("/equipment")
    first = desk.page.locator(".gateways li").first
    expect(first).to_contain_text("药妇沟村村委会")
    expect(first).to_contain_text("离线")
    desk.page.get_by_text("原始数据").nth(1).click()
    expect(desk.page.locator("main")).to_contain_text("68 aa aa aa aa aa aa 68")
    desk.at_every_size(shown=[first])


def test_back_leads_to_the_board_and_links_open_directly(desk: Desk, hub: FakeHub) -> None:
    alarm = alarm_of(hub, "blood_pressure")
    desk.page.goto(f"{desk.url}/alarms/{alarm}")
    expect(desk.page.locator("h1")).to_contain_text("血压")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator(".queue")).to_be_visible()
    desk.go("/nowhere/at/all")
    expect(desk.page.locator("main [role=alert]")).to_have_text("可能已移走，或网址不对。")


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from strings(inner)


def data_of(hub: FakeHub) -> list[str]:
    """Everything Chinese that the hub itself knows, the longest first."""
    county, cases = hub.county, hub.cases
    known = (
        list(county.homes.values()),
        list(county.persons.values()),
        list(county.devices.values()),
        county.gateways(),
        list(cases.alarms.values()),
        list(ACCOUNTS.values()),
        QUARANTINE,
        WORDS,
    )
    return sorted({s for s in strings(known) if CHINESE.search(s)}, key=len, reverse=True)


def said(page: Page) -> str:
    """All that is written, and what is told to those who don't see."""
    told = page.evaluate(
        "[...document.querySelectorAll('[title],[placeholder],[aria-label],option')].map("
        "e => [e.title, e.placeholder, e.ariaLabel, e.text].join(' ')).join('\\n')"
    )
    return f"{page.title()}\n{page.inner_text('body')}\n{told}"


def test_a_foreign_request_or_an_inline_style_would_be_noticed(desk: Desk) -> None:
    """The check that every window passes at its end is able to fail."""
    desk.page.evaluate(
        "() => { const style = document.createElement('style'); style.textContent = 'p {top: 0}';"
        " document.head.append(style); return fetch('http://127.0.0.1:9/').catch(() => 0) }"
    )
    desk.wait_for("window.violations.length >= 2")
    with pytest.raises(AssertionError, match="style-src"):
        desk.check()
    desk.problems.clear()
    desk.page.evaluate("window.violations = []")


def test_the_menu_counts_who_was_not_seen_by_day_and_not_by_night(
    open_desk: OpenDesk, hub: FakeHub
) -> None:
    night = open_desk()
    night.sign_in()
    menu = night.page.get_by_role("link", name="未见动静")
    expect(menu).to_be_visible()
    expect(night.page.locator("time").first).to_contain_text("03:0")
    expect(menu.locator(".count")).to_have_count(0)
    hub.county.now_ms += 6 * 3_600_000
    day = open_desk()
    day.sign_in()
    expect(day.page.get_by_role("link", name="未见动静").locator(".count")).to_have_text("3")
